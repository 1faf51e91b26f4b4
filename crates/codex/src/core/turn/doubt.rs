//! When a silent turn is asked for, and what is reported of it, without a watchdog.

use std::time::{Duration, Instant};

use codex_appserver_client::{Error as ClientError, Event};

use super::Turn;
use crate::core::attempts::{BEGINNING, GLANCE};
use crate::error::{Error, Stalled, is_asking};

/// How long to wait for events of a turn in doubt before the server is asked again.
const DOUBT: Duration = Duration::from_secs(5);

/// How long to wait for a turn of which the server says neither that it has begun nor that it is over.
const LATE_BEGINNING: Duration = Duration::from_secs(30);

/// How long a turn may be silent without any doubt until the server is asked. A turn may work for long without an event;
/// but if the server sends this connection no more of them, as after `thread/unsubscribe`, only its records show the end.
pub(super) const SELDOM: Duration = Duration::from_secs(60);

/// How long a turn may wait for an answer that this client does not give, until that is reported: other clients may.
const OTHERS: Duration = Duration::from_secs(30);

/// Why a turn may be silent forever.
#[derive(Debug, Default)]
pub(super) struct Silences {
    /// An event of the turn was read, or it was joined. Where none comes, the server may tell this connection nothing
    /// of the thread.
    pub(super) heard: bool,
    /// The last event was a request of the server, which may be left to other clients.
    pub(super) asked: bool,
    /// Since when the server waits for an answer that this client does not give.
    pub(super) unanswered_since: Option<Instant>,
    /// When the turn was interrupted by a handle.
    pub(super) interrupted_at: Option<Instant>,
}

impl Silences {
    /// Events were missed, and what is open is not known.
    pub(super) fn on_gap(&mut self) {
        (self.heard, self.asked, self.unanswered_since) = (true, false, None);
    }

    /// An event of the turn itself.
    pub(super) fn on_event(&mut self, event: &Event) {
        self.heard = true;
        self.asked = matches!(event, Event::Request(_));
        self.unanswered_since = None;
    }
}

impl Turn {
    /// A handle interrupts the turn. Its end is to follow soon.
    pub(crate) fn on_interrupt(&mut self, now: Instant) {
        self.silences.interrupted_at = Some(now);
    }

    /// The outcome of the interrupt. If the server refused it, the turn goes on.
    pub(crate) fn on_interrupt_done(&mut self, done: &Result<(), Error>) {
        if done.as_ref().is_err_and(|error| !matches!(error, Error::Client(ClientError::TimedOut { .. }))) {
            self.silences.interrupted_at = None;
        }
    }

    /// Since when it is doubtful whether more events come.
    pub(super) fn doubted_since(&self) -> Option<Instant> {
        let Silences { heard, asked, interrupted_at, .. } = self.silences;
        let waiting_since = self.reader.waiting_since;
        self.doubt
            .or_else(|| (!heard).then_some(self.limit.began))
            .or_else(|| interrupted_at.max(waiting_since.filter(|_| interrupted_at.is_some())))
            .or_else(|| waiting_since.filter(|_| asked))
    }

    /// Whether there is no other doubt than an open request.
    pub(super) fn is_only_asked(&self) -> bool {
        let Silences { heard, asked, interrupted_at, .. } = self.silences;
        asked && heard && interrupted_at.is_none() && self.doubt.is_none() && !self.needs_records
    }

    /// Whether there is no doubt, but that nothing is heard.
    pub(super) fn is_only_silent(&self) -> bool {
        self.doubted_since().is_none() && !self.needs_records
    }

    /// Whether the server waits for an answer that this client does not give.
    pub(super) fn is_unanswered(&self, stalled: &Stalled) -> bool {
        !self.waits.is_open && (is_asking(&stalled.status) || self.waits.is_left)
    }

    /// How long the reader waits for an event before a turn in doubt is asked for again.
    pub(super) fn doubt_patience(&self) -> Duration {
        match (self.unknown, self.silences.heard) {
            (true, true) => GLANCE,
            (true, false) => LATE_BEGINNING,
            (false, _) => DOUBT,
        }
    }

    /// Reports a turn that goes on by the records but cannot be expected to end by itself.
    pub(super) fn report_silence(&mut self, mut stalled: Box<Stalled>, now: Instant) {
        let is_unanswered = self.is_unanswered(&stalled);
        let silences = &mut self.silences;
        if is_unanswered {
            silences.unanswered_since.get_or_insert(now);
        } else {
            silences.unanswered_since = None;
        }
        let since = [(&mut silences.unanswered_since, OTHERS), (&mut silences.interrupted_at, BEGINNING)];
        for (since, patience) in since {
            let silent_for = since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
            if silent_for >= patience {
                // It is reported again after the same time.
                *since = Some(now);
                stalled.silent_for = silent_for;
                self.reader.output = Some(Err(Error::Stalled(stalled)));
                return;
            }
        }
    }
}
