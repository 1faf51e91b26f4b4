//! For the terminal: the worst first, a block for each finding that asks for attention, a line for each that
//! is safe. Colours are always in; print through `anstream`, which takes them out where nobody sees them.

use std::collections::BTreeMap;
use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::sections::{Part, sections};
use super::summary::Summary;
use super::words::{count, first_methods, message, plain, sides, witnesses};
use crate::verdict::Axis;
use crate::{Comparison, Finding, Level};

/// How many methods a finding names.
const METHODS: usize = 3;
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Renders a comparison.
pub fn render(comparison: &Comparison, axis: Axis) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(comparison, axis, &mut out);
    out
}

fn write(comparison: &Comparison, axis: Axis, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{BOLD}{}{BOLD:#}", sides(comparison))?;
    if comparison.findings.is_empty() {
        return writeln!(out, "no difference");
    }
    for section in sections(comparison, axis) {
        let title = section.title.to_uppercase();
        let style = part_style(section.part).bold();
        writeln!(out, "\n{style}{title}{style:#} ({})", section.findings.len())?;
        match section.part {
            Part::Safe => by_rule(&section.findings, out)?,
            _ => section.findings.iter().try_for_each(|finding| block(finding, out))?,
        }
    }
    summary(comparison, out)
}

/// The end of the report is what stays on the screen.
fn summary(comparison: &Comparison, out: &mut String) -> std::fmt::Result {
    let Summary { wire, source, waived, semver } = Summary::of(comparison);
    writeln!(out)?;
    for (axis, counts) in [("on the wire", wire), ("for Rust code", source)] {
        writeln!(
            out,
            "{axis:<14} {}{} breaking{}, {}{} dangerous{}, {} safe",
            red_if(counts.breaking > 0, Level::Breaking),
            counts.breaking,
            anstyle::Reset,
            red_if(counts.dangerous > 0, Level::Dangerous),
            counts.dangerous,
            anstyle::Reset,
            counts.safe,
        )?;
    }
    if waived > 0 {
        writeln!(out, "{:<14} {waived}", "waived")?;
    }
    let (old, new) = (&comparison.old, &comparison.new);
    writeln!(
        out,
        "{:<14} {} → {} methods, {} → {} types",
        "in all", old.methods, new.methods, old.types, new.types
    )?;
    writeln!(out, "{:<14} {BOLD}{}{BOLD:#}: {}", "suggested bump", semver.bump.as_str(), semver.reason)
}

fn red_if(any: bool, level: Level) -> Style {
    if any { level_style(level).bold() } else { Style::new() }
}

/// What is safe: a line each, under its rule.
fn by_rule(findings: &[&Finding], out: &mut String) -> std::fmt::Result {
    let mut rules: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        rules.entry(&finding.rule).or_default().push(finding);
    }
    for (rule, findings) in rules {
        writeln!(out, "\n  {GREEN}{}{GREEN:#} ({})", plain(rule), findings.len())?;
        for finding in findings {
            writeln!(out, "    {}{}", plain(&finding.place), mark(finding))?;
        }
    }
    Ok(())
}

fn block(finding: &Finding, out: &mut String) -> std::fmt::Result {
    let style = level_style(Axis::Both.level(finding)).bold();
    writeln!(out, "\n  {style}{}{style:#}  {DIM}{}{DIM:#}", plain(&finding.place), plain(&finding.rule))?;
    writeln!(out, "    {}", message(finding).1)?;
    if let Some(old) = &finding.old {
        writeln!(out, "    {RED}- {}{RED:#}", plain(old))?;
    }
    if let Some(new) = &finding.new {
        writeln!(out, "    {GREEN}+ {}{GREEN:#}", plain(new))?;
    }
    let Finding { wire, source, direction, stability, .. } = finding;
    writeln!(
        out,
        "    wire {}, Rust code {}; {}; {}",
        styled(*wire),
        styled(*source),
        direction.as_str(),
        stability.as_str()
    )?;
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
        Part::Dangerous | Part::Elsewhere => YELLOW,
        Part::Safe => GREEN,
        Part::Waived => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    fn uncoloured(comparison: &Comparison, axis: Axis) -> String {
        anstream::adapter::strip_str(&render(comparison, axis)).to_string()
    }

    #[test]
    fn as_the_reader_sees_it() {
        insta::assert_snapshot!("text_wire", uncoloured(&example::comparison(), Axis::Wire));
        insta::assert_snapshot!("text_source", uncoloured(&example::comparison(), Axis::Source));
        insta::assert_snapshot!("text_empty", uncoloured(&example::empty(), Axis::Wire));
    }

    #[test]
    fn colours_are_in_but_none_of_the_schemas() {
        let text = render(&example::hostile(), Axis::Wire);
        assert!(text.contains("\u{1b}["));
        assert!(!text.contains("\u{1b}[5m"), "an escape sequence of the schema got through: {text:?}");
    }
}
