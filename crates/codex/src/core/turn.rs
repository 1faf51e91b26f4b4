//! One turn as a state machine: what its reader has to do next, whether it is over, and under which id it runs.
//!
//! A [`Turn`] does no I/O and reads no clock; whoever has one gets its input for it. At any time and in any order,
//! any of its handles may call the methods that take no part in reading: [`on_notice`](Turn::on_notice),
//! [`on_status`](Turn::on_status), [`is_over`](Turn::is_over), [`active_id`](Turn::active_id),
//! [`result`](Turn::result). Reading is up to one reader at a time. It calls [`begin_reading`](Turn::begin_reading)
//! and then [`next`](Turn::next) over and over; each step says what may be called before `next` again:
//!
//! | step | what the reader does | what it calls then |
//! |---|---|---|
//! | `Event`, `Fail` | hands it to the caller | nothing |
//! | `Interrupt` | sends `turn/interrupt` | `on_interrupted` |
//! | `AskRecords` | runs a [`Lookup`](super::Lookup) | `on_records`, or `on_postponed` |
//! | `Read` | takes the next event, without waiting | `on_event`, `on_overrun` or `on_closed`; `on_empty` if there is none |
//! | `Wait` | waits for the next event | `on_event`, `on_overrun` or `on_closed`; `on_timeout` at `until`; `on_gave_up` if the caller waits no longer |
//! | `Done` | ends | nothing |
//!
//! Before `next`, if the turn [`wants_waits`](Turn::wants_waits), and before `on_timeout` and `on_records`, the reader
//! says by [`on_waits`](Turn::on_waits) how long the server has waited for answers about the [`threads`](Turn::threads)
//! of the turn. After `on_event` there may be no `Event`: those of sub-agents are handed out only if that is wanted.
//!
//! If the question of `AskRecords` or `Interrupt` was lost with the connection, the reader calls `on_lost` instead.
//!
//! Calling `next` again at once repeats `Interrupt`, `AskRecords`, `Read`, `Wait` and `Done`, so that a future may be polled as often
//! as its executor likes. Every event is passed in once. Notices come from a subscription of their own and are passed in
//! when a handle needs to know, up to the latest, and before `on_records`.

mod doubt;
mod end;
mod handles;
mod reconnect;

use std::time::{Duration, Instant};

use codex_appserver_client::{Error as ClientError, Event, Waits, notification_method as method};
use codex_appserver_methods::protocol;
use codex_appserver_methods::protocol::wire::Notification;

use self::doubt::{SELDOM, Silences};
use self::reconnect::Mark;
pub(crate) use self::reconnect::is_lost;
use super::agents::{self, Agents};
use super::limit::Limit;
use super::log::Log;
use crate::error::Error;

/// The notifications that say under which id a turn runs, and that it has ended.
pub(crate) const NOTICES: &[&str] = &[method::TurnStarted::METHOD, method::TurnCompleted::METHOD];

/// What the reader of a turn has to do next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Hand this event to the caller.
    Event(Event),
    /// Interrupt the turn, which has taken too long.
    Interrupt,
    /// Ask the server for its records of the turn.
    AskRecords,
    /// Take an event that has already arrived. The turn has ended, or is lost, once there is none.
    Read,
    /// Wait for an event; without end, or until then. At `check_at`, if not before, the limit of the turn may be reached.
    Wait {
        until: Option<Instant>,
        #[cfg_attr(
            not(feature = "blocking"),
            allow(dead_code, reason = "for callers with patience of their own")
        )]
        check_at: Option<Instant>,
    },
    /// Hand this error to the caller. After [`Error::Stalled`] reading goes on; any other error is followed by `Done`.
    Fail(Error),
    /// There is nothing to read any more.
    Done,
}

/// The state of one turn.
#[derive(Debug)]
pub(crate) struct Turn {
    log: Log,
    agents: Agents,
    /// Events of sub-agents are handed out as well.
    with_agents: bool,
    overrun: bool,
    limit: Limit,
    /// How long the server has waited for answers, as far as the reader has said so.
    waits: Waits,
    /// How long the reader waits for an event before the server is asked, if that is set.
    watchdog: Option<Duration>,
    /// The turn of the same thread that started last on behalf of this one: a review runs under an id of its own.
    active_id: Option<String>,
    /// The end, as it was noticed beside the reader.
    noticed_end: Option<Box<protocol::Turn>>,
    /// The server's records say that the turn is over.
    recorded_end: bool,
    /// The end may have been missed, so the server is asked before anything else.
    needs_records: bool,
    /// Items may have been missed, so the server is asked once the turn has ended.
    missed_items: bool,
    /// How the turn ended, once all events that have arrived are read.
    verdict: Option<Verdict>,
    /// When the server said that the turn goes on, if no event came since. The server may be wrong about that, or send
    /// this connection no events of the thread.
    doubt: Option<Instant>,
    /// The server said that its thread does nothing and that it has no such turn. Said once, the turn may be about to
    /// begin, or its end may be on the way; said twice in a row, it is lost.
    unknown: bool,
    silences: Silences,
    /// The number of the connection that the turn was started over.
    started_in: u64,
    /// The reader was told that the turn is lost.
    is_lost: bool,
    /// There is another connection, which the reader has to be told with what was missed.
    mark: Mark,
    reader: Reader,
}

