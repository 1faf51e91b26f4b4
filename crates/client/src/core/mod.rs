//! The state of a connection, without any input or output: lines in, bytes out.
//!
//! A line is scanned just far enough to route it. Whoever waits does so by a [`Waker`], which an async task
//! and a parked thread both can provide; wakers are collected and woken by the caller, outside its lock.

mod calls;
mod ending;
mod filter;
mod generations;
mod head;
mod output;
mod queue;
mod receive;
mod requests;
mod roots;
mod routes;
mod silence;
mod tier;
mod unreadable;
mod waits;
mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use codex_appserver_wire::RpcError;

use crate::error::{Closed, Error};
use crate::settings::{EventSettings, Settings, Unhandled};
use crate::stats::Stats;

use calls::Calls;
pub(crate) use calls::{Failure, Outcome};
pub use filter::Filter;
use generations::Generations;
pub(crate) use output::Output;
use queue::Queue;
pub(crate) use queue::{Item, Message};
pub(crate) use receive::{NoMessage, read};
use requests::Requests;
pub(crate) use requests::Ticket;
pub(crate) use routes::QueueId;
use routes::Routes;
pub(crate) use silence::{Listener, Silence};
pub use unreadable::Unreadable;
pub use waits::Waits;

/// Wakers to wake once the lock is free.
pub(crate) type Wakes = Vec<Waker>;

/// How many bytes may wait to be written before calls and notifications are refused: a peer that does not read
/// must not fill the memory. The window alone does not see to that, as calls that are given up leave it.
const OUT_LIMIT: usize = 64 << 20;

/// The key by which the driver of a connection waits for it.
pub(crate) const DRIVER: u64 = 0;

/// A request of the server for the handlers.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) ticket: Ticket,
    pub(crate) method: String,
    pub(crate) thread_id: Option<String>,
    pub(crate) turn_id: Option<String>,
    /// Whether this client has to answer even if nothing handles it.
    pub(crate) must_answer: bool,
    /// How many offers of requests that were left there were when this one was handed out.
    offers: u64,
    pub(crate) line: Arc<str>,
}

/// How a call is made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallTerms {
    /// How long it may take; none for no limit.
    pub(crate) timeout: Option<Duration>,
    /// It goes out at once, whatever the window has room for, and before the connection is restored.
    pub(crate) urgent: bool,
}

/// How far a connection is.
#[derive(Debug)]
enum Phase {
    Open,
    /// There is no connection; another one is to follow.
    Lost,
    /// There is another connection, which is not ready for calls.
    Restoring,
    /// What is written goes out, nothing new is begun.
    Stopping,
    Closed(Arc<Closed>),
}

/// The state of a connection.
#[derive(Debug)]
pub(crate) struct Core {
    unhandled: Unhandled,
    calls: Calls,
    requests: Requests,
    routes: Routes,
    stats: Stats,
    /// The first lines that are no messages, each cut short.
    unreadable: Vec<String>,
    /// How the line begins that has not ended, until the first message has come.
    unended: String,
    phase: Phase,
    generations: Generations,
    out: Vec<u8>,
    /// The transport has something of its own to write.
    nudged: bool,
    /// How often the requests that were left were to be handed to the handlers again.
    offers: u64,
    /// The driver has to do that.
    offers_left: bool,
    /// The other side has gone: nothing more is written.
    hung_up: bool,
    /// Why the connection cannot go on.
    failure: Option<&'static str>,
    /// The writer, while it has nothing to write.
    writer: Option<Waker>,
    /// The clock, and when it goes off next.
    clock: Option<(Waker, Option<Instant>)>,
    /// Those who wait for the phase to change.
    watchers: BTreeMap<u64, Waker>,
    last_watcher: u64,
}

