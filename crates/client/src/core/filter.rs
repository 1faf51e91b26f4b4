//! What a subscription is about.

use super::head::Scope;
use super::roots::Roots;

/// What a subscription is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Filter {
    /// Everything, also what belongs to no thread and lines that cannot be read.
    All,
    /// One thread: what names its id. A sub-agent has a thread of its own.
    Thread(String),
    /// One thread and the turns of the sub-agents that work for its turns.
    ThreadTree(String),
    /// One turn: what names its id, before and after `turn/completed`, the `serverRequest/resolved` of a request about it,
    /// and the `turn/started` of a review that names it as its root. What else names only the thread, such as its status, is not of the turn.
    Turn(String),
    /// One turn and all turns that work for it: those of its sub-agents and theirs, each on a thread of its own. They
    /// may outlive it, so their `turn/completed` is not its end: compare the id. A message belongs to a sub-agent only
    /// if it names a turn; what names only the thread of a sub-agent does not come.
    ///
    /// Which turn works for which is said when it starts: sub-agents that started before this client listened to their
    /// threads are not known.
    Tree(String),
}

impl Filter {
    /// One thread.
    pub fn thread(id: impl Into<String>) -> Self {
        Self::Thread(id.into())
    }

    /// One thread and the turns of the sub-agents that work for its turns.
    pub fn thread_tree(id: impl Into<String>) -> Self {
        Self::ThreadTree(id.into())
    }

    /// One turn.
    pub fn turn(id: impl Into<String>) -> Self {
        Self::Turn(id.into())
    }

    /// One turn and all turns that work for it.
    pub fn tree(turn_id: impl Into<String>) -> Self {
        Self::Tree(turn_id.into())
    }
}

impl Filter {
    /// Whether a message belongs to the subscription; the same rule as `Routes::push`.
    pub(super) fn takes(&self, scope: &Scope<'_>, roots: &Roots) -> bool {
        let is_thread = |id: &String| scope.thread.as_deref() == Some(id);
        let is_turn = |id: &String| scope.turn.as_deref() == Some(id);
        match self {
            Self::All => true,
            Self::Thread(id) => is_thread(id),
            Self::ThreadTree(id) => {
                is_thread(id) || roots.of(scope).is_some_and(|root| root.thread.as_ref() == Some(id))
            }
            Self::Turn(id) => {
                let is_root = scope.root_turn.as_deref() == Some(id);
                is_turn(id) || (is_root && roots.is_same_thread(scope, id))
            }
            Self::Tree(id) => is_turn(id) || roots.of(scope).is_some_and(|root| root.turn == *id),
        }
    }
}
