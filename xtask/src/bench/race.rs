//! Medians and ratios of a run-time measurement, as one table.

use std::fmt::Write as _;

use anyhow::{Context, Result};

/// Who races, in the order of the columns; all others are compared to the first.
const SUBJECTS: [&str; 4] = ["ours", "serde derive", "codex-codes", "Value"];

/// Race, subject, and how many times as long as ours it should take at least.
const GOALS: [(&str, &str, f64); 3] = [
    ("decode mix", "codex-codes", 5.0),
    ("decode mix", "serde derive", 2.0),
    ("decode mix, tags last", "serde derive", 1.0),
];

/// A median.
pub struct Time {
    /// What was done.
    pub race: String,
    /// By whom.
    pub subject: String,
    /// How long it took.
    pub nanoseconds: f64,
}

/// The medians of all subjects for one thing to do.
pub struct Race {
    name: String,
    nanoseconds: [f64; SUBJECTS.len()],
}

impl Race {
    /// Finds the times of one race.
    pub fn new(name: &str, times: &[Time]) -> Result<Self> {
        let mut nanoseconds = [0.0; SUBJECTS.len()];
        for (slot, subject) in nanoseconds.iter_mut().zip(SUBJECTS) {
            let time = times.iter().find(|time| time.race == name && time.subject == subject);
            *slot =
                time.with_context(|| format!("criterion has no time of {subject} for `{name}`"))?.nanoseconds;
        }
        Ok(Self { name: name.to_owned(), nanoseconds })
    }

    /// How many times as long as ours a subject takes.
    fn ratio(&self, subject: usize) -> f64 {
        self.nanoseconds[subject] / self.nanoseconds[0]
    }
}

/// Everything that was measured.
pub struct Report {
    /// How many messages the mix has.
    pub lines: usize,
    /// How long they are together.
    pub bytes: usize,
    /// The methods of messages that the peer cannot decode.
    pub left_out: Vec<String>,
    /// In the order they were run.
    pub races: Vec<Race>,
}

impl Report {
    /// The table for people.
    pub fn text(&self) -> String {
        let mut text = format!(
            "the mix: {} messages, {} bytes; {} more left out, because codex-codes cannot decode them{}\n\
             medians in microseconds, and how many times as long as ours that is\n\n{:<36}",
            self.lines,
            self.bytes,
            self.left_out.len(),
            match &self.left_out[..] {
                [] => String::new(),
                methods => format!(" ({})", methods.join(", ")),
            },
            ""
        );
        for subject in SUBJECTS {
            text.push_str(&format!(" {subject:>16}"));
        }
        text.push('\n');
        for race in &self.races {
            // Writing to a string does not fail.
            let _ = write!(text, "{:<36}", race.name);
            for (subject, nanoseconds) in race.nanoseconds.iter().enumerate() {
                let _ = write!(text, " {:>9.2} {:>6.2}", nanoseconds / 1000.0, race.ratio(subject));
            }
            text.push('\n');
        }
        text.push_str("\nOnly the ratios count: times differ from machine to machine and from day to day.\n");
        for (name, subject, at_least) in GOALS {
            let Some(race) = self.races.iter().find(|race| race.name == name) else { continue };
            let ratio = race.ratio(SUBJECTS.iter().position(|one| *one == subject).unwrap_or_default());
            let verdict = if ratio >= at_least { "met" } else { "NOT met" };
            let _ = writeln!(
                text,
                "goal: {name}: {subject} takes {at_least:.1} times as long, is {ratio:.2}: {verdict}"
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(each: [f64; SUBJECTS.len()]) -> Vec<Time> {
        let time = |(subject, nanoseconds): (&str, f64)| Time {
            race: "decode mix".to_owned(),
            subject: subject.to_owned(),
            nanoseconds,
        };
        SUBJECTS.into_iter().zip(each).map(time).collect()
    }

    #[test]
    fn others_are_compared_to_ours() {
        let race = Race::new("decode mix", &times([2000.0, 3900.0, 12000.0, 4000.0])).unwrap();
        let left_out = vec!["thread/started".to_owned()];
        let text = Report { lines: 3, bytes: 450, left_out, races: vec![race] }.text();
        assert!(text.contains("3 messages, 450 bytes; 1 more left out"), "{text}");
        assert!(text.contains("3.90   1.95"), "{text}");
        assert!(text.contains("codex-codes takes 5.0 times as long, is 6.00: met"), "{text}");
        assert!(text.contains("serde derive takes 2.0 times as long, is 1.95: NOT met"), "{text}");
    }

    #[test]
    fn a_time_that_is_not_there_is_an_error() {
        let mut some = times([1.0; SUBJECTS.len()]);
        some.pop();
        let error = Race::new("decode mix", &some).err().unwrap().to_string();
        assert_eq!(error, "criterion has no time of Value for `decode mix`");
    }
}
