//! A subscription, as its owner sees it.

use std::marker::PhantomData;
use std::task::{Context, Poll, Waker};

use crate::conn::Subscription;
use crate::core::Filter;
use crate::error::Error;
use crate::event::Event;
use crate::runtime::Runtime;

/// The events of one [`Filter`], in the order in which they came: a `Stream` with tokio, an iterator that blocks on
/// threads.
///
/// Events are decoded where they are taken. Those that must not be lost are not: items, deltas of messages, plans and
/// reasoning, the course of turns and threads, errors, requests. Output and progress are best effort: a subscriber that
/// does not keep up gets [`Event::Lagged`] in their place. What happens when even that does not help is set by
/// [`EventSettings`](crate::EventSettings). A slow subscriber does not hold up the others.
///
/// It yields `None` after the connection was shut down, and an error first if it broke. It does not keep the connection
/// open.
#[must_use = "events are lost once this is dropped"]
pub struct Events<R: Runtime> {
    pub(crate) subscription: Subscription,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> Events<R> {
    pub(crate) fn new(subscription: Subscription) -> Self {
        Self { subscription, runtime: PhantomData }
    }

    /// Changes what the subscription is about, also for what waits in it: subscribe to all before a call, and to its
    /// thread or turn when the answer has told the id. Nothing is lost in between.
    pub fn narrow(&mut self, filter: Filter) {
        self.subscription.narrow(filter);
    }

    /// Sets which messages of sub-agents come from now on, instead of what
    /// [`EventSettings::agent_methods`](crate::EventSettings::agent_methods) said; none stands for all.
    pub fn set_agent_methods(&mut self, methods: Option<&'static [&'static str]>) {
        self.subscription.set_agent_methods(methods);
    }

    /// What the subscription is about.
    pub fn filter(&self) -> &Filter {
        self.subscription.filter()
    }

    /// The next event, if there is one already.
    ///
    /// # Errors
    ///
    /// As those of `next`.
    pub fn try_next(&mut self) -> Option<Result<Event, Error>> {
        match self.subscription.poll_next(&Context::from_waker(Waker::noop())) {
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }

    /// The number of the connection over which the last event came; see
    /// [`Event::Reconnected`]. Before the first event it is the connection of now.
    pub fn generation(&self) -> u64 {
        self.subscription.generation()
    }

    /// How many events were skipped so far.
    pub fn skipped(&self) -> u64 {
        self.subscription.skipped()
    }
}

impl<R: Runtime> std::fmt::Debug for Events<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("filter", self.filter()).finish_non_exhaustive()
    }
}
