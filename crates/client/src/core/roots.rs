//! On whose behalf turns run: a sub-agent has a thread and turns of its own, and a review runs as another turn.

use std::collections::{HashMap, VecDeque};

use super::head::Scope;

/// How many of the latest turns are remembered; far more than run at a time.
const KEPT: usize = 4096;

/// The latest turns that were named, with the turns that they work for.
#[derive(Debug, Default)]
pub(super) struct Roots {
    turns: HashMap<String, Root>,
    /// The same turns, oldest first.
    order: VecDeque<String>,
    /// The turn that the last message was about, if it works for no other, else empty: most messages are about the same
    /// turn as the one before, and need no look-up.
    last: String,
}

/// The turn at the top, which works for no other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) turn: String,
    /// Its thread, if a message of its own was seen.
    pub(super) thread: Option<String>,
}

impl Roots {
    /// Takes note of the turn that a message is about. Its start and its end name its root, where that is another one;
    /// older servers name none.
    pub(super) fn note(&mut self, scope: &Scope<'_>) {
        let Some(turn) = scope.turn.as_deref() else { return };
        let root = scope.root_turn.as_deref().filter(|root| *root != turn);
        if root.is_none() && self.last == turn {
            return;
        }
        let works_for_itself = match self.turns.get(turn) {
            Some(known) if root.is_none() || known.turn != turn => known.turn == turn,
            known => {
                let is_new = known.is_none();
                let found = match root.map(|root| (root, self.turns.get(root))) {
                    None => {
                        Root { turn: turn.to_owned(), thread: scope.thread.as_deref().map(str::to_owned) }
                    }
                    Some((_, Some(top))) => Root { turn: top.turn.clone(), thread: top.thread.clone() },
                    Some((root, None)) => Root { turn: root.to_owned(), thread: None },
                };
                let works_for_itself = found.turn == turn;
                self.turns.insert(turn.to_owned(), found);
                if is_new {
                    self.keep(turn);
                }
                works_for_itself
            }
        };
        self.last.clear();
        if works_for_itself {
            self.last.push_str(turn);
        }
    }

    /// Keeps a turn among the latest, and forgets the oldest for it.
    fn keep(&mut self, turn: &str) {
        self.order.push_back(turn.to_owned());
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.turns.remove(&oldest);
        }
    }

    /// The turn that a message is about works for this one, if that is another turn.
    pub(super) fn of(&self, scope: &Scope<'_>) -> Option<&Root> {
        let turn = scope.turn.as_deref().filter(|turn| *turn != self.last)?;
        self.turns.get(turn).filter(|root| root.turn != turn)
    }

    /// Whether a message names this turn as the root of its own, and may be of the same thread, as that of a review is.
    pub(super) fn is_same_thread(&self, scope: &Scope<'_>, root: &str) -> bool {
        let known =
            self.turns.get(root).filter(|known| known.turn == root).and_then(|known| known.thread.as_deref());
        known.is_none_or(|known| scope.thread.as_deref().is_none_or(|thread| thread == known))
    }
}
