//! What a replay saw: what was as in the trace, and what was not.

use std::fmt;

use super::compare::Difference;

/// How many problems and how many notes are kept; the others are counted.
const KEPT: usize = 100;

/// How a replay went. `Display` prints a summary, then a line for each problem and each note.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The name of the trace.
    pub trace: String,
    /// How many messages of the client the trace holds.
    pub expected: usize,
    /// How many of these the client sent.
    pub matched: usize,
    /// How many messages of the server the trace holds.
    pub server_messages: usize,
    /// How many of these the client got.
    pub sent: usize,
    /// Where the client did something else than the recorded one.
    pub problems: Vec<Problem>,
    /// How many more problems there were.
    pub more_problems: usize,
    /// Params that differ from those of the trace, of requests and notifications that were matched all the same.
    pub notes: Vec<Note>,
    /// How many more such params there were.
    pub more_notes: usize,
}

/// Something that the client did and the recorded one did not, or the other way round.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Problem {
    /// The client sent something that the trace does not hold, or not any more.
    Unexpected {
        /// What the client sent.
        message: String,
        /// What the trace expected next.
        next: String,
    },
    /// The client answered a request of the server in another way.
    OtherAnswer {
        /// The line of the trace.
        line: u64,
        /// The method of the server's request.
        method: String,
        /// What differs first.
        difference: Difference,
    },
    /// The client did not send what the trace holds.
    Missing {
        /// The line of the trace.
        line: u64,
        /// What is missing.
        message: String,
    },
    /// The client sent requests of later on, and for too long not what comes before them.
    Stalled {
        /// The line of the trace.
        line: u64,
        /// What did not come.
        message: String,
        /// How many requests were answered with an error because of that.
        refused: usize,
    },
}

/// Params that differ from those of the trace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Note {
    /// The line of the trace.
    pub line: u64,
    /// The method.
    pub method: String,
    /// What differs.
    pub difference: Difference,
}

impl Report {
    /// Whether the client did what the recorded one did. Params that differ are no problem, unless the replay
    /// is exact.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        match self.problems.len() < KEPT {
            true => self.problems.push(problem),
            false => self.more_problems += 1,
        }
    }

    pub(super) fn note(&mut self, line: u64, method: &str, differences: Vec<Difference>) {
        for difference in differences {
            match self.notes.len() < KEPT {
                true => self.notes.push(Note { line, method: method.to_owned(), difference }),
                false => self.more_notes += 1,
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, expected, matched, server_messages, sent, .. } = self;
        writeln!(
            f,
            "replay of {trace}: the client sent {matched} of {expected} messages and got {sent} of {server_messages}"
        )?;
        for problem in &self.problems {
            match problem {
                Problem::Unexpected { message, next } => {
                    writeln!(f, "{trace}: unexpected: {message}; the trace expects {next}")?;
                }
                Problem::OtherAnswer { line, method, difference } => {
                    writeln!(f, "{trace}:{line}: another answer to `{method}`: {difference}")?;
                }
                Problem::Missing { line, message } => writeln!(f, "{trace}:{line}: missing: {message}")?,
                Problem::Stalled { line, message, refused } => writeln!(
                    f,
                    "{trace}:{line}: too late: {message}; requests that come later in the trace were refused: {refused}"
                )?,
            }
        }
        if self.more_problems > 0 {
            writeln!(f, "{trace}: {} more problems", self.more_problems)?;
        }
        for Note { line, method, difference } in &self.notes {
            writeln!(f, "{trace}:{line}: note: the params of `{method}` differ: {difference}")?;
        }
        if self.more_notes > 0 {
            writeln!(f, "{trace}: {} more notes", self.more_notes)?;
        }
        Ok(())
    }
}
