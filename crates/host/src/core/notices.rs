//! What a notification of the server means for the task whose turn it is about.

use codex_appserver_enums::{MessagePhase, ThreadActiveFlag, TurnStatus};
use codex_appserver_notifications::ServerNotification;
use codex_appserver_types::{ThreadItem, ThreadStatus, Turn, TurnError};

use super::machine::{Input, TurnEnd};

/// What a notification says about a task.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Notice {
    /// What it means for the status.
    pub input: Option<Input>,
    /// The id of the turn, when it starts.
    pub turn_id: Option<String>,
    /// What the agent says or does.
    pub progress: Option<String>,
    /// The text of a message that may be the final one.
    pub final_text: Option<String>,
    /// The tokens of the thread, as JSON.
    pub usage: Option<String>,
    /// A request of the server that is resolved, by its id as JSON.
    pub resolved: Option<String>,
}

/// Reads a notification for the task on this thread, whose turn has this id as far as it is known. Those of other
/// threads, such as of sub-agents, and of turns that another client started say nothing about it.
pub(crate) fn read(notification: &ServerNotification, thread: &str, turn: Option<&str>) -> Notice {
    let of_thread = |id: &str| id == thread;
    let of_turn = |id: &str| turn.is_none_or(|turn| turn == id);
    let mut notice = Notice::default();
    match notification {
        ServerNotification::TurnStarted(started)
            if of_thread(&started.thread_id) && of_turn(&started.turn.id) =>
        {
            notice.input = Some(Input::TurnStarted);
            notice.turn_id = Some(started.turn.id.clone());
        }
        ServerNotification::TurnCompleted(completed)
            if of_thread(&completed.thread_id) && of_turn(&completed.turn.id) =>
        {
            notice.input = end(&completed.turn).map(Input::TurnCompleted);
        }
        ServerNotification::Error(error) if of_thread(&error.thread_id) && of_turn(&error.turn_id) => {
            notice.input =
                Some(Input::Error { message: message(&error.error), will_retry: error.will_retry });
        }
        ServerNotification::ThreadStatusChanged(changed) if of_thread(&changed.thread_id) => {
            notice.input = status(&changed.status);
        }
        ServerNotification::ItemStarted(started) if of_thread(&started.thread_id) => {
            notice.progress = progress(&started.item);
        }
        ServerNotification::ItemCompleted(completed) if of_thread(&completed.thread_id) => {
            notice.progress = progress(&completed.item);
            notice.final_text = final_text(&completed.item);
        }
        ServerNotification::ThreadTokenUsageUpdated(updated) if of_thread(&updated.thread_id) => {
            notice.usage = serde_json::to_string(&updated.token_usage).ok();
        }
        ServerNotification::ServerRequestResolved(resolved) if of_thread(&resolved.thread_id) => {
            notice.resolved = serde_json::to_string(&resolved.request_id).ok();
        }
        _ => {}
    }
    notice
}

/// `None` for a turn that goes on.
fn end(turn: &Turn) -> Option<TurnEnd> {
    Some(match &turn.status {
        TurnStatus::Completed => TurnEnd::Completed,
        TurnStatus::Interrupted => TurnEnd::Interrupted,
        TurnStatus::Failed => TurnEnd::Failed(turn.error.as_ref().map(message)),
        TurnStatus::InProgress => return None,
        other => TurnEnd::Unknown(other.as_str().to_owned()),
    })
}

/// What the server says of an error, as one text.
pub(crate) fn message(error: &TurnError) -> String {
    match &error.additional_details {
        Some(details) => format!("{}: {details}", error.message),
        None => error.message.clone(),
    }
}

fn status(status: &ThreadStatus) -> Option<Input> {
    match status {
        ThreadStatus::SystemError => Some(Input::SystemError),
        ThreadStatus::Active(active) => Some(Input::Active {
            waits_for_approval: active.active_flags.contains(&ThreadActiveFlag::WaitingOnApproval),
            waits_for_user_input: active.active_flags.contains(&ThreadActiveFlag::WaitingOnUserInput),
        }),
        // The end of the turn says how it ended.
        _ => None,
    }
}

fn progress(item: &ThreadItem) -> Option<String> {
    match item {
        ThreadItem::AgentMessage(message) => Some(message.text.clone()),
        ThreadItem::CommandExecution(command) => Some(format!("$ {}", command.command)),
        ThreadItem::FileChange(change) => {
            let paths: Vec<&str> = change.changes.iter().map(|change| change.path.as_str()).collect();
            Some(format!("changes {}", paths.join(", ")))
        }
        ThreadItem::McpToolCall(call) => Some(format!("calls {} of {}", call.tool, call.server)),
        ThreadItem::Plan(plan) => Some(plan.text.clone()),
        _ => None,
    }
    .filter(|text| !text.trim().is_empty())
}

/// A message without a phase may be the final one: the last of them counts.
fn final_text(item: &ThreadItem) -> Option<String> {
    match item {
        ThreadItem::AgentMessage(message) => match message.phase {
            Some(MessagePhase::Commentary | MessagePhase::PartialAnswer) => None,
            _ => Some(message.text.clone()),
        },
        _ => None,
    }
}
