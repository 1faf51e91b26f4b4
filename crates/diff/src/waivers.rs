//! Findings that a person accepted: `schema/waivers.toml`.

use serde::{Deserialize, Deserializer};
use toml::value::Datetime;

use crate::report::words;
use crate::{Comparison, Finding, Side};

impl Comparison {
    /// Accepts what is accepted in `whole`, of which this is a part: fewer methods may have another rule decide,
    /// and then another fingerprint.
    pub fn waive_as(&mut self, whole: &Comparison) {
        for finding in self.findings.iter_mut().filter(|finding| finding.waived.is_none()) {
            let same = |other: &&Finding| {
                let change = |finding: &Finding| crate::rule(&finding.rule).map(|rule| rule.change);
                (change(other), &other.place, &other.old, &other.new)
                    == (change(finding), &finding.place, &finding.old, &finding.new)
            };
            finding.waived = whole.findings.iter().find(same).and_then(|other| other.waived.clone());
        }
    }
}

/// Why waivers do not apply.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file does not parse, or lacks its versions, its reason or its date.
    #[error("{file}:{line}: {problem}")]
    Malformed {
        /// The file.
        file: String,
        /// The line of the problem.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A waiver that fits no finding.
    #[error("{file}:{line}: {problem}")]
    Idle {
        /// The file.
        file: String,
        /// The line of the waiver.
        line: usize,
        /// What is wrong, and what to do.
        problem: String,
    },
}

/// The accepted findings of one file.
#[derive(Clone, Debug, Default)]
pub struct Waivers {
    file: String,
    rows: Vec<Waiver>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    waiver: Vec<toml::Spanned<Row>>,
}

/// A row as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(deserialize_with = "filled")]
    fingerprint: String,
    #[serde(deserialize_with = "filled")]
    from: String,
    #[serde(deserialize_with = "filled")]
    to: String,
    #[serde(deserialize_with = "filled")]
    reason: String,
    #[serde(deserialize_with = "date")]
    date: String,
    rule: Option<String>,
    place: Option<String>,
}

/// One accepted finding.
#[derive(Clone, Debug)]
struct Waiver {
    line: usize,
    fingerprint: String,
    from: String,
    to: String,
    reason: String,
    date: String,
    rule: Option<String>,
    place: Option<String>,
}

impl Waiver {
    /// Whether it was written for these two versions.
    fn is_for(&self, comparison: &Comparison) -> bool {
        (self.from.as_str(), self.to.as_str()) == pair(comparison)
    }
}

/// The versions that a waiver names: those of codex, or what the user called the sides if they are not known.
fn pair(comparison: &Comparison) -> (&str, &str) {
    (version(&comparison.old), version(&comparison.new))
}

fn version(side: &Side) -> &str {
    match side.codex_version.as_str() {
        "" | "unknown" => &side.name,
        version => version,
    }
}

/// The row that accepts a finding, for a person to fill in and to paste into the file.
pub fn row(comparison: &Comparison, finding: &Finding) -> String {
    let (from, to) = pair(comparison);
    let Finding { fingerprint, rule, place, .. } = finding;
    let members =
        [("fingerprint", fingerprint.as_str()), ("from", from), ("to", to), ("rule", rule), ("place", place)];
    let mut row = "[[waiver]]\n".to_owned();
    for (name, value) in members {
        row.push_str(&format!("{name} = \"{}\"\n", escaped(value)));
    }
    row + "reason = \"\" # why it does no harm\ndate = \"\" # such as 2026-01-31\n"
}

/// The inside of a TOML string, in which nothing moves a terminal or makes a line read other than it is.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if words::is_unprintable(c) => out.push_str(&format!("\\U{:08X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

