//! Who answers which request of the server.

use std::collections::HashMap;
use std::sync::Arc;

use super::Incoming;

/// Takes a request of the server; must not block, for it runs on the read loop.
pub(crate) type Hook = Arc<dyn Fn(Incoming) + Send + Sync>;

/// The handlers of a connection.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    /// Asked before the others. They pass on what they do not claim.
    claims: HashMap<&'static str, Hook>,
    by_method: HashMap<&'static str, Hook>,
    /// For methods that the bindings do not know.
    unknown: Option<Hook>,
    /// For everything else.
    rest: Option<Hook>,
}

impl Handlers {
    /// Handles one method; the last handler counts.
    pub(crate) fn on(&mut self, method: &'static str, hook: Hook) {
        self.by_method.insert(method, hook);
    }

    /// Has this hook look at the requests of one method first; the last one counts.
    pub(crate) fn claim(&mut self, method: &'static str, hook: Hook) {
        self.claims.insert(method, hook);
    }

    pub(crate) fn on_unknown(&mut self, hook: Hook) {
        self.unknown = Some(hook);
    }

    pub(crate) fn rest(&mut self, hook: Hook) {
        self.rest = Some(hook);
    }

    /// Hands a request to its handler.
    pub(crate) fn dispatch(&self, incoming: Incoming) {
        match self.claims.get(incoming.method()) {
            Some(hook) => hook(incoming),
            None => self.dispatch_unclaimed(incoming),
        }
    }

    /// The same for a request that no handler has claimed.
    pub(crate) fn dispatch_unclaimed(&self, incoming: Incoming) {
        let hook = self.by_method.get(incoming.method()).or_else(|| match &self.unknown {
            Some(hook) if incoming.is_unknown() => Some(hook),
            _ => self.rest.as_ref(),
        });
        match hook {
            Some(hook) => hook(incoming),
            None => incoming.unhandled(),
        }
    }
}
