//! A subscription to events, for tasks and threads alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use super::link::Link;
use crate::core::{Filter, Item, QueueId};
use crate::error::Error;
use crate::event::Event;
use crate::settings::EventSettings;

/// The events of one filter, until it is dropped.
pub(crate) struct Subscription {
    link: Arc<Link>,
    filter: Filter,
    queue: QueueId,
    /// The number of the connection that the last event came over.
    generation: AtomicU64,
    #[cfg(feature = "blocking")]
    byte_cap: usize,
}

impl Subscription {
    pub(crate) fn new(link: Arc<Link>, filter: Filter, settings: EventSettings) -> Self {
        let queue = link.subscribe(&filter, settings);
        let generation = AtomicU64::new(link.generation());
        Self {
            link,
            filter,
            queue,
            generation,
            #[cfg(feature = "blocking")]
            byte_cap: settings.byte_cap,
        }
    }

    /// The connection.
    #[cfg(feature = "blocking")]
    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// The next event, decoded here.
    pub(crate) fn poll_next(&self, context: &Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        self.link.poll_event(self.queue, context).map_ok(|item| {
            if let Item::Reconnected(generation, _) = &item {
                self.generation.store(*generation, Ordering::Relaxed);
            }
            Event::of(item)
        })
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    pub(crate) fn narrow(&mut self, filter: Filter) {
        self.link.narrow(&self.filter, &filter, self.queue);
        self.filter = filter;
    }

    pub(crate) fn set_agent_methods(&self, methods: Option<&'static [&'static str]>) {
        self.link.set_agent_methods(self.queue, methods);
    }

    /// Takes no more events; those that wait can still be read.
    pub(crate) fn end(&self) {
        self.link.end_events(self.queue);
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The error for those who have to tell the end of the events from their absence.
    #[cfg(feature = "blocking")]
    pub(crate) fn closed(&self) -> Error {
        match self.link.closed() {
            Some(closed) => Error::Closed(closed),
            None => Error::Overrun { byte_cap: self.byte_cap },
        }
    }

    pub(crate) fn skipped(&self) -> u64 {
        self.link.skipped(self.queue)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.link.unsubscribe(&self.filter, self.queue);
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("filter", &self.filter).finish_non_exhaustive()
    }
}
