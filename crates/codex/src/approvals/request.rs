//! The question and the answer.

use codex_appserver_client::HandlerError;
use codex_appserver_methods::protocol::*;

use super::mcp_tool::McpToolApproval;
use super::permissions::{self, Permission};

/// Something the agent wants to do and may not do without leave.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ApprovalRequest {
    /// To run a command (`item/commandExecution/requestApproval`).
    Command(Box<CommandExecutionRequestApprovalParams>),
    /// To change files (`item/fileChange/requestApproval`).
    FileChange(Box<FileChangeApproval>),
    /// To be allowed more from now on (`item/permissions/requestApproval`).
    Permissions(Box<PermissionsRequestApprovalParams>),
    /// To call a tool of an MCP server (`mcpServer/elicitation/request`).
    McpTool(Box<McpToolApproval>),
}

/// The agent wants to change files.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FileChangeApproval {
    /// The request.
    pub request: FileChangeRequestApprovalParams,
    /// What is to be changed, file by file, as the item that asks was announced: of a file that is changed a unified
    /// diff, of one that is added or deleted its text. None where this client was not told, as for a request that
    /// was open before it resumed the thread: then it is not known what would be changed.
    pub changes: Option<Vec<FileUpdateChange>>,
}

impl ApprovalRequest {
    /// The thread; of a sub-agent its own.
    pub fn thread_id(&self) -> &str {
        match self {
            Self::Command(request) => &request.thread_id,
            Self::FileChange(asked) => &asked.request.thread_id,
            Self::Permissions(request) => &request.thread_id,
            Self::McpTool(asked) => &asked.thread_id,
        }
    }

    /// The turn. Of a tool call the server may not know it.
    pub fn turn_id(&self) -> Option<&str> {
        match self {
            Self::Command(request) => Some(&request.turn_id),
            Self::FileChange(asked) => Some(&asked.request.turn_id),
            Self::Permissions(request) => Some(&request.turn_id),
            Self::McpTool(asked) => asked.turn_id.as_deref(),
        }
    }

    /// The item that asks. Of a tool call it is known if it was announced: see [`McpToolApproval::item_id`].
    pub fn item_id(&self) -> Option<&str> {
        match self {
            Self::Command(request) => Some(&request.item_id),
            Self::FileChange(asked) => Some(&asked.request.item_id),
            Self::Permissions(request) => Some(&request.item_id),
            Self::McpTool(asked) => asked.item_id.as_deref(),
        }
    }

