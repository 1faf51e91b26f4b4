//! What a turn tells, as an iterator.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use codex_appserver_client::blocking::Events;
use codex_appserver_client::{Error as ClientError, Event, Filter};
use codex_appserver_methods::protocol::ThreadReadResponse;

use super::turn::{Inner, read_records};
use crate::error::Error;
use crate::turns::Following;
use crate::turns::TurnResult;
use crate::turns::records::{self, Record};
use crate::twins::{stream_drop, stream_methods};

/// What a turn tells, to its end: an iterator of events that blocks, the last of which is `turn/completed`.
///
/// Items, deltas of messages, approvals and so on are all there; output and progress may be skipped for a slow
/// reader, who gets [`Event::Lagged`] instead. An [`Error::Stalled`] of the watchdog does not end it. Dropping the
/// stream loses nothing: the next one, or [`Turn::run`](super::Turn::run), goes on where it stopped.
#[must_use = "a stream does nothing unless it is read"]
pub struct TurnStream {
    turn: Arc<Inner>,
    /// What is followed; nothing while another stream is at it.
    following: Option<Following<Events>>,
    /// An error was the last thing.
    ended: bool,
    outcome: Option<TurnResult>,
    /// How long the server may take to say how the turn is doing, for somebody who is in a hurry.
    hurry: Duration,
}

/// How long that is at first.
const HURRY: Duration = Duration::from_secs(1);

impl TurnStream {
    stream_methods!();

    pub(super) fn new(turn: Arc<Inner>) -> Self {
        let following = turn.following.lock().unwrap_or_else(PoisonError::into_inner).take();
        Self { turn, following, ended: false, outcome: None, hurry: HURRY }
    }

    /// The next event, if one comes in this time: `Ok(None)` says that the time is up, or that the turn is over and
    /// [`result`](Self::result) has what came of it. The watchdog is not asked. Where events were missed, as of a
    /// turn of somebody else, the server is asked about them first; that may take longer.
    ///
    /// # Errors
    ///
    /// What the connection failed with, as the last thing.
    pub fn next_timeout(&mut self, patience: Duration) -> Result<Option<Event>, Error> {
        self.advance(Some(patience), false).transpose()
    }

    /// Waits for an event, as long as it may take. A watched one has the server asked when that is up.
    fn advance(&mut self, patience: Option<Duration>, watched: bool) -> Option<Result<Event, Error>> {
        loop {
            if self.is_ended() {
                return None;
            }
            if self.must_ask() {
                let hurry = patience.filter(|_| !watched).map(|patience| patience.max(self.hurry));
                match self.ask(hurry) {
                    // There is time for that, and more of it, when somebody waits again.
                    Err(ClientError::TimedOut { .. })
                        if hurry.is_some_and(|hurry| hurry < records::PATIENCE) =>
                    {
                        self.hurry = (self.hurry * 2).min(records::PATIENCE);
                    }
                    read => match self.consult(read, None) {
                        Some(error) => return Some(Err(error)),
                        None => continue,
                    },
                }
            }
            let Some(following) = &mut self.following else { return Some(Err(self.taken())) };
            if let Some(event) = following.events.try_next() {
                return self.take(Some(event));
            }
            match self.run_dry() {
                Some(Ok(())) => continue,
                Some(Err(error)) => return Some(Err(error)),
                None => {}
            }
            let Some(following) = &mut self.following else { continue };
            let doubt = following.doubt().filter(|_| watched);
            match wait(&mut following.events, patience.or(doubt)) {
                Some(event) => return self.take(event),
                None if watched => {
                    let read = self.ask(None);
                    if let Some(error) = self.consult(read, patience) {
                        return Some(Err(error));
                    }
                }
                None => return None,
            }
        }
    }

    /// Asks the server how the turn is doing, no longer than somebody wants to wait.
    fn ask(&self, patience: Option<Duration>) -> Result<ThreadReadResponse, ClientError> {
        let patience = patience.unwrap_or(records::PATIENCE).min(records::PATIENCE);
        read_records(&self.turn.client().with_timeout(patience), self.turn.thread.id())
    }
}

/// What the subscription's iterator yields, unless the time is up before.
fn wait(events: &mut Events, patience: Option<Duration>) -> Option<Option<Result<Event, ClientError>>> {
    let Some(patience) = patience else { return Some(events.next()) };
    match events.next_timeout(patience) {
        Ok(Some(event)) => Some(Some(Ok(event))),
        Ok(None) => None,
        // That is how the iterator would end: whoever shut the connection down knows.
        Err(ClientError::Closed(closed)) if closed.is_shutdown() => Some(None),
        Err(error) => Some(Some(Err(error))),
    }
}

impl Iterator for TurnStream {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance(self.turn.watchdog, true)
    }
}

stream_drop!();
