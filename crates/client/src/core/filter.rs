//! What a subscription is about.

use super::head::Scope;

/// What a subscription is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Everything, also what belongs to no thread and lines that cannot be read.
    All,
    /// One thread: what names its id. A sub-agent has a thread of its own.
    Thread(String),
    /// One turn: what names its id, before and after `turn/completed`, and the `turn/started` of a review, or of a
    /// sub-agent on a thread of its own, that names it as its root. What names only the thread, such as its
    /// status, is not of the turn.
    Turn(String),
}

impl Filter {
    /// One thread.
    pub fn thread(id: impl Into<String>) -> Self {
        Self::Thread(id.into())
    }

    /// One turn.
    pub fn turn(id: impl Into<String>) -> Self {
        Self::Turn(id.into())
    }
}

impl Filter {
    /// Whether a message belongs to the subscription; the same rule as `Routes::push`.
    pub(super) fn takes(&self, scope: &Scope<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Thread(id) => scope.thread.as_deref() == Some(id),
            Self::Turn(id) => [&scope.turn, &scope.root_turn].iter().any(|turn| turn.as_deref() == Some(id)),
        }
    }
}