/// How a turn ended of which no more events are to be expected.
#[derive(Debug)]
enum Verdict {
    /// As the server's records have it.
    Recorded(Box<protocol::Turn>),
    /// As it was noticed, without its items.
    Noticed(Box<protocol::Turn>),
    /// The server does not know how.
    Lost,
}

/// What is forgotten when another reader takes over.
#[derive(Debug, Default)]
struct Reader {
    /// What the caller gets next.
    output: Option<Result<Event, Error>>,
    /// The server is being asked.
    asking: Option<Asking>,
    /// Since when the reader waits for an event.
    waiting_since: Option<Instant>,
    /// The caller had no time to wait for the records.
    postponed: bool,
    /// The reader was told an error that ends it.
    stopped: bool,
}

#[derive(Clone, Copy, Debug)]
struct Asking {
    /// How long the turn was silent, if the watchdog asks.
    silent_for: Option<Duration>,
}

impl Turn {
    /// A turn of which every event is read, from its start.
    pub(crate) fn new(
        thread_id: impl Into<String>,
        turn_id: impl Into<String>,
        watchdog: Option<Duration>,
        began: Instant,
    ) -> Self {
        Self {
            log: Log::new(thread_id, turn_id),
            agents: Agents::default(),
            with_agents: false,
            overrun: false,
            limit: Limit::new(began, None),
            waits: Waits::default(),
            watchdog,
            active_id: None,
            noticed_end: None,
            recorded_end: false,
            needs_records: false,
            missed_items: false,
            verdict: None,
            doubt: None,
            unknown: false,
            silences: Silences::default(),
            started_in: 0,
            is_lost: false,
            mark: Mark::None,
            reader: Reader::default(),
        }
    }

    /// This turn, as after its start was read.
    #[cfg(test)]
    pub(crate) fn begun(mut self) -> Self {
        self.log.begin_turn();
        self
    }

    /// The same, started over the connection with this number.
    pub(crate) fn started_in(self, generation: Option<u64>) -> Self {
        Self { started_in: generation.unwrap_or_default(), ..self }
    }

    /// A turn that was started before its events are read: it may be over already.
    pub(crate) fn joined(
        thread_id: impl Into<String>,
        turn_id: impl Into<String>,
        watchdog: Option<Duration>,
        began: Instant,
    ) -> Self {
        let silences = Silences { heard: true, ..Silences::default() };
        let turn = Self::new(thread_id, turn_id, watchdog, began);
        Self { needs_records: true, silences, ..turn }
    }

    pub(crate) fn thread_id(&self) -> &str {
        self.log.thread_id()
    }

    pub(crate) fn id(&self) -> &str {
        self.log.turn_id()
    }

    /// Whether [`next`](Self::next) should know how long the server has waited for answers.
    pub(crate) fn wants_waits(&self, now: Instant) -> bool {
        self.limit.is_due(&self.waits, now)
    }

    /// How long the server has waited for answers since the turn began.
    pub(crate) fn on_waits(&mut self, waits: Waits) {
        self.waits = waits;
    }

    /// The next step of the reader.
    pub(crate) fn next(&mut self, now: Instant) -> Step {
        if let Some(event) = self.take_mark() {
            return Step::Event(event);
        }
        match self.reader.output.take() {
            Some(Ok(event)) => return Step::Event(event),
            Some(Err(error)) => return Step::Fail(error),
            None => {}
        }
        if self.reader.stopped || self.is_done() {
            return Step::Done;
        }
        if self.verdict.is_none() && !self.log.is_over() && self.limit.is_due(&self.waits, now) {
            return Step::Interrupt;
        }
        if self.reader.asking.is_none() && !self.reader.postponed && self.must_ask(now) {
            self.reader.asking = Some(Asking { silent_for: None });
        }
        if self.reader.asking.is_some() {
            return Step::AskRecords;
        }
        if self.verdict.is_some() {
            return Step::Read;
        }
        self.reader.waiting_since.get_or_insert(now);
        let check_at = self.limit.check_at(&self.waits, now);
        let until = [self.ask_at(), check_at].into_iter().flatten().min();
        Step::Wait { until, check_at }
    }

    /// When a reader that waits asks the server about the turn.
    fn ask_at(&self) -> Option<Instant> {
        match self.watchdog {
            Some(watchdog) => self.reader.waiting_since?.checked_add(watchdog),
            None => match self.doubted_since() {
                Some(since) => Some(since + self.doubt_patience()),
                None => self.reader.waiting_since?.checked_add(SELDOM),
            },
        }
    }

