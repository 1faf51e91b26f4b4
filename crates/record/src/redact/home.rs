//! Home folders in a text.

use std::path::{Component, Path};

use regex::Regex;

/// What stands in for a home folder.
const HOME: &str = "/home/user";

/// The same in the query of a URL.
const ENCODED_HOME: &str = "%2Fhome%2Fuser";

/// The home folders to mask, in every way they are written.
#[derive(Clone, Debug, Default)]
pub(super) struct Homes {
    written: Vec<String>,
    regex: Option<Regex>,
}

impl Homes {
    pub(super) fn add(&mut self, path: &Path) {
        let real = std::fs::canonicalize(path).ok();
        for path in [Some(path), real.as_deref()].into_iter().flatten() {
            let is_folder = path.components().any(|component| matches!(component, Component::Normal(_)));
            let Some(text) = path.to_str().filter(|_| is_folder) else { continue };
            let text = text.trim_end_matches(['/', '\\']).trim_start_matches(r"\\?\");
            // A parent of the mask would be found in the mask again.
            let in_mask = HOME.strip_prefix(text).is_some_and(|rest| rest.starts_with('/'));
            if in_mask || !(text.starts_with(['/', '\\']) || has_drive(text)) {
                continue;
            }
            // A Windows path is also written with slashes, and in code with doubled backslashes.
            let slashes = text.replace('\\', "/");
            // In a URL, the path of which keeps its slashes.
            let (encoded, in_url) = (percent_encoded(text), percent_encoded(&slashes));
            let in_path = in_url.replace("%2F", "/").replace("%3A", ":");
            let doubled = text.replace('\\', r"\\");
            for text in [text.to_owned(), slashes, doubled, encoded, in_url, in_path] {
                if !self.written.contains(&text) {
                    self.written.push(text);
                }
            }
        }
        // The longest first: one home can lie in another.
        self.written.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let pattern = |text: &String| match has_drive(text) || text.contains('%') {
            true => format!("(?i:{})", regex::escape(text)),
            false => regex::escape(text),
        };
        let patterns: Vec<String> = self.written.iter().map(pattern).collect();
        // What is escaped parses; a path too long for a regex is left alone.
        self.regex = (!patterns.is_empty()).then(|| Regex::new(&patterns.join("|")).ok()).flatten();
    }

    /// `None` where nothing changes.
    pub(super) fn mask(&self, text: &str) -> Option<String> {
        let mut masked = String::new();
        let mut done = 0;
        for found in self.regex.as_ref()?.find_iter(text) {
            let home = if found.as_str().contains(['/', '\\']) { HOME } else { ENCODED_HOME };
            if found.as_str() != home && ends_path(&text[found.end()..]) {
                masked.push_str(&text[done..found.start()]);
                masked.push_str(home);
                done = found.end();
            }
        }
        (done > 0).then(|| masked + &text[done..])
    }
}

fn has_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic())
}

/// As `encodeURIComponent` does it, nearly: it leaves a few more characters as they are.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => encoded.push(byte.into()),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Whether a path component can end where this text begins.
fn ends_path(rest: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    // A full stop ends a sentence, or goes on with a name.
    !rest.trim_start_matches('.').starts_with(goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn homes(paths: &[&str]) -> Homes {
        let mut homes = Homes::default();
        paths.iter().for_each(|path| homes.add(Path::new(path)));
        homes
    }

    #[test]
    fn only_whole_components() {
        let homes = homes(&["/home/nobody-here"]);
        let masked = |text: &str| homes.mask(text).unwrap_or_else(|| text.to_owned());
        assert_eq!(masked("/home/nobody-here"), "/home/user");
        assert_eq!(masked("a=/home/nobody-here/b:/home/nobody-here."), "a=/home/user/b:/home/user.");
        for other in ["/home/nobody-here2", "/home/nobody-here.bak", "/home/nobody-here-x", "/home/nobody"] {
            assert_eq!(homes.mask(other), None, "{other}");
        }
    }

    #[test]
    fn nested_homes_and_windows() {
        let nested = homes(&["/nowhere/a", "/nowhere/a/b", r"C:\Users\Ann"]);
        assert_eq!(nested.mask("/nowhere/a/b/c /nowhere/a/x").unwrap(), "/home/user/c /home/user/x");
        assert_eq!(nested.mask(r"c:\users\ann\x C:/Users/Ann/y").unwrap(), r"/home/user\x /home/user/y");
    }

    #[test]
    fn encoded_for_a_url() {
        let homes = homes(&["/nowhere/ann b", r"C:\Users\Ann"]);
        let masked = |text: &str| homes.mask(text).unwrap_or_else(|| text.to_owned());
        assert_eq!(masked("?d=%2Fnowhere%2Fann%20b%2Fx&e"), "?d=%2Fhome%2Fuser%2Fx&e");
        assert_eq!(masked("?d=%2fnowhere%2fann%20b"), "?d=%2Fhome%2Fuser");
        assert_eq!(masked("file:///nowhere/ann%20b/x"), "file:///home/user/x");
        assert_eq!(
            masked("?d=C%3A%5CUsers%5CAnn%5Cx&e=C%3A%2FUsers%2FAnn"),
            "?d=%2Fhome%2Fuser%5Cx&e=%2Fhome%2Fuser"
        );
        assert_eq!(homes.mask("%2Fnowhere%2Fann%20bob"), None);
    }

    #[test]
    fn what_is_no_home_is_not_taken() {
        let homes = homes(&["/", "", ".", "relative/path", "/home"]);
        assert_eq!(homes.mask("/ and /home/x and relative/path"), None);
    }
}
