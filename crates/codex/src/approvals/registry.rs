//! Who decides on what: the turn's own answer, else the thread's, else the connection's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Everybody who decides, by what about. `A` is how a decision is made, by a task or on a thread.
pub(crate) struct Registry<A> {
    places: Mutex<Places<A>>,
}

struct Places<A> {
    turns: HashMap<String, Arc<A>>,
    threads: HashMap<String, Arc<A>>,
    default: Arc<A>,
}

impl<A> Registry<A> {
    pub(crate) fn new(default: A) -> Self {
        let places = Places { turns: HashMap::new(), threads: HashMap::new(), default: Arc::new(default) };
        Self { places: Mutex::new(places) }
    }

    /// Who decides for this turn of this thread.
    pub(crate) fn who(&self, thread_id: &str, turn_id: &str) -> Arc<A> {
        let places = self.lock();
        let own = places.turns.get(turn_id).or_else(|| places.threads.get(thread_id));
        own.unwrap_or(&places.default).clone()
    }

    pub(crate) fn set_default(&self, approvals: A) {
        self.lock().default = Arc::new(approvals);
    }

    /// Until it is replaced.
    pub(crate) fn set_thread(&self, thread_id: &str, approvals: A) {
        self.lock().threads.insert(thread_id.to_owned(), Arc::new(approvals));
    }

    /// For as long as the registration is kept.
    pub(crate) fn set_turn(self: &Arc<Self>, turn_id: &str, approvals: A) -> Registration<A> {
        let approvals = Arc::new(approvals);
        self.lock().turns.insert(turn_id.to_owned(), approvals.clone());
        Registration { registry: self.clone(), turn_id: turn_id.to_owned(), approvals }
    }

    fn lock(&self) -> MutexGuard<'_, Places<A>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that a turn has somebody who decides for it.
pub(crate) struct Registration<A> {
    registry: Arc<Registry<A>>,
    turn_id: String,
    approvals: Arc<A>,
}

impl<A> Drop for Registration<A> {
    fn drop(&mut self) {
        let mut places = self.registry.lock();
        // Somebody else may have come after.
        if places.turns.get(&self.turn_id).is_some_and(|now| Arc::ptr_eq(now, &self.approvals)) {
            places.turns.remove(&self.turn_id);
        }
    }
}
