//! Decisions that are made by tasks.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use codex_appserver_client::ClientBuilder;

use crate::approvals::Registry;
use crate::approvals::{ApprovalRequest, Decision, FileChangeApproval};

type Deciding = Pin<Box<dyn Future<Output = Option<Decision>> + Send>>;

/// Who decides what the agent may do. Nobody ever accepts unless told to.
#[derive(Clone)]
pub struct Approvals(Arc<dyn Fn(ApprovalRequest) -> Deciding + Send + Sync>);

impl Approvals {
    /// Nobody: everything is declined. On a shared server, what other clients started is left to them.
    pub fn decline_all() -> Self {
        Self(Arc::new(|_| Box::pin(ready(None))))
    }

    /// Accepts what the function says yes to, and the same again for the rest of the session; declines the rest, and
    /// changes of files of which nobody knows what they are. A rule about commands does well to look at
    /// [`asks_for_more`](ApprovalRequest::asks_for_more) too.
    pub fn accept_for_session_if(accepts: impl Fn(&ApprovalRequest) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |request| {
            let accepted = !request.is_blind() && accepts(&request);
            let decision = if accepted { Decision::AcceptForSession } else { Decision::Decline };
            Box::pin(ready(Some(decision)))
        }))
    }

    /// Asks somebody. Each request gets a task of its own, which may take hours and is dropped when the answer is
    /// not wanted any more; a panic declines. Do not keep a [`Codex`](crate::Codex), a
    /// thread or a turn in it: that would keep the connection open for ever.
    pub fn ask<F, D>(decide: F) -> Self
    where
        F: Fn(ApprovalRequest) -> D + Send + Sync + 'static,
        D: Future<Output = Decision> + Send + 'static,
    {
        Self(Arc::new(move |request| {
            let deciding = decide(request);
            Box::pin(async move { Some(deciding.await) })
        }))
    }
}

impl Default for Approvals {
    fn default() -> Self {
        Self::decline_all()
    }
}

impl std::fmt::Debug for Approvals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Approvals").finish_non_exhaustive()
    }
}

/// Has the client bring its requests to whoever decides.
pub(super) fn wire(client: ClientBuilder, registry: &Arc<Registry<Approvals>>) -> ClientBuilder {
    let (commands, files, permissions) = (registry.clone(), registry.clone(), registry.clone());
    client
        .on_command_approval(move |request, _| {
            let deciding = decide(&commands, ApprovalRequest::Command(Box::new(request)));
            async move { Decision::for_command(deciding.await) }
        })
        .on_file_change_approval(move |request, _| {
            let changes = files.changes(&request.thread_id, &request.item_id);
            let asked = FileChangeApproval { request, changes };
            let deciding = decide(&files, ApprovalRequest::FileChange(Box::new(asked)));
            async move { Decision::for_file_change(deciding.await) }
        })
        .on_permissions_approval(move |request, _| {
            let wanted = request.permissions.clone();
            let deciding = decide(&permissions, ApprovalRequest::Permissions(Box::new(request)));
            async move { Decision::for_permissions(deciding.await, wanted) }
        })
}

fn decide(registry: &Arc<Registry<Approvals>>, request: ApprovalRequest) -> Deciding {
    match registry.choose(request.thread_id(), request.turn_id()) {
        Some(who) => (who.0)(request),
        None => Box::pin(ready(None)),
    }
}
