//! How often and when a lost connection is made again.

use std::time::{Duration, Instant};

use crate::settings::RetryPolicy;

/// How often and when a lost connection is made again; see
/// [`ClientBuilder::supervised`](crate::generic::ClientBuilder::supervised).
///
/// After a loss there is a wait, which is twice as long after each further failure. A connection that lasts for
/// [`stable_after`](Self::stable_after) ends the count. A connection that is lost sooner is one more failure, so that a server
/// that dies over and over again is given up as well.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Supervision {
    waits: RetryPolicy,
    stable_after: Duration,
}

impl Default for Supervision {
    /// Ten failures in a row; 200 ms before the first attempt, up to 30 s before later ones, jitter 0.2; stable after 60 s.
    fn default() -> Self {
        let waits = RetryPolicy::default()
            .initial_delay(Duration::from_millis(200))
            .max_delay(Duration::from_secs(30))
            .max_attempts(11);
        Self { waits, stable_after: Duration::from_secs(60) }
    }
}

impl Supervision {
    /// How long to wait after a loss; twice as long after each further failure. 200 ms unless set.
    pub fn first_delay(mut self, delay: Duration) -> Self {
        self.waits = self.waits.initial_delay(delay);
        self
    }

    /// How long to wait at most. 30 s unless set.
    pub fn longest_delay(mut self, delay: Duration) -> Self {
        self.waits = self.waits.max_delay(delay);
        self
    }

    /// By which part of itself a wait may be shorter or longer, 0 to 1, so that many clients do not come back at the
    /// same moment. 0.2 unless set.
    pub fn jitter(mut self, part: f64) -> Self {
        self.waits = self.waits.jitter(part);
        self
    }

    /// How many times in a row it is tried; `None` for no limit. 10 unless set. Then the client is closed, with
    /// [`CloseReason::GaveUp`](crate::CloseReason::GaveUp).
    pub fn attempts(mut self, attempts: impl Into<Option<u32>>) -> Self {
        let attempts = attempts.into().unwrap_or(u32::MAX);
        self.waits = self.waits.max_attempts(attempts.saturating_add(1));
        self
    }

    /// How long a connection has to last until earlier failures do not count any more. 60 s unless set.
    pub fn stable_after(mut self, time: Duration) -> Self {
        self.stable_after = time;
        self
    }
}

/// The attempts to connect again, counted since the last stable connection.
#[derive(Debug)]
pub(crate) struct Attempts {
    policy: Supervision,
    failures: u32,
    connected_at: Instant,
}

impl Attempts {
    pub(crate) fn new(policy: Supervision, now: Instant) -> Self {
        Self { policy, failures: 0, connected_at: now }
    }

    /// The connection is restored.
    pub(crate) fn on_connected(&mut self, now: Instant) {
        self.connected_at = now;
    }

    /// The connection is lost. Yields how long to wait before the first attempt; none if that was once too often.
    pub(crate) fn on_lost(&mut self, now: Instant) -> Option<Duration> {
        if now.saturating_duration_since(self.connected_at) >= self.policy.stable_after {
            self.failures = 0;
        }
        self.on_failed()
    }

    /// An attempt has failed. Yields how long to wait before the next one; none if that was once too often.
    pub(crate) fn on_failed(&mut self) -> Option<Duration> {
        self.failures += 1;
        self.policy.waits.delay_after(self.failures)
    }

    /// How many attempts there were in a row.
    pub(crate) fn made(&self) -> u32 {
        self.failures.saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn policy() -> Supervision {
        Supervision::default()
            .first_delay(SECOND)
            .longest_delay(4 * SECOND)
            .jitter(0.0)
            .stable_after(60 * SECOND)
    }

    #[test]
    fn waits_grow_until_it_is_given_up() {
        let begin = Instant::now();
        let mut attempts = Attempts::new(policy().attempts(4), begin);
        let first = attempts.on_lost(begin + SECOND);
        let later: Vec<_> = (0..4).map(|_| attempts.on_failed()).collect();
        assert_eq!(first, Some(SECOND));
        assert_eq!(later, [Some(2 * SECOND), Some(4 * SECOND), Some(4 * SECOND), None]);
        assert_eq!(attempts.made(), 4);
    }

    #[test]
    fn only_a_stable_connection_ends_the_count() {
        let begin = Instant::now();
        let mut attempts = Attempts::new(policy(), begin);
        assert_eq!(attempts.on_lost(begin + SECOND), Some(SECOND));
        attempts.on_connected(begin + 2 * SECOND);
        assert_eq!(attempts.on_lost(begin + 61 * SECOND), Some(2 * SECOND), "59 s are not enough");
        attempts.on_connected(begin + 70 * SECOND);
        assert_eq!(attempts.on_lost(begin + 130 * SECOND), Some(SECOND));
    }

    #[test]
    fn without_a_limit_it_is_tried_forever() {
        let mut attempts = Attempts::new(policy().attempts(None), Instant::now());
        assert!((0..1000).all(|_| attempts.on_failed().is_some()));
        let mut never = Attempts::new(policy().attempts(0), Instant::now());
        assert_eq!(never.on_failed(), None);
    }
}
