//! Decisions that are made on threads.

use std::sync::Arc;

use codex_appserver_client::blocking::ClientBuilder;

use crate::approvals::Registry;
use crate::approvals::{ApprovalRequest, Decision, FileChangeApproval};

/// Who decides what the agent may do. Nobody ever accepts unless told to.
#[derive(Clone)]
pub struct Approvals(Arc<dyn Fn(ApprovalRequest) -> Option<Decision> + Send + Sync>);

impl Approvals {
    /// Nobody: everything is declined. On a shared server, what other clients started is left to them.
    pub fn decline_all() -> Self {
        Self(Arc::new(|_| None))
    }

    /// Accepts what the function says yes to, and the same again for the rest of the session; declines the rest, and
    /// changes of files of which nobody knows what they are. A rule about commands does well to look at
    /// [`asks_for_more`](ApprovalRequest::asks_for_more) too.
    pub fn accept_for_session_if(accepts: impl Fn(&ApprovalRequest) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |request| {
            let accepted = !request.is_blind() && accepts(&request);
            Some(if accepted { Decision::AcceptForSession } else { Decision::Decline })
        }))
    }

    /// Asks somebody. Each request gets a thread of its own, which may take hours; a panic declines. Do not keep a
    /// [`Codex`](super::Codex), a thread or a turn in it: that would keep the connection open for ever.
    pub fn ask(decide: impl Fn(ApprovalRequest) -> Decision + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |request| Some(decide(request))))
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
            Decision::for_command(decide(&commands, ApprovalRequest::Command(Box::new(request))))
        })
        .on_file_change_approval(move |request, _| {
            let changes = files.changes(&request.thread_id, &request.item_id);
            let asked = FileChangeApproval { request, changes };
            Decision::for_file_change(decide(&files, ApprovalRequest::FileChange(Box::new(asked))))
        })
        .on_permissions_approval(move |request, _| {
            let wanted = request.permissions.clone();
            let decision = decide(&permissions, ApprovalRequest::Permissions(Box::new(request)));
            Decision::for_permissions(decision, wanted)
        })
}

fn decide(registry: &Arc<Registry<Approvals>>, request: ApprovalRequest) -> Option<Decision> {
    let who = registry.choose(request.thread_id(), request.turn_id())?;
    (who.0)(request)
}
