//! The server's requests that are open, and which threads are this client's own.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::task::{Poll, Waker};
use std::time::Instant;

use codex_appserver_notifications::method::{ThreadDeleted, ThreadStarted, TurnStarted};
use codex_appserver_requests::method::{
    ItemToolCall, ReviewStart, ThreadFork, ThreadResume, ThreadStart, TurnStart,
};
use codex_appserver_wire::{Notification, Request, RequestId, RpcError};

use super::head::{Scope, scope_of_result};
use super::waits::{Ended, Wait, Waits};
use super::write::write_json;
use super::{Asked, Wakes};
use crate::missed::MissedRequest;

/// More open requests than any front end can put before its user: what comes beyond is declined at once.
pub(crate) const OPEN_LIMIT: usize = 1024;

/// How many of the latest own turns are known. A sub-agent names the turn that started it when its own begins.
const OWN_TURN_LIMIT: usize = 1024;

/// The calls that start or load a thread, or start a turn.
const STARTERS: [&str; 5] =
    [ThreadStart::METHOD, ThreadFork::METHOD, ThreadResume::METHOD, TurnStart::METHOD, ReviewStart::METHOD];

/// One request of the server, told from a later one with the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) id: RequestId,
    number: u64,
}

/// All requests of the server that are neither answered nor resolved.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    open: HashMap<RequestId, Open>,
    ended: Ended,
    /// The turns that the latest requests are about, until they are resolved, also of those left to other clients.
    turns: HashMap<RequestId, String>,
    /// The requests that are left to other clients, for when this one can answer after all.
    left: HashMap<RequestId, Asked>,
    next_number: u64,
    /// Threads that this client started, with their sub-agents.
    own_threads: HashSet<String>,
    /// Threads that it resumed. Another client may have started them, so what is done there makes none its own.
    resumed_threads: HashSet<String>,
    /// The latest turns that it started, or that are part of those, and the latest of its threads, oldest first.
    own_turns: VecDeque<String>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    method: String,
    wait: Wait,
    wakers: Vec<Waker>,
    /// The turn whose end resolves it, if one does.
    until: Option<String>,
}

impl Requests {
    /// A request came. None where it is open already: a server tells it again when a thread is resumed.
    ///
    /// The server does not say that a call of a tool is resolved when its turn ends, so the end of the turn says it.
    pub(crate) fn open(
        &mut self,
        id: RequestId,
        method: &str,
        scope: &Scope<'_>,
        now: Instant,
    ) -> Option<Ticket> {
        if self.open.contains_key(&id) {
            return None;
        }
        self.left.remove(&id);
        let number = self.next_number;
        self.next_number += 1;
        let thread = scope.thread.as_deref().map(str::to_owned);
        let is_tool = method == ItemToolCall::METHOD;
        let wait = Wait { thread, is_tool, from: now };
        let until = scope.turn.as_deref().filter(|_| is_tool).map(str::to_owned);
        self.open
            .insert(id.clone(), Open { number, method: method.to_owned(), wait, wakers: Vec::new(), until });
        Some(Ticket { id, number })
    }

    /// Takes note of the turn that a request is about.
    pub(crate) fn note_turn(&mut self, id: &RequestId, scope: &Scope<'_>) {
        match scope.turn.as_deref() {
            Some(turn) if self.turns.len() < OPEN_LIMIT => {
                self.turns.insert(id.clone(), turn.to_owned());
            }
            _ => drop(self.turns.remove(id)),
        }
    }

    /// Says which turn a resolved request was about: the server names only its thread.
    pub(crate) fn take_turn(&mut self, id: &RequestId) -> Option<String> {
        self.turns.remove(id)
    }

