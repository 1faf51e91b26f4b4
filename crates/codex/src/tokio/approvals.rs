//! Decisions that are made by tasks.

use std::future::Future;

use codex_appserver_client::Tokio;

use crate::approvals::{ApprovalRequest, Approvals, Decision};

/// On tokio.
impl Approvals<Tokio> {
    /// Asks a function. Each request gets a task of its own, which may take hours and is dropped when the answer is not
    /// wanted any more; a panic declines. Do not keep a [`Codex`](crate::Codex), a thread or a turn in it: that would
    /// keep the connection open forever.
    pub fn ask<F, D>(decide: F) -> Self
    where
        F: Fn(ApprovalRequest) -> D + Send + Sync + 'static,
        D: Future<Output = Decision> + Send + 'static,
    {
        Self::new(move |request, _| {
            let deciding = decide(request);
            Box::pin(async move { Ok(deciding.await) })
        })
    }
}
