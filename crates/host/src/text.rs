//! Shortens texts for people, without cutting through what they see as one character.

use unicode_segmentation::UnicodeSegmentation;

/// How many characters the summary of a prompt, a progress text has.
pub const SUMMARY: usize = 300;

/// How many characters the summary of an event has.
pub const EVENT_SUMMARY: usize = 1_200;

/// How many characters an error has in a list; longer ones are kept clipped.
pub(crate) const ERROR: usize = 2_000;

/// As many Unicode characters bound what one character of a text may be: a letter may have any number of combining marks.
const CHARS_PER_CHARACTER: usize = 8;

/// At most `limit` characters of the text, as people count them (grapheme clusters), in one line without white space at
/// the ends. What was cut off is shown by `…`, which counts as one of them.
pub fn clip(text: &str, limit: usize) -> String {
    let mut line = String::new();
    // What lies beyond cannot be shown; a prompt may have megabytes.
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > limit.saturating_mul(4 * CHARS_PER_CHARACTER) {
            break;
        }
    }
    let mut cuts = line.grapheme_indices(true).map(|(at, _)| at);
    let Some(last) = limit.checked_sub(1) else { return String::new() };
    let Some(cut) = cuts.nth(last) else { return bounded(line, limit) };
    if cuts.next().is_some() {
        line.truncate(cut);
        line.push('…');
    }
    bounded(line, limit)
}

/// A text of few characters can have a million combining marks.
fn bounded(mut line: String, limit: usize) -> String {
    if let Some((cut, _)) = line.char_indices().nth(limit.saturating_mul(CHARS_PER_CHARACTER)) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

/// At most `bytes` bytes from the start of the text, cut between two characters.
pub(crate) fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, limit, clipped) in [
            ("", 3, ""),
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("  a\n\tb  ", 9, "a b"),
            ("abc", 0, ""),
            ("ab", 1, "…"),
            // A family is one character, and so is a letter with its accent.
            ("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2, "👩‍👩‍👧…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("🇩🇪🇫🇷", 2, "🇩🇪🇫🇷"),
        ] {
            assert_eq!(clip(text, limit), clipped, "{text:?} at {limit}");
        }
    }

    #[test]
    fn a_character_of_a_million_marks_is_cut() {
        let text = format!("e{}", "\u{301}".repeat(1_000_000));
        assert!(clip(&text, SUMMARY).chars().count() <= SUMMARY * CHARS_PER_CHARACTER + 1);
        assert_eq!(clip(&"x ".repeat(1_000_000), SUMMARY).chars().count(), SUMMARY);
    }

    #[test]
    fn heads_end_between_characters() {
        assert_eq!(head("aé", 2), "a");
        assert_eq!(head("aé", 3), "aé");
        assert_eq!(head("aé", 9), "aé");
    }
}
