//! A subscription to events, for tasks and threads alike.

use std::sync::Arc;
use std::task::{Context, Poll};

use super::link::Link;
use crate::core::Filter;
use crate::core::Queue;
use crate::error::Error;
use crate::event::Event;

/// The events of one filter, until it is dropped.
pub(crate) struct Subscription {
    link: Arc<Link>,
    filter: Filter,
    queue: Arc<Queue>,
}

impl Subscription {
    pub(crate) fn new(link: Arc<Link>, filter: Filter, queue: Arc<Queue>) -> Self {
        Self { link, filter, queue }
    }

    /// The next event, decoded here.
    pub(crate) fn poll_next(&self, context: &Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        self.queue.poll(context.waker()).map(|item| item.map(|item| item.map(Event::of)))
    }

    pub(crate) fn narrow(&mut self, filter: Filter) {
        self.link.narrow(&self.filter, &filter, &self.queue);
        self.filter = filter;
    }

    /// Takes no more events; those that wait can still be read.
    pub(crate) fn end(&self) {
        self.queue.end();
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The error for those who have to tell the end of the events from their absence.
    #[cfg(feature = "blocking")]
    pub(crate) fn closed(&self) -> Error {
        match self.link.closed() {
            Some(closed) => Error::Closed(closed),
            None => self.queue.overrun(),
        }
    }

    pub(crate) fn skipped(&self) -> u64 {
        self.queue.skipped()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.link.unsubscribe(&self.filter, &self.queue);
    }
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("filter", &self.filter).finish_non_exhaustive()
    }
}
