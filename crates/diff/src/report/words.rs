//! Wordings that the formats share. Names come out of a schema file that anybody may have written, so no
//! control character of theirs reaches a terminal or a log.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::{Comparison, Direction, Finding, Reach, Side};

/// The text on one line, control characters spelled out.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            // Marks that change the direction of writing make a line read other than it is.
            c if c.is_control() || is_direction_mark(c) => {
                let _ = write!(out, "{}", c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `1 method`, `2 methods`.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// A side as the reader called it, with the codex version where the name does not say it.
pub(super) fn side(side: &Side) -> String {
    let Side { name, codex_version, .. } = side;
    // It stands in a file that anybody may have written; a version is short.
    let codex_version: String = codex_version.chars().take(64).collect();
    match codex_version.as_str() {
        "" | "unknown" => plain(name),
        version if name.contains(version) => plain(name),
        version => plain(&format!("{name} (codex {version})")),
    }
}

/// `0.135.0 → 0.150.0`.
pub(super) fn sides(comparison: &Comparison) -> String {
    format!("{} → {}", side(&comparison.old), side(&comparison.new))
}

/// The message below a heading that names the place already: it need not be said twice. The first part is
/// what stands between the two where they share a line.
pub(super) fn message(finding: &Finding) -> (&'static str, String) {
    let message = plain(&finding.message);
    let rest = message.strip_prefix(&format!("`{}`", plain(&finding.place)));
    let continued = rest.and_then(|rest| {
        let lead = [", ", " "].into_iter().find(|lead| rest.starts_with(lead))?;
        Some((lead, rest[lead.len()..].to_owned()))
    });
    continued.unwrap_or((": ", message))
}

/// The names of the methods a finding reaches, each once, in the order of the finding.
pub(super) fn methods(finding: &Finding) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    let names = finding.reach.iter().map(|reach| reach.method.as_str());
    names.filter(|name| seen.insert(*name)).collect()
}

/// The first few methods, and how many more there are.
pub(super) fn first_methods(finding: &Finding, most: usize) -> (Vec<&str>, usize) {
    let mut names = methods(finding);
    // One more name is no longer than the words for it.
    let shown = if names.len() == most + 1 { most + 1 } else { names.len().min(most) };
    let more = names.len() - shown;
    names.truncate(shown);
    (names, more)
}

/// One way to the change for each direction in which it is reached.
pub(super) fn witnesses(finding: &Finding) -> Vec<&Reach> {
    let first = |wanted: Direction| finding.reach.iter().find(|reach| reach.direction == wanted);
    [Direction::ClientWrites, Direction::ClientReads, Direction::Both].into_iter().filter_map(first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;
    use crate::report::example;

    #[test]
    fn a_place_is_said_once() {
        let mut finding = example::finding(Level::Safe, Level::Safe);
        finding.message = "`TurnStartParams.cwd` is new".to_owned();
        assert_eq!(message(&finding), (" ", "is new".to_owned()));
        finding.message = "`TurnStartParams.cwd`, which was required, is gone".to_owned();
        assert_eq!(message(&finding), (", ", "which was required, is gone".to_owned()));
        finding.message = "the request `TurnStartParams.cwd` is new".to_owned();
        assert_eq!(message(&finding), (": ", finding.message.clone()));
    }

    #[test]
    fn nothing_of_a_name_steers_a_terminal() {
        assert_eq!(plain("a\u{1b}[31m\u{202e}b\nc"), "a\\u{1b}[31m\\u{202e}b c");
    }
}
