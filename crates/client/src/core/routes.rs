//! Which subscriptions an event goes to.

use std::collections::HashMap;
use std::sync::Arc;

use super::filter::Filter;
use super::head::Scope;
use super::queue::{Item, Queue};
use super::roots::Roots;
use super::{Wakes, tier};
use crate::error::Closed;

/// A subscription of a connection. No two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QueueId(u64);

/// The subscriptions to each thread, or to each turn.
type Ids = HashMap<String, Vec<QueueId>>;

/// All subscriptions of a connection, by what they are about.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Also of those that have ended, as long as their subscriber is there.
    queues: HashMap<QueueId, Queue>,
    all: Vec<QueueId>,
    threads: Ids,
    thread_trees: Ids,
    turns: Ids,
    trees: Ids,
    roots: Roots,
    last: u64,
}

impl Routes {
    /// Adds a queue that gets what the filter takes.
    pub(crate) fn add(&mut self, filter: &Filter, queue: Queue) -> QueueId {
        let id = self.keep(queue);
        self.route(filter, id);
        id
    }

    /// Adds a queue that gets nothing.
    pub(crate) fn keep(&mut self, queue: Queue) -> QueueId {
        self.last += 1;
        let id = QueueId(self.last);
        self.queues.insert(id, queue);
        id
    }

    /// Takes a queue out, to be dropped outside of the lock.
    pub(crate) fn remove(&mut self, filter: &Filter, id: QueueId) -> Option<Queue> {
        self.unroute(filter, id);
        self.queues.remove(&id)
    }

    /// Changes what a queue gets, also for what waits in it.
    pub(crate) fn narrow(&mut self, old: &Filter, new: &Filter, id: QueueId) {
        self.unroute(old, id);
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.narrow(new, &self.roots);
            self.route(new, id);
        }
    }

    /// Whether any subscription may still get something.
    pub(crate) fn has_open(&self) -> bool {
        let by_id = [&self.threads, &self.thread_trees, &self.turns, &self.trees];
        !self.all.is_empty() || by_id.iter().any(|ids| !ids.is_empty())
    }

    pub(crate) fn queue(&mut self, id: QueueId) -> Option<&mut Queue> {
        self.queues.get_mut(&id)
    }

    pub(crate) fn skipped(&self, id: QueueId) -> u64 {
        self.queues.get(&id).map_or(0, Queue::skipped)
    }

    fn route(&mut self, filter: &Filter, id: QueueId) {
        match filter {
            Filter::All => self.all.push(id),
            Filter::Thread(thread) => self.threads.entry(thread.clone()).or_default().push(id),
            Filter::ThreadTree(thread) => self.thread_trees.entry(thread.clone()).or_default().push(id),
            Filter::Turn(turn) => self.turns.entry(turn.clone()).or_default().push(id),
            Filter::Tree(turn) => self.trees.entry(turn.clone()).or_default().push(id),
        }
    }

    fn unroute(&mut self, filter: &Filter, id: QueueId) {
        match filter {
            Filter::All => self.all.retain(|other| *other != id),
            Filter::Thread(thread) => remove_from(&mut self.threads, thread, id),
            Filter::ThreadTree(thread) => remove_from(&mut self.thread_trees, thread, id),
            Filter::Turn(turn) => remove_from(&mut self.turns, turn, id),
            Filter::Tree(turn) => remove_from(&mut self.trees, turn, id),
        }
    }

    /// Gives an event to everyone it concerns. It is made only if there is anyone.
    pub(crate) fn push(
        &mut self,
        scope: &Scope<'_>,
        method: Option<&str>,
        wakes: &mut Wakes,
        make: impl FnOnce() -> Item,
    ) {
        self.roots.note(scope);
        let best_effort = method.is_some_and(tier::is_best_effort);
        let mut making = Some(make);
        let mut made = None;
        let queues = &mut self.queues;
        let mut push_to = |ids: &mut Vec<QueueId>, of_agent: bool| {
            ids.retain(|id| {
                let Some(queue) = queues.get_mut(id) else { return false };
                if !queue.wants(method, of_agent) {
                    return true;
                }
                if let Some(make) = making.take() {
                    made = Some(make());
                }
                made.as_ref().is_some_and(|item| queue.push(item.clone(), best_effort, wakes))
            });
        };
        push_to(&mut self.all, false);
        let mut push_by = |routes: &mut Ids, id: Option<&str>, of_agent: bool| {
            if let Some(id) = id
                && let Some(ids) = routes.get_mut(id)
            {
                push_to(ids, of_agent);
                if ids.is_empty() {
                    routes.remove(id);
                }
            }
        };
        let (thread, turn) = (scope.thread.as_deref(), scope.turn.as_deref());
        push_by(&mut self.threads, thread, false);
        push_by(&mut self.thread_trees, thread, false);
        push_by(&mut self.turns, turn, false);
        push_by(&mut self.trees, turn, false);
        let has_trees = !self.trees.is_empty() || !self.thread_trees.is_empty();
        if has_trees && let Some(root) = self.roots.of(scope) {
            let its_thread = root.thread.as_deref().filter(|its| thread != Some(*its));
            push_by(&mut self.thread_trees, its_thread, true);
            push_by(&mut self.trees, Some(&root.turn), true);
        }
        let other = scope.root_turn.as_deref().filter(|root| turn != Some(*root));
        push_by(&mut self.turns, other.filter(|root| self.roots.is_same_thread(scope, root)), false);
    }

    /// Sets which messages of sub-agents a queue gets, where not all.
    pub(crate) fn set_agent_methods(&mut self, id: QueueId, methods: Option<&'static [&'static str]>) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.set_agent_methods(methods);
        }
    }

    /// Gives an event to everyone, for it may concern anyone. A queue that has ended takes nothing.
    pub(crate) fn push_everywhere(&mut self, item: &Item, wakes: &mut Wakes) {
        for queue in self.queues.values_mut() {
            queue.push(item.clone(), false, wakes);
        }
    }

    /// Tells every subscription something about the connection, however full it is.
    pub(crate) fn mark_everywhere(&mut self, item: &Item, wakes: &mut Wakes) {
        for queue in self.queues.values_mut() {
            queue.mark(item.clone(), wakes);
        }
    }

    /// Ends all subscriptions.
    pub(crate) fn close(&mut self, closed: &Arc<Closed>, wakes: &mut Wakes) {
        self.all.clear();
        for ids in [&mut self.threads, &mut self.thread_trees, &mut self.turns, &mut self.trees] {
            ids.clear();
        }
        for queue in self.queues.values_mut() {
            queue.close(closed, wakes);
        }
    }
}

fn remove_from(routes: &mut Ids, key: &str, id: QueueId) {
    if let Some(ids) = routes.get_mut(key) {
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            routes.remove(key);
        }
    }
}
