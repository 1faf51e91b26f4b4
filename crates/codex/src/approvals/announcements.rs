//! What was announced before somebody asks for leave: what file changes are about, and whose work a turn does. The
//! requests themselves only name an item and a turn.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use codex_appserver_client::{Event, EventSettings, Overflow, ServerNotification};
use codex_appserver_methods::protocol::{FileUpdateChange, ThreadItem};

/// Where announcements come from: a subscription that is read when somebody needs to know.
pub(crate) trait News: Send {
    /// The next event, if there is one already.
    fn next_now(&mut self) -> Option<Event>;
}

/// How many items and turns are remembered; far more than are at work at a time.
const KEPT: usize = 1024;

/// What was announced on a connection.
#[derive(Default)]
pub(crate) struct Announcements {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    news: Option<Box<dyn News>>,
    files: VecDeque<File>,
    turns: VecDeque<Started>,
    /// Some were never heard: nobody was asked for so long.
    missed: bool,
    /// Turns that have ended since somebody asked.
    ended: Vec<String>,
}

struct File {
    thread_id: String,
    item_id: String,
    changes: Vec<FileUpdateChange>,
}

/// A turn that has started.
struct Started {
    thread_id: String,
    turn_id: String,
    root: Option<String>,
}

/// Whose work a turn does is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missed;

/// Whose work the turn of a sub-agent does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) thread_id: Option<String>,
    pub(crate) turn_id: String,
}

impl Announcements {
    /// What to subscribe to: the newest announcements matter, so the oldest make room.
    pub(crate) fn settings() -> EventSettings {
        EventSettings::default().byte_cap(16 << 20).overflow(Overflow::DropOldest).methods(&[
            "item/started",
            "item/fileChange/patchUpdated",
            "turn/started",
            "turn/completed",
        ])
    }

    /// Listens from now on.
    pub(crate) fn listen(&self, news: impl News + 'static) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).news = Some(Box::new(news));
    }

    /// What an item wants to change, if that was announced.
    pub(crate) fn changes(&self, thread_id: &str, item_id: &str) -> Option<Vec<FileUpdateChange>> {
        let state = self.heard();
        let found =
            state.files.iter().rev().find(|file| file.thread_id == thread_id && file.item_id == item_id);
        found.map(|file| file.changes.clone())
    }

    /// The turn that this one works for, where it is another.
    ///
    /// # Errors
    ///
    /// Its start may have been missed, so that nobody knows.
    pub(crate) fn root(&self, turn_id: &str) -> Result<Option<Root>, Missed> {
        let state = self.heard();
        let started = |id: &str| state.turns.iter().rev().find(|turn| turn.turn_id == id);
        let Some(turn) = started(turn_id) else { return if state.missed { Err(Missed) } else { Ok(None) } };
        let Some(root) = turn.root.clone().filter(|root| root != turn_id) else { return Ok(None) };
        Ok(Some(Root { thread_id: started(&root).map(|turn| turn.thread_id.clone()), turn_id: root }))
    }

    /// The turns that have ended since this was asked last.
    pub(crate) fn take_ended(&self) -> Vec<String> {
        std::mem::take(&mut self.heard().ended)
    }

    fn heard(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(event) = state.news.as_mut().and_then(|news| news.next_now()) {
            state.note(event);
        }
        state
    }
}

impl State {
    fn note(&mut self, event: Event) {
        use ServerNotification as Said;
        self.missed |= matches!(event, Event::Lagged { .. });
        match event.into_notification() {
            Some(Said::ItemStarted(said)) => {
                if let ThreadItem::FileChange(item) = said.item {
                    self.note_file(File {
                        thread_id: said.thread_id,
                        item_id: item.id,
                        changes: item.changes,
                    });
                }
            }
            Some(Said::ItemFileChangePatchUpdated(said)) => {
                let (thread_id, item_id) = (said.thread_id, said.item_id);
                self.note_file(File { thread_id, item_id, changes: said.changes });
            }
            Some(Said::TurnStarted(said)) => {
                let (turn_id, root) = (said.turn.id, said.turn.root_turn_id);
                keep(&mut self.turns, Started { thread_id: said.thread_id, turn_id, root });
            }
            Some(Said::TurnCompleted(said)) => self.ended.push(said.turn.id),
            _ => {}
        }
    }

    fn note_file(&mut self, file: File) {
        self.files.retain(|known| known.thread_id != file.thread_id || known.item_id != file.item_id);
        keep(&mut self.files, file);
    }
}

fn keep<T>(all: &mut VecDeque<T>, new: T) {
    if all.len() == KEPT {
        all.pop_front();
    }
    all.push_back(new);
}
