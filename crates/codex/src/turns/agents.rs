//! The sub-agents of a turn.

use super::files::ChangedFile;
use super::usage::Tokens;

/// A sub-agent that worked for a turn, or still does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Agent {
    /// Its thread. `Codex::thread` makes a handle of it.
    pub thread_id: String,
    /// The thread of the agent that started it: that of the turn, or of another sub-agent. None if the server has not
    /// said so, or the message was not read yet.
    pub parent_thread_id: Option<String>,
    /// What the server calls it, such as `/root/digger`, if it names its agents.
    pub path: Option<String>,
    /// What it was first told to do, if the server says so.
    pub prompt: Option<String>,
    /// How far it is.
    pub state: AgentState,
    /// The last message that it completed: its answer, once it has completed.
    pub result: Option<String>,
    /// Why it failed, if it did and the server said so.
    pub error: Option<String>,
    /// The tokens of its turns that work for this one, without those of its own sub-agents; none if the server has
    /// reported none. [`TurnUsage::is_exact`](super::TurnUsage::is_exact) counts for it as well.
    pub usage: Option<Tokens>,
    /// The files that its patches changed, as [`TurnResult::files_changed`](super::TurnResult::files_changed) has those of
    /// the turn.
    pub files_changed: Vec<ChangedFile>,
}

/// How far a sub-agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentState {
    /// It was started and has not begun a turn.
    Starting,
    /// Its turn goes on, whether or not the turn that it works for does.
    Running,
    /// Its last turn completed.
    Completed,
    /// Its last turn was interrupted, or it was shut down.
    Interrupted,
    /// Its last turn failed, or it could not be started.
    Failed,
}

impl AgentState {
    /// Whether it may still do something: it is starting or running.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Starting | Self::Running)
    }
}
