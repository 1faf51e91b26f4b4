//! A turn over more than one connection: what was missed in between, and what becomes of the turn.

use std::sync::Arc;

use codex_appserver_client::{Error as ClientError, Event, Missed};
use codex_appserver_methods::protocol::{ThreadItem, TurnItemsView};

use super::Turn;
use crate::core::lookup::Lookup;
use crate::core::records::Records;
use crate::error::Error;

/// The event that tells the reader of another connection.
#[derive(Debug)]
pub(super) enum Mark {
    None,
    /// It has to wait for the records.
    Waiting {
        generation: u64,
        missed: Missed,
    },
    Ready {
        generation: u64,
        missed: Missed,
    },
}

impl Mark {
    /// What was missed is known.
    pub(super) fn fill(&mut self, items: &[ThreadItem]) {
        *self = match std::mem::replace(self, Self::None) {
            Self::Waiting { generation, mut missed } => {
                missed.items.extend_from_slice(items);
                Self::Ready { generation, missed }
            }
            other => other,
        };
    }
}

impl Turn {
    /// There is another connection. The records say what was missed before its first event.
    pub(super) fn on_reconnected(&mut self, generation: u64, missed: &Missed) {
        // The call that started the turn waited for this connection, or came later.
        if generation <= self.started_in {
            return;
        }
        let mut missed = missed.clone();
        let ours: Vec<_> = self.threads().map(str::to_owned).collect();
        missed.requests.retain(|request| request.thread_id.as_ref().is_some_and(|id| ours.contains(id)));
        if let Mark::Waiting { missed: earlier, .. } = std::mem::replace(&mut self.mark, Mark::None) {
            missed.duration += earlier.duration;
            missed.restarted = missed.restarted.zip(earlier.restarted).map(|(later, before)| later || before);
            missed.requests.splice(0..0, earlier.requests);
        }
        // A server that was started anew knows of the turn by its records alone: one look at them is enough.
        self.unknown = missed.restarted == Some(true);
        self.mark = Mark::Waiting { generation, missed };
        (self.needs_records, self.missed_items, self.overrun) = (true, true, true);
        self.doubt = None;
        self.silences.on_gap();
        (self.reader.waiting_since, self.reader.postponed) = (None, false);
    }

    /// How the records are read next: of a turn that runs with its items only if some were missed.
    pub(crate) fn lookup(&self) -> Lookup {
        match self.mark {
            Mark::Waiting { .. } => Lookup::with_all_items(self.thread_id(), self.id()),
            Mark::None | Mark::Ready { .. } => Lookup::with_items(self.thread_id(), self.id()),
        }
    }

    /// The records have come, or there are none.
    pub(super) fn on_missed(&mut self, records: Option<&Records>) {
        if !matches!(self.mark, Mark::Waiting { .. }) {
            return;
        }
        let turn = records.and_then(|records| records.turns.iter().find(|turn| turn.id == self.id()));
        let items = turn.filter(|turn| turn.items_view == TurnItemsView::Full).map(|turn| &turn.items[..]);
        let items = self.log.add_missed(items.unwrap_or_default());
        self.mark.fill(&items);
    }

    /// What the reader asked was lost with the connection. It asks again once there is another one.
    pub(crate) fn on_lost(&mut self) {
        self.reader.asking = None;
        self.reader.waiting_since = None;
        if !self.log.is_over() {
            self.needs_records = false;
            self.doubt = None;
        }
    }

    pub(super) fn take_mark(&mut self) -> Option<Event> {
        match std::mem::replace(&mut self.mark, Mark::None) {
            Mark::Ready { generation, missed } => {
                Some(Event::Reconnected { generation, missed: Arc::new(missed) })
            }
            other => {
                self.mark = other;
                None
            }
        }
    }
}

/// Whether a call failed because the connection was lost and is being made again.
pub(crate) fn is_lost(error: &Error) -> bool {
    matches!(error, Error::Client(ClientError::ConnectionLost { .. }))
}
