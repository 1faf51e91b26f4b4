//! The events of a turn.

use std::sync::Arc;

use codex_appserver_client::generic::Events;
use codex_appserver_client::{Error as ClientError, Event};

use crate::approvals::Approvals;
use crate::error::Error;
use crate::runtime::Runtime;
use crate::turn::Inner;
use crate::turns::{TurnReader, TurnResult};

/// The events of a turn, to its end: a `Stream` with tokio, an iterator that blocks on threads. The last event is
/// `turn/completed`, unless the end was missed and the server had to be asked.
///
/// Items, deltas of messages, approvals and so on are all there; output and progress may be skipped for a slow reader,
/// which gets [`Event::Lagged`] instead. An [`Error::Stalled`] of the watchdog does not end the stream. Dropping the stream loses
/// nothing: the next one, or `run` of the turn, goes on where it stopped.
#[must_use = "a stream does nothing unless it is read"]
pub struct TurnStream<R: Runtime> {
    pub(crate) turn: Arc<Inner<R>>,
    pub(crate) reader: TurnReader<Events<R>, Approvals<R>>,
    pub(crate) waiting: R::Waiting,
}

impl<R: Runtime> TurnStream<R> {
    pub(crate) fn new(turn: Arc<Inner<R>>) -> Self {
        Self { reader: turn.shared.reader(), turn, waiting: R::Waiting::default() }
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

    /// Passes on what the subscription yielded.
    pub(crate) fn take(&mut self, event: Option<Result<Event, ClientError>>) {
        let turn = &self.turn;
        self.reader.on_events(event, || turn.client().closed(), || turn.subscribe());
    }
}

impl<R: Runtime> std::fmt::Debug for TurnStream<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnStream").field("turn_id", &self.turn.shared.id()).finish_non_exhaustive()
    }
}
