//! What only a person can decide before a schema can be generated from.

use std::fmt;

/// One open decision: the file it belongs in, what is open, and the row that settles it.
///
/// Generation collects all of them and reports them together, as [`Error::Open`](crate::Error::Open).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// The file that has to change, from the root of the repository.
    pub file: String,
    /// What is open and what to do, in one line.
    pub problem: String,
    /// The text to paste into the file, where adding a row settles it. `…` marks what a person has to fill in.
    pub row: Option<String>,
}

impl Decision {
    pub(crate) fn new(file: &str, problem: impl Into<String>) -> Self {
        Self { file: file.to_owned(), problem: problem.into(), row: None }
    }

    pub(crate) fn row(mut self, row: impl Into<String>) -> Self {
        self.row = Some(row.into());
        self
    }
}

/// `file: problem`, in one line.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.problem)
    }
}

/// What one stage leaves open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Open {
    /// What the tables do not say yet.
    pub(crate) missing: Vec<Decision>,
    /// Rows of the tables that are of no use. Only the pinned schema, to which the tables belong, has to use them all.
    pub(crate) idle: Vec<Decision>,
}

impl Open {
    /// Both, what is missing first.
    pub(crate) fn all(self) -> impl Iterator<Item = Decision> {
        self.missing.into_iter().chain(self.idle)
    }
}

/// One line for each.
pub(crate) fn lines(decisions: &[Decision]) -> String {
    decisions.iter().map(Decision::to_string).collect::<Vec<_>>().join("\n")
}