    /// Another reader begins where the last one stopped.
    pub(crate) fn begin_reading(&mut self) {
        self.reader = Reader::default();
    }

    /// The next event of the turn.
    pub(crate) fn on_event(&mut self, event: Event) {
        if let Event::Reconnected { generation, missed } = event {
            return self.on_reconnected(generation, &missed);
        }
        // What a sub-agent does is a sign of life, and says nothing of how the turn itself is.
        let of_agent = agents::is_of_agent(&event, self.thread_id());
        if !of_agent {
            (self.doubt, self.unknown) = (None, false);
            self.silences.on_event(&event);
        }
        self.reader.waiting_since = None;
        self.reader.postponed = false;
        if let Event::Unreadable(unreadable) = &event {
            self.on_unreadable(unreadable.method.as_deref());
        }
        self.log.on_event(&event);
        if self.log.is_over() {
            self.on_end();
        }
        self.agents.on_event(&event, self.log.thread_id());
        if self.with_agents || !of_agent {
            self.reader.output = Some(Ok(event));
        }
    }

    /// A message that could not be decoded, of this method. A message without a method may have been any.
    fn on_unreadable(&mut self, method: Option<&str>) {
        self.needs_records |= method.is_none_or(|method| method == method::TurnCompleted::METHOD);
        self.missed_items |= method.is_none_or(|method| method == method::ItemCompleted::METHOD);
    }

    /// The subscription has lost events and ended; the reader has subscribed again. The next reader asks the server.
    pub(crate) fn on_overrun(&mut self, error: ClientError) {
        self.overrun = true;
        self.missed_items = true;
        self.needs_records = true;
        self.stop(error.into());
    }

    /// The connection has ended: with this error, or because it was shut down.
    pub(crate) fn on_closed(&mut self, error: Option<ClientError>) {
        self.mark.fill(&[]);
        match self.verdict.take() {
            Some(Verdict::Recorded(turn) | Verdict::Noticed(turn)) => self.log.adopt(*turn),
            Some(Verdict::Lost) | None => self.stop(self.disconnected(error)),
        }
    }

    /// No event has arrived that was not read: the answer to [`Step::Read`].
    pub(crate) fn on_empty(&mut self) {
        self.reader.postponed = false;
        match self.verdict.take() {
            Some(Verdict::Recorded(turn) | Verdict::Noticed(turn)) => self.log.adopt(*turn),
            Some(Verdict::Lost) => {
                // The next reader gets the same answer, unless the server knows more by then.
                self.needs_records = true;
                self.is_lost = true;
                self.stop(self.log.lost());
            }
            None => {}
        }
    }

    /// No event came until the time that [`Step::Wait`] names.
    pub(crate) fn on_timeout(&mut self, now: Instant) {
        if self.watchdog.is_some() || self.is_only_asked() {
            // While the server waits for this client, it has nothing to report.
            let heard = if self.waits.is_open { Some(now) } else { self.waits.ended_at };
            self.reader.waiting_since = self.reader.waiting_since.max(heard);
        }
        // The time may have been that of the limit, or it has moved.
        let is_early = self.ask_at().is_some_and(|at| now < at);
        let is_limited = self.limit.check_at(&self.waits, now).is_some();
        if !(is_early || (is_limited && self.ask_at().is_none())) {
            self.reader.asking = Some(Asking { silent_for: self.watchdog });
        }
    }

    /// The answer to [`Step::Interrupt`]. The end of the turn follows.
    pub(crate) fn on_interrupted(&mut self, done: Result<(), Error>, now: Instant) {
        match done {
            Ok(()) => {
                self.limit.on_reached();
                self.doubt = Some(now);
            }
            // The turn is interrupted over the next connection, if it is still at work.
            Err(error) if is_lost(&error) => {}
            Err(error) => self.stop(error),
        }
    }

    /// The caller waits no longer for an event. The watchdog begins anew when it waits again.
    #[cfg(feature = "blocking")]
    pub(crate) fn on_gave_up(&mut self) {
        self.reader.waiting_since = None;
        self.reader.postponed = false;
    }

    /// The caller has no time to wait for the records. The server is asked again after the next event, or when the
    /// caller has more time.
    #[cfg(feature = "blocking")]
    pub(crate) fn on_postponed(&mut self) {
        self.reader.asking = None;
        self.reader.postponed = true;
    }

    fn stop(&mut self, error: Error) {
        self.reader.output = Some(Err(error));
        self.reader.stopped = true;
    }

    /// Whether the server is asked before anything is read. A watchdog minds doubts itself.
    fn must_ask(&self, now: Instant) -> bool {
        let doubted =
            self.doubt.is_some_and(|since| now.saturating_duration_since(since) >= self.doubt_patience());
        self.needs_records || (self.watchdog.is_none() && doubted)
    }
}

#[cfg(test)]
mod tests;
