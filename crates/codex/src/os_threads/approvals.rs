//! Decisions that are made on threads.

use codex_appserver_client::OsThreads;

use crate::approvals::{ApprovalRequest, Approvals, Decision};

/// On threads.
impl Approvals<OsThreads> {
    /// Asks a function. Each request gets a thread of its own, which may take hours; a panic declines. Do not keep a
    /// [`Codex`](crate::blocking::Codex), a thread or a turn in it: that would keep the connection open forever.
    pub fn ask(decide: impl Fn(ApprovalRequest) -> Decision + Send + Sync + 'static) -> Self {
        Self::new(move |request, _| Ok(decide(request)))
    }
}
