//! Replies by what they make codex do: a command, a patch, a plan, a question, a failure.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use super::ModelRequest;
use super::reply::{Part, Reply};

impl Reply {
    /// The model runs a command. What the sandbox allows runs without a question.
    pub fn command(command: impl Into<String>) -> Self {
        let arguments = json!({"cmd": command.into()});
        Self::function_call("exec_command", arguments.to_string())
    }

    /// The model wants to run a command outside the sandbox: codex asks the client for approval.
    pub fn command_to_approve(command: impl Into<String>, why: impl Into<String>) -> Self {
        let arguments = json!({
            "cmd": command.into(), "sandbox_permissions": "require_escalated", "justification": why.into(),
        });
        Self::function_call("exec_command", arguments.to_string())
    }

    /// The model changes files by this patch, which begins with `*** Begin Patch`. Codex asks the client for
    /// approval where its policy says so.
    pub fn patch(patch: impl Into<String>) -> Self {
        Self::custom_tool_call("apply_patch", patch)
    }

    /// The model adds a file with this text, by a patch; the path is relative to the working folder.
    pub fn add_file(path: &str, text: &str) -> Self {
        let lines: String = text.lines().map(|line| format!("+{line}\n")).collect();
        Self::patch(format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n"))
    }

    /// The model makes a plan of these steps, each with its status (`pending`, `in_progress`, `completed`).
    ///
    /// The tool is there only with `[tools.update_plan] enabled = true` in the
    /// [configuration](crate::CodexHomeBuilder::config).
    pub fn plan<S: Into<String>, T: Into<String>>(steps: impl IntoIterator<Item = (S, T)>) -> Self {
        let step = |(step, status): (S, T)| json!({"step": step.into(), "status": status.into()});
        let steps: Vec<Value> = steps.into_iter().map(step).collect();
        Self::function_call("update_plan", json!({"plan": steps}).to_string())
    }

    /// The model asks the user to choose: codex passes the question on to the client. The id of the question is
    /// `question`.
    ///
    /// The tool is there only with the [feature](crate::CodexHomeBuilder::feature)
    /// `default_mode_request_user_input`.
    pub fn ask_user<S: Into<String>>(
        question: impl Into<String>,
        options: impl IntoIterator<Item = S>,
    ) -> Self {
        let option = |label: S| {
            let label = label.into();
            json!({"description": format!("Choose {label}."), "label": label})
        };
        let options: Vec<Value> = options.into_iter().map(option).collect();
        let question =
            json!({"id": "question", "header": "Question", "question": question.into(), "options": options});
        Self::function_call("request_user_input", json!({"questions": [question]}).to_string())
    }

    /// HTTP 429: too many requests.
    pub fn too_many_requests() -> Self {
        let error = json!({
            "message": "Rate limit reached.", "type": "requests", "code": "rate_limit_exceeded",
        });
        Self::fail(429, json!({"error": error}).to_string())
    }

    /// A message that is begun with these deltas; then the connection breaks.
    pub fn dropped<S: Into<String>>(chunks: impl IntoIterator<Item = S>) -> Self {
        Self::unfinished_text(chunks).then(Self::cut_off())
    }

    /// A message in these deltas, with a pause before each.
    pub fn slow<S: Into<String>>(pause: Duration, chunks: impl IntoIterator<Item = S>) -> Self {
        let mut reply = Self::text_chunks(chunks);
        for part in &mut reply.parts {
            if let Part::Text { pause: before, .. } = part {
                *before = pause;
            }
        }
        reply
    }

    /// Nothing for so long, and then what [follows](Self::then).
    pub fn pause(pause: Duration) -> Self {
        Self::part(Part::Pause(pause))
    }
}

/// Replies for each prompt.
pub(super) struct ByPrompt {
    replies: HashMap<String, VecDeque<Reply>>,
}

impl ByPrompt {
    pub(super) fn new<P: Into<String>>(replies: impl IntoIterator<Item = (P, Reply)>) -> Self {
        let mut by_prompt: HashMap<String, VecDeque<Reply>> = HashMap::new();
        for (prompt, reply) in replies {
            by_prompt.entry(prompt.into()).or_default().push_back(reply);
        }
        Self { replies: by_prompt }
    }

    pub(super) fn choose(&mut self, request: &ModelRequest) -> Reply {
        let prompt = request.last_user_text().unwrap_or_default();
        match self.replies.get_mut(prompt) {
            None => Reply::fail(400, format!("the mock has no reply to the prompt {prompt:?}")),
            Some(replies) if replies.len() > 1 => replies.pop_front().unwrap_or_default(),
            // To give a call of a tool once more for its own outcome would go on forever.
            Some(replies) if request.follows_a_tool() && replies.iter().any(Reply::calls_a_tool) => {
                Reply::text("Done.")
            }
            Some(replies) => replies.front().cloned().unwrap_or_default(),
        }
    }
}
