//! The items of a thread in one sequence: the ones that the server keeps, and then those that are completed.
//!
//! A [`View`] does no I/O. Its reader subscribes first and then calls [`next`](View::next) over and over; each step says
//! what may be called before `next` again:
//!
//! | step | what the reader does | what it calls then |
//! |---|---|---|
//! | `Item`, `Fail` | hands it to the caller | nothing |
//! | `Ask` | sends `thread/items/list` | `on_page` |
//! | `Wait` | waits for the next event | `on_event` or `on_closed`; `on_overrun` once it has subscribed anew |
//! | `Done` | ends | nothing |
//!
//! The server keeps an item when it is completed, in that order. So a page that ends the list, read after a subscription
//! began, and the events of that subscription have no gap between them. What is in both is handed out once, by its id.
//! Where events were missed, the list is read again from the page that ended it.

use std::collections::{HashSet, VecDeque};

use codex_appserver_client::{
    Error as ClientError, Event, RpcErrorKind, ServerNotification, notification_method,
};
use codex_appserver_methods::protocol::wire::Notification;
use codex_appserver_methods::protocol::{
    SortDirection, ThreadItem, ThreadItemsListParams, ThreadItemsListResponse,
};

use crate::view::ViewItem;

/// The notification that a view is made of.
pub(crate) const EVENTS: &[&str] = &[notification_method::ItemCompleted::METHOD];

/// How many items a page has, unless they make the answer too long.
const ITEMS: u32 = 20;

/// What the reader of a view has to do next.
#[derive(Debug)]
pub(crate) enum Step {
    Item(Box<ViewItem>),
    Ask(ThreadItemsListParams),
    Wait,
    Fail(ClientError),
    Done,
}

#[derive(Debug)]
pub(crate) struct View {
    thread_id: String,
    mode: Mode,
    /// Where the page begins that is read next, or again: the last one that was read while events are.
    cursor: Option<String>,
    limit: u32,
    /// The ids of the items that were handed out or are about to be.
    seen: HashSet<String>,
    output: VecDeque<ViewItem>,
    /// The error of a subscription that lost events which the pages have to make up for.
    missed: Option<ClientError>,
}

#[derive(Debug)]
enum Mode {
    /// The pages are read; events wait.
    Pages,
    /// Events are read.
    Events,
    /// The reader gets this error and then nothing.
    Failed(ClientError),
    Done,
}

impl View {
    /// A view of a thread from this cursor of `thread/items/list` on, or from its first item.
    pub(crate) fn new(thread_id: impl Into<String>, cursor: Option<String>) -> Self {
        Self {
            thread_id: thread_id.into(),
            mode: Mode::Pages,
            cursor,
            limit: ITEMS,
            seen: HashSet::new(),
            output: VecDeque::new(),
            missed: None,
        }
    }

    pub(crate) fn next(&mut self) -> Step {
        if let Some(item) = self.output.pop_front() {
            return Step::Item(Box::new(item));
        }
        match &self.mode {
            Mode::Pages => {
                let params = ThreadItemsListParams::new(&self.thread_id)
                    .limit(self.limit)
                    .sort_direction(SortDirection::Asc);
                Step::Ask(match &self.cursor {
                    Some(cursor) => params.cursor(cursor.as_str()),
                    None => params,
                })
            }
            Mode::Events => Step::Wait,
            Mode::Failed(_) => match std::mem::replace(&mut self.mode, Mode::Done) {
                Mode::Failed(error) => Step::Fail(error),
                _ => Step::Done,
            },
            Mode::Done => Step::Done,
        }
    }

    /// The answer to [`Step::Ask`].
    pub(crate) fn on_page(&mut self, page: Result<ThreadItemsListResponse, ClientError>) {
        match page {
            Ok(page) => {
                for entry in page.data {
                    self.add(entry.turn_id, entry.item);
                }
                self.limit = ITEMS;
                match page.next_cursor {
                    Some(next) if Some(&next) != self.cursor.as_ref() => self.cursor = Some(next),
                    // The cursor stays: what is added later is on this page, or behind it.
                    _ => {
                        self.mode = Mode::Events;
                        self.missed = None;
                    }
                }
            }
            // The answer is too long.
            Err(ClientError::Decode(_)) if self.limit > 1 => self.limit /= 2,
            Err(error) if keeps_no_items(&error) => {
                self.mode = match self.missed.take() {
                    // The thread had no turn when the subscription began, or it is ephemeral.
                    None => Mode::Events,
                    Some(missed) => Mode::Failed(missed),
                };
            }
            // The event of the next connection has the page read again.
            Err(ClientError::ConnectionLost { .. }) => self.mode = Mode::Events,
            Err(error) => self.mode = Mode::Failed(error),
        }
    }

    /// The next event of the thread.
    pub(crate) fn on_event(&mut self, event: Event) {
        match event {
            Event::Unreadable(unreadable) => self.on_unreadable(unreadable.method.as_deref()),
            Event::Reconnected { .. } => self.mode = Mode::Pages,
            event => {
                if let Some(ServerNotification::ItemCompleted(completed)) = event.into_notification()
                    && completed.thread_id == self.thread_id
                {
                    self.add(completed.turn_id, completed.item);
                }
            }
        }
    }

    /// A message that could not be decoded, of this method. It may have been an item, which the records have.
    fn on_unreadable(&mut self, method: Option<&str>) {
        if method.is_none_or(|method| EVENTS.contains(&method)) {
            self.mode = Mode::Pages;
        }
    }

    /// The subscription has lost events and ended; the reader has subscribed again.
    pub(crate) fn on_overrun(&mut self, error: ClientError) {
        self.missed = Some(error);
        self.mode = Mode::Pages;
    }

    /// The connection has ended: with this error, or because it was shut down.
    pub(crate) fn on_closed(&mut self, error: Option<ClientError>) {
        self.mode = error.map_or(Mode::Done, Mode::Failed);
    }

    fn add(&mut self, turn_id: String, item: ThreadItem) {
        if self.seen.insert(key(&item)) {
            self.output.push_back(ViewItem { turn_id, item });
        }
    }
}

/// Whether the server keeps no items of this thread, or none yet.
fn keeps_no_items(error: &ClientError) -> bool {
    matches!(error.kind(), Some(RpcErrorKind::NotRecorded))
}

/// What tells an item from the others: its id; all of it where these bindings do not know its kind and it has none.
fn key(item: &ThreadItem) -> String {
    if let Some(id) = item.id() {
        return id.to_owned();
    }
    let json = serde_json::to_value(item).unwrap_or_default();
    json["id"].as_str().map_or_else(|| json.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
