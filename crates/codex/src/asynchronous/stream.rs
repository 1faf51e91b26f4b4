//! What a turn tells, as a stream.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use codex_appserver_client::{Error as ClientError, Event, Events, Filter};
use codex_appserver_methods::protocol::ThreadReadResponse;
use futures_core::Stream;
use tokio::time::{Sleep, sleep};

use super::turn::{Inner, read_records};
use crate::error::Error;
use crate::turns::Following;
use crate::turns::TurnResult;
use crate::turns::records::Record;
use crate::twins::{stream_drop, stream_methods};

type Asking = Pin<Box<dyn Future<Output = Result<ThreadReadResponse, ClientError>> + Send>>;

/// What a turn tells, to its end: a [`Stream`] of events, the last of which is `turn/completed`.
///
/// Items, deltas of messages, approvals and so on are all there; output and progress may be skipped for a slow
/// reader, who gets [`Event::Lagged`] instead. An [`Error::Stalled`] of the watchdog does not end it. Dropping the
/// stream loses nothing: the next one, or [`Turn::run`](crate::Turn::run), goes on where it stopped.
#[must_use = "a stream does nothing unless it is read"]
pub struct TurnStream {
    turn: Arc<Inner>,
    /// What is followed; nothing while another stream is at it.
    following: Option<Following<Events>>,
    /// An error was the last thing.
    ended: bool,
    /// Since the last event.
    silence: Option<Pin<Box<Sleep>>>,
    /// The server is being asked how the turn is doing, if so because of such a silence.
    asking: Option<(Asking, Option<Duration>)>,
    outcome: Option<TurnResult>,
}

impl TurnStream {
    stream_methods!();

    pub(super) fn new(turn: Arc<Inner>) -> Self {
        let following = turn.following.lock().unwrap_or_else(PoisonError::into_inner).take();
        Self { turn, following, ended: false, silence: None, asking: None, outcome: None }
    }

    /// The next event. Giving up the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Stalled`], after which it goes on; and as the last thing what the connection failed with.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        loop {
            if self.is_ended() {
                return Poll::Ready(None);
            }
            if self.following.is_none() {
                return Poll::Ready(Some(Err(self.taken())));
            }
            if let Some((asking, silent_for)) = &mut self.asking {
                let (read, silent_for) = (ready!(asking.as_mut().poll(context)), *silent_for);
                self.asking = None;
                self.silence = None;
                match self.consult(read, silent_for) {
                    Some(error) => return Poll::Ready(Some(Err(error))),
                    None => continue,
                }
            }
            if self.must_ask() {
                self.ask(None);
                continue;
            }
            let Some(following) = &mut self.following else { continue };
            if let Poll::Ready(event) = Pin::new(&mut following.events).poll_next(context) {
                self.silence = None;
                return Poll::Ready(self.take(event));
            }
            match self.run_dry() {
                Some(Ok(())) => continue,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {}
            }
            let doubt = self.following.as_ref().and_then(Following::doubt);
            let Some(patience) = self.turn.watchdog.or(doubt) else { return Poll::Pending };
            let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(patience)));
            ready!(silence.as_mut().poll(context));
            self.ask(self.turn.watchdog);
        }
    }

    /// Asks the server how the turn is doing; because of a silence, if it was one.
    fn ask(&mut self, silent_for: Option<Duration>) {
        let (client, id) = (self.turn.client().clone(), self.turn.thread.id().to_owned());
        self.asking = Some((Box::pin(async move { read_records(&client, &id).await }), silent_for));
    }
}

impl Stream for TurnStream {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

stream_drop!();
