//! The events of a turn, waited for.

use std::time::{Duration, Instant};

use codex_appserver_client::generic::Events;
use codex_appserver_client::{Error as ClientError, Event, OsThreads};

use super::turn::look_up;
use crate::core::attempts::{BEGINNING, RECHECK};
use crate::core::{Step, records};
use crate::error::Error;
use crate::stream::TurnStream;

/// How long the server may take to send its records to a caller that waits for less. It is doubled whenever that was not
/// enough.
pub struct Hurry(Duration);

impl Default for Hurry {
    fn default() -> Self {
        Self(Duration::from_secs(1))
    }
}

/// The outcome of waiting for an event for a while; see [`TurnStream::next_timeout`].
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "it is matched at once and never kept")]
pub enum NextEvent {
    /// An event.
    Event(Event),
    /// None came in this time; the turn goes on.
    TimedOut,
    /// The stream has ended. [`TurnStream::result`] has the result of the turn, unless an error was the last item.
    Ended,
}

/// On threads.
impl TurnStream<OsThreads> {
    /// The next event, if one comes in this time. The watchdog has no effect here, a
    /// [`max_duration`](crate::generic::Turn::max_duration) has. If events were missed, as of a
    /// turn that another client started, the server is asked about them first, which may take longer.
    ///
    /// # Errors
    ///
    /// Any error is the last item.
    pub fn next_timeout(&mut self, patience: Duration) -> Result<NextEvent, Error> {
        self.advance(Some(patience))
    }

    /// Waits for an event: no longer than the caller's patience, or until the turn is over.
    fn advance(&mut self, mut patience: Option<Duration>) -> Result<NextEvent, Error> {
        let span = self.turn.span.clone();
        let _entered = span.enter();
        loop {
            let now = Instant::now();
            match self.step(now) {
                Step::Event(event) => return Ok(NextEvent::Event(event)),
                Step::Fail(error) => return Err(error),
                Step::Done => return Ok(NextEvent::Ended),
                Step::Interrupt => {
                    let client = self.turn.client().with_timeout(BEGINNING);
                    let done = self.turn.interrupt(&client);
                    self.reader.on_interrupted(done, Instant::now());
                }
                Step::AskRecords => self.ask(patience),
                Step::Read => match self.reader.events().and_then(Events::try_next) {
                    None => self.reader.on_empty(),
                    event => self.take(event),
                },
                Step::Wait { until, check_at } => {
                    let left = |at: Instant| at.saturating_duration_since(now);
                    // The watchdog is off if the caller has its own patience.
                    let timeout = match patience {
                        Some(patience) => Some(check_at.map_or(patience, |at| left(at).min(patience))),
                        // Another handle may interrupt the turn meanwhile.
                        None => Some(until.map_or(RECHECK, left)),
                    };
                    let Some(events) = self.reader.events() else { return Ok(NextEvent::Ended) };
                    match wait(events, timeout) {
                        Some(event) => self.take(event),
                        None if patience.is_none() && until.is_none() => {}
                        None if patience.is_none() => self.time_out(Instant::now()),
                        None => {
                            self.reader.on_gave_up();
                            // A turn that has taken too long is interrupted before the caller gets the word.
                            if check_at.is_some() {
                                self.reader.on_waits(self.turn.waits());
                            }
                            let spent = now.elapsed();
                            match patience.and_then(|patience| patience.checked_sub(spent)) {
                                Some(rest) if !rest.is_zero() && check_at.is_some() => patience = Some(rest),
                                _ => return Ok(NextEvent::TimedOut),
                            }
                        }
                    }
                }
            }
        }
    }

    /// Asks the server for the records. A caller with little patience does not wait for them as long as it may take.
    fn ask(&mut self, patience: Option<Duration>) {
        let limit = patience
            .map_or(records::PATIENCE, |patience| patience.max(self.waiting.0).min(records::PATIENCE));
        let client = self.turn.client().with_timeout(limit);
        match look_up(&client, self.turn.shared.lookup()) {
            Err(ClientError::TimedOut { .. }) if limit < records::PATIENCE => {
                self.waiting.0 = (self.waiting.0 * 2).min(records::PATIENCE);
                self.reader.on_postponed();
            }
            read => self.take_records(read, Instant::now()),
        }
    }
}

/// What the subscription's iterator yields, unless the time is up before.
fn wait(
    events: &mut Events<OsThreads>,
    timeout: Option<Duration>,
) -> Option<Option<Result<Event, ClientError>>> {
    let Some(timeout) = timeout else { return Some(events.next()) };
    match events.next_timeout(timeout) {
        Ok(Some(event)) => Some(Some(Ok(event))),
        Ok(None) => None,
        // That is how the iterator would end.
        Err(ClientError::Closed(closed)) if closed.is_shutdown() => Some(None),
        Err(error) => Some(Some(Err(error))),
    }
}

impl Iterator for TurnStream<OsThreads> {
    type Item = Result<Event, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.advance(None) {
            Ok(NextEvent::Event(event)) => Some(Ok(event)),
            Err(error) => Some(Err(error)),
            // Without a limit the time is never up.
            Ok(NextEvent::TimedOut | NextEvent::Ended) => None,
        }
    }
}
