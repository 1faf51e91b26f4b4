//! The calls of this client: ids, the in-flight window with its queue, deadlines, and what became of each.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use codex_appserver_wire::{DecodeError, RpcError};

use super::Wakes;
use super::write::write_request;
use crate::error::Closed;

/// How many calls that were given up are remembered, to tell their late answers from unknown ones.
const GIVEN_UP_LIMIT: usize = 4096;

/// Why a call has no result.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The server answered with an error.
    Rpc(RpcError),
    /// The answer cannot be read.
    Unreadable(DecodeError),
    /// The deadline passed, this long after the call began.
    TimedOut(Duration),
    /// This client is being shut down.
    Cancelled,
    /// The connection is closed.
    Closed,
    /// The connection was lost, and another one is to follow.
    Lost {
        /// Whether the server may have got the call.
        may_have_run: bool,
        closed: Arc<Closed>,
    },
}

/// The JSON text of a `result`, or why there is none.
pub(crate) type Outcome = Result<String, Failure>;

/// What an answer was the answer to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// A call that waits for it.
    Call,
    /// A call that was given up.
    Late,
    /// A call that had its answer.
    Again,
    /// Nothing this client asked.
    Unknown,
}

/// All calls of a connection.
#[derive(Debug)]
pub(crate) struct Calls {
    window: usize,
    queue_limit: usize,
    next_id: i64,
    entries: HashMap<i64, Entry, BuildHasherDefault<IdHasher>>,
    in_flight: usize,
    /// Nothing goes out but what is urgent.
    shut: bool,
    /// In the order of their calls. Those given up while they waited are passed over when their turn comes.
    queue: VecDeque<i64>,
    queued: usize,
    deadlines: BTreeSet<(Instant, i64)>,
    given_up: GivenUp,
    /// The last waker that is of no more use.
    stale: Option<Waker>,
}

#[derive(Debug)]
struct Entry {
    method: Cow<'static, str>,
    state: State,
    deadline: Option<(Instant, Duration)>,
    waker: Option<Waker>,
    /// The answer is dropped: no caller waits for it.
    detached: bool,
}

#[derive(Debug)]
enum State {
    Queued(Vec<u8>),
    InFlight,
    Done(Outcome),
}

impl Calls {
    pub(crate) fn new(window: usize, queue_limit: usize) -> Self {
        Self {
            window: window.max(1),
            queue_limit,
            next_id: 1,
            entries: HashMap::default(),
            in_flight: 0,
            shut: false,
            queue: VecDeque::new(),
            queued: 0,
            deadlines: BTreeSet::new(),
            given_up: GivenUp::default(),
            stale: None,
        }
    }

    /// Begins a call: its line goes out, or waits for a place in the window. None where the queue is full.
    pub(crate) fn begin(
        &mut self,
        method: Cow<'static, str>,
        params: Option<&str>,
        deadline: Option<(Instant, Duration)>,
        urgent: bool,
        out: &mut Vec<u8>,
    ) -> Option<i64> {
        let goes_out = urgent || (!self.shut && self.in_flight < self.window);
        if !goes_out && self.queued >= self.queue_limit {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        let state = if goes_out {
            write_request(out, &method, id, params);
            self.in_flight += 1;
            State::InFlight
        } else {
            let mut line = Vec::new();
            write_request(&mut line, &method, id, params);
            self.queue.push_back(id);
            self.queued += 1;
            State::Queued(line)
        };
        if let Some((at, _)) = deadline {
            self.deadlines.insert((at, id));
        }
        self.entries.insert(id, Entry { method, state, deadline, waker: None, detached: false });
        Some(id)
    }

    /// Takes what became of a call, or wakes when that is known.
    pub(crate) fn poll(&mut self, id: i64, waker: &Waker) -> Poll<Outcome> {
        let Some(entry) = self.entries.get_mut(&id) else { return Poll::Ready(Err(Failure::Closed)) };
        if !matches!(entry.state, State::Done(_)) {
            if !entry.waker.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
                self.stale = entry.waker.replace(waker.clone());
            }
            return Poll::Pending;
        }
        match self.entries.remove(&id).map(|entry| entry.state) {
            Some(State::Done(outcome)) => Poll::Ready(outcome),
            _ => Poll::Ready(Err(Failure::Closed)),
        }
    }

    /// The method of a call that is not over yet.
    pub(crate) fn method(&self, id: i64) -> Option<&str> {
        self.entries.get(&id).map(|entry| &*entry.method)
    }

    /// Settles a call with the answer that came.
    pub(crate) fn answer(
        &mut self,
        id: i64,
        outcome: Outcome,
        out: &mut Vec<u8>,
        wakes: &mut Wakes,
    ) -> Answered {
        match self.entries.get(&id).map(|entry| &entry.state) {
            Some(State::InFlight) => {
                self.settle(id, outcome, wakes);
                self.fill_window(out);
                Answered::Call
            }
            // It timed out, and its caller has not looked yet.
            Some(State::Done(_)) if self.given_up.remove(id) => Answered::Late,
            Some(State::Done(_)) => Answered::Again,
            // What is still queued was never asked.
            Some(State::Queued(_)) => Answered::Unknown,
            None if self.given_up.remove(id) => Answered::Late,
            None if (1..self.next_id).contains(&id) => Answered::Again,
            None => Answered::Unknown,
        }
    }

