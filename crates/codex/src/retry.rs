//! Whole operations again, where the server was too busy for one of their calls.

use codex_appserver_client::{self as client, RetryPolicy};

use crate::error::Error;

/// An error that tells whether the same may well succeed a little later.
pub trait Retryable {
    /// Whether it may.
    fn is_retryable(&self) -> bool;
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        self.is_retryable()
    }
}

impl Retryable for client::Error {
    fn is_retryable(&self) -> bool {
        self.is_retryable()
    }
}

/// How many attempts there were, and what to do after each.
pub(crate) struct Attempts {
    policy: RetryPolicy,
    made: u32,
}

impl Attempts {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self { policy, made: 0 }
    }

    /// How long to wait before another attempt, after one with this error; none where it was the last.
    pub(crate) fn failed(&mut self, error: &impl Retryable) -> Option<std::time::Duration> {
        self.made += 1;
        if error.is_retryable() { self.policy.delay_after(self.made) } else { None }
    }
}
