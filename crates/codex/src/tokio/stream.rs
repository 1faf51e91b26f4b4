//! The events of a turn, awaited.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use codex_appserver_client::{Error as ClientError, Event, Tokio};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::turn::look_up;
use crate::core::Step;
use crate::core::attempts::{BEGINNING, RECHECK};
use crate::core::records::Records;
use crate::error::Error;
use crate::stream::TurnStream;
use crate::turn::Inner;

type Asking = Pin<Box<dyn Future<Output = Result<Records, ClientError>> + Send>>;

type Interrupting = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// What a stream waits for beside its events.
#[derive(Default)]
pub struct Waiting {
    /// The calls for the records, while the reader asks for them.
    asking: Option<Asking>,
    /// The call that interrupts the turn, while it is made.
    interrupting: Option<Interrupting>,
    /// Wakes the reader at the end of its wait.
    timer: Option<Pin<Box<Sleep>>>,
}

/// On tokio.
impl TurnStream<Tokio> {
    /// The next event. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Stalled`], after which the stream goes on; any other error is its last item.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        let span = self.turn.span.clone();
        let _entered = span.enter();
        loop {
            match self.step(now()) {
                Step::Event(event) => return Poll::Ready(Some(Ok(event))),
                Step::Fail(error) => return Poll::Ready(Some(Err(error))),
                Step::Done => return Poll::Ready(None),
                Step::Interrupt => {
                    let turn = &self.turn;
                    let interrupting =
                        self.waiting.interrupting.get_or_insert_with(|| interrupt(turn.clone()));
                    let done = ready!(interrupting.as_mut().poll(context));
                    self.waiting.interrupting = None;
                    self.reader.on_interrupted(done, now());
                }
                Step::AskRecords => {
                    let turn = &self.turn;
                    let asking = self.waiting.asking.get_or_insert_with(|| ask(turn));
                    let read = ready!(asking.as_mut().poll(context));
                    self.waiting.asking = None;
                    self.take_records(read, now());
                }
                Step::Read => match self.poll_events(context) {
                    Poll::Ready(event) => self.take(event),
                    Poll::Pending => self.reader.on_empty(),
                },
                Step::Wait { until, .. } => match (self.poll_events(context), until) {
                    (Poll::Ready(event), _) => self.take(event),
                    // Another handle may have interrupted the turn by then.
                    (Poll::Pending, None) => ready!(self.poll_timer(Instant::now() + RECHECK, context)),
                    (Poll::Pending, Some(until)) => {
                        ready!(self.poll_timer(until.into(), context));
                        self.time_out(now());
                    }
                },
            }
        }
    }

    fn poll_events(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Event, ClientError>>> {
        self.reader.events().map_or(Poll::Ready(None), |events| Pin::new(events).poll_next(context))
    }

    fn poll_timer(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.waiting.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().poll(context)
    }
}

/// The time by the runtime's clock, which tests may move.
pub(super) fn now() -> std::time::Instant {
    Instant::now().into_std()
}

fn ask(turn: &Inner<Tokio>) -> Asking {
    let client = turn.client().clone();
    let lookup = turn.shared.lookup();
    Box::pin(async move { look_up(&client, lookup).await })
}

fn interrupt(turn: Arc<Inner<Tokio>>) -> Interrupting {
    let client = turn.client().with_timeout(BEGINNING);
    Box::pin(async move { turn.interrupt(&client).await })
}

impl Stream for TurnStream<Tokio> {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}
