//! When a turn has taken too long.

use std::time::{Duration, Instant};

use codex_appserver_client::Waits;

use crate::turns::MaxDuration;

/// How long to wait at least until the time is checked again while a person is asked: what is left of it may be next to
/// nothing and does not get less meanwhile.
const RECHECK: Duration = Duration::from_millis(50);

/// How long a turn may take, counted from when it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) began: Instant,
    max: Option<MaxDuration>,
    reached: bool,
}

impl Limit {
    pub(crate) fn new(began: Instant, max: Option<MaxDuration>) -> Self {
        Self { began, max, reached: false }
    }

    pub(crate) fn set(&mut self, max: MaxDuration) {
        self.max = Some(max);
    }

    /// Whether the turn was interrupted for it.
    pub(crate) fn was_reached(&self) -> bool {
        self.reached
    }

    /// The turn is interrupted for it, once.
    pub(crate) fn on_reached(&mut self) {
        self.reached = true;
    }

    /// When the limit is reached, if the server waits for no person from now on. None if there is no limit, or if that
    /// time is beyond what the clock can tell.
    fn deadline(&self, waits: &Waits) -> Option<Instant> {
        let max = self.max.filter(|_| !self.reached)?;
        let allowed = if max.counts_people { max.limit } else { max.limit.checked_add(waits.for_people)? };
        self.began.checked_add(allowed)
    }

    pub(crate) fn is_due(&self, waits: &Waits, now: Instant) -> bool {
        self.deadline(waits).is_some_and(|deadline| now >= deadline)
    }

    /// When to look at the time again.
    pub(crate) fn check_at(&self, waits: &Waits, now: Instant) -> Option<Instant> {
        let deadline = self.deadline(waits)?;
        Some(if waits.is_open { deadline.max(now + RECHECK) } else { deadline })
    }
}
