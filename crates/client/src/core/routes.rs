//! Which subscriptions an event goes to.

use std::collections::HashMap;
use std::sync::Arc;

use super::filter::Filter;
use super::head::Scope;
use super::queue::{Item, Queue};
use super::{Wakes, tier};
use crate::error::Closed;

/// A subscription of a connection. No two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct QueueId(u64);

/// All subscriptions of a connection, by what they are about.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    /// Also of those that have ended, as long as their subscriber is there.
    queues: HashMap<QueueId, Queue>,
    all: Vec<QueueId>,
    threads: HashMap<String, Vec<QueueId>>,
    turns: HashMap<String, Vec<QueueId>>,
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
            queue.narrow(new);
            self.route(new, id);
        }
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
            Filter::Turn(turn) => self.turns.entry(turn.clone()).or_default().push(id),
        }
    }

    fn unroute(&mut self, filter: &Filter, id: QueueId) {
        match filter {
            Filter::All => self.all.retain(|other| *other != id),
            Filter::Thread(thread) => remove_from(&mut self.threads, thread, id),
            Filter::Turn(turn) => remove_from(&mut self.turns, turn, id),
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
        let best_effort = method.is_some_and(tier::is_best_effort);
        let mut making = Some(make);
        let mut made = None;
        let queues = &mut self.queues;
        let mut push_to = |ids: &mut Vec<QueueId>| {
            ids.retain(|id| {
                let Some(queue) = queues.get_mut(id) else { return false };
                if !queue.wants(method) {
                    return true;
                }
                if let Some(make) = making.take() {
                    made = Some(make());
                }
                made.as_ref().is_some_and(|item| queue.push(item.clone(), best_effort, wakes))
            });
        };
        push_to(&mut self.all);
        let mut push_by = |routes: &mut HashMap<String, Vec<QueueId>>, id: &str| {
            if let Some(ids) = routes.get_mut(id) {
                push_to(ids);
                if ids.is_empty() {
                    routes.remove(id);
                }
            }
        };
        if let Some(thread) = scope.thread.as_deref() {
            push_by(&mut self.threads, thread);
        }
        if let Some(turn) = scope.turn.as_deref() {
            push_by(&mut self.turns, turn);
        }
        if let Some(root) = scope.root_turn.as_deref().filter(|root| scope.turn.as_deref() != Some(*root)) {
            push_by(&mut self.turns, root);
        }
    }

    /// Gives an event to everyone, for it may concern anyone. A queue that has ended takes nothing.
    pub(crate) fn push_everywhere(&mut self, item: &Item, wakes: &mut Wakes) {
        for queue in self.queues.values_mut() {
            queue.push(item.clone(), false, wakes);
        }
    }

    /// Ends all subscriptions.
    pub(crate) fn close(&mut self, closed: &Arc<Closed>, wakes: &mut Wakes) {
        self.all.clear();
        self.threads.clear();
        self.turns.clear();
        for queue in self.queues.values_mut() {
            queue.close(closed, wakes);
        }
    }
}

fn remove_from(routes: &mut HashMap<String, Vec<QueueId>>, key: &str, id: QueueId) {
    if let Some(ids) = routes.get_mut(key) {
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            routes.remove(key);
        }
    }
}
