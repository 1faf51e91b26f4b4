//! Medians, ratios and goals of a compile-time measurement, as a table or as JSON.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;

use super::clock::Clock;
use super::subject::{PEER, Profile, Sample, Subject};

/// All samples of one subject and profile.
pub struct Row {
    /// What was compiled.
    pub subject: &'static Subject,
    /// How.
    pub profile: Profile,
    /// One sample a run.
    pub samples: Vec<Sample>,
}

impl Row {
    /// A row without samples.
    pub fn new(subject: &'static Subject, profile: Profile) -> Self {
        Self { subject, profile, samples: Vec::new() }
    }

    fn library(&self) -> f64 {
        median(self.samples.iter().map(|sample| sample.library))
    }

    fn consumer(&self) -> f64 {
        median(self.samples.iter().map(|sample| sample.consumer))
    }

    fn total(&self) -> f64 {
        self.library() + self.consumer()
    }

    /// The slowest run above the fastest, as part of the fastest.
    fn spread(&self) -> f64 {
        let totals = self.samples.iter().map(|sample| sample.library + sample.consumer);
        let (least, most) =
            totals.fold((f64::MAX, 0f64), |(least, most), one| (least.min(one), most.max(one)));
        most / least - 1.0
    }
}

/// The middle of some values; there has to be one.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    (values[low] + values[high]) / 2.0
}

/// A part of the peer's time to stay below, and what was measured.
struct Goal<'r> {
    row: &'r Row,
    at_most: f64,
    ratio: f64,
}

/// Everything that was measured.
pub struct Report {
    clock: Clock,
    runs: u32,
    rows: Vec<Row>,
}

impl Report {
    /// A report of rows that have a sample for every run, the peer's among them.
    pub fn new(clock: Clock, runs: u32, rows: Vec<Row>) -> Self {
        Self { clock, runs, rows }
    }

    /// How a row compares to the peer in the same profile.
    fn ratio(&self, row: &Row) -> f64 {
        let peer =
            self.rows.iter().find(|other| other.subject.name == PEER.name && other.profile == row.profile);
        peer.map_or(f64::NAN, |peer| row.total() / peer.total())
    }

    fn goals(&self) -> impl Iterator<Item = Goal<'_>> {
        let built = self.rows.iter().filter(|row| row.profile != Profile::Check);
        built.filter_map(|row| Some(Goal { row, at_most: row.subject.goal?, ratio: self.ratio(row) }))
    }

    /// The table for people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "{}, median of {} run(s); one job, not incremental, dependencies built before\n\n\
             {:<20} {:<8} {:>9} {:>9} {:>9} {:>7} {:>7}\n",
            self.clock.unit(),
            self.runs,
            "",
            "",
            "library",
            "consumer",
            "total",
            "ratio",
            "spread"
        );
        for row in &self.rows {
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{:<20} {:<8} {:>9.2} {:>9.2} {:>9.2} {:>7.2} {:>5.0} %",
                row.subject.name,
                row.profile.name(),
                row.library(),
                row.consumer(),
                row.total(),
                self.ratio(row),
                row.spread() * 100.0
            );
        }
        let _ = writeln!(
            text,
            "\nratio: total, compared to {}; spread: slowest run above the fastest",
            PEER.name
        );
        for Goal { row, at_most, ratio } in self.goals() {
            let verdict = if ratio <= at_most { "met" } else { "NOT met" };
            let (name, profile) = (row.subject.name, row.profile.name());
            let _ = writeln!(text, "goal: {name}, {profile}: at most {at_most:.2}, is {ratio:.2}: {verdict}");
        }
        text
    }

    /// The same and every sample, for programs.
    pub fn json(&self) -> Result<String> {
        let rows = self.rows.iter().map(|row| {
            json!({
                "subject": row.subject.name,
                "profile": row.profile,
                "library": row.library(),
                "consumer": row.consumer(),
                "total": row.total(),
                "ratio": self.ratio(row),
                "samples": row.samples,
            })
        });
        let goals = self.goals().map(|Goal { row, at_most, ratio }| {
            json!({
                "subject": row.subject.name,
                "profile": row.profile,
                "at_most": at_most,
                "ratio": ratio,
                "met": ratio <= at_most,
            })
        });
        let report = json!({
            "unit": self.clock,
            "peer": PEER.name,
            "runs": self.runs,
            "rows": rows.collect::<Vec<_>>(),
            "goals": goals.collect::<Vec<_>>(),
        });
        Ok(serde_json::to_string_pretty(&report)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::subject::STABLE;

    fn report() -> Report {
        let row = |subject, profile, times: [f64; 3]| Row {
            subject,
            profile,
            samples: times.map(|library| Sample { library, consumer: 1.0 }).to_vec(),
        };
        let rows = vec![
            row(&PEER, Profile::Release, [9.0, 90.0, 7.0]),
            row(&STABLE, Profile::Release, [1.0, 3.0, 2.0]),
        ];
        Report::new(Clock::CpuSeconds, 3, rows)
    }

    #[test]
    fn medians_make_ratios_and_ratios_meet_goals() {
        let text = report().text();
        assert!(text.contains("goal: ours, stable, release: at most 0.25, is 0.30: NOT met"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&report().json().unwrap()).unwrap();
        assert_eq!(json["unit"], "cpu_seconds");
        assert_eq!(json["rows"][0]["total"], 10.0);
        assert_eq!(json["goals"][0]["met"], false);
    }

    #[test]
    fn an_even_count_has_a_median_too() {
        assert_eq!(median([4.0, 1.0, 2.0, 9.0].into_iter()), 3.0);
    }
}
