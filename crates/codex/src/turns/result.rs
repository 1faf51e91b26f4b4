//! What came of a turn.

use std::fmt;
use std::time::Duration;

use codex_appserver_methods::protocol::{
    CodexErrorInfo, ThreadItem, ThreadTokenUsage, TurnError, TurnPlanStep, TurnStatus,
};

/// What came of a turn, whether it went well or not.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TurnResult {
    /// The thread.
    pub thread_id: String,
    /// The turn.
    pub turn_id: String,
    /// How it ended: completed, interrupted or failed.
    pub status: TurnStatus,
    /// What went wrong, where something did.
    pub error: Option<TurnError>,
    /// What the agent said at last: its last message that is a final answer, else the last without a phase, else
    /// the last partial answer. None where it said nothing, or only commented on its work.
    pub final_text: Option<String>,
    /// All that the turn completed, in order: messages, commands, file changes and so on.
    pub items: Vec<ThreadItem>,
    /// What the turn cost: of its last request to the model, of the thread in all, and how much the model can
    /// take.
    pub usage: Option<ThreadTokenUsage>,
    /// The agent's plan as it was last.
    pub plan: Option<Plan>,
    /// What the turn changed in files, as a unified diff.
    pub diff: Option<String>,
    /// When it began, in seconds since 1970.
    pub started_at: Option<i64>,
    /// When it ended, in seconds since 1970.
    pub completed_at: Option<i64>,
    /// How long it took.
    pub duration: Option<Duration>,
}

/// What the agent means to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// Why the plan changed.
    pub explanation: Option<String>,
    /// Its steps and how far each is.
    pub steps: Vec<TurnPlanStep>,
}

impl TurnResult {
    /// Whether the turn ended as it should.
    pub fn is_completed(&self) -> bool {
        self.status == TurnStatus::Completed
    }

    /// The final text, empty where there is none.
    pub fn text(&self) -> &str {
        self.final_text.as_deref().unwrap_or_default()
    }

    /// What kind of error the turn failed with, where the server tells.
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
    /// What came of it all the same.
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
