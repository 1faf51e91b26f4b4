//! How long a turn may take.

use std::time::Duration;

/// How long a turn may take before it is interrupted; see [`Turn::max_duration`](crate::generic::Turn::max_duration).
///
/// A [`Duration`] becomes one that leaves out the time in which the server waits for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxDuration {
    pub(crate) limit: Duration,
    pub(crate) counts_people: bool,
}

impl MaxDuration {
    /// The time that the agent has for its work. Time in which the server waits for an answer of this client counts only
    /// if that is the result of a dynamic tool: not while an approval or a question is open.
    pub fn of_work(limit: Duration) -> Self {
        Self { limit, counts_people: false }
    }

    /// All time from the start of the turn.
    pub fn in_all(limit: Duration) -> Self {
        Self { limit, counts_people: true }
    }
}

impl From<Duration> for MaxDuration {
    fn from(limit: Duration) -> Self {
        Self::of_work(limit)
    }
}
