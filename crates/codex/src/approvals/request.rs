//! The question and the answer.

use codex_appserver_client::HandlerError;
use codex_appserver_methods::protocol::*;

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
        }
    }

    /// The turn.
    pub fn turn_id(&self) -> &str {
        match self {
            Self::Command(request) => &request.turn_id,
            Self::FileChange(asked) => &asked.request.turn_id,
            Self::Permissions(request) => &request.turn_id,
        }
    }

    /// The item that asks.
    pub fn item_id(&self) -> &str {
        match self {
            Self::Command(request) => &request.item_id,
            Self::FileChange(asked) => &asked.request.item_id,
            Self::Permissions(request) => &request.item_id,
        }
    }

    /// Why, in the words of the agent.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Command(request) => request.reason.as_deref(),
            Self::FileChange(asked) => asked.request.reason.as_deref(),
            Self::Permissions(request) => request.reason.as_deref(),
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
            Self::FileChange(_) => None,
            Self::Permissions(request) => Some(&request.cwd),
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
            Self::Permissions(_) => true,
        }
    }

    /// Whether it is about files, and it is not known what would be changed in them. An empty list says as little.
    pub(crate) fn is_blind(&self) -> bool {
        matches!(self, Self::FileChange(asked) if asked.changes.as_ref().is_none_or(Vec::is_empty))
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
    /// Yes, and the same again until the session ends.
    AcceptForSession,
    /// No. The turn goes on without it.
    Decline,
    /// No, and the turn is interrupted. Of permissions it is the same as a decline.
    Cancel,
    /// One of the answers that only commands have, such as a rule for commands like this one. For anything else it
    /// counts as a decline.
    Command(CommandExecutionApprovalDecision),
}

impl From<CommandExecutionApprovalDecision> for Decision {
    fn from(decision: CommandExecutionApprovalDecision) -> Self {
        Self::Command(decision)
    }
}

/// No approvals decide: the client's setting does, which never accepts.
const UNDECIDED: HandlerError = HandlerError::Unhandled;

/// The answers in the words of each method.
impl Decision {
    pub(crate) fn for_command(
        decision: Option<Self>,
    ) -> Result<CommandExecutionRequestApprovalResponse, HandlerError> {
        use CommandExecutionApprovalDecision as Word;
        let word = match decision.ok_or(UNDECIDED)? {
            Self::Accept => Word::Accept,
            Self::AcceptForSession => Word::AcceptForSession,
            Self::Decline => Word::Decline,
            Self::Cancel => Word::Cancel,
            Self::Command(word) => word,
        };
        Ok(CommandExecutionRequestApprovalResponse::new(word))
    }

    pub(crate) fn for_file_change(
        decision: Option<Self>,
    ) -> Result<FileChangeRequestApprovalResponse, HandlerError> {
        use FileChangeApprovalDecision as Word;
        let word = match decision.ok_or(UNDECIDED)? {
            Self::Accept => Word::Accept,
            Self::AcceptForSession => Word::AcceptForSession,
            Self::Decline => Word::Decline,
            Self::Cancel => Word::Cancel,
            Self::Command(word) => {
                tracing::warn!(?word, "an answer for commands was given to a file change, which is declined");
                Word::Decline
            }
        };
        Ok(FileChangeRequestApprovalResponse::new(word))
    }

    pub(crate) fn for_permissions(
        decision: Option<Self>,
        wanted: RequestPermissionProfile,
    ) -> Result<PermissionsRequestApprovalResponse, HandlerError> {
        let scope = match decision.ok_or(UNDECIDED)? {
            Self::Accept => PermissionGrantScope::Turn,
            Self::AcceptForSession => PermissionGrantScope::Session,
            Self::Decline | Self::Cancel | Self::Command(_) => {
                return Ok(PermissionsRequestApprovalResponse::new(GrantedPermissionProfile::new()));
            }
        };
        let mut granted = GrantedPermissionProfile::new();
        granted.file_system = wanted.file_system;
        granted.network = wanted.network;
        Ok(PermissionsRequestApprovalResponse::new(granted).scope(scope))
    }
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