    /// A turn has ended, and with it the calls of tools that it made.
    pub(crate) fn end_turn(&mut self, turn: &str, now: Instant, wakes: &mut Wakes) {
        self.turns.retain(|_, of| of != turn);
        self.left.retain(|_, left| left.turn_id.as_deref() != Some(turn));
        for (_, open) in self.open.extract_if(|_, open| open.until.as_deref() == Some(turn)) {
            self.ended.push(open.wait, now);
            wakes.extend(open.wakers);
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.open.len() >= OPEN_LIMIT
    }

    pub(crate) fn is_open(&self, ticket: &Ticket) -> bool {
        self.open.get(&ticket.id).is_some_and(|open| open.number == ticket.number)
    }

    /// Ready once the request is answered or resolved.
    pub(crate) fn poll_resolved(&mut self, ticket: &Ticket, waker: &Waker) -> Poll<()> {
        match self.open.get_mut(&ticket.id) {
            Some(open) if open.number == ticket.number => {
                if !open.wakers.iter().any(|kept| kept.will_wake(waker)) {
                    open.wakers.push(waker.clone());
                }
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// Writes the answer, and tells whether the request was still open.
    pub(crate) fn answer(
        &mut self,
        ticket: &Ticket,
        answer: &Result<String, RpcError>,
        now: Instant,
        out: &mut Vec<u8>,
        wakes: &mut Wakes,
    ) -> bool {
        if !self.is_open(ticket) {
            return false;
        }
        self.resolve(&ticket.id, now, wakes);
        write_answer(out, &ticket.id, answer);
        true
    }

    /// An open request is left to the other clients.
    pub(crate) fn leave(&mut self, asked: &Asked, now: Instant, wakes: &mut Wakes) {
        if !self.is_open(&asked.ticket) {
            return;
        }
        self.resolve(&asked.ticket.id, now, wakes);
        if self.left.len() < OPEN_LIMIT {
            self.left.insert(asked.ticket.id.clone(), asked.clone());
        }
    }

    /// Opens the requests again that were left and are not resolved, for this offer.
    pub(crate) fn take_left(&mut self, offers: u64, now: Instant) -> Vec<Asked> {
        let mut reopened = Vec::new();
        for (id, asked) in std::mem::take(&mut self.left) {
            let [thread, turn] =
                [&asked.thread_id, &asked.turn_id].map(|id| id.as_deref().map(Cow::Borrowed));
            let scope = Scope { thread, turn, ..Scope::default() };
            if let Some(ticket) = self.open(id, &asked.method, &scope, now) {
                reopened.push(Asked { ticket, offers, ..asked });
            }
        }
        reopened
    }

    /// The server, or this client, is done with a request that may be open.
    pub(crate) fn resolve(&mut self, id: &RequestId, now: Instant, wakes: &mut Wakes) {
        self.left.remove(id);
        if let Some(open) = self.open.remove(id) {
            self.ended.push(open.wait, now);
            wakes.extend(open.wakers);
        }
    }

    /// How long requests about these threads were open, since then.
    pub(crate) fn waits(&self, threads: &[&str], since: Instant, now: Instant) -> Waits {
        let is_about =
            |asked: &Asked| asked.thread_id.as_deref().is_some_and(|thread| threads.contains(&thread));
        Waits {
            is_left: self.left.values().any(is_about),
            ..self.ended.sum(self.open.values().map(|open| &open.wait), threads, since, now)
        }
    }

    /// The connection is lost, and with it all requests that came over it. Those of a server that goes on come again.
    pub(crate) fn lose(&mut self, now: Instant, wakes: &mut Wakes) -> Vec<MissedRequest> {
        let mut missed: Vec<_> = self
            .left
            .drain()
            .map(|(id, asked)| MissedRequest { id, method: asked.method, thread_id: asked.thread_id })
            .collect();
        for (id, open) in self.open.drain() {
            let thread_id = open.wait.thread.clone();
            missed.push(MissedRequest { id, method: open.method, thread_id });
            self.ended.push(open.wait, now);
            wakes.extend(open.wakers);
        }
        self.turns.clear();
        missed
    }

    pub(crate) fn resolve_all(&mut self, wakes: &mut Wakes) {
        self.left.clear();
        wakes.extend(self.open.drain().flat_map(|(_, open)| open.wakers));
    }

    /// Takes note of the thread or the turn that a call of this client has started.
    pub(crate) fn note_result(&mut self, method: &str, result: &str) {
        if !STARTERS.contains(&method) {
            return;
        }
        let scope = scope_of_result(result);
        match scope.thread.as_deref() {
            Some(thread) if method == ThreadResume::METHOD => {
                self.resumed_threads.insert(thread.to_owned());
            }
            Some(thread) => self.add_own_thread(thread),
            None => {}
        }
        self.add_own_turn(&scope);
    }

    fn add_own_thread(&mut self, thread: &str) {
        if !self.resumed_threads.contains(thread) {
            self.own_threads.insert(thread.to_owned());
        }
    }

    fn add_own_turn(&mut self, scope: &Scope<'_>) {
        let Some(turn) = scope.turn.as_deref().filter(|turn| !self.is_own_turn(turn)) else { return };
        self.own_turns.push_back(turn.to_owned());
        let surplus = self.own_turns.len().saturating_sub(OWN_TURN_LIMIT);
        self.own_turns.drain(..surplus);
    }

    /// Takes note of threads that come and go: the sub-agents of an own thread are own threads. There need not be
    /// a `thread/started` for them; their turns name the turn they work for as their root. Other turns name themselves.
    pub(crate) fn note_notification(&mut self, method: &str, scope: &Scope<'_>) {
        let Some(thread) = scope.thread.as_deref() else { return };
        match method {
            ThreadStarted::METHOD if self.is_sub_agent(scope) => {
                self.own_threads.insert(thread.to_owned());
            }
            TurnStarted::METHOD => {
                let is_part = scope.root_turn.as_deref().is_some_and(|root| self.is_own_turn(root));
                if is_part && scope.root_turn != scope.turn {
                    self.add_own_thread(thread);
                }
                if is_part || self.own_threads.contains(thread) {
                    self.add_own_turn(scope);
                }
            }
            ThreadDeleted::METHOD => {
                self.own_threads.remove(thread);
                self.resumed_threads.remove(thread);
            }
            _ => {}
        }
    }

    fn is_sub_agent(&self, scope: &Scope<'_>) -> bool {
        scope.parent_thread.as_deref().is_some_and(|parent| self.own_threads.contains(parent))
    }

    fn is_own_turn(&self, turn: &str) -> bool {
        self.own_turns.iter().rev().any(|own| own == turn)
    }

    /// Whether the request is about a thread, or a turn, that this client started.
    pub(crate) fn is_own(&self, scope: &Scope<'_>) -> bool {
        scope.thread.as_deref().is_some_and(|thread| self.own_threads.contains(thread))
            || scope.turn.as_deref().is_some_and(|turn| self.is_own_turn(turn))
    }
}

fn write_answer(out: &mut Vec<u8>, id: &RequestId, answer: &Result<String, RpcError>) {
    out.extend_from_slice(b"{\"id\":");
    // Ids, and errors whose data came from JSON, can always be written.
    let _ = serde_json::to_writer(&mut *out, id);
    match answer {
        Ok(result) => {
            out.extend_from_slice(b",\"result\":");
            write_json(out, result);
        }
        Err(error) => {
            out.extend_from_slice(b",\"error\":");
            let _ = serde_json::to_writer(&mut *out, error);
        }
    }
    out.extend_from_slice(b"}\n");
}
