//! Who decides on what: the turn's own answer, else the thread's, else the connection's. A sub-agent counts as the turn
//! that it works for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Announcements;
use super::announcements::Root;

/// Everybody who decides, by what about, and what they have to know. `A` is how a decision is made, by a task or on a
/// thread.
pub(crate) struct Registry<A> {
    pub(crate) announcements: Announcements,
    deciders: Mutex<Deciders<A>>,
}

struct Deciders<A> {
    turns: HashMap<String, Arc<A>>,
    /// The latest turns that had somebody and have ended. What sub-agents still ask for is for nobody else to accept.
    ended: VecDeque<String>,
    threads: HashMap<String, Arc<A>>,
    default: Arc<A>,
}

impl<A> Registry<A> {
    pub(crate) fn new(default: A) -> Self {
        let deciders = Deciders {
            turns: HashMap::new(),
            ended: VecDeque::new(),
            threads: HashMap::new(),
            default: Arc::new(default),
        };
        Self { announcements: Announcements::default(), deciders: Mutex::new(deciders) }
    }

    /// Who decides for this turn of this thread. Nobody where the turn that it works for had somebody and has ended,
    /// and where it may be about a turn or a thread that has somebody of its own, and nobody knows.
    pub(crate) fn who(&self, thread_id: &str, turn_id: &str) -> Option<Arc<A>> {
        let root = self.announcements.root(turn_id);
        let deciders = self.lock();
        if let Some(own) = deciders.turns.get(turn_id) {
            return Some(own.clone());
        }
        if root.is_err() && deciders.has_anybody() {
            return None;
        }
        let root = root.ok().flatten();
        let threads = [Some(thread_id), root.as_ref().and_then(|root| root.thread_id.as_deref())];
        let of_turn = root.as_ref().and_then(|root| deciders.turns.get(&root.turn_id));
        if of_turn.is_none() && deciders.has_ended(turn_id, root.as_ref()) {
            return None;
        }
        let of_thread = || threads.into_iter().flatten().find_map(|id| deciders.threads.get(id));
        Some(of_turn.or_else(of_thread).unwrap_or(&deciders.default).clone())
    }

    pub(crate) fn set_default(&self, approvals: A) {
        let old = std::mem::replace(&mut self.lock().default, Arc::new(approvals));
        // What it holds on to may come back here when it is dropped, so not under the lock.
        drop(old);
    }

    /// Until it is replaced.
    pub(crate) fn set_thread(&self, thread_id: &str, approvals: A) {
        let old = self.lock().threads.insert(thread_id.to_owned(), Arc::new(approvals));
        drop(old);
    }

    /// Until it is replaced or the turn ends.
    pub(crate) fn set_turn(&self, turn_id: &str, approvals: A) {
        self.forget_ended();
        let old = self.lock().turns.insert(turn_id.to_owned(), Arc::new(approvals));
        drop(old);
    }

    /// A turn has ended, so nobody has to decide for it any more.
    pub(crate) fn end_turn(&self, turn_id: &str) {
        let old = self.lock().end(turn_id);
        drop(old);
    }

    /// The same for all turns whose end was announced. Asked now and then, so that little piles up.
    pub(crate) fn forget_ended(&self) {
        for turn_id in self.announcements.take_ended() {
            self.end_turn(&turn_id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Deciders<A>> {
        self.deciders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many turns that have ended are remembered.
const KEPT: usize = 1024;

impl<A> Deciders<A> {
    fn end(&mut self, turn_id: &str) -> Option<Arc<A>> {
        let old = self.turns.remove(turn_id)?;
        if self.ended.len() == KEPT {
            self.ended.pop_front();
        }
        self.ended.push_back(turn_id.to_owned());
        Some(old)
    }

    /// Whether there is, or was, somebody beside the connection's.
    fn has_anybody(&self) -> bool {
        !(self.turns.is_empty() && self.ended.is_empty() && self.threads.is_empty())
    }

    /// Whether one of these had somebody, and has ended.
    fn has_ended(&self, turn_id: &str, root: Option<&Root>) -> bool {
        let is_it = |ended: &String| ended == turn_id || root.is_some_and(|root| *ended == root.turn_id);
        self.ended.iter().any(is_it)
    }
}
