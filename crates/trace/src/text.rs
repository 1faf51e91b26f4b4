//! A report as text for people.

use std::collections::BTreeMap;
use std::fmt;

use crate::report::{Counts, File, Report};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table(f)?;
        self.problems(f)?;
        unknowns(f, "members", &self.unknown_members)?;
        unknowns(f, "values", &self.unknown_values)?;
        self.files.iter().try_for_each(|file| version(f, file, self.bindings))?;
        let Counts { decoded, unknown, failed, changed, unmatched } = self.totals;
        writeln!(
            f,
            "{} messages: {decoded} decoded, {unknown} unknown, {failed} failed, {changed} not round-tripping, \
             {unmatched} answers without their request",
            self.totals.sum()
        )
    }
}

impl Report {
    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WIDEST: usize = 60;
        let width =
            self.methods.iter().map(|row| row.method.len()).max().unwrap_or_default().clamp(6, WIDEST);
        let head = ["decoded", "unknown", "failed", "changed", "unmatched"];
        write!(f, "{:<20} {:<width$}", "", "method")?;
        head.iter().try_for_each(|name| write!(f, " {name:>9}"))?;
        writeln!(f, "  lines with problems")?;
        for row in &self.methods {
            write!(f, "{:<20} {:<width$}", row.role, plain(&row.method))?;
            let Counts { decoded, unknown, failed, changed, unmatched } = row.counts;
            for count in [decoded, unknown, failed, changed, unmatched] {
                match count {
                    0 => write!(f, " {:>9}", "-")?,
                    count => write!(f, " {count:>9}")?,
                }
            }
            let hidden = (failed + changed).saturating_sub(row.problem_lines.len() as u64);
            write!(f, "  {}", row.problem_lines.join(" "))?;
            writeln!(f, "{}", if hidden > 0 { format!(" and {hidden} more") } else { String::new() })?;
        }
        writeln!(f)
    }

    fn problems(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            let place = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
            let what = [problem.role, &plain(&problem.method)].join(" ");
            let verdict = if problem.verdict == "changed" { "does not round-trip: " } else { "" };
            writeln!(
                f,
                "{}:{}: {}: {verdict}{place}{}",
                problem.file,
                problem.line,
                what.trim_end(),
                plain(&problem.message)
            )?;
        }
        let hidden = (self.totals.failed + self.totals.changed).saturating_sub(self.problems.len() as u64);
        if hidden > 0 {
            writeln!(f, "… and {hidden} more; `--problems N` shows more of them")?;
        }
        if self.problems.is_empty() { Ok(()) } else { writeln!(f) }
    }
}

fn unknowns(f: &mut fmt::Formatter<'_>, what: &str, counted: &BTreeMap<String, u64>) -> fmt::Result {
    if counted.is_empty() {
        return Ok(());
    }
    writeln!(f, "{what} that the bindings do not know:")?;
    counted.iter().try_for_each(|(key, count)| writeln!(f, "  {count:>6} x {}", plain(key)))?;
    writeln!(f)
}

/// Text that the traffic chose, without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Traffic of another version is no failure, but explains many.
fn version(f: &mut fmt::Formatter<'_>, file: &File, bindings: &str) -> fmt::Result {
    let others: Vec<&str> =
        file.codex_versions.iter().map(String::as_str).filter(|version| *version != bindings).collect();
    if others.is_empty() {
        return Ok(());
    }
    let (name, others) = (&file.name, others.join(" and "));
    writeln!(f, "note: {name} was recorded with codex {others}; the bindings are of codex {bindings}")
}
