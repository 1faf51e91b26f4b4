//! Annotations of a GitHub workflow run: a line per finding that asks for attention, and one for the rest.

use std::fmt::Write;

use super::sections::{Part, sections};
use super::summary::Summary;
use super::words::{self, first_methods, left_out_levels, levels, message, plain, shapes, sides, unknown};
use crate::verdict::{Gate, Skew};
use crate::waivers::row;
use crate::{Comparison, Counts, Finding};

/// How many methods an annotation names.
const METHODS: usize = 3;

/// Renders a comparison; `file` is where the annotations are shown.
pub fn render(comparison: &Comparison, gate: Gate, file: Option<&str>) -> String {
    let mut out = String::new();
    for section in sections(comparison, gate) {
        let command = match section.part {
            Part::Breaking => "error",
            Part::Dangerous => "warning",
            Part::OtherAxis | Part::Waived => "notice",
            // A run shows ten annotations of a kind: what is safe for the reader is counted in the last line.
            Part::OtherSkew | Part::Safe => continue,
        };
        for finding in section.findings {
            annotation(command, file, comparison, gate, finding, &mut out);
        }
    }
    let Summary { old_client, new_client, source, waived, semver } = Summary::of(comparison);
    let questions =
        levels(old_client, new_client, source).map(|(question, Counts { breaking, dangerous, safe })| {
            format!("{question}: {breaking} breaking, {dangerous} dangerous, {safe} safe")
        });
    let mut message = format!(
        "{}: {}; {waived} waived. Suggested bump: {} ({})",
        sides(comparison),
        questions.join("; "),
        semver.bump.as_str(),
        semver.reason,
    );
    if let Some(left_out) = &comparison.left_out {
        let levels = left_out_levels(left_out).map(|(question, Counts { breaking, dangerous, safe })| {
            format!("{question}: {breaking} breaking, {dangerous} dangerous, {safe} safe")
        });
        message.push_str(&format!("\n{} ({})", words::left_out(left_out), levels.join("; ")));
        message.extend(unknown(left_out).map(|unknown| format!("\n{unknown}")));
    }
    // Writing to a string cannot fail.
    let _ = writeln!(out, "::notice title=Protocol diff::{}", data(&message));
    out
}

fn annotation(
    command: &str,
    file: Option<&str>,
    comparison: &Comparison,
    gate: Gate,
    finding: &Finding,
    out: &mut String,
) {
    let mut message = message(finding).1;
    let (methods, more) = first_methods(finding, METHODS);
    if !methods.is_empty() {
        message.push_str(&format!(". Reaches {}", plain(&methods.join(", "))));
        if more > 0 {
            message.push_str(&format!(" and {more} more"));
        }
    }
    for (sign, shape) in shapes(finding) {
        message.push_str(&format!("\n{sign} {}", plain(shape)));
    }
    message.extend(finding.note.as_ref().map(|note| format!("\n{}", plain(note))));
    for skew in [Skew::OldClient, Skew::NewClient] {
        let verdict = finding.verdict(skew);
        message.push_str(&format!(
            "\n{}: {}: {}",
            skew.as_str(),
            verdict.level.as_str(),
            plain(&verdict.text)
        ));
    }
    message.push_str(&format!("\nRust code: {}", finding.source.as_str()));
    match &finding.waived {
        Some(reason) => message.push_str(&format!("\nwaived: {}", plain(reason))),
        None => message.push_str(&format!("\nfingerprint {}", plain(&finding.fingerprint))),
    }
    if gate.offers_row(finding) {
        message.push_str("\nrow that accepts it:");
        row(comparison, finding).lines().for_each(|line| message.push_str(&format!("\n{}", plain(line))));
    }
    let file = file.map(|file| format!("file={},", property(file))).unwrap_or_default();
    let title = property(&plain(&format!("{} ({})", finding.place, finding.rule)));
    let _ = writeln!(out, "::{command} {file}title={title}::{}", data(&message));
}

/// Text behind the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text between the commas of the properties.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;
    use crate::verdict::Axis;

    #[test]
    fn as_the_runner_reads_it() {
        let text = render(&example::comparison(), Gate::default(), Some("schema/app-server.json"));
        insta::assert_snapshot!("github", text);
        insta::assert_snapshot!("github_uses", render(&example::limited(), Gate::default(), None));
        insta::assert_snapshot!("github_empty", render(&example::empty(), Gate::default(), None));
    }

    #[test]
    fn a_name_starts_no_command_of_its_own() {
        let gate = Gate { axis: Axis::Both, ..Gate::default() };
        let text = render(&example::hostile(), gate, None);
        assert_eq!(text.lines().count(), render(&example::comparison(), gate, None).lines().count());
        for line in text.lines() {
            let (properties, message) = line[2..].split_once("::").expect("a command");
            assert!(!properties.contains("::") && !properties[7..].contains(','), "{properties}");
            assert!(line.starts_with("::") && !message.contains('\r'), "{line}");
            assert!(!line.contains("%0A::"), "the schema's own escape came through: {line}");
        }
    }
}