impl Waivers {
    /// Reads a file; `file` is what errors call it.
    ///
    /// # Errors
    ///
    /// The text is no such table, a row lacks its versions, reason or date, or two rows are for one finding.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let line_of = |offset: usize| text[..offset.min(text.len())].matches('\n').count() + 1;
        let malformed = |line, problem: String| Error::Malformed { file: file.to_owned(), line, problem };
        let table: Table = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(span.start));
            malformed(line, error.message().replace('\n', " "))
        })?;
        let mut rows: Vec<Waiver> = Vec::new();
        for row in table.waiver {
            let line = line_of(row.span().start);
            let Row { fingerprint, from, to, reason, date, rule, place } = row.into_inner();
            let same = |row: &&Waiver| (&row.fingerprint, &row.from, &row.to) == (&fingerprint, &from, &to);
            if let Some(first) = rows.iter().find(same) {
                let problem = format!("{fingerprint} is waived in line {} already", first.line);
                return Err(malformed(line, problem));
            }
            rows.push(Waiver { line, fingerprint, from, to, reason, date, rule, place });
        }
        Ok(Self { file: file.to_owned(), rows })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Marks what they accept, in one comparison or in several views of it. Waivers for other versions have no
    /// say.
    ///
    /// # Errors
    ///
    /// A waiver for these versions fits no finding, or names a rule or a place that its finding does not have.
    pub fn apply<'c>(&self, views: impl IntoIterator<Item = &'c mut Comparison>) -> Result<(), Error> {
        let mut views: Vec<&mut Comparison> = views.into_iter().collect();
        for waiver in &self.rows {
            if !views.iter().any(|view| waiver.is_for(view)) {
                continue;
            }
            let mut fits = false;
            for finding in views.iter_mut().flat_map(|view| &mut view.findings) {
                if finding.fingerprint != waiver.fingerprint {
                    continue;
                }
                for (what, named, found) in
                    [("rule", &waiver.rule, &finding.rule), ("place", &waiver.place, &finding.place)]
                {
                    if let Some(named) = named.as_ref().filter(|named| *named != found) {
                        let found = format!("names the {what} `{named}`, but that finding has `{found}`");
                        return Err(self.idle(waiver, &found));
                    }
                }
                finding.waived = Some(format!("{} ({})", waiver.reason, waiver.date));
                fits = true;
            }
            if !fits {
                return Err(self.idle(
                    waiver,
                    "fits no finding of this comparison; remove it, or compare with `--waivers none`",
                ));
            }
        }
        Ok(())
    }

    fn idle(&self, waiver: &Waiver, what: &str) -> Error {
        let named = [&waiver.rule, &waiver.place].into_iter().flatten().cloned().collect::<Vec<_>>();
        let named = if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
        Error::Idle {
            file: self.file.clone(),
            line: waiver.line,
            problem: format!("the waiver {}{named} {what}", waiver.fingerprint),
        }
    }
}

fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.trim() {
        "" => Err(serde::de::Error::custom("this must not be empty")),
        text => Ok(text.to_owned()),
    }
}

