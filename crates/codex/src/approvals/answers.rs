//! The approvals of a program, and how the client is brought to ask them.

use std::sync::Arc;

use codex_appserver_client::generic::{Client, ClientBuilder};
use codex_appserver_client::{HandlerError, RequestContext, method};

use super::{ApprovalRequest, Decision, FileChangeApproval, McpToolApproval, Registry};
use crate::runtime::Runtime;

/// Decides what the agent may do. Nothing is accepted unless the program says so.
pub struct Approvals<R: Runtime>(Arc<Decide<R>>);

type Decide<R> = dyn Fn(ApprovalRequest, RequestContext<Client<R>>) -> <R as crate::runtime::sealed::Wait>::Deciding
    + Send
    + Sync;

impl<R: Runtime> Approvals<R> {
    /// Declines everything. On a shared server, what other clients started is left to them.
    pub fn decline_all() -> Self {
        Self::new(|_, _| R::decided(Err(HandlerError::Unhandled)))
    }

    /// Accepts what the function says yes to, and the same again for the rest of the session; declines the rest, and
    /// changes of files and calls of tools that were not announced to this client. A rule about commands does well to look at
    /// [`asks_for_more`](ApprovalRequest::asks_for_more) too.
    pub fn accept_for_session_if(accepts: impl Fn(&ApprovalRequest) -> bool + Send + Sync + 'static) -> Self {
        Self::new(move |request, _| {
            let accepted = !request.is_blind() && accepts(&request);
            R::decided(Ok(if accepted { Decision::AcceptForSession } else { Decision::Decline }))
        })
    }

    pub(crate) fn new(
        decide: impl Fn(ApprovalRequest, RequestContext<Client<R>>) -> R::Deciding + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(decide))
    }
}

impl<R: Runtime> Default for Approvals<R> {
    fn default() -> Self {
        Self::decline_all()
    }
}

impl<R: Runtime> Clone for Approvals<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: Runtime> std::fmt::Debug for Approvals<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Approvals").finish_non_exhaustive()
    }
}

/// Has a client answer its approval requests by what the registry chooses.
pub(crate) fn decide_with<R: Runtime>(
    client: ClientBuilder<R>,
    registry: &Arc<Registry<Approvals<R>>>,
) -> ClientBuilder<R> {
    let (commands, files) = (registry.clone(), registry.clone());
    let (permissions, tools) = (registry.clone(), registry.clone());
    client
        .on_command_approval(move |request, context| {
            let deciding = decide(&commands, ApprovalRequest::Command(Box::new(request)), context);
            R::answer(deciding, Decision::for_command)
        })
        .on_file_change_approval(move |request, context| {
            let changes = files.changes(&request.thread_id, &request.item_id);
            let asked = FileChangeApproval { request, changes };
            let deciding = decide(&files, ApprovalRequest::FileChange(Box::new(asked)), context);
            R::answer(deciding, Decision::for_file_change)
        })
        .on_permissions_approval(move |request, context| {
            let wanted = request.permissions.clone();
            let deciding = decide(&permissions, ApprovalRequest::Permissions(Box::new(request)), context);
            R::answer(deciding, |decision| Decision::for_permissions(decision, wanted))
        })
        .on_if::<method::McpServerElicitationRequest, _, _, _>(
            |request| McpToolApproval::of(request).is_some(),
            move |request, context| {
                let asked = McpToolApproval::of(&request).map(|asked| tools.with_call(asked));
                let deciding = match asked.clone() {
                    Some(asked) => decide(&tools, ApprovalRequest::McpTool(Box::new(asked)), context),
                    None => R::decided(Err(HandlerError::Unhandled)),
                };
                R::answer(deciding, move |decision| {
                    Decision::for_mcp_tool(decision, &asked.ok_or(HandlerError::Unhandled)?)
                })
            },
        )
}

fn decide<R: Runtime>(
    registry: &Registry<Approvals<R>>,
    request: ApprovalRequest,
    context: RequestContext<Client<R>>,
) -> R::Deciding {
    match registry.choose(request.thread_id(), request.turn_id()) {
        Some(approvals) => (approvals.0)(request, context),
        None => R::decided(Err(HandlerError::Unhandled)),
    }
}
