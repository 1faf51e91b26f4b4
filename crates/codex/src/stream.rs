//! The events of a turn.

use std::sync::Arc;
use std::time::Instant;

use codex_appserver_client::generic::Events;
use codex_appserver_client::{Error as ClientError, Event};

use crate::approvals::Approvals;
use crate::core::Step;
use crate::core::records::Records;
use crate::error::Error;
use crate::runtime::Runtime;
use crate::turn::Inner;
use crate::turns::{TurnReader, TurnResult};

/// The events of a turn, to its end: a `Stream` with tokio, an iterator that blocks on threads. The last event is
/// `turn/completed` of the turn itself, unless the end was missed and the server had to be asked. Sub-agents have turns of
/// their own, whose events come only if [`with_agent_events`](crate::generic::Turn::with_agent_events) was called.
///
/// Items, deltas of messages, approvals and so on are all there; output and progress may be skipped for a slow reader,
/// which gets [`Event::Lagged`] instead. An [`Error::Stalled`] of the watchdog does not end the stream. Dropping the stream loses
/// nothing: the next one, or `run` of the turn, goes on where it stopped.
#[must_use = "a stream does nothing unless it is read"]
pub struct TurnStream<R: Runtime> {
    pub(crate) turn: Arc<Inner<R>>,
    pub(crate) reader: TurnReader<Events<R>, Approvals<R>>,
    pub(crate) waiting: R::Waiting,
    generation: u64,
}

impl<R: Runtime> TurnStream<R> {
    pub(crate) fn new(turn: Arc<Inner<R>>) -> Self {
        let mut reader = turn.shared.reader();
        let generation =
            reader.events().map_or_else(|| turn.client().status().generation, |events| events.generation());
        Self { reader, turn, waiting: R::Waiting::default(), generation }
    }

    /// The number of the connection over which the last event came; see [`Event::Reconnected`].
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The result of the turn, once this stream has read its end.
    pub fn result(&self) -> Option<TurnResult> {
        self.reader.result()
    }

    /// The result of the turn, whose end this stream has read.
    ///
    /// # Errors
    ///
    /// The stream was not read to its end: [`Error::Disconnected`], or the error of a connection that broke.
    pub fn into_result(self) -> Result<TurnResult, Error> {
        self.reader.into_result(self.turn.client().closed())
    }

    /// The next step of the reader, at this time.
    pub(crate) fn step(&mut self, now: Instant) -> Step {
        if self.reader.wants_waits(now) {
            self.reader.on_waits(self.turn.waits());
        }
        self.reader.next(now)
    }

    /// No event came until the time that the reader named.
    pub(crate) fn time_out(&mut self, now: Instant) {
        self.reader.on_waits(self.turn.waits());
        self.reader.on_timeout(now);
    }

    /// Passes on the records.
    pub(crate) fn take_records(&mut self, read: Result<Records, ClientError>, now: Instant) {
        // Without a connection nothing says how the turn stands. And an answer over another connection comes too soon
        // for a reader that has not read yet that there is one.
        let status = self.turn.client().status();
        let is_early = status.generation != self.generation && !self.reader.is_over();
        if is_early || (read.is_err() && status.is_reconnecting()) {
            return self.reader.on_lost();
        }
        self.reader.on_waits(self.turn.waits());
        self.reader.on_records(read, now);
    }

    /// Passes on what the subscription yielded.
    pub(crate) fn take(&mut self, event: Option<Result<Event, ClientError>>) {
        let turn = &self.turn;
        self.reader.on_events(event, || turn.client().closed(), || turn.subscribe());
        if let Some(events) = self.reader.events() {
            self.generation = events.generation();
        }
    }
}

impl<R: Runtime> std::fmt::Debug for TurnStream<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnStream").field("turn_id", &self.turn.shared.id()).finish_non_exhaustive()
    }
}
