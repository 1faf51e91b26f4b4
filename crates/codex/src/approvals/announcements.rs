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
    root: Option<Root>,
    ended: bool,
}

/// Whose work a turn does is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missed;

/// Whose work the turn of a sub-agent does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    /// Its thread, where its own start was heard.
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
        if let Some(turn) = state.started(turn_id) {
            return Ok(turn.root.clone());
        }
        // A review asks by its own id, and only the turn that does its work was announced.
        let is_root = |turn: &Started| turn.root.as_ref().is_some_and(|root| root.turn_id == turn_id);
        if state.missed && !state.turns.iter().any(is_root) { Err(Missed) } else { Ok(None) }
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
        match &event {
            Event::Lagged { .. } => self.miss(true, true),
            Event::Unreadable(unreadable) => match unreadable.method.as_deref() {
                Some("turn/started") => self.miss(true, false),
                Some("turn/completed") => {}
                Some(_) => self.miss(false, true),
                // It may have been anything.
                None => self.miss(true, true),
            },
            _ => {}
        }
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
                self.note_turn(said.thread_id, said.turn.id, said.turn.root_turn_id);
            }
            Some(Said::TurnCompleted(said)) => self.note_end(&said.thread_id, said.turn.id),
            _ => {}
        }
    }

    /// Something was not heard. What was known of files may have been replaced by it.
    fn miss(&mut self, turns: bool, files: bool) {
        self.missed |= turns;
        if files {
            self.files.clear();
        }
    }

    fn started(&self, turn_id: &str) -> Option<&Started> {
        self.turns.iter().rev().find(|turn| turn.turn_id == turn_id)
    }

    fn note_turn(&mut self, thread_id: String, turn_id: String, root: Option<String>) {
        let root = root.filter(|root| *root != turn_id).map(|root| Root {
            thread_id: self.started(&root).map(|turn| turn.thread_id.clone()),
            turn_id: root,
        });
        if self.turns.len() == KEPT {
            // Those that have ended ask no more.
            let ended = self.turns.iter().position(|turn| turn.ended);
            self.missed |= ended.is_none();
            self.turns.remove(ended.unwrap_or(0));
        }
        self.turns.push_back(Started { thread_id, turn_id, root, ended: false });
    }

    /// A turn has ended, and with a review the turn that did its work.
    fn note_end(&mut self, thread_id: &str, turn_id: String) {
        let works_for = |turn: &Started| turn.root.as_ref().is_some_and(|root| root.turn_id == turn_id);
        for turn in &mut self.turns {
            turn.ended |= turn.turn_id == turn_id || (turn.thread_id == thread_id && works_for(turn));
        }
        self.ended.push(turn_id);
    }

    fn note_file(&mut self, file: File) {
        self.files.retain(|known| known.thread_id != file.thread_id || known.item_id != file.item_id);
        if self.files.len() == KEPT {
            self.files.pop_front();
        }
        self.files.push_back(file);
    }
}

#[cfg(test)]
mod tests {
    use codex_appserver_methods::protocol::wire::NotificationEnvelope;
    use serde_json::json;

    use super::*;

    impl News for std::vec::IntoIter<Event> {
        fn next_now(&mut self) -> Option<Event> {
            self.next()
        }
    }

    /// What was heard before something was skipped may not be the last word on it.
    #[test]
    fn what_was_known_before_a_gap_is_not_known_after_it() {
        let change = json!([{"path": "a", "kind": {"type": "update"}, "diff": ""}]);
        let line = json!({"method": "item/fileChange/patchUpdated",
            "params": {"threadId": "T", "turnId": "U", "itemId": "I", "changes": change}});
        let patch = NotificationEnvelope::decode(&line.to_string()).expect("a notification");
        let patch = Event::Notification(patch);
        let gap = Event::Lagged { skipped: 1 };
        for (events, known) in
            [(vec![patch.clone()], true), (vec![patch.clone(), gap.clone()], false), (vec![gap, patch], true)]
        {
            let announcements = Announcements::default();
            announcements.listen(events.into_iter());
            assert_eq!(announcements.changes("T", "I").is_some(), known);
        }
    }

    fn said(method: &str, thread: &str, turn: &str, root: &str) -> Event {
        let turn = json!({"id": turn, "items": [], "status": "inProgress", "rootTurnId": root});
        let line = json!({"method": method, "params": {"threadId": thread, "turn": turn}}).to_string();
        Event::Notification(NotificationEnvelope::decode(&line).expect("a notification"))
    }

    fn heard(events: Vec<Event>) -> Announcements {
        let announcements = Announcements::default();
        announcements.listen(events.into_iter());
        announcements
    }

    /// A review asks by an id that was never announced as a turn of its own.
    #[test]
    fn who_works_for_a_turn_makes_it_known() {
        let known = heard(vec![Event::Lagged { skipped: 1 }, said("turn/started", "T", "inner", "review")]);
        assert_eq!(known.root("review"), Ok(None));
        assert_eq!(known.root("another"), Err(Missed));
        let root = Root { thread_id: None, turn_id: "review".into() };
        assert_eq!(known.root("inner"), Ok(Some(root)));
    }

    #[test]
    fn turns_that_have_ended_make_room_for_others() {
        let crowd = || (0..KEPT - 1).map(|n| said("turn/started", "other", &format!("{n}"), &format!("{n}")));
        let first = said("turn/started", "T", "first", "review");
        for (ended, known) in [("first", Ok(None)), ("review", Ok(None)), ("elsewhere", Err(Missed))] {
            let end = said("turn/completed", "T", ended, ended);
            let last = said("turn/started", "T", "last", "last");
            let all = heard([first.clone()].into_iter().chain(crowd()).chain([end, last]).collect());
            assert_eq!(all.root("unheard of"), known, "{ended}");
        }
    }
}