    /// Why, in the words of the agent. Of a tool call, the question as codex words it.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Command(request) => request.reason.as_deref(),
            Self::FileChange(asked) => asked.request.reason.as_deref(),
            Self::Permissions(request) => request.reason.as_deref(),
            Self::McpTool(asked) => Some(&asked.message),
        }
    }

    /// The command, where it is one: what would be run, with the shell around it, as `/bin/bash -lc 'cargo test'`.
    pub fn command(&self) -> Option<&str> {
        match self {
            Self::Command(request) => request.command.as_deref(),
            _ => None,
        }
    }

    /// The folder it is about.
    pub fn cwd(&self) -> Option<&str> {
        match self {
            Self::Command(request) => request.cwd.as_deref(),
            Self::Permissions(request) => Some(&request.cwd),
            Self::FileChange(_) | Self::McpTool(_) => None,
        }
    }

    /// The answers that the server suggests for a command, where it does (an experimental member). Others work as
    /// well: codex names no decline, and takes one.
    pub fn available_decisions(&self) -> Option<&[CommandExecutionApprovalDecision]> {
        match self {
            Self::Command(request) => request.available_decisions.as_deref(),
            _ => None,
        }
    }

    /// The MCP server and the tool, where it is a tool call.
    pub fn mcp_tool(&self) -> Option<(&str, &str)> {
        match self {
            Self::McpTool(asked) => Some((&asked.server, &asked.tool)),
            _ => None,
        }
    }

    /// The parts of a request for permissions, to choose from with [`grant`](Self::grant); none of anything else.
    pub fn permissions(&self) -> Vec<Permission> {
        match self {
            Self::Permissions(request) => permissions::parts(&request.permissions),
            _ => Vec::new(),
        }
    }

    /// The decision that grants the chosen parts of a request for permissions and nothing else. What the request wants
    /// to be forbidden stays forbidden. For anything but permissions it is a decline.
    pub fn grant(&self, scope: PermissionGrantScope, chosen: impl Fn(&Permission) -> bool) -> Decision {
        match self {
            Self::Permissions(request) => permissions::grant(&request.permissions, scope, chosen),
            _ => Decision::Decline,
        }
    }

    /// What is to be changed, where it is files and known.
    pub fn changes(&self) -> Option<&[FileUpdateChange]> {
        match self {
            Self::FileChange(asked) => asked.changes.as_deref(),
            _ => None,
        }
    }

    /// Whether more is asked for than to run that command once or to change those files: permissions beside, access to
    /// the network, input for a program that runs already, a folder to write to from now on. A rule that looks at the
    /// command or the changes alone should say no to it.
    pub fn asks_for_more(&self) -> bool {
        match self {
            Self::Command(request) => {
                use CommandExecutionApprovalKind::{Command, HumanCommand};
                ![Command, HumanCommand].contains(&request.kind)
                    || request.additional_permissions.is_some()
                    || request.network_approval_context.is_some()
            }
            Self::FileChange(asked) => asked.request.grant_root.is_some(),
            Self::Permissions(_) | Self::McpTool(_) => true,
        }
    }

    /// Whether what would be done was not announced: the changes of files, where an empty list says as little, or the
    /// call of a tool.
    pub(crate) fn is_blind(&self) -> bool {
        match self {
            Self::FileChange(asked) => asked.changes.as_ref().is_none_or(Vec::is_empty),
            Self::McpTool(asked) => asked.item_id.is_none(),
            Self::Command(_) | Self::Permissions(_) => false,
        }
    }

    /// What is to be changed as one text for people: what becomes of each file, and its diff.
    pub fn diff(&self) -> Option<String> {
        let parts: Vec<_> = self.changes()?.iter().map(told).collect();
        Some(parts.join("\n"))
    }
}

/// One file's part of a diff. Of a file that is added or deleted the server sends the bare text, which alone does not
/// tell which of the two it is.
fn told(change: &FileUpdateChange) -> String {
    let marked =
        |mark: char| -> String { change.diff.lines().map(|line| format!("{mark}{line}\n")).collect() };
    let path = &change.path;
    match &change.kind {
        PatchChangeKind::Add => format!("add {path}\n{}", marked('+')),
        PatchChangeKind::Delete => format!("delete {path}\n{}", marked('-')),
        // Where a file is moved to, the server's diff says itself.
        _ => format!("change {path}\n{}", change.diff),
    }
}

/// The answer to an [`ApprovalRequest`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// Yes, this once. Permissions are granted for the turn.
    Accept,
    /// Yes, and the same again for the rest of this thread; another thread asks again. A tool call is accepted once where
    /// the server does not offer to remember it.
    AcceptForSession,
    /// Yes, and the same again always: codex writes that into its configuration. Only tool calls have this answer, where
    /// the server offers it; otherwise it is the same as [`AcceptForSession`](Self::AcceptForSession).
    AcceptAlways,
    /// No. The turn goes on without it.
    Decline,
    /// No, and the turn is interrupted. Of permissions it is the same as a decline. Of a tool call the model reads that
    /// the user cancelled it, and the turn goes on.
    Cancel,
    /// One of the answers that only commands have, such as a rule for commands like this one. For anything else it
    /// counts as a decline.
    Command(CommandExecutionApprovalDecision),
    /// Exactly these permissions: see [`ApprovalRequest::grant`]. The server grants none that were not asked for. For
    /// anything but permissions it counts as a decline.
    Permissions(Box<PermissionsRequestApprovalResponse>),
}

impl From<PermissionsRequestApprovalResponse> for Decision {
    fn from(granted: PermissionsRequestApprovalResponse) -> Self {
        Self::Permissions(Box::new(granted))
    }
}

impl From<CommandExecutionApprovalDecision> for Decision {
    fn from(decision: CommandExecutionApprovalDecision) -> Self {
        Self::Command(decision)
    }
}

