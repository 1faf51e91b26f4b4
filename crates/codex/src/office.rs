//! Where the agent's requests for leave come in: who decides, and what file changes are about.

use std::sync::Arc;

use crate::approvals::{Changes, Desk};

/// What the handlers of a connection share with its handles. `A` is the kind of approvals.
pub(crate) struct Office<A> {
    pub(crate) desk: Arc<Desk<A>>,
    pub(crate) changes: Arc<Changes>,
}

impl<A> Office<A> {
    pub(crate) fn new(default: A) -> Self {
        Self { desk: Arc::new(Desk::new(default)), changes: Arc::default() }
    }
}

impl<A> Clone for Office<A> {
    fn clone(&self) -> Self {
        Self { desk: self.desk.clone(), changes: self.changes.clone() }
    }
}
