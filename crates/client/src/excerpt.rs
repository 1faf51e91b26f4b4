//! What others have written, for people to look at: cut, and without characters that a terminal would obey.

use std::fmt::Write;

/// How many bytes are shown.
const SHOWN: usize = 512;

/// The beginning of some bytes, with what is no UTF-8 replaced.
pub(crate) fn beginning(bytes: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]).into_owned();
    if bytes.len() > SHOWN {
        text.push('…');
    }
    text
}

/// A text in which control characters and a byte order mark are escapes, as in `\u{1b}`.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => escaped.push(character),
            '\n' | '\r' => escaped.extend(character.escape_default()),
            _ if character.is_control() || character == '\u{feff}' => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "{}", character.escape_unicode());
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// The beginning of some bytes, escaped.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    escape(&beginning(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let bytes = b"\xef\xbb\xbf\x1b[?2004h$ \xe2\x82\xac\xff\tx\r\n";
        assert_eq!(escaped(bytes), "\\u{feff}\\u{1b}[?2004h$ €\u{fffd}\tx\\r\\n");
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(beginning(&[b'x'; 600]), format!("{}…", "x".repeat(SHOWN)));
    }
}