/// The answers in the words of each method. Without a decision the client's setting decides, which never accepts.
impl Decision {
    pub(crate) fn for_command(
        decision: Result<Self, HandlerError>,
    ) -> Result<CommandExecutionRequestApprovalResponse, HandlerError> {
        use CommandExecutionApprovalDecision as Word;
        let word = match decision? {
            Self::Accept => Word::Accept,
            Self::AcceptForSession | Self::AcceptAlways => Word::AcceptForSession,
            Self::Decline => Word::Decline,
            Self::Cancel => Word::Cancel,
            Self::Command(word) => word,
            other @ Self::Permissions(_) => {
                warn_of(&other, "a command");
                Word::Decline
            }
        };
        Ok(CommandExecutionRequestApprovalResponse::new(word))
    }

    pub(crate) fn for_file_change(
        decision: Result<Self, HandlerError>,
    ) -> Result<FileChangeRequestApprovalResponse, HandlerError> {
        use FileChangeApprovalDecision as Word;
        let word = match decision? {
            Self::Accept => Word::Accept,
            Self::AcceptForSession | Self::AcceptAlways => Word::AcceptForSession,
            Self::Decline => Word::Decline,
            Self::Cancel => Word::Cancel,
            other @ (Self::Command(_) | Self::Permissions(_)) => {
                warn_of(&other, "a file change");
                Word::Decline
            }
        };
        Ok(FileChangeRequestApprovalResponse::new(word))
    }

    pub(crate) fn for_permissions(
        decision: Result<Self, HandlerError>,
        wanted: RequestPermissionProfile,
    ) -> Result<PermissionsRequestApprovalResponse, HandlerError> {
        let scope = match decision? {
            Self::Accept => PermissionGrantScope::Turn,
            Self::AcceptForSession | Self::AcceptAlways => PermissionGrantScope::Session,
            Self::Permissions(granted) => return Ok(*granted),
            other => {
                if let Self::Command(_) = other {
                    warn_of(&other, "a request for permissions");
                }
                return Ok(PermissionsRequestApprovalResponse::new(GrantedPermissionProfile::new()));
            }
        };
        let mut granted = GrantedPermissionProfile::new();
        granted.file_system = wanted.file_system;
        granted.network = wanted.network;
        Ok(PermissionsRequestApprovalResponse::new(granted).scope(scope))
    }
}

/// Reports an answer that does not fit what was asked.
pub(super) fn warn_of(decision: &Decision, asked: &str) {
    tracing::warn!(?decision, "an answer of another kind was given to {asked}, which is declined");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_command_may_be_asked_for() {
        for (more, expected) in [
            ("", false),
            (r#","kind":"command","command":"ls""#, false),
            (r#","kind":"writeStdin","command":"ls""#, true),
            (r#","kind":"unheardOf""#, true),
            (r#","additionalPermissions":{}"#, true),
            (r#","networkApprovalContext":{"host":"h","protocol":"https"}"#, true),
        ] {
            let request = format!(r#"{{"threadId":"T","turnId":"U","itemId":"I","startedAtMs":0{more}}}"#);
            let request = serde_json::from_str(&request).expect("a request");
            assert_eq!(ApprovalRequest::Command(Box::new(request)).asks_for_more(), expected, "{more}");
        }
        for (more, expected) in [("", false), (r#","grantRoot":"/""#, true)] {
            let request = format!(r#"{{"threadId":"T","turnId":"U","itemId":"I","startedAtMs":0{more}}}"#);
            let request = serde_json::from_str(&request).expect("a request");
            let asked = FileChangeApproval { request, changes: None };
            assert_eq!(ApprovalRequest::FileChange(Box::new(asked)).asks_for_more(), expected, "{more}");
        }
    }

    #[test]
    fn a_diff_tells_what_becomes_of_each_file() {
        let request = r#"{"threadId":"thread","turnId":"turn","itemId":"item","startedAtMs":0}"#;
        let changes = r#"[
            {"path":"/new","kind":{"type":"add"},"diff":"a\n\nb\n"},
            {"path":"/old","kind":{"type":"delete"},"diff":"a\n"},
            {"path":"/same","kind":{"type":"update"},"diff":"@@ -1 +1 @@\n-a\n+b\n"}
        ]"#;
        let request = serde_json::from_str(request).expect("a request");
        let changes = serde_json::from_str(changes).expect("changes");
        let asked = ApprovalRequest::FileChange(Box::new(FileChangeApproval { request, changes }));
        let expected = "add /new\n+a\n+\n+b\n\ndelete /old\n-a\n\nchange /same\n@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(asked.diff().as_deref(), Some(expected));
    }
}
