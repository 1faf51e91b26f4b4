//! Annotations of a GitHub workflow run: a line per finding that asks for attention, and one for the rest.

use std::fmt::Write;

use super::sections::{Part, sections};
use super::summary::Summary;
use super::words::{first_methods, plain, sides};
use crate::verdict::Axis;
use crate::{Comparison, Finding};

/// How many methods an annotation names.
const METHODS: usize = 3;

/// Renders a comparison; `file` is where the annotations are shown.
pub fn render(comparison: &Comparison, axis: Axis, file: Option<&str>) -> String {
    let mut out = String::new();
    for section in sections(comparison, axis) {
        let command = match section.part {
            Part::Breaking => "error",
            Part::Dangerous => "warning",
            Part::Elsewhere | Part::Waived => "notice",
            // A run shows ten annotations of a kind: what is safe is counted in the last line.
            Part::Safe => continue,
        };
        for finding in section.findings {
            annotation(command, file, finding, &mut out);
        }
    }
    let Summary { wire, source, waived, semver } = Summary::of(comparison);
    let message = format!(
        "{}: {} breaking, {} dangerous, {} safe on the wire; {} breaking for Rust code; {waived} waived. Suggested bump: {} ({})",
        sides(comparison),
        wire.breaking,
        wire.dangerous,
        wire.safe,
        source.breaking,
        semver.bump.as_str(),
        semver.reason,
    );
    // Writing to a string cannot fail.
    let _ = writeln!(out, "::notice title=Protocol diff::{}", data(&message));
    out
}

fn annotation(command: &str, file: Option<&str>, finding: &Finding, out: &mut String) {
    let mut message = plain(&finding.message).trim_end_matches('.').to_owned();
    let (methods, more) = first_methods(finding, METHODS);
    if !methods.is_empty() {
        message.push_str(&format!(". Reaches {}", plain(&methods.join(", "))));
        if more > 0 {
            message.push_str(&format!(" and {more} more"));
        }
    }
    for (sign, shape) in [("-", &finding.old), ("+", &finding.new)] {
        if let Some(shape) = shape {
            message.push_str(&format!("\n{sign} {}", plain(shape)));
        }
    }
    match &finding.waived {
        Some(reason) => message.push_str(&format!("\nwaived: {}", plain(reason))),
        None => message.push_str(&format!("\nfingerprint {}", plain(&finding.fingerprint))),
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

    #[test]
    fn as_the_runner_reads_it() {
        let text = render(&example::comparison(), Axis::Wire, Some("schema/app-server.json"));
        insta::assert_snapshot!("github", text);
        insta::assert_snapshot!("github_empty", render(&example::empty(), Axis::Wire, None));
    }

    #[test]
    fn a_name_starts_no_command_of_its_own() {
        let text = render(&example::hostile(), Axis::Both, None);
        assert_eq!(text.lines().count(), render(&example::comparison(), Axis::Both, None).lines().count());
        for line in text.lines() {
            let (properties, message) = line[2..].split_once("::").expect("a command");
            assert!(!properties.contains("::") && !properties[7..].contains(','), "{properties}");
            assert!(line.starts_with("::") && !message.contains('\r'), "{line}");
            assert!(!line.contains("%0A::"), "the schema's own escape came through: {line}");
        }
    }
}
