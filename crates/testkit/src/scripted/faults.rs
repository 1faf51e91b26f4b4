//! Faults for all traffic, the same for the same seed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What goes wrong with every answer, whatever it says.
///
/// The same seed makes the same faults for requests that come in the same order. The answer to `initialize` is
/// spared, except that its bytes are torn like all others; so are answers that the scenario never gives.
///
/// ```
/// use codex_appserver_testkit::scripted::{Faults, Scenario};
///
/// let faults = Faults::seeded(7).reorder(8).split_writes(5).overloaded("thread/list", 2);
/// let scenario = Scenario::new().faults(faults);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub(super) seed: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) reorder: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) delay_up_to_ms: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) split_writes: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) duplicate_every: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) drop_every: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) overloaded: BTreeMap<String, u64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Faults {
    /// No faults yet, and the seed of those to come.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Holds up to this many answers back and gives them in another order. When no answer was added for 5 ms,
    /// all that are held are given.
    pub fn reorder(mut self, window: u64) -> Self {
        self.reorder = window;
        self
    }

    /// Delays each answer by 0 to this many milliseconds.
    pub fn delay_up_to_ms(mut self, most: u64) -> Self {
        self.delay_up_to_ms = most;
        self
    }

    /// Writes everything in pieces of 1 to this many bytes, wherever that tears a line or a character.
    pub fn split_writes(mut self, largest: u64) -> Self {
        self.split_writes = largest;
        self
    }

    /// Gives every Nth answer twice.
    pub fn duplicate_every(mut self, n: u64) -> Self {
        self.duplicate_every = n;
        self
    }

    /// Never gives every Nth answer.
    pub fn drop_every(mut self, n: u64) -> Self {
        self.drop_every = n;
        self
    }

    /// Answers the first requests of a method with `-32001`, `Server overloaded; retry later.`
    pub fn overloaded(mut self, method: impl Into<String>, first: u64) -> Self {
        self.overloaded.insert(method.into(), first);
        self
    }

    /// Whether an answer can be written at once, without a look at the faults.
    pub(super) fn spare_answers(&self) -> bool {
        self.reorder == 0 && self.delay_up_to_ms == 0 && self.duplicate_every == 0 && self.drop_every == 0
    }
}
