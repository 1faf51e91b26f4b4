//! The events of a turn, as a stream.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use codex_appserver_client::{Error as ClientError, Event, Events};
use codex_appserver_methods::protocol::ThreadReadResponse;
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Approvals;
use super::turn::{Inner, read_records};
use crate::core::Step;
use crate::error::Error;
use crate::turns::{TurnReader, TurnResult};
use crate::twins::stream_methods;

type Asking = Pin<Box<dyn Future<Output = Result<ThreadReadResponse, ClientError>> + Send>>;

/// The events of a turn, to its end: a [`Stream`], whose last event is `turn/completed`.
///
/// Items, deltas of messages, approvals and so on are all there; output and progress may be skipped for a slow
/// reader, which gets [`Event::Lagged`] instead. An [`Error::Stalled`] of the watchdog does not end it. Dropping the
/// stream loses nothing: the next one, or [`Turn::run`](crate::Turn::run), goes on where it stopped.
#[must_use = "a stream does nothing unless it is read"]
pub struct TurnStream {
    turn: Arc<Inner>,
    reader: TurnReader<Events, Approvals>,
    /// The call for the records, while the reader asks for them.
    asking: Option<Asking>,
    /// Wakes the reader at the end of its wait.
    timer: Option<Pin<Box<Sleep>>>,
}

impl TurnStream {
    stream_methods!();

    pub(super) fn new(turn: Arc<Inner>) -> Self {
        Self { reader: turn.shared.reader(), turn, asking: None, timer: None }
    }

    /// The next event. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Stalled`], after which the stream goes on; any other error is its last item.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        loop {
            match self.reader.next(now()) {
                Step::Event(event) => return Poll::Ready(Some(Ok(event))),
                Step::Fail(error) => return Poll::Ready(Some(Err(error))),
                Step::Done => return Poll::Ready(None),
                Step::AskRecords => {
                    let turn = &self.turn;
                    let asking = self.asking.get_or_insert_with(|| ask(turn));
                    let read = ready!(asking.as_mut().poll(context));
                    self.asking = None;
                    self.reader.on_records(read, now());
                }
                Step::Read => match self.poll_events(context) {
                    Poll::Ready(event) => self.take(event),
                    Poll::Pending => self.reader.on_empty(),
                },
                Step::Wait { until } => match (self.poll_events(context), until) {
                    (Poll::Ready(event), _) => self.take(event),
                    (Poll::Pending, None) => return Poll::Pending,
                    (Poll::Pending, Some(until)) => {
                        ready!(self.poll_timer(until.into(), context));
                        self.reader.on_timeout();
                    }
                },
            }
        }
    }

    fn poll_events(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Event, ClientError>>> {
        self.reader.events().map_or(Poll::Ready(None), |events| Pin::new(events).poll_next(context))
    }

    fn poll_timer(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().poll(context)
    }

    fn take(&mut self, event: Option<Result<Event, ClientError>>) {
        let turn = &self.turn;
        self.reader.on_events(event, || turn.client().closed(), || turn.subscribe());
    }
}

/// The time by the runtime's clock, which tests may move.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn ask(turn: &Inner) -> Asking {
    let (client, thread_id) = (turn.client().clone(), turn.thread.id().to_owned());
    Box::pin(async move { read_records(&client, &thread_id).await })
}

impl Stream for TurnStream {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

impl std::fmt::Debug for TurnStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TurnStream").field("turn_id", &self.turn.shared.id()).finish_non_exhaustive()
    }
}
