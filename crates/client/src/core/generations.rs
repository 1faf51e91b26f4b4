//! The connections of a supervised client, one after the other: what is lost with one, and what the next one begins with.
//!
//! ```text
//! Open --lose--> Lost --begin_connection--> Restoring --open--> Open
//!                  ^---------lose---------------'
//! ```
//!
//! While the connection is lost, calls wait in the queue. While it is being restored, only urgent ones go out.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use codex_appserver_requests::method::{ReviewStart, TurnStart};
use codex_appserver_wire::Request;

use super::calls::Failure;
use super::write::write_notification;
use super::{Core, Item, Phase, Wakes, head};
use crate::error::{Closed, Error};
use crate::missed::{Missed, MissedRequest};

/// How many of the latest turns of this client are known.
const KEPT_TURNS: usize = 1024;

/// What is known of the connections so far.
#[derive(Debug)]
pub(crate) struct Generations {
    /// Whether another connection follows a lost one.
    supervised: bool,
    /// How many connections were introduced to a server.
    number: u64,
    /// The process of the server, where it is known.
    pid: Option<u32>,
    /// What was lost with the last connection, until the next one was introduced.
    loss: Option<Loss>,
    introduction: Introduction,
    /// Counts the changes of the status.
    changes: u64,
    /// The latest turns that this client has started, each with the number of the connection that it was started over.
    turns: VecDeque<(String, u64)>,
}

/// How far the client is introduced on a new connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Introduction {
    #[default]
    Done,
    /// The first urgent call introduces it.
    Due,
    /// The call with this id does.
    Asked(i64),
}

/// What was lost with a connection.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    pub(crate) closed: Arc<Closed>,
    pub(crate) since: Instant,
    /// The process of the server of the last connection that was introduced.
    pid: Option<u32>,
    /// Another connection was introduced since, and is not open yet.
    is_introduced: bool,
    requests: Vec<MissedRequest>,
    /// How often another connection was tried in vain, and why the last one failed.
    pub(crate) failures: u32,
    pub(crate) failure: Option<Arc<Error>>,
}

impl Default for Generations {
    fn default() -> Self {
        let introduction = Introduction::Done;
        Self {
            supervised: false,
            number: 1,
            pid: None,
            loss: None,
            introduction,
            changes: 0,
            turns: VecDeque::new(),
        }
    }
}

impl Generations {
    /// Whether the client is being introduced on another connection.
    pub(super) fn awaits_introduction(&self) -> bool {
        matches!(self.introduction, Introduction::Asked(_))
    }
}

impl Core {
    /// From now on another connection follows a lost one.
    ///
    /// # Errors
    ///
    /// The connection has ended already.
    pub(crate) fn supervise(&mut self) -> Result<(), Arc<Closed>> {
        match &self.phase {
            Phase::Closed(closed) => Err(closed.clone()),
            _ => {
                self.generations.supervised = true;
                Ok(())
            }
        }
    }

    /// Whether another connection follows if this one is lost.
    pub(crate) fn is_supervised(&self) -> bool {
        self.generations.supervised && !self.is_stopping()
    }

    pub(crate) fn set_pid(&mut self, pid: Option<u32>) {
        self.generations.pid = pid;
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.generations.pid
    }

    /// How often the status has changed.
    pub(crate) fn changes(&self) -> u64 {
        self.generations.changes
    }

    /// How many connections there were, this one included.
    pub(crate) fn generation(&self) -> u64 {
        self.generations.number
    }

