//! Calls to a turn that has an id and may not have begun: the server refuses `turn/interrupt` and `turn/steer` until then.

use std::time::{Duration, Instant};

use codex_appserver_client::{Error as ClientError, RpcErrorKind};

/// How long to wait before the server is asked again about a turn that may be about to begin, or has just ended.
pub(crate) const GLANCE: Duration = Duration::from_millis(250);

/// How long a turn may take to begin, once it has an id and the server does not say that it has begun.
pub(crate) const BEGINNING: Duration = Duration::from_secs(10);

/// How often a reader without a time to wait for looks whether a handle has interrupted its turn.
pub(crate) const RECHECK: Duration = Duration::from_secs(5);

/// How far the server says that a turn is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Over,
    Running,
    /// The turn may be about to begin.
    Unknown,
}

/// The attempts of one such call.
#[derive(Debug)]
pub(crate) struct Attempts {
    give_up_at: Instant,
}

impl Attempts {
    pub(crate) fn new(now: Instant) -> Self {
        Self { give_up_at: now + BEGINNING }
    }

    /// Whether the call is made again after the server refused it and then said this about the turn.
    pub(crate) fn go_on(&mut self, progress: Progress, now: Instant) -> bool {
        match progress {
            Progress::Over => false,
            Progress::Running => {
                self.give_up_at = now + BEGINNING;
                true
            }
            Progress::Unknown => now < self.give_up_at,
        }
    }
}

/// Whether the server refused a call because the turn does not run: it has not begun, or is over.
pub(crate) fn is_not_running(error: &ClientError) -> bool {
    matches!(error.kind(), Some(RpcErrorKind::NoActiveTurn | RpcErrorKind::OtherTurn))
}
