//! A subscription, for what reads it without waiting.

use codex_appserver_client::generic::{Events, Runtime};
use codex_appserver_client::{Event, Filter};

/// A subscription of either client.
pub(crate) trait EventSource: Send {
    /// The next event that has already arrived. Errors end a subscription and count as no event.
    fn next_now(&mut self) -> Option<Event>;

    /// Limits the subscription, also what waits in it.
    fn narrow_to(&mut self, filter: Filter);

    /// Has all events of sub-agents come from now on.
    fn include_agents(&mut self);
}

impl<R: Runtime> EventSource for Events<R> {
    fn next_now(&mut self) -> Option<Event> {
        self.try_next()?.ok()
    }

    fn narrow_to(&mut self, filter: Filter) {
        self.narrow(filter);
    }

    fn include_agents(&mut self) {
        self.set_agent_methods(None);
    }
}
