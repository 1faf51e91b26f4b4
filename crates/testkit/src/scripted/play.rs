//! Lists of steps under way.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::plan::Act;
use super::template::Scope;

/// A list of steps, how far it is, and the answer that comes before it.
#[derive(Debug)]
pub(super) struct Play {
    pub id: String,
    pub count: u64,
    pub params: Value,
    pub delay: Duration,
    pub until: Option<String>,
    /// The line, how often, and whether the request is answered by it.
    pub answer: Option<(Vec<u8>, u64, bool)>,
    /// Faults do not apply.
    pub spared: bool,
    /// The thread that `serverRequest/resolved` is to name once the client has answered.
    pub resolves: Option<Value>,
    pub acts: Arc<[Act]>,
    /// The next step.
    pub at: usize,
    /// How many lines of a flood are written.
    pub index: u64,
}

/// A list that goes on at some time.
#[derive(Debug)]
pub(super) struct Timer {
    pub due: Instant,
    pub play: Play,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The one that is due first is the greatest: a heap gives the greatest.
impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        other.due.cmp(&self.due)
    }
}

impl Play {
    pub(super) fn new(id: &str, count: u64, params: Value, acts: Arc<[Act]>) -> Self {
        Self {
            id: id.to_owned(),
            count,
            params,
            delay: Duration::ZERO,
            until: None,
            answer: None,
            spared: false,
            resolves: None,
            acts,
            at: 0,
            index: 0,
        }
    }

    pub(super) fn begins_with_effect(&self) -> bool {
        matches!(self.acts.first(), Some(Act::Effect(_)))
    }

    /// What the variables of the current step stand for.
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { id: &self.id, count: self.count, index: self.index, params: &self.params }
    }
}
