//! Whether a turn has begun, and whether it is over: heard beside its stream, which nobody may be reading.

use std::sync::{Mutex, MutexGuard, PoisonError};

use codex_appserver_client::{Event, EventSettings, Overflow, ServerNotification};

use crate::approvals::News;

/// What a life consists of.
pub(crate) fn settings() -> EventSettings {
    EventSettings::default()
        .byte_cap(1 << 20)
        .overflow(Overflow::DropOldest)
        .methods(&["turn/started", "turn/completed"])
}

/// The life of one turn.
pub(crate) struct Life {
    turn_id: String,
    state: Mutex<State>,
}

struct State {
    news: Box<dyn News>,
    over: bool,
}

impl Life {
    pub(crate) fn new(turn_id: &str, news: impl News + 'static) -> Self {
        let state = State { news: Box::new(news), over: false };
        Self { turn_id: turn_id.to_owned(), state: Mutex::new(state) }
    }

    /// Whether the server has said that the turn is over.
    pub(crate) fn is_over(&self) -> bool {
        let mut state = self.lock();
        while let Some(event) = state.news.next_now() {
            state.over |= ends(&event, &self.turn_id);
        }
        state.over
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an event says that the turn is over.
pub(crate) fn ends(event: &Event, turn_id: &str) -> bool {
    matches!(event.notification(), Some(ServerNotification::TurnCompleted(said)) if said.turn.id == turn_id)
}

/// How long a turn may take to begin, once it has an id.
pub(crate) const BEGINNING: std::time::Duration = std::time::Duration::from_secs(10);