    /// Forgets a call: its caller is gone. Tells whether it was sent and is not over.
    pub(crate) fn give_up(&mut self, id: i64, out: &mut Vec<u8>) -> bool {
        let Some(entry) = self.entries.remove(&id) else { return false };
        self.forget_deadline(id, entry.deadline);
        self.leave(id, &entry.state, out);
        self.stale = entry.waker;
        matches!(entry.state, State::InFlight)
    }

    /// Lets a call that has just begun go on without a caller. It has its place in the window and its deadline as
    /// every call, and is forgotten when it is over.
    pub(crate) fn detach(&mut self, id: i64) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.detached = true;
        }
    }

    pub(crate) fn take_stale(&mut self) -> Option<Waker> {
        self.stale.take()
    }

    /// Ends the calls whose deadline has passed.
    pub(crate) fn expire(&mut self, now: Instant, out: &mut Vec<u8>, wakes: &mut Wakes) {
        while let Some(&(at, id)) = self.deadlines.first() {
            if at > now {
                break;
            }
            self.deadlines.pop_first();
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            let after = entry.deadline.take().map_or(Duration::ZERO, |(_, after)| after);
            let state = std::mem::replace(&mut entry.state, State::Done(Err(Failure::TimedOut(after))));
            wakes.extend(entry.waker.take());
            self.forget_detached(id);
            self.leave(id, &state, out);
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Ends all calls that still wait.
    pub(crate) fn end_all(&mut self, failure: impl Fn() -> Failure, wakes: &mut Wakes) {
        for entry in self.entries.values_mut() {
            if !matches!(entry.state, State::Done(_)) {
                entry.state = State::Done(Err(failure()));
                wakes.extend(entry.waker.take());
            }
        }
        self.entries.retain(|_, entry| !entry.detached);
        self.queue.clear();
        self.deadlines.clear();
        (self.queued, self.in_flight) = (0, 0);
    }

    /// Ends the calls that were sent; the ones with these ids were not written yet. Calls in the queue stay there.
    pub(crate) fn lose(&mut self, unsent: &[i64], closed: &Arc<Closed>, wakes: &mut Wakes) {
        for (id, entry) in &mut self.entries {
            if matches!(entry.state, State::InFlight) {
                let failure = Failure::lost(!unsent.contains(id), closed);
                entry.state = State::Done(Err(failure));
                wakes.extend(entry.waker.take());
                if let Some((at, _)) = entry.deadline.take() {
                    self.deadlines.remove(&(at, *id));
                }
            }
        }
        self.entries.retain(|_, entry| !(entry.detached && matches!(entry.state, State::Done(_))));
        self.in_flight = 0;
    }

    /// Keeps all calls in the queue that are not urgent, or lets them out.
    pub(crate) fn set_shut(&mut self, shut: bool, out: &mut Vec<u8>) {
        self.shut = shut;
        self.fill_window(out);
    }

    /// How many calls are sent and not answered, and how many wait to be sent.
    pub(crate) fn load(&self) -> (usize, usize) {
        (self.in_flight, self.queued)
    }

    fn settle(&mut self, id: i64, outcome: Outcome, wakes: &mut Wakes) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.state = State::Done(outcome);
        wakes.extend(entry.waker.take());
        let deadline = entry.deadline.take();
        self.forget_deadline(id, deadline);
        self.forget_detached(id);
        self.in_flight -= 1;
    }

    /// Forgets a call that is over, if no caller will take the outcome.
    fn forget_detached(&mut self, id: i64) {
        if self.entries.get(&id).is_some_and(|entry| entry.detached) {
            self.entries.remove(&id);
        }
    }

    fn forget_deadline(&mut self, id: i64, deadline: Option<(Instant, Duration)>) {
        if let Some((at, _)) = deadline {
            self.deadlines.remove(&(at, id));
        }
    }

    /// Frees the place of a call that ends without its answer.
    fn leave(&mut self, id: i64, state: &State, out: &mut Vec<u8>) {
        match state {
            State::Queued(_) => {
                self.queued -= 1;
                // Lest ids without a call pile up behind a window that does not move.
                if self.queue.len() > 2 * self.queued + 64 {
                    let entries = &self.entries;
                    let waits =
                        |id: &i64| matches!(entries.get(id), Some(Entry { state: State::Queued(_), .. }));
                    self.queue.retain(waits);
                }
            }
            State::InFlight => {
                self.in_flight -= 1;
                self.given_up.add(id);
                self.fill_window(out);
            }
            State::Done(_) => {}
        }
    }

    fn fill_window(&mut self, out: &mut Vec<u8>) {
        while !self.shut && self.in_flight < self.window {
            let Some(id) = self.queue.pop_front() else { return };
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            if let State::Queued(line) = &mut entry.state {
                out.append(line);
                entry.state = State::InFlight;
                self.queued -= 1;
                self.in_flight += 1;
            }
        }
    }
}

/// Hashes ids. This client counts them up itself, so that a peer cannot choose them to collide.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_i64(i64::from(*byte));
        }
    }

    /// By the golden ratio, which spreads what is counted up over all bits.
    fn write_i64(&mut self, id: i64) {
        self.0 = (self.0 ^ id.cast_unsigned()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// Ids of calls that were given up before their answer; the oldest are forgotten first.
#[derive(Debug, Default)]
struct GivenUp {
    ids: HashSet<i64>,
    order: VecDeque<i64>,
}

impl GivenUp {
    fn add(&mut self, id: i64) {
        if self.order.len() == GIVEN_UP_LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        self.order.push_back(id);
        self.ids.insert(id);
    }

    /// The id stays in `order`, where it is harmless.
    fn remove(&mut self, id: i64) -> bool {
        self.ids.remove(&id)
    }
}
