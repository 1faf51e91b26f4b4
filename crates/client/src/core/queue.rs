//! The events that wait for one subscriber: bounded in bytes, and never less than they claim to be.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::head::Scope;
use super::{Filter, Unreadable, Wakes};
use crate::error::{Closed, Error};
use crate::settings::{EventSettings, Overflow};

/// What an event weighs beside its text.
const OVERHEAD: usize = 64;

/// Something for a subscriber, not decoded yet.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Notification(Arc<Message>),
    Request(Arc<Message>),
    Unreadable(Arc<Unreadable>),
    /// So many best-effort events are missing here.
    Lagged(u64),
}

/// A line of the server, with the ids that say whom it concerns.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) line: Arc<str>,
    pub(super) thread: Option<Box<str>>,
    pub(super) turn: Option<Box<str>>,
    pub(super) root_turn: Option<Box<str>>,
}

impl Message {
    pub(super) fn new(line: Arc<str>, scope: &Scope<'_>) -> Arc<Self> {
        let Scope { thread, turn, root_turn, .. } = scope;
        let [thread, turn, root_turn] = [thread, turn, root_turn].map(|id| id.as_deref().map(Box::from));
        Arc::new(Self { line, thread, turn, root_turn })
    }
}

impl Item {
    fn weight(&self) -> usize {
        let text = match self {
            Self::Notification(message) | Self::Request(message) => message.line.len(),
            Self::Unreadable(unreadable) => unreadable.raw.len() + unreadable.message.len(),
            Self::Lagged(_) => return 0,
        };
        text + OVERHEAD
    }
}

/// The events of one subscription.
#[derive(Debug)]
pub(crate) struct Queue {
    settings: EventSettings,
    items: VecDeque<Item>,
    weight: usize,
    skipped: u64,
    end: Option<End>,
    waker: Option<Waker>,
}

/// Why nothing more comes. It is told once, after what waits.
#[derive(Debug)]
enum End {
    Overrun,
    Closed(Arc<Closed>),
    Told,
}

impl Queue {
    pub(super) fn new(settings: EventSettings) -> Self {
        Self { settings, items: VecDeque::new(), weight: 0, skipped: 0, end: None, waker: None }
    }

    /// Whether messages of this method belong here; answers have none.
    pub(super) fn wants(&self, method: Option<&str>) -> bool {
        self.settings.methods.is_none_or(|methods| method.is_some_and(|method| methods.contains(&method)))
    }

    /// Adds an item and tells whether the subscription still wants more. A skipped one is counted.
    pub(super) fn push(&mut self, item: Item, best_effort: bool, wakes: &mut Wakes) -> bool {
        if self.end.is_some() {
            return false;
        }
        let weight = self.weight + item.weight();
        // Best-effort events leave half of the room to the others.
        let room = if best_effort { self.settings.byte_cap / 2 } else { self.settings.byte_cap };
        // What is alone in the queue cannot be waiting because of a slow subscriber.
        if weight <= room || (!best_effort && self.items.is_empty()) {
            self.weight = weight;
            self.items.push_back(item);
        } else if self.settings.overflow == Overflow::DropOldest {
            self.weight = weight;
            self.items.push_back(item);
            self.drop_oldest(self.settings.byte_cap);
        } else if best_effort || self.settings.overflow == Overflow::Skip {
            self.skip();
        } else {
            self.end = Some(End::Overrun);
        }
        wakes.extend(self.waker.take());
        self.end.is_none()
    }

    /// Nothing more comes.
    pub(super) fn close(&mut self, closed: &Arc<Closed>, wakes: &mut Wakes) {
        if self.end.is_none() {
            self.end = Some(End::Closed(closed.clone()));
        }
        wakes.extend(self.waker.take());
    }

    /// Takes no more items. Those that wait are still given out, and no error follows them.
    pub(super) fn end(&mut self) {
        self.end.get_or_insert(End::Told);
    }

    /// The next item; none after the end was told. A waker that is of no more use goes to `stale`, to be dropped outside of
    /// the lock: it may be the last of its task.
    pub(super) fn poll(
        &mut self,
        waker: &Waker,
        stale: &mut Option<Waker>,
    ) -> Poll<Option<Result<Item, Error>>> {
        if let Some(item) = self.items.pop_front() {
            self.weight -= item.weight();
            return Poll::Ready(Some(Ok(item)));
        }
        let Some(end) = &mut self.end else {
            if !self.waker.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
                *stale = self.waker.replace(waker.clone());
            }
            return Poll::Pending;
        };
        match std::mem::replace(end, End::Told) {
            End::Overrun => Poll::Ready(Some(Err(Error::Overrun { byte_cap: self.settings.byte_cap }))),
            // Whoever shut the connection down knows.
            End::Closed(closed) if !closed.is_shutdown() => Poll::Ready(Some(Err(Error::Closed(closed)))),
            End::Closed(_) | End::Told => Poll::Ready(None),
        }
    }

    /// Keeps only the messages that the filter takes; what was skipped stays told.
    pub(super) fn narrow(&mut self, filter: &Filter) {
        self.items.retain(|item| match item {
            Item::Notification(message) | Item::Request(message) => filter.takes(message),
            // It may be about anything.
            Item::Unreadable(_) | Item::Lagged(_) => true,
        });
        self.weight = self.items.iter().map(Item::weight).sum();
    }

    /// How many events were skipped so far.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    fn skip(&mut self) {
        self.skipped += 1;
        match self.items.back_mut() {
            Some(Item::Lagged(count)) => *count += 1,
            _ => self.items.push_back(Item::Lagged(1)),
        }
    }

    /// Makes room at the front, which then tells how much is missing. The newest item stays.
    fn drop_oldest(&mut self, room: usize) {
        let mut missing = 0;
        while self.weight > room && self.items.len() > 1 {
            match self.items.pop_front() {
                Some(Item::Lagged(count)) => missing += count,
                Some(item) => {
                    self.weight -= item.weight();
                    self.skipped += 1;
                    missing += 1;
                }
                None => break,
            }
        }
        if missing > 0 {
            self.items.push_front(Item::Lagged(missing));
        }
    }
}
