//! Which subscriptions an event goes to.

use std::collections::HashMap;
use std::sync::Arc;

use super::filter::Filter;
use super::head::Scope;
use super::queue::{Item, Queue};
use super::{Wakes, tier};
use crate::error::Closed;

/// All subscriptions of a connection, by what they are about.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    all: Vec<Arc<Queue>>,
    threads: HashMap<String, Vec<Arc<Queue>>>,
    turns: HashMap<String, Vec<Arc<Queue>>>,
}

impl Routes {
    pub(crate) fn add(&mut self, filter: &Filter, queue: Arc<Queue>) {
        match filter {
            Filter::All => self.all.push(queue),
            Filter::Thread(id) => self.threads.entry(id.clone()).or_default().push(queue),
            Filter::Turn(id) => self.turns.entry(id.clone()).or_default().push(queue),
        }
    }

    pub(crate) fn remove(&mut self, filter: &Filter, queue: &Arc<Queue>) {
        let gone = |other: &Arc<Queue>| !Arc::ptr_eq(other, queue);
        match filter {
            Filter::All => self.all.retain(gone),
            Filter::Thread(id) => remove_from(&mut self.threads, id, gone),
            Filter::Turn(id) => remove_from(&mut self.turns, id, gone),
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
        let mut push_to = |queues: &mut Vec<Arc<Queue>>| {
            queues.retain(|queue| {
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
        let mut push_by = |routes: &mut HashMap<String, Vec<Arc<Queue>>>, id: &str| {
            if let Some(queues) = routes.get_mut(id) {
                push_to(queues);
                if queues.is_empty() {
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

    /// Gives an event to everyone, for it may concern anyone.
    pub(crate) fn push_everywhere(&mut self, item: &Item, wakes: &mut Wakes) {
        let keyed = self.threads.values_mut().chain(self.turns.values_mut());
        for queues in std::iter::once(&mut self.all).chain(keyed) {
            queues.retain(|queue| queue.push(item.clone(), false, wakes));
        }
    }

    /// Ends all subscriptions.
    pub(crate) fn close(&mut self, closed: &Arc<Closed>, wakes: &mut Wakes) {
        let keyed = self.threads.drain().chain(self.turns.drain()).flat_map(|(_, queues)| queues);
        for queue in self.all.drain(..).chain(keyed) {
            queue.close(closed, wakes);
        }
    }
}

fn remove_from(routes: &mut HashMap<String, Vec<Arc<Queue>>>, id: &str, keep: impl Fn(&Arc<Queue>) -> bool) {
    if let Some(queues) = routes.get_mut(id) {
        queues.retain(keep);
        if queues.is_empty() {
            routes.remove(id);
        }
    }
}
