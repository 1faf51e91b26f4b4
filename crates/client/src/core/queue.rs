//! The events that wait for one subscriber: bounded in bytes, and never less than they claim to be.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::head::{self, Scope};
use super::roots::Roots;
use super::{Filter, Unreadable, Wakes};
use crate::error::{Closed, Error};
use crate::missed::Missed;
use crate::settings::{EventSettings, Overflow};

/// What an event weighs beside its text.
const OVERHEAD: usize = 64;

/// Something for a subscriber, not decoded yet.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Notification(Message),
    Request(Message),
    Unreadable(Arc<Unreadable>),
    /// So many best-effort events are missing here.
    Lagged(u64),
    /// There is another connection: its number, and what was missed.
    Reconnected(u64, Arc<Missed>),
}

/// A line of the server, with the places of the ids that say whom it concerns.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) line: Arc<str>,
    thread: Id,
    turn: Id,
    root_turn: Id,
    /// The turn of a resolved request, which the line does not name.
    turn_apart: Option<Arc<str>>,
}

/// An id in a line. It costs no allocation, as most messages are never asked for theirs.
#[derive(Clone, Copy, Debug)]
enum Id {
    None,
    At {
        start: usize,
        len: usize,
    },
    /// It has escapes, so that it does not stand in the line as it is.
    Escaped,
}

impl Message {
    /// `scope` was scanned from `scanned`, of which `line` is a copy.
    pub(super) fn new(line: Arc<str>, scanned: &str, scope: &Scope<'_>) -> Self {
        let Scope { thread, turn, root_turn, request, .. } = scope;
        let turn_apart = request.as_ref().and(turn.as_deref()).map(Arc::from);
        let turn = if turn_apart.is_some() { &None } else { turn };
        let [thread, turn, root_turn] = [thread, turn, root_turn].map(|id| Id::of(id.as_ref(), scanned));
        Self { line, thread, turn, root_turn, turn_apart }
    }

    /// What the message is about, without the rest of a scope.
    pub(super) fn scope(&self) -> Scope<'_> {
        let ids = [self.thread, self.turn, self.root_turn];
        if ids.iter().any(|id| matches!(id, Id::Escaped)) {
            let scope = head::scan(&self.line).map_or_else(|_| Scope::default(), |head| head.scope);
            let turn = scope.turn.or(self.turn_apart.as_deref().map(Cow::Borrowed));
            return Scope { turn, ..scope };
        }
        let [thread, turn, root_turn] = ids.map(|id| match id {
            Id::At { start, len } => self.line.get(start..start + len).map(Cow::Borrowed),
            Id::None | Id::Escaped => None,
        });
        let turn = turn.or(self.turn_apart.as_deref().map(Cow::Borrowed));
        Scope { thread, turn, root_turn, ..Scope::default() }
    }
}

impl Id {
    fn of(id: Option<&Cow<'_, str>>, line: &str) -> Self {
        match id {
            None => Self::None,
            Some(Cow::Owned(_)) => Self::Escaped,
            Some(Cow::Borrowed(id)) => {
                let (start, len) = (id.as_ptr().addr().wrapping_sub(line.as_ptr().addr()), id.len());
                let stands_there = start.checked_add(len).and_then(|end| line.get(start..end)) == Some(id);
                if stands_there { Self::At { start, len } } else { Self::Escaped }
            }
        }
    }
}

impl Item {
    fn weight(&self) -> usize {
        let text = match self {
            Self::Notification(message) | Self::Request(message) => message.line.len(),
            Self::Unreadable(unreadable) => unreadable.raw.len() + unreadable.message.len(),
            Self::Lagged(_) | Self::Reconnected(..) => return 0,
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

    /// Whether messages of this method belong here, of a sub-agent or not; answers have none.
    pub(super) fn wants(&self, method: Option<&str>, of_agent: bool) -> bool {
        let of_agents = if of_agent { self.settings.agent_methods } else { None };
        let mut wanted = [self.settings.methods, of_agents].into_iter().flatten();
        wanted.all(|methods| method.is_some_and(|method| methods.contains(&method)))
    }

    pub(super) fn set_agent_methods(&mut self, methods: Option<&'static [&'static str]>) {
        self.settings.agent_methods = methods;
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

    /// Adds an item for which there is always room.
    pub(super) fn mark(&mut self, item: Item, wakes: &mut Wakes) {
        if self.end.is_none() {
            self.items.push_back(item);
            wakes.extend(self.waker.take());
        }
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
    pub(super) fn narrow(&mut self, filter: &Filter, roots: &Roots) {
        self.items.retain(|item| match item {
            Item::Notification(message) | Item::Request(message) => filter.takes(&message.scope(), roots),
            // It may be about anything.
            Item::Unreadable(_) | Item::Lagged(_) | Item::Reconnected(..) => true,
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
