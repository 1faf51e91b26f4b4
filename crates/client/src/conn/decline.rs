//! How each of the server's requests is declined.

use codex_appserver_enums::{FileChangeApprovalDecision, McpServerElicitationAction};
use codex_appserver_requests::{
    ApplyPatchApprovalResponse, CommandExecutionRequestApprovalResponse, DynamicToolCallResponse,
    ExecCommandApprovalResponse, FileChangeRequestApprovalResponse, McpServerElicitationRequestResponse,
    PermissionsRequestApprovalResponse, method,
};
use codex_appserver_types::{
    CommandExecutionApprovalDecision, DeniedReviewDecision, GrantedPermissionProfile,
    InputTextDynamicToolCallOutputContentItem,
};
use codex_appserver_wire::{EncodeError, Request, RpcError, encode};

/// The answer that declines a request: the decline of its method, an error where it has none.
pub(super) fn decline(method: &str) -> Result<String, RpcError> {
    let declined = match method {
        method::ItemCommandExecutionRequestApproval::METHOD => {
            encode(&CommandExecutionRequestApprovalResponse::new(CommandExecutionApprovalDecision::Decline))
        }
        method::ItemFileChangeRequestApproval::METHOD => {
            encode(&FileChangeRequestApprovalResponse::new(FileChangeApprovalDecision::Decline))
        }
        // Nothing of what was asked for is granted.
        method::ItemPermissionsRequestApproval::METHOD => {
            encode(&PermissionsRequestApprovalResponse::new(GrantedPermissionProfile::new()))
        }
        method::McpServerElicitationRequest::METHOD => {
            encode(&McpServerElicitationRequestResponse::new(McpServerElicitationAction::Decline))
        }
        method::ApplyPatchApproval::METHOD => {
            encode(&ApplyPatchApprovalResponse::new(DeniedReviewDecision::new("declined by the client")))
        }
        method::ExecCommandApproval::METHOD => {
            encode(&ExecCommandApprovalResponse::new(DeniedReviewDecision::new("declined by the client")))
        }
        // The model reads this text; of an error it would only learn that there was one.
        method::ItemToolCall::METHOD => {
            let text = "failed to run the tool: the client declined the call, or does not have the tool";
            let text = InputTextDynamicToolCallOutputContentItem::new(text);
            encode(&DynamicToolCallResponse::new([text.into()], false))
        }
        _ => return Err(RpcError::method_not_found(method)),
    };
    declined.map_err(|error: EncodeError| RpcError::internal(error.to_string()))
}
