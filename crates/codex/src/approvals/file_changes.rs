//! What file changes are about: their requests only name the item that was announced before.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use codex_appserver_client::{Event, EventSettings, Overflow, ServerNotification};
use codex_appserver_methods::protocol::{FileUpdateChange, ThreadItem};

/// Where the announcements come from; a subscription that is read only when somebody asks.
pub(crate) trait News: Send {
    /// The next event, if there is one already.
    fn next_now(&mut self) -> Option<Event>;
}

/// Items that are announced and not completed yet, at most so many.
const KEPT: usize = 64;

/// The file changes that were announced.
#[derive(Default)]
pub(crate) struct FileChanges {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    news: Option<Box<dyn News>>,
    announced: VecDeque<Announced>,
}

struct Announced {
    thread_id: String,
    item_id: String,
    changes: Vec<FileUpdateChange>,
}

impl FileChanges {
    /// What to subscribe to: the newest announcements matter, so the oldest make room.
    pub(crate) fn settings() -> EventSettings {
        EventSettings::default().byte_cap(4 << 20).overflow(Overflow::DropOldest).methods(&[
            "item/started",
            "item/fileChange/patchUpdated",
            "item/completed",
        ])
    }

    /// Listens from now on.
    pub(crate) fn listen(&self, news: impl News + 'static) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).news = Some(Box::new(news));
    }

    /// What an item wants to change.
    pub(crate) fn of(&self, thread_id: &str, item_id: &str) -> Vec<FileUpdateChange> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { news, announced } = &mut *state;
        while let Some(event) = news.as_mut().and_then(|news| news.next_now()) {
            note(announced, event);
        }
        let found =
            announced.iter().rev().find(|item| item.thread_id == thread_id && item.item_id == item_id);
        found.map(|item| item.changes.clone()).unwrap_or_default()
    }
}

fn note(announced: &mut VecDeque<Announced>, event: Event) {
    use ServerNotification as Said;
    let mut forget = |thread_id: &str, item_id: &str| {
        announced.retain(|item| item.thread_id != thread_id || item.item_id != item_id);
    };
    let (thread_id, item_id, changes) = match event.into_notification() {
        Some(Said::ItemStarted(said)) => match said.item {
            ThreadItem::FileChange(item) => (said.thread_id, item.id, item.changes),
            _ => return,
        },
        Some(Said::ItemFileChangePatchUpdated(said)) => (said.thread_id, said.item_id, said.changes),
        Some(Said::ItemCompleted(said)) => {
            return said.item.id().into_iter().for_each(|item_id| forget(&said.thread_id, item_id));
        }
        _ => return,
    };
    forget(&thread_id, &item_id);
    if announced.len() == KEPT {
        announced.pop_front();
    }
    announced.push_back(Announced { thread_id, item_id, changes });
}
