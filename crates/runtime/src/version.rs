//! What a version looks like: the part of semantic versioning that codex uses, without build
//! metadata.

/// True for `1.2.3` and `1.2.3-alpha.1`. What passes is safe as a file name and as part of a
/// command line argument.
pub(crate) fn is_version(text: &str) -> bool {
    let (core, pre_release) = match text.split_once('-') {
        Some((core, pre_release)) => (core, Some(pre_release)),
        None => (text, None),
    };
    let numbers: Vec<_> = core.split('.').collect();
    numbers.len() == 3
        && numbers.iter().all(|number| is_word(number, |b| b.is_ascii_digit()))
        && pre_release.is_none_or(|words| {
            words.split('.').all(|word| is_word(word, |b| b.is_ascii_alphanumeric() || b == b'-'))
        })
        && text.len() <= 64
}

fn is_word(word: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !word.is_empty() && word.bytes().all(allowed)
}

/// The version in what `codex --version` prints, which is a line like `codex-cli 0.150.0`.
pub(crate) fn parse_version_output(output: &str) -> Option<&str> {
    let line = output.lines().find(|line| !line.trim().is_empty())?;
    line.split_whitespace().next_back().filter(|word| is_version(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_released_and_pre_released_versions() {
        for good in ["0.150.0", "10.0.12", "0.170.0-alpha.3", "0.1.2-rc-1"] {
            assert!(is_version(good), "{good}");
        }
    }

    #[test]
    fn refuses_what_could_escape_a_path_or_an_argument() {
        let bad = [
            "",
            "latest",
            "1.2",
            "1.2.3.4",
            "1.2.x",
            "v1.2.3",
            "^1.2.3",
            "1.2.3-",
            "1.2.3-a..b",
            "1.2.3+b",
            "../1.2.3",
            "1.2.3/..",
            "1.2.3-../x",
            "--1.2.3",
            "-1.2.3",
            "1.2.3 --x",
            "1.2.3\n",
            "1.2.3_staging_",
            "1.2.3-a\\b",
            "1.2.٣",
        ];
        for bad in bad {
            assert!(!is_version(bad), "{bad}");
        }
        assert!(!is_version(&format!("1.2.3-{}", "a".repeat(100))));
    }

    #[test]
    fn takes_the_last_word_of_the_first_line() {
        assert_eq!(parse_version_output("codex-cli 0.150.0\n"), Some("0.150.0"));
        assert_eq!(parse_version_output("\ncodex-cli 0.170.0-alpha.1\r\nmore\n"), Some("0.170.0-alpha.1"));
        assert_eq!(parse_version_output("codex-cli\n"), None);
        assert_eq!(parse_version_output(""), None);
    }
}
