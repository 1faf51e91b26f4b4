//! The tokens of one turn.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use codex_appserver_methods::protocol::TokenUsageBreakdown;

/// Numbers of tokens, as the server counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tokens {
    /// Tokens that the model read, those of its cache included.
    pub input: u64,
    /// Tokens that the model read from its cache; part of `input`.
    pub cached_input: u64,
    /// Tokens that the model wrote to its cache; part of `input`.
    pub cache_write_input: u64,
    /// Tokens that the model wrote, those of its reasoning included.
    pub output: u64,
    /// Tokens of the model's reasoning; part of `output`.
    pub reasoning_output: u64,
    /// All tokens. The server says so; it is `input` and `output`.
    pub total: u64,
}

/// The tokens of one turn: of all its requests to the model, and of nothing else.
///
/// This is the cost of the turn. [`TurnResult::usage`](crate::TurnResult::usage) is not: its `last` is the last request
/// to the model alone, and its `total` the whole thread since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TurnUsage {
    /// The turn itself, without its sub-agents.
    pub own: Tokens,
    /// Its sub-agents and theirs, up to now: those that still work go on counting.
    pub agents: Tokens,
    /// Whether the numbers are exact. They are not if the server reported less than is needed to tell this turn from the
    /// ones before it: this client joined the thread in the middle of the turn, reports were lost, or the server counted
    /// from zero again in between. Then they are the best estimate.
    pub is_exact: bool,
}

impl TurnUsage {
    /// The turn and its sub-agents.
    pub fn sum(&self) -> Tokens {
        self.own + self.agents
    }
}

impl Tokens {
    /// What came on top of `before`; none if any number went down.
    #[cfg(feature = "client")]
    pub(crate) fn since(self, before: Self) -> Option<Self> {
        Some(Self {
            input: self.input.checked_sub(before.input)?,
            cached_input: self.cached_input.checked_sub(before.cached_input)?,
            cache_write_input: self.cache_write_input.checked_sub(before.cache_write_input)?,
            output: self.output.checked_sub(before.output)?,
            reasoning_output: self.reasoning_output.checked_sub(before.reasoning_output)?,
            total: self.total.checked_sub(before.total)?,
        })
    }
}

impl From<&TokenUsageBreakdown> for Tokens {
    fn from(counted: &TokenUsageBreakdown) -> Self {
        // A number below zero means nothing.
        let number = |number: i64| u64::try_from(number).unwrap_or(0);
        Self {
            input: number(counted.input_tokens),
            cached_input: number(counted.cached_input_tokens),
            cache_write_input: number(counted.cache_write_input_tokens),
            output: number(counted.output_tokens),
            reasoning_output: number(counted.reasoning_output_tokens),
            total: number(counted.total_tokens),
        }
    }
}

impl Add for Tokens {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            input: self.input.saturating_add(other.input),
            cached_input: self.cached_input.saturating_add(other.cached_input),
            cache_write_input: self.cache_write_input.saturating_add(other.cache_write_input),
            output: self.output.saturating_add(other.output),
            reasoning_output: self.reasoning_output.saturating_add(other.reasoning_output),
            total: self.total.saturating_add(other.total),
        }
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Self::add)
    }
}
