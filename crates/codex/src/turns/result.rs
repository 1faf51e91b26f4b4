//! The result of a turn.

use std::fmt;
use std::time::Duration;

use codex_appserver_methods::protocol::{
    CodexErrorInfo, ThreadItem, ThreadTokenUsage, TurnError, TurnPlanStep, TurnStatus,
};

use super::files::{self, ChangedFile};
use super::usage::TurnUsage;

/// The result of a turn, whether it completed or not.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TurnResult {
    /// The thread.
    pub thread_id: String,
    /// The turn.
    pub turn_id: String,
    /// How it ended: completed, interrupted or failed.
    pub status: TurnStatus,
    /// The error of a turn that did not complete, if the server reported one.
    pub error: Option<TurnError>,
    /// The agent's last message that is a final answer, else the last without a phase, else the last partial answer.
    /// None if it sent no message, or only comments on its work.
    pub final_text: Option<String>,
    /// All items that the turn completed, in order: messages, commands, file changes and so on.
    pub items: Vec<ThreadItem>,
    /// The tokens of this turn alone, over all its requests to the model, and those of its sub-agents. None if the server
    /// reported none: for a review, and for a turn that made no request.
    pub turn_usage: Option<TurnUsage>,
    /// The tokens of the last request to the model (`last`) and of the whole thread since it began (`total`), and how
    /// many the model can take. Neither is the cost of this turn: that is [`turn_usage`](Self::turn_usage).
    pub usage: Option<ThreadTokenUsage>,
    /// The last plan of the agent.
    pub plan: Option<Plan>,
    /// What the patches of the turn changed in all, as a unified diff. What its commands wrote is not in it. In a git
    /// repository the paths are relative to its root, else to the folder of the turn.
    pub diff: Option<String>,
    /// The folder that the turn worked in, if it is known: from the answer that started or loaded the thread, or from a
    /// later change of its settings that this connection was told of.
    pub cwd: Option<String>,
    /// When it began, in seconds since 1970.
    pub started_at: Option<i64>,
    /// When it ended, in seconds since 1970.
    pub completed_at: Option<i64>,
    /// How long it took.
    pub duration: Option<Duration>,
    /// Whether it was interrupted because it took longer than its [`max_duration`](crate::generic::Turn::max_duration).
    pub timed_out: bool,
}

/// A plan of the agent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// Why the plan changed.
    pub explanation: Option<String>,
    /// Its steps, with the status of each.
    pub steps: Vec<TurnPlanStep>,
}

impl TurnResult {
    /// Whether the turn completed: it was neither interrupted nor did it fail.
    pub fn is_completed(&self) -> bool {
        self.status == TurnStatus::Completed
    }

    /// The final text, empty if there is none.
    pub fn text(&self) -> &str {
        self.final_text.as_deref().unwrap_or_default()
    }

    /// The files that patches of the turn changed, each once: the difference between before the turn and after it. Paths
    /// are relative to [`cwd`](Self::cwd) if they lie in there.
    ///
    /// Only patches that were applied count, not those that were declined or failed. (A patch that fails half way may
    /// leave files behind, of which the server says nothing.) Files that commands wrote are not listed, and
    /// [`diff`](Self::diff) does not have them either: the server does not report them, in a git repository or not. A
    /// command that runs `apply_patch` counts as a patch. Files of sub-agents are with each
    /// [`Agent`](super::Agent::files_changed).
    pub fn files_changed(&self) -> Vec<ChangedFile> {
        files::changed(&self.items, self.cwd.as_deref())
    }

    /// The kind of error that the turn failed with, if the server reports one.
    pub fn error_info(&self) -> Option<&CodexErrorInfo> {
        self.error.as_ref()?.codex_error_info.as_ref()
    }

    /// Makes an error of a turn that did not complete.
    ///
    /// # Errors
    ///
    /// The turn failed or was interrupted.
    pub fn into_result(self) -> Result<Self, TurnFailed> {
        if self.is_completed() { Ok(self) } else { Err(TurnFailed { result: Box::new(self) }) }
    }
}

/// A turn that failed or was interrupted.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnFailed {
    /// The result.
    pub result: Box<TurnResult>,
}

impl std::error::Error for TurnFailed {}

impl fmt::Display for TurnFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TurnResult { thread_id, turn_id, status, error, .. } = &*self.result;
        write!(f, "failed to complete turn {turn_id} of thread {thread_id}: it is {status}")?;
        let Some(error) = error else { return Ok(()) };
        write!(f, ": {}", error.message)?;
        match &error.additional_details {
            Some(details) => write!(f, " ({details})"),
            None => Ok(()),
        }
    }
}
