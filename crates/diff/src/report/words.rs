//! Wordings that the formats share. Names come out of a schema file that anybody may have written, so no
//! control character of theirs reaches a terminal or a log.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::verdict::Skew;
use crate::{Comparison, Counts, Direction, Finding, LeftOut, Reach, Side};

/// The text on one line, control characters spelled out.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if is_unprintable(c) => {
                let _ = write!(out, "{}", c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

/// Control characters, and marks that change the direction of writing: they make a line read other than it is.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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

/// The message below a heading that names the place already: it is not said twice. The first part is what
/// stands between the two where they share a line.
pub(super) fn message(finding: &Finding) -> (&'static str, String) {
    let message = plain(&finding.message);
    let place = format!("`{}`", plain(&finding.place));
    match message.strip_prefix(&format!("{place} ")) {
        Some(rest) => (" ", rest.to_owned()),
        None => (": ", message.replacen(&format!("{place} "), "", 1)),
    }
}

/// The shapes of a finding with the sign of a diff, if the words do not say them already.
pub(crate) fn shapes(finding: &Finding) -> Vec<(&'static str, &str)> {
    let shown = crate::rule(&finding.rule).is_none_or(|rule| crate::message::shows_shapes(rule.change));
    let both = [("-", &finding.old), ("+", &finding.new)];
    both.into_iter().filter(|_| shown).filter_map(|(sign, shape)| Some((sign, shape.as_deref()?))).collect()
}

/// What `--uses` left out, in one sentence.
pub(super) fn left_out(left_out: &LeftOut) -> String {
    let LeftOut { methods, types, findings, .. } = left_out;
    let used = match (methods.len(), types.len()) {
        (methods, 0) => count(methods, "method"),
        (0, types) => count(types, "type"),
        (methods, types) => format!("{} and {}", count(methods, "method"), count(types, "type")),
    };
    format!("{} left out, because --uses limits the report to {used}", count(*findings, "finding"))
}

/// The levels of what `--uses` left out, a line for each question.
pub(super) fn left_out_levels(left_out: &LeftOut) -> [(&'static str, Counts); 3] {
    levels(left_out.old_client, left_out.new_client, left_out.source)
}

/// The counts of each question, with its name.
pub(super) fn levels(old_client: Counts, new_client: Counts, source: Counts) -> [(&'static str, Counts); 3] {
    [(Skew::OldClient.as_str(), old_client), (Skew::NewClient.as_str(), new_client), ("Rust code", source)]
}

/// The names in recordings that neither protocol knows, in one sentence.
pub(super) fn unknown(left_out: &LeftOut) -> Option<String> {
    let names: Vec<String> = left_out.unknown.iter().map(|name| format!("`{}`", plain(name))).collect();
    let what = if names.len() == 1 { "a method" } else { "methods" };
    (!names.is_empty())
        .then(|| format!("recordings name {what} that neither protocol knows: {}", names.join(", ")))
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
        let mut finding = example::finding(Level::Safe, Level::Safe, Level::Safe);
        finding.message = "`TurnStartParams.cwd` is new".to_owned();
        assert_eq!(message(&finding), (" ", "is new".to_owned()));
        finding.message = "the request `TurnStartParams.cwd` is new".to_owned();
        assert_eq!(message(&finding), (": ", "the request is new".to_owned()));
    }

    #[test]
    fn nothing_of_a_name_steers_a_terminal() {
        assert_eq!(plain("a\u{1b}[31m\u{202e}b\nc"), "a\\u{1b}[31m\\u{202e}b c");
    }
}
