//! For the terminal: the worst first, a block for each finding that asks for attention, a line for each that
//! is safe for the reader. Colours are always in; print through `anstream`, which takes them out where nobody sees them.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::sections::{Part, sections};
use super::summary::Summary;
use super::words::{
    self, count, first_methods, left_out_levels, levels, message, plain, shapes, sides, unknown, witnesses,
};
use crate::verdict::{Gate, Skew};
use crate::waivers::row;
use crate::{Comparison, Counts, Finding, Level};

/// How many methods a finding names.
const METHODS: usize = 3;
/// The width of the names in the summary.
const WIDTH: usize = 22;
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Renders a comparison.
pub fn render(comparison: &Comparison, gate: Gate) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(comparison, gate, &mut out);
    out
}

fn write(comparison: &Comparison, gate: Gate, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{BOLD}{}{BOLD:#}", sides(comparison))?;
    if comparison.findings.is_empty() && comparison.left_out.is_none() {
        return writeln!(out, "no difference");
    }
    for section in sections(comparison, gate) {
        let title = section.title.to_uppercase();
        let style = part_style(section.part).bold();
        writeln!(out, "\n{style}{title}{style:#} ({})", section.findings.len())?;
        match section.part.is_listed() {
            true => by_rule(&section.findings, out)?,
            false => section.findings.iter().try_for_each(|finding| block(finding, out))?,
        }
    }
    rows(comparison, gate, out)?;
    summary(comparison, out)
}

/// The rows that accept what a comparison fails for.
fn rows(comparison: &Comparison, gate: Gate, out: &mut String) -> std::fmt::Result {
    let rows: Vec<String> = comparison
        .findings
        .iter()
        .filter(|finding| gate.offers_row(finding))
        .map(|finding| row(comparison, finding))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{BOLD}TO ACCEPT{BOLD:#}, paste a row into the file of waivers and fill in the reason and the date:"
    )?;
    for row in rows {
        writeln!(out)?;
        row.lines().try_for_each(|line| writeln!(out, "{}", plain(line)))?;
    }
    Ok(())
}

/// The end of the report is what stays on the screen.
fn summary(comparison: &Comparison, out: &mut String) -> std::fmt::Result {
    let Summary { old_client, new_client, source, waived, semver } = Summary::of(comparison);
    writeln!(out)?;
    for (question, counts) in levels(old_client, new_client, source) {
        writeln!(out, "{question:<WIDTH$} {}", counted(counts))?;
    }
    if waived > 0 {
        writeln!(out, "{:<WIDTH$} {waived}", "waived")?;
    }
    if let Some(left_out) = &comparison.left_out {
        writeln!(out, "{BOLD}{}{BOLD:#}", words::left_out(left_out))?;
        for (question, counts) in left_out_levels(left_out) {
            writeln!(out, "  {question:<0$} {1}", WIDTH - 2, counted(counts))?;
        }
        if let Some(unknown) = unknown(left_out) {
            writeln!(out, "  {unknown}")?;
        }
    }
    let (old, new) = (&comparison.old, &comparison.new);
    writeln!(
        out,
        "{:<WIDTH$} {} → {} methods, {} → {} types",
        "in all", old.methods, new.methods, old.types, new.types
    )?;
    writeln!(out, "{:<WIDTH$} {BOLD}{}{BOLD:#}: {}", "suggested bump", semver.bump.as_str(), semver.reason)
}

fn counted(Counts { breaking, dangerous, safe }: Counts) -> String {
    let bad = |number: usize, level: Level| {
        let style = red_if(number > 0, level);
        format!("{style}{number} {}{style:#}", level.as_str())
    };
    format!("{}, {}, {safe} safe", bad(breaking, Level::Breaking), bad(dangerous, Level::Dangerous))
}

fn red_if(any: bool, level: Level) -> Style {
    if any { level_style(level).bold() } else { Style::new() }
}

/// What is safe for the reader: a line each, under its rule and what that means.
fn by_rule(findings: &[&Finding], out: &mut String) -> std::fmt::Result {
    let mut rules: BTreeMap<(&str, Level, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        let verdict = finding.verdict(Skew::Both);
        rules.entry((&finding.rule, verdict.level, &verdict.text)).or_default().push(finding);
    }
    for ((rule, level, text), findings) in rules {
        let style = level_style(level);
        writeln!(out, "\n  {style}{}{style:#} ({})", plain(rule), findings.len())?;
        if level != Level::Safe {
            writeln!(out, "  {}: {}", styled(level), plain(text))?;
        }
        for finding in findings {
            writeln!(out, "    {}{}", plain(&finding.place), mark(finding))?;
        }
    }
    Ok(())
}

fn block(finding: &Finding, out: &mut String) -> std::fmt::Result {
    let style = level_style(finding.worst()).bold();
    writeln!(out, "\n  {style}{}{style:#}  {DIM}{}{DIM:#}", plain(&finding.place), plain(&finding.rule))?;
    writeln!(out, "    {}", message(finding).1)?;
    for (sign, shape) in shapes(finding) {
        let style = if sign == "-" { RED } else { GREEN };
        writeln!(out, "    {style}{sign} {}{style:#}", plain(shape))?;
    }
    if let Some(note) = &finding.note {
        writeln!(out, "    {}", plain(note))?;
    }
    for skew in [Skew::OldClient, Skew::NewClient] {
        let verdict = finding.verdict(skew);
        writeln!(out, "    {}: {}: {}", skew.as_str(), styled(verdict.level), plain(&verdict.text))?;
    }
    let Finding { source, direction, stability, .. } = finding;
    writeln!(out, "    Rust code: {}; {}; {}", styled(*source), direction.as_str(), stability.as_str())?;
    let (methods, more) = first_methods(finding, METHODS);
    if more > 0 || methods.len() > 1 {
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(out, "    reaches {}{more}", plain(&methods.join(", ")))?;
    }
    for reach in witnesses(finding).iter().filter(|reach| reach.witness != finding.place) {
        writeln!(out, "    {DIM}by {} ({}){DIM:#}", plain(&reach.witness), reach.direction.as_str())?;
    }
    match &finding.waived {
        Some(reason) => writeln!(out, "    waived: {}", plain(reason)),
        None => writeln!(out, "    {DIM}fingerprint {}{DIM:#}", plain(&finding.fingerprint)),
    }
}

/// What sets a line apart from the lines around it.
fn mark(finding: &Finding) -> String {
    let experimental = finding.stability == crate::Stability::Experimental;
    let reach = super::words::methods(finding).len();
    let reach = if reach > 1 { format!("; {}", count(reach, "method")) } else { String::new() };
    format!("{DIM}{}{reach}{DIM:#}", if experimental { "; experimental" } else { "" })
}

fn styled(level: Level) -> String {
    let style = level_style(level);
    format!("{style}{}{style:#}", level.as_str())
}

fn level_style(level: Level) -> Style {
    match level {
        Level::Breaking => RED,
        Level::Dangerous => YELLOW,
        Level::Safe => GREEN,
    }
}

fn part_style(part: Part) -> Style {
    match part {
        Part::Breaking => RED,
        Part::Dangerous | Part::OtherAxis | Part::OtherSkew => YELLOW,
        Part::Safe => GREEN,
        Part::Waived => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;
    use crate::verdict::Axis;

    fn uncoloured(comparison: &Comparison, gate: Gate) -> String {
        anstream::adapter::strip_str(&render(comparison, gate)).to_string()
    }

    #[test]
    fn as_the_reader_sees_it() {
        let gate = |axis, skew| Gate { axis, skew, ..Gate::default() };
        let (wire, source) = (Axis::Wire, Axis::Source);
        let seen = |gate| uncoloured(&example::comparison(), gate);
        insta::assert_snapshot!("text_wire", seen(gate(wire, Skew::OldClient)));
        insta::assert_snapshot!("text_new_client", seen(gate(wire, Skew::NewClient)));
        insta::assert_snapshot!("text_source", seen(gate(source, Skew::OldClient)));
        insta::assert_snapshot!("text_uses", uncoloured(&example::limited(), Gate::default()));
        insta::assert_snapshot!("text_empty", uncoloured(&example::empty(), Gate::default()));
    }

    #[test]
    fn colours_are_in_but_none_of_the_schemas() {
        let text = render(&example::hostile(), Gate::default());
        assert!(text.contains("\u{1b}["));
        assert!(!text.contains("\u{1b}[5m"), "an escape sequence of the schema got through: {text:?}");
    }
}