/// A day, as a TOML date or as a string.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let day = match toml::Value::deserialize(deserializer)? {
        toml::Value::Datetime(day) => Some(day),
        toml::Value::String(text) => text.parse::<Datetime>().ok(),
        _ => None,
    };
    match day {
        Some(Datetime { date: Some(date), time: None, offset: None }) => Ok(date.to_string()),
        _ => Err(serde::de::Error::custom("`date` takes a day such as \"2026-01-31\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    /// The versions of the example.
    const PAIR: &str = "from = \"0.135.0\"\nto = \"0.150.0\"";

    fn error(text: &str) -> String {
        match Waivers::parse("w.toml", text) {
            Ok(waivers) => waivers.apply([&mut example::comparison()]).expect_err("an error").to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_waiver_marks_its_finding_alone() {
        let mut comparison = example::comparison();
        let fingerprint = comparison.findings[0].fingerprint.clone();
        let text = format!(
            "[[waiver]]\nfingerprint = \"{fingerprint}\"\n{PAIR}\nreason = \"nobody sends it\"\ndate = 2026-01-31\n"
        );
        comparison.findings.iter_mut().for_each(|finding| finding.waived = None);
        Waivers::parse("w.toml", &text).expect("parses").apply([&mut comparison]).expect("fits");
        let waived: Vec<_> = comparison.findings.iter().filter(|finding| finding.waived.is_some()).collect();
        assert_eq!(waived.len(), 1);
        assert_eq!(waived[0].waived.as_deref(), Some("nobody sends it (2026-01-31)"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let row = |more: &str| format!("# why\n[[waiver]]\nfingerprint = \"abc\"\n{PAIR}\n{more}\n");
        for (text, expected) in [
            (row("reason = \"x\""), "missing field `date`"),
            (row("date = 2026-01-31"), "missing field `reason`"),
            (row("reason = \" \"\ndate = 2026-01-31"), "w.toml:6: this must not be empty"),
            (row("reason = \"x\"\ndate = \"soon\""), "w.toml:7: `date` takes a day such as"),
            (row("reason = \"x\"\ndate = \"2026-02-30\""), "takes a day"),
            (row("reason = \"x\"\ndate = 2026-01-31T00:00:00Z"), "takes a day"),
            (row("reason = \"x\"\ndate = 2026-01-31\nwhy = \"y\""), "unknown field `why`"),
            (row("reason = \"x\"\ndate = 2026-01-31"), "w.toml:2: the waiver abc fits no finding"),
            (row("reason = \"x\"\ndate = 2026-01-31").repeat(2), "w.toml:9: abc is waived in line 2 already"),
            ("[[waivers]]\n".to_owned(), "unknown field `waivers`"),
            (row("reason = \"x\"\ndate = 2026-01-31").replace("from", "# from"), "missing field `from`"),
            (row("reason = \"x\"\ndate = 2026-01-31").replace("to =", "# to ="), "missing field `to`"),
        ] {
            let error = error(&text);
            assert!(error.contains(expected) && error.lines().count() == 1, "{expected}: {error}");
        }
    }

    #[test]
    fn a_rule_or_place_that_is_named_has_to_be_the_findings() {
        let fingerprint = example::comparison().findings[0].fingerprint.clone();
        let text = format!(
            "[[waiver]]\nfingerprint = \"{fingerprint}\"\n{PAIR}\nreason = \"x\"\ndate = \"2026-01-31\"\nrule = \"other\""
        );
        assert!(error(&text).contains("names the rule `other`, but that finding has `"), "{}", error(&text));
    }

    #[test]
    fn a_waiver_for_other_versions_has_no_say() {
        let mut comparison = example::comparison();
        comparison.findings.iter_mut().for_each(|finding| finding.waived = None);
        let before = comparison.clone();
        for (from, to) in [("0.135.0", "0.151.0"), ("0.134.0", "0.150.0"), ("0.150.0", "0.135.0")] {
            let fingerprint = &before.findings[0].fingerprint;
            for fingerprint in [fingerprint.as_str(), "fits nothing"] {
                let text = format!(
                    "[[waiver]]\nfingerprint = \"{fingerprint}\"\nfrom = \"{from}\"\nto = \"{to}\"\nreason = \"x\"\ndate = 2026-01-31\n"
                );
                Waivers::parse("w.toml", &text).expect("parses").apply([&mut comparison]).expect("no say");
            }
        }
        assert_eq!(comparison, before);
    }

    /// The row that a report prints is complete but for the reason and the date.
    #[test]
    fn the_printed_row_waives_its_finding() {
        for mut comparison in [example::comparison(), example::hostile()] {
            comparison.findings.iter_mut().for_each(|finding| finding.waived = None);
            let row = row(&comparison, &comparison.findings[1]);
            assert!(error(&row).contains("w.toml:8: `date` takes a day"), "{}", error(&row));
            let row = row
                .replace("reason = \"\"", "reason = \"x\"")
                .replace("date = \"\"", "date = \"2026-01-31\"");
            Waivers::parse("w.toml", &row).expect(&row).apply([&mut comparison]).expect(&row);
            let waived: Vec<bool> =
                comparison.findings.iter().map(|finding| finding.waived.is_some()).collect();
            assert_eq!(waived.iter().position(|waived| *waived), Some(1));
        }
    }
}
