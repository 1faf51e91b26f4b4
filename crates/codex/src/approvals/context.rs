//! Where the agent's requests for leave come in: who decides, and what file changes are about.

use std::sync::Arc;

use crate::approvals::{FileChanges, Registry};

/// What the handlers of a connection share with its handles. `A` is the kind of approvals.
pub(crate) struct ApprovalContext<A> {
    pub(crate) registry: Arc<Registry<A>>,
    pub(crate) changes: Arc<FileChanges>,
}

impl<A> ApprovalContext<A> {
    pub(crate) fn new(default: A) -> Self {
        Self { registry: Arc::new(Registry::new(default)), changes: Arc::default() }
    }
}

impl<A> Clone for ApprovalContext<A> {
    fn clone(&self) -> Self {
        Self { registry: self.registry.clone(), changes: self.changes.clone() }
    }
}
