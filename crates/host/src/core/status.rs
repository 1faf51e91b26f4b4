//! The words for how a task, a request or a notification stands, as they are stored and shown.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A word that a list of known ones does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read `{text}`: not one of {}", known.join(", "))]
pub struct UnknownWord {
    text: String,
    known: &'static [&'static str],
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$arm_doc:meta])* $arm:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$arm_doc])* $arm,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$arm,)*];
            const WORDS: &'static [&'static str] = &[$($word,)*];

            /// The word for it, as it is stored and shown.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$arm => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$arm),)*
                    _ => Err(UnknownWord { text: crate::text::clip(text, 60), known: Self::WORDS }),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}

words! {
    /// How a task stands.
    Status {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker has it, and its turn has not started.
        Starting = "starting",
        /// Its turn is at work.
        Working = "working",
        /// Its turn waits until an approval is given or declined.
        WaitingForApproval = "waiting_for_approval",
        /// Its turn waits for an answer other than an approval.
        WaitingForUserInput = "waiting_for_user_input",
        /// Its turn has completed.
        Completed = "completed",
        /// It has failed; its error says why.
        Failed = "failed",
        /// It was interrupted; `ended_by` says by whom.
        Cancelled = "cancelled",
    }

    /// What the agent may touch.
    Sandbox {
        /// Reads files; the default.
        ReadOnly = "read-only",
        /// Writes below the working directory.
        WorkspaceWrite = "workspace-write",
    }

    /// When the agent asks for approval.
    ApprovalPolicy {
        /// Before each command that is not known to be harmless; the default.
        Untrusted = "untrusted",
        /// When the model thinks that it needs to.
        OnRequest = "on-request",
    }

    /// What becomes of a task whose turn was lost, since its worker and its server have both ended.
    IfLost {
        /// It fails; the default, as a second turn can repeat what the first one has done.
        Fail = "fail",
        /// The user is asked whether it goes on.
        Ask = "ask",
        /// It goes on in a new turn, which is told so.
        Continue = "continue",
    }

    /// Where an event comes from.
    EventKind {
        /// A notification of the server.
        Notification = "notification",
        /// A request of the server.
        Request = "request",
        /// A line of the protocol that is neither, or that does not decode.
        Protocol = "protocol",
        /// A line that the server wrote to its standard error.
        Stderr = "stderr",
        /// The host itself: an answer, an interrupt, a change of owner.
        Host = "host",
    }

    /// What a pending request asks for.
    RequestKind {
        /// To run a command.
        Command = "command",
        /// To change files.
        FileChange = "file_change",
        /// For further permissions.
        Permissions = "permissions",
        /// To call a tool of an MCP server.
        McpTool = "mcp_tool",
        /// For what an MCP server wants to know.
        Elicitation = "elicitation",
        /// For answers to questions of the agent.
        UserInput = "user_input",
        /// For the result of a tool that this host does not have.
        ToolCall = "tool_call",
        /// Whether a task goes on whose turn was lost; a question of the host.
        Resume = "resume",
        /// Anything else, which only an error can answer.
        Other = "other",
    }

    /// How a pending request stands.
    RequestStatus {
        /// Waits for an answer.
        Open = "open",
        /// Has an answer, which the server has not been sent yet.
        Answered = "answered",
        /// The answer was sent.
        Sent = "sent",
        /// The server has said that it is resolved.
        Resolved = "resolved",
        /// The server said so before an answer was given here: another client has answered.
        ResolvedElsewhere = "resolved_elsewhere",
        /// The server that asked is gone, and no answer can reach it.
        Orphaned = "orphaned",
        /// The task ended first.
        Ended = "ended",
    }

    /// How the notification about the end of a task stands.
    DeliveryState {
        /// Waits for its delivery, or for the next try.
        Pending = "pending",
        /// Was delivered.
        Sent = "sent",
        /// Will not be tried again; its error says why.
        Failed = "failed",
        /// The task names no target.
        NoTarget = "no_target",
    }
}

impl Status {
    /// Whether the task has ended. It never leaves such a status.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a worker is busy with the task, or was until it died.
    pub fn is_active(self) -> bool {
        !self.is_terminal() && self != Self::Queued
    }

    /// What is true if there is no live lease: without a worker nothing starts or works. What waits for a person still
    /// does, and can be answered.
    #[must_use]
    pub fn without_owner(self) -> Self {
        match self {
            Self::Starting | Self::Working => Self::Queued,
            other => other,
        }
    }
}

impl RequestStatus {
    /// Whether the turn still waits because of it.
    pub fn is_pending(self) -> bool {
        self == Self::Open
    }
}

/// Who a task waits for when a request is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    Approval,
    Input,
}

impl RequestKind {
    pub(crate) fn class(self) -> Class {
        match self {
            Self::Command | Self::FileChange | Self::Permissions | Self::McpTool => Class::Approval,
            Self::Elicitation | Self::UserInput | Self::ToolCall | Self::Resume | Self::Other => Class::Input,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
        }
        let error = "danger-full-access".parse::<Sandbox>().unwrap_err();
        assert_eq!(error.to_string(), "read `danger-full-access`: not one of read-only, workspace-write");
    }

    #[test]
    fn without_an_owner_nothing_works() {
        for status in Status::ALL {
            assert!(!matches!(status.without_owner(), Status::Working | Status::Starting));
        }
    }
}
