//! Under which id a turn is at work, and whether it is over: heard beside its stream, which nobody may be reading.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codex_appserver_client::{EventSettings, Overflow, ServerNotification};
use codex_appserver_methods::protocol::{ThreadReadResponse, Turn};

use super::records::{self, Record};
use crate::event_source::EventSource;

/// What a life consists of.
pub(crate) fn settings() -> EventSettings {
    EventSettings::default()
        .byte_cap(1 << 20)
        .overflow(Overflow::DropOldest)
        .methods(&["turn/started", "turn/completed"])
}

/// How far the server says that a turn is.
pub(crate) enum Progress {
    Over,
    AtWork,
    /// It may be about to begin.
    Unknown,
}

/// The life of one turn.
pub(crate) struct Life {
    thread_id: String,
    turn_id: String,
    state: Mutex<State>,
}

struct State {
    news: Box<dyn EventSource>,
    /// The turn that does the work of this one: a review has another id there than everywhere else.
    at_work: Option<String>,
    /// How it ended.
    end: Option<Turn>,
    /// Its end was heard of elsewhere.
    over: bool,
}

impl Life {
    pub(crate) fn new(thread_id: &str, turn_id: &str, news: impl EventSource + 'static) -> Self {
        let state = State { news: Box::new(news), at_work: None, end: None, over: false };
        Self { thread_id: thread_id.to_owned(), turn_id: turn_id.to_owned(), state: Mutex::new(state) }
    }

    /// Whether the server has said that the turn is over.
    pub(crate) fn is_over(&self) -> bool {
        let heard = self.heard();
        heard.over || heard.end.is_some()
    }

    /// How the turn ended, if that was heard.
    pub(crate) fn end(&self) -> Option<Turn> {
        self.heard().end.clone()
    }

    /// Its end was heard of elsewhere.
    pub(crate) fn close(&self) {
        self.heard().over = true;
    }

    /// Takes note of what the server keeps, where it was asked.
    pub(crate) fn learn(&self, read: Option<ThreadReadResponse>) -> Progress {
        let Some(read) = read else { return Progress::Unknown };
        // Whoever follows a review has not heard which turn does its work.
        if let Some(at_work) = records::at_work(&read, &self.turn_id) {
            self.heard().at_work = Some(at_work.to_owned());
        }
        match Record::of(read, &self.turn_id, Duration::ZERO) {
            Record::Over(_) => {
                self.close();
                Progress::Over
            }
            record if record.is_in_progress() => Progress::AtWork,
            _ => Progress::Unknown,
        }
    }

    /// The id by which the turn is interrupted or steered.
    pub(crate) fn at_work(&self) -> String {
        self.heard().at_work.clone().unwrap_or_else(|| self.turn_id.clone())
    }

    fn heard(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(event) = state.news.next_now() {
            match event.notification() {
                Some(ServerNotification::TurnStarted(said)) if said.thread_id == self.thread_id => {
                    state.at_work = Some(said.turn.id.clone());
                }
                Some(ServerNotification::TurnCompleted(said)) if said.turn.id == self.turn_id => {
                    state.end = Some(said.turn.clone());
                }
                _ => {}
            }
        }
        state
    }
}

/// How long a turn may take to begin, once it has an id and the server does not say that it has.
pub(crate) const BEGINNING: Duration = Duration::from_secs(10);

/// How long to listen before the server is asked how a turn is doing that may be about to begin, or has just ended.
pub(crate) const GLANCE: Duration = Duration::from_millis(250);