    /// Whether there is no connection at all for now.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.phase, Phase::Lost)
    }

    /// The connection is gone, and another one is to follow. Calls that were sent fail; the others wait. Requests of the
    /// server are over: it asks again those that are still open.
    pub(crate) fn lose(&mut self, closed: &Arc<Closed>, now: Instant, wakes: &mut Wakes) {
        // These lines were never handed to the writer.
        let lines = self.out.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
        let unsent: Vec<i64> = lines.filter_map(head::call_id).collect();
        self.calls.lose(&unsent, closed, wakes);
        let requests = self.requests.lose(now, wakes);
        let generations = &mut self.generations;
        generations.introduction = Introduction::Done;
        let pid = generations.pid.take();
        match &mut generations.loss {
            Some(loss) => {
                loss.requests.extend(requests);
                // How an attempt ended is the error of the attempt.
                if std::mem::take(&mut loss.is_introduced) {
                    (loss.closed, loss.since) = (closed.clone(), now);
                }
            }
            None => {
                generations.loss = Some(Loss {
                    closed: closed.clone(),
                    since: now,
                    pid,
                    is_introduced: false,
                    requests,
                    failures: 0,
                    failure: None,
                });
            }
        }
        self.phase = Phase::Lost;
        self.forget_stream(wakes);
        self.changed(wakes);
    }

    /// Takes note of a turn that the answer to a call has started.
    pub(super) fn note_started(&mut self, method: &str, result: &str) {
        if method != TurnStart::METHOD && method != ReviewStart::METHOD {
            return;
        }
        let Some(turn) = head::scope_of_result(result).turn.map(Cow::into_owned) else { return };
        let generations = &mut self.generations;
        if generations.turns.len() == KEPT_TURNS {
            generations.turns.pop_front();
        }
        generations.turns.push_back((turn, generations.number));
    }

    /// Over which connection this client has started a turn.
    pub(crate) fn started_in(&self, turn_id: &str) -> Option<u64> {
        let turns = &self.generations.turns;
        turns.iter().rev().find(|(turn, _)| turn == turn_id).map(|(_, generation)| *generation)
    }

    /// Another connection could not be made.
    pub(crate) fn note_failure(&mut self, error: Arc<Error>, wakes: &mut Wakes) {
        if let Some(loss) = &mut self.generations.loss {
            loss.failures += 1;
            loss.failure = Some(error);
        }
        self.changed(wakes);
    }

    /// There is another stream to a server, whose process may be known. False if no connection is wanted any more.
    pub(crate) fn begin_connection(&mut self, pid: Option<u32>, wakes: &mut Wakes) -> bool {
        if !self.is_lost() {
            return false;
        }
        self.forget_stream(wakes);
        self.generations.pid = pid;
        self.generations.introduction = Introduction::Due;
        self.phase = Phase::Restoring;
        true
    }

    /// An urgent call begins. The first one over a connection introduces the client, and its answer, which may come at
    /// once, begins the next generation.
    pub(super) fn on_urgent(&mut self, id: i64) {
        if self.generations.introduction == Introduction::Due {
            self.generations.introduction = Introduction::Asked(id);
        }
    }

    /// If this call introduces the client, tells all subscriptions that there is another connection, before anything
    /// else that comes over it.
    pub(super) fn on_introduced(&mut self, id: i64, now: Instant, wakes: &mut Wakes) {
        let generations = &mut self.generations;
        if generations.introduction != Introduction::Asked(id) {
            return;
        }
        generations.introduction = Introduction::Done;
        generations.number += 1;
        let Some(loss) = &mut generations.loss else { return };
        let restarted = loss.pid.zip(generations.pid).map(|(old, new)| old != new);
        let missed = Missed {
            duration: now.saturating_duration_since(loss.since),
            restarted,
            requests: std::mem::take(&mut loss.requests),
            items: Vec::new(),
        };
        (loss.pid, loss.is_introduced) = (generations.pid, true);
        self.routes.mark_everywhere(&Item::Reconnected(generations.number, Arc::new(missed)), wakes);
    }

    /// Sends a notification without params before the connection is restored.
    pub(crate) fn notify_urgently(&mut self, method: &str, wakes: &mut Wakes) {
        if matches!(self.phase, Phase::Restoring) {
            write_notification(&mut self.out, method, None);
            self.wake_writer(wakes);
        }
    }

    /// The connection is restored: calls go out again.
    pub(crate) fn open(&mut self, wakes: &mut Wakes) {
        if !matches!(self.phase, Phase::Restoring) {
            return;
        }
        self.phase = Phase::Open;
        self.generations.loss = None;
        self.calls.set_shut(false, &mut self.out);
        self.wake_writer(wakes);
        self.changed(wakes);
    }

    /// Why there is no connection now, where another one is to follow.
    pub(crate) fn loss(&self) -> Option<&Loss> {
        self.generations.loss.as_ref().filter(|_| matches!(self.phase, Phase::Lost | Phase::Restoring))
    }

    /// The error of a notification that cannot be sent now.
    pub(super) fn not_sent(&self, method: &str) -> Error {
        match self.loss() {
            Some(loss) => Error::ConnectionLost {
                method: method.to_owned(),
                may_have_run: false,
                closed: loss.closed.clone(),
            },
            None => Error::Cancelled { method: method.to_owned() },
        }
    }

    /// Forgets what belongs to a stream that has ended.
    fn forget_stream(&mut self, wakes: &mut Wakes) {
        self.out.clear();
        self.unreadable.clear();
        self.unended.clear();
        (self.nudged, self.hung_up, self.failure) = (false, false, None);
        wakes.extend(self.writer.take());
        self.calls.set_shut(true, &mut self.out);
    }

    /// The status has changed.
    pub(super) fn changed(&mut self, wakes: &mut Wakes) {
        self.generations.changes += 1;
        self.wake_watchers(wakes);
    }
}

impl Failure {
    /// The failure of a call that was under way when the connection was lost.
    pub(super) fn lost(may_have_run: bool, closed: &Arc<Closed>) -> Self {
        Self::Lost { may_have_run, closed: closed.clone() }
    }
}