impl Core {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            unhandled: settings.unhandled,
            calls: Calls::new(settings.window, settings.queue_limit),
            requests: Requests::default(),
            routes: Routes::default(),
            stats: Stats::default(),
            unreadable: Vec::new(),
            unended: String::new(),
            phase: Phase::Open,
            generations: Generations::default(),
            out: Vec::new(),
            nudged: false,
            offers: 0,
            offers_left: false,
            hung_up: false,
            failure: None,
            writer: None,
            clock: None,
            watchers: BTreeMap::new(),
            last_watcher: DRIVER,
        }
    }

    /// Begins a call and gives its id.
    pub(crate) fn begin(
        &mut self,
        method: Cow<'static, str>,
        params: Option<&str>,
        options: CallTerms,
        now: Instant,
        wakes: &mut Wakes,
    ) -> Result<i64, Error> {
        let CallTerms { timeout, urgent } = options;
        self.check_open(&method)?;
        // A deadline beyond what the clock can tell is none.
        let deadline = timeout.and_then(|after| Some((now.checked_add(after)?, after)));
        if self.out.len() > OUT_LIMIT {
            return Err(Error::QueueFull { method: method.into_owned() });
        }
        let name = method.clone();
        match self.calls.begin(method, params, deadline, urgent, &mut self.out) {
            Some(id) => {
                if urgent {
                    self.on_urgent(id);
                }
                self.stats.calls += 1;
                self.wake_clock(wakes);
                self.wake_writer(wakes);
                Ok(id)
            }
            None => Err(Error::QueueFull { method: name.into_owned() }),
        }
    }

    pub(crate) fn poll_call(&mut self, id: i64, waker: &Waker) -> Poll<Outcome> {
        self.calls.poll(id, waker)
    }

    /// Wakers that are of no more use, to be dropped outside of the lock: each may be the last of its task.
    pub(crate) fn take_stale(&mut self) -> Option<Waker> {
        self.calls.take_stale()
    }

    /// Forgets a call whose caller is gone. Tells whether the server may be at work on it.
    pub(crate) fn give_up(&mut self, id: i64, wakes: &mut Wakes) -> bool {
        let sent = self.calls.give_up(id, &mut self.out);
        self.wake_writer(wakes);
        sent
    }

    /// Lets a call go on without a caller; its answer is dropped.
    pub(crate) fn detach(&mut self, id: i64) {
        self.calls.detach(id);
    }

    /// Sends a notification.
    pub(crate) fn notify(
        &mut self,
        method: &str,
        params: Option<&str>,
        wakes: &mut Wakes,
    ) -> Result<(), Error> {
        self.check_open(method)?;
        if self.loss().is_some() {
            return Err(self.not_sent(method));
        }
        if self.out.len() > OUT_LIMIT {
            return Err(Error::QueueFull { method: method.to_owned() });
        }
        write::write_notification(&mut self.out, method, params);
        self.wake_writer(wakes);
        Ok(())
    }

    /// Answers a request of the server; tells whether it was still open.
    pub(crate) fn answer(
        &mut self,
        ticket: &Ticket,
        answer: &Result<String, RpcError>,
        now: Instant,
        wakes: &mut Wakes,
    ) -> bool {
        let open = self.requests.answer(ticket, answer, now, &mut self.out, wakes);
        if self.out.len() > OUT_LIMIT {
            self.fail("the server does not read what it has asked for", wakes);
        }
        self.wake_writer(wakes);
        open
    }

    pub(crate) fn is_open(&self, ticket: &Ticket) -> bool {
        self.requests.is_open(ticket)
    }

    /// Leaves a request of the server to the other clients. If requests were offered again since its handler was asked,
    /// there may be an answer to it by now: it is offered once more.
    pub(crate) fn leave(&mut self, asked: &Asked, now: Instant, wakes: &mut Wakes) {
        self.requests.leave(asked, now, wakes);
        if asked.offers != self.offers {
            self.have_left_offered(wakes);
        }
    }

    /// Has the driver hand the requests that were left to the handlers again.
    pub(crate) fn offer_left(&mut self, wakes: &mut Wakes) {
        self.offers += 1;
        self.have_left_offered(wakes);
    }

    fn have_left_offered(&mut self, wakes: &mut Wakes) {
        self.offers_left = true;
        self.wake_watchers(wakes);
    }

    /// The requests to hand to the handlers again.
    pub(crate) fn take_offered(&mut self, now: Instant) -> Vec<Asked> {
        let offers = std::mem::take(&mut self.offers_left) && matches!(self.phase, Phase::Open);
        if offers { self.requests.take_left(self.offers, now) } else { Vec::new() }
    }

    /// See [`Requests::waits`].
    pub(crate) fn waits(&self, threads: &[&str], since: Instant, now: Instant) -> Waits {
        self.requests.waits(threads, since, now)
    }

    pub(crate) fn poll_resolved(&mut self, ticket: &Ticket, waker: &Waker) -> Poll<()> {
        self.requests.poll_resolved(ticket, waker)
    }

    /// Adds a subscription. On a closed connection it has ended already.
    pub(crate) fn subscribe(&mut self, filter: &Filter, settings: EventSettings) -> QueueId {
        let mut queue = Queue::new(settings);
        match &self.phase {
            Phase::Closed(closed) => {
                queue.close(closed, &mut Wakes::new());
                self.routes.keep(queue)
            }
            _ => self.routes.add(filter, queue),
        }
    }

    /// Ends a subscription; what is left of it is to be dropped outside of the lock.
    pub(crate) fn unsubscribe(&mut self, filter: &Filter, id: QueueId) -> Option<Queue> {
        let queue = self.routes.remove(filter, id)?;
        self.stats.skipped_events += queue.skipped();
        Some(queue)
    }

    /// Changes what a subscription is about, for what waits in it as well.
    pub(crate) fn narrow(&mut self, old: &Filter, new: &Filter, id: QueueId) {
        self.routes.narrow(old, new, id);
    }

    /// See [`Routes::set_agent_methods`].
    pub(crate) fn set_agent_methods(&mut self, id: QueueId, methods: Option<&'static [&'static str]>) {
        self.routes.set_agent_methods(id, methods);
    }

    /// The next item of a subscription; none after its end was told. See [`Queue::poll`] for `stale`.
    pub(crate) fn poll_event(
        &mut self,
        id: QueueId,
        waker: &Waker,
        stale: &mut Option<Waker>,
    ) -> Poll<Option<Result<Item, Error>>> {
        self.routes.queue(id).map_or(Poll::Ready(None), |queue| queue.poll(waker, stale))
    }

    /// Has a subscription take no more events; those that wait can still be read.
    pub(crate) fn end_events(&mut self, id: QueueId) {
        if let Some(queue) = self.routes.queue(id) {
            queue.end();
        }
    }

    /// How many events of a subscription were skipped so far.
    pub(crate) fn skipped(&self, id: QueueId) -> u64 {
        self.routes.skipped(id)
    }

    /// Whether a call or a subscription waits for the server.
    pub(crate) fn is_awaited(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Restoring)
            && (self.calls.load() != (0, 0) || self.routes.has_open())
    }

    /// The counters of now.
    pub(crate) fn stats(&self) -> Stats {
        let (in_flight, queued) = self.calls.load();
        Stats { in_flight: in_flight as u64, queued: queued as u64, ..self.stats.clone() }
    }

    fn check_open(&self, method: &str) -> Result<(), Error> {
        match &self.phase {
            Phase::Open | Phase::Lost | Phase::Restoring => Ok(()),
            Phase::Stopping => Err(Error::Cancelled { method: method.to_owned() }),
            Phase::Closed(closed) => Err(Error::Closed(closed.clone())),
        }
    }
}

#[cfg(all(test, feature = "async"))]
mod tests;
