//! The events that wait for one subscriber: bounded in bytes, and never less than they claim to be.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::{Unreadable, Wakes};
use crate::error::{Closed, Error};
use crate::settings::{EventSettings, Overflow};

/// What an event weighs beside its text.
const OVERHEAD: usize = 64;

/// Something for a subscriber, not decoded yet.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Notification(Arc<str>),
    Request(Arc<str>),
    Unreadable(Arc<Unreadable>),
    /// So many best-effort events are missing here.
    Lagged(u64),
}

impl Item {
    fn weight(&self) -> usize {
        let text = match self {
            Self::Notification(line) | Self::Request(line) => line.len(),
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
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
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
    pub(crate) fn new(settings: EventSettings) -> Self {
        Self { settings, state: Mutex::default() }
    }

    /// Whether messages of this method belong here; answers have none.
    pub(crate) fn wants(&self, method: Option<&str>) -> bool {
        self.settings.methods.is_none_or(|methods| method.is_some_and(|method| methods.contains(&method)))
    }

    /// Adds an item and tells whether the subscription still wants more. A skipped one is counted.
    pub(crate) fn push(&self, item: Item, best_effort: bool, wakes: &mut Wakes) -> bool {
        let mut state = self.lock();
        if state.end.is_some() {
            return false;
        }
        let weight = state.weight + item.weight();
        // Best-effort events leave half of the room to the others.
        let room = if best_effort { self.settings.byte_cap / 2 } else { self.settings.byte_cap };
        // What is alone in the queue cannot be waiting because of a slow subscriber.
        if weight <= room || (!best_effort && state.items.is_empty()) {
            state.weight = weight;
            state.items.push_back(item);
        } else if self.settings.overflow == Overflow::DropOldest {
            state.weight = weight;
            state.items.push_back(item);
            state.drop_oldest(self.settings.byte_cap);
        } else if best_effort || self.settings.overflow == Overflow::Skip {
            state.skip();
        } else {
            state.end = Some(End::Overrun);
        }
        wakes.extend(state.waker.take());
        state.end.is_none()
    }

    /// Nothing more comes.
    pub(crate) fn close(&self, closed: &Arc<Closed>, wakes: &mut Wakes) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(End::Closed(closed.clone()));
        }
        wakes.extend(state.waker.take());
    }

    /// Takes no more items. Those that wait are still given out, and no error follows them.
    pub(crate) fn end(&self) {
        self.lock().end.get_or_insert(End::Told);
    }

    /// The next item; none after the end was told.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Option<Result<Item, Error>>> {
        let mut state = self.lock();
        if let Some(item) = state.items.pop_front() {
            state.weight -= item.weight();
            return Poll::Ready(Some(Ok(item)));
        }
        let Some(end) = &mut state.end else {
            match &mut state.waker {
                Some(kept) => kept.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
            return Poll::Pending;
        };
        match std::mem::replace(end, End::Told) {
            End::Overrun => Poll::Ready(Some(Err(self.overrun()))),
            // Whoever shut the connection down knows.
            End::Closed(closed) if !closed.is_shutdown() => Poll::Ready(Some(Err(Error::Closed(closed)))),
            End::Closed(_) | End::Told => Poll::Ready(None),
        }
    }

    /// The error of a subscription that has ended while the connection goes on.
    pub(crate) fn overrun(&self) -> Error {
        Error::Overrun { byte_cap: self.settings.byte_cap }
    }

    /// Keeps only what `wanted` says of lines; what was skipped stays told.
    pub(crate) fn retain(&self, wanted: impl Fn(&str) -> bool) {
        let mut state = self.lock();
        state.items.retain(|item| match item {
            Item::Notification(line) | Item::Request(line) => wanted(line),
            // It may be about anything.
            Item::Unreadable(_) | Item::Lagged(_) => true,
        });
        state.weight = state.items.iter().map(Item::weight).sum();
    }

    /// How many events were skipped so far.
    pub(crate) fn skipped(&self) -> u64 {
        self.lock().skipped
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
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
