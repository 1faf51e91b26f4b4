//! The part of a turn's stream that does not wait.

use std::sync::Arc;
use std::time::Instant;

use codex_appserver_client::{Closed, Error as ClientError, Event, Waits};

use super::SharedTurn;
use crate::core::Step;
use crate::core::records::Records;
use crate::error::Error;
use crate::event_source::EventSource;
use crate::turns::TurnResult;

/// The part of a stream that does not wait: the stream does what [`next`](Self::next) says and passes in what it got.
pub(crate) struct TurnReader<E: EventSource, A> {
    pub(super) turn: Arc<SharedTurn<E, A>>,
    pub(super) access: Access<E>,
}

pub(super) enum Access<E> {
    Reading(E),
    /// Another stream was reading when this one was opened.
    Refused {
        told: bool,
    },
    Done,
}

impl<E: EventSource, A> TurnReader<E, A> {
    /// The next step; see [`Turn::next`].
    pub(crate) fn next(&mut self, now: Instant) -> Step {
        match &mut self.access {
            Access::Done | Access::Refused { told: true } => return Step::Done,
            Access::Refused { told } => {
                *told = true;
                return Step::Fail(Error::Followed { turn_id: self.turn.id.clone() });
            }
            Access::Reading(_) => {}
        }
        let mut state = self.turn.lock();
        let (step, done) = (state.turn.next(now), state.turn.is_done());
        drop(state);
        // At once with the last event, so that its approvals end and others have the result.
        if done {
            self.access = Access::Done;
            drop(self.turn.take_notices());
            self.turn.approvals.end_turn(&self.turn.id);
        }
        step
    }

    /// The subscription, to read from or to wait for. There is one after the steps `Read` and `Wait`.
    pub(crate) fn events(&mut self) -> Option<&mut E> {
        match &mut self.access {
            Access::Reading(events) => Some(events),
            Access::Refused { .. } | Access::Done => None,
        }
    }

    /// Passes in what the subscription yielded: an event, or its end. If it ended because it was full, another one
    /// takes its place.
    pub(crate) fn on_events(
        &mut self,
        event: Option<Result<Event, ClientError>>,
        closed: impl FnOnce() -> Option<Arc<Closed>>,
        subscribe: impl FnOnce() -> E,
    ) {
        match event {
            Some(Ok(event)) => {
                let mut state = self.turn.lock();
                state.turn.on_event(event);
                let spawned = state.turn.take_spawned();
                drop(state);
                spawned.iter().for_each(|thread_id| self.turn.ledger.on_new_thread(thread_id));
            }
            Some(Err(error @ ClientError::Overrun { .. })) => {
                self.access = Access::Reading(subscribe());
                self.turn.lock().turn.on_overrun(error);
            }
            Some(Err(error)) => self.turn.lock().turn.on_closed(Some(error)),
            None => self.turn.lock().turn.on_closed(broken(closed())),
        }
    }

    /// See [`Turn::on_empty`].
    pub(crate) fn on_empty(&self) {
        self.turn.lock().turn.on_empty();
    }

    /// See [`Turn::on_timeout`].
    pub(crate) fn on_timeout(&self, now: Instant) {
        self.turn.lock().turn.on_timeout(now);
    }

    /// See [`Turn::on_interrupted`].
    pub(crate) fn on_interrupted(&self, done: Result<(), Error>, now: Instant) {
        self.turn.lock().turn.on_interrupted(done, now);
    }

    /// See [`Turn::wants_waits`].
    pub(crate) fn wants_waits(&self, now: Instant) -> bool {
        matches!(self.access, Access::Reading(_)) && self.turn.lock().turn.wants_waits(now)
    }

    /// See [`Turn::on_waits`].
    pub(crate) fn on_waits(&self, waits: Waits) {
        self.turn.lock().turn.on_waits(waits);
    }

    /// See [`Turn::on_records`]. If the records do not know the end, the notices may.
    pub(crate) fn on_records(&self, read: Result<Records, ClientError>, now: Instant) {
        self.turn.up_to_date().turn.on_records(read, now);
    }

    /// Whether the end of the turn was read.
    pub(crate) fn is_over(&self) -> bool {
        self.turn.lock().turn.is_read()
    }

    /// See [`Turn::on_lost`].
    pub(crate) fn on_lost(&self) {
        self.turn.lock().turn.on_lost();
    }

    /// See [`Turn::on_gave_up`].
    #[cfg(feature = "blocking")]
    pub(crate) fn on_gave_up(&self) {
        self.turn.lock().turn.on_gave_up();
    }

    /// See [`Turn::on_postponed`].
    #[cfg(feature = "blocking")]
    pub(crate) fn on_postponed(&self) {
        self.turn.lock().turn.on_postponed();
    }

    /// The result, once the turn is done.
    pub(crate) fn result(&self) -> Option<TurnResult> {
        match self.access {
            Access::Refused { .. } => None,
            Access::Reading(_) | Access::Done => {
                let mut state = self.turn.lock();
                if state.turn.is_done() { self.turn.complete(&mut state) } else { None }
            }
        }
    }

    /// The result, or why there is none.
    pub(crate) fn into_result(self, closed: Option<Arc<Closed>>) -> Result<TurnResult, Error> {
        self.result().ok_or_else(|| self.turn.lock().turn.disconnected(broken(closed)))
    }
}

/// The error of a connection that broke; none of one that was shut down.
fn broken(closed: Option<Arc<Closed>>) -> Option<ClientError> {
    closed.filter(|closed| !closed.is_shutdown()).map(ClientError::Closed)
}

impl<E: EventSource, A> Drop for TurnReader<E, A> {
    /// Leaves the subscription to the next reader.
    fn drop(&mut self) {
        if let Access::Reading(events) = std::mem::replace(&mut self.access, Access::Done) {
            self.turn.lock().events = Some(events);
        }
    }
}
