//! A turn that is followed, and what is left of it between two streams.

use std::time::{Duration, Instant};

use codex_appserver_client::Event;
use codex_appserver_methods::protocol::{ThreadStatus, Turn, TurnStatus};

use crate::error::{Error, Stalled};
use crate::turns::Course;
use crate::turns::life::GLANCE;
use crate::turns::records::Record;

/// A turn and what of it waits to be read. `E` is the kind of subscription.
pub(crate) struct Following<E> {
    pub(crate) events: E,
    pub(crate) course: Course,
    /// The end may have been missed: the server has to be asked.
    pub(crate) asks: bool,
    /// Some of it was missed: the server is asked when it has ended.
    missed: bool,
    /// What to do when nothing waits to be read.
    last: Option<Last>,
    /// When the server was asked, and nothing was heard since. Nothing more may be heard: the server may not be at
    /// work on the turn, or not tell this connection of the thread.
    doubts: Option<Instant>,
    /// The server has said that it does nothing, and knows nothing of the turn. Once is not enough: the turn may be
    /// about to begin, or its end on the way.
    unknown: bool,
}

/// How long to listen for such a turn before the server is asked again.
const DOUBT: Duration = Duration::from_secs(5);

/// What to do about a turn of which nothing more will be heard.
enum Last {
    /// It ended like this, beside what was followed.
    End(Box<Turn>),
    /// Nobody knows.
    Lost,
}

impl<E> Following<E> {
    pub(crate) fn new(events: E, course: Course, asks: bool) -> Self {
        Self { events, course, asks, missed: false, last: None, doubts: None, unknown: false }
    }

    /// Whether nothing is left to be heard or asked.
    pub(crate) fn is_done(&self) -> bool {
        self.course.is_over() && !self.asks
    }

    /// Whether it is time to ask the server again.
    pub(crate) fn doubts_long_enough(&self) -> bool {
        self.doubts.zip(self.doubt()).is_some_and(|(since, patience)| since.elapsed() >= patience)
    }

    /// How long to listen before the server is asked again.
    pub(crate) fn doubt(&self) -> Option<Duration> {
        self.doubts.map(|_| if self.unknown { GLANCE } else { DOUBT })
    }

    /// Takes note of an event.
    pub(crate) fn see(&mut self, event: &Event) {
        (self.doubts, self.unknown) = (None, false);
        if let Event::Unreadable(unreadable) = event {
            // What has no method may have been either.
            let method = unreadable.method.as_deref();
            self.asks |= matches!(method, None | Some("turn/completed"));
            self.missed |= matches!(method, None | Some("item/completed"));
        }
        self.course.see(event);
        self.asks |= self.course.is_over() && std::mem::take(&mut self.missed);
    }

    /// Goes on with another subscription, after one that has lost something.
    pub(crate) fn go_on(&mut self, events: E) {
        self.events = events;
        self.missed = true;
        self.asks = true;
    }

    /// Takes note of what the server keeps of the turn, and of how it ended where that was heard beside. Yields what
    /// is to be reported of a turn that was silent.
    pub(crate) fn consult(&mut self, record: Record, end: Option<Turn>, silent: bool) -> Option<Error> {
        self.asks = false;
        self.doubts = None;
        match record {
            Record::Over(turn) if self.course.is_over() => self.course.adopt(*turn),
            // What waits to be read comes first.
            Record::Over(turn) => self.last = Some(Last::End(turn)),
            Record::Open(_) if self.course.is_over() => {}
            Record::Open(stalled) => {
                let unknown = is_unknown(&stalled);
                let again = std::mem::replace(&mut self.unknown, unknown);
                match end {
                    Some(end) => self.last = Some(Last::End(Box::new(end))),
                    None if unknown && again => self.last = Some(Last::Lost),
                    None if silent => return Some(Error::Stalled(stalled)),
                    None => self.doubts = Some(Instant::now()),
                }
            }
        }
        None
    }

    /// The server does not say how the turn is doing. Tells whether it is known all the same, as it may have been
    /// heard beside.
    pub(crate) fn do_without(&mut self, end: Option<Turn>) -> bool {
        if !self.course.is_over() {
            self.last = end.map(|end| Last::End(Box::new(end)));
        }
        let known = self.course.is_over() || self.last.is_some();
        self.asks &= !known;
        known
    }

    /// Nothing comes any more. Tells whether the turn has ended before.
    pub(crate) fn cut_off(&mut self) -> bool {
        matches!(self.last, Some(Last::End(_))) && matches!(self.run_dry(), Some(Ok(())))
    }

    /// Nothing waits to be read. Tells whether that changes anything, and what is wrong.
    pub(crate) fn run_dry(&mut self) -> Option<Result<(), Error>> {
        match self.last.take()? {
            Last::End(turn) => {
                self.course.adopt(*turn);
                Some(Ok(()))
            }
            Last::Lost => {
                // Whoever tries again has to be told again.
                self.asks = true;
                Some(Err(self.course.lost()))
            }
        }
    }
}

/// Whether the server does nothing, and knows nothing of the turn.
fn is_unknown(stalled: &Stalled) -> bool {
    !matches!(stalled.status, ThreadStatus::Active(_)) && stalled.turn_status != Some(TurnStatus::InProgress)
}
