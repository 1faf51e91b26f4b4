//! Tests against a scripted server that hold for tasks and for threads; each body is compiled twice, with the macros
//! of `tasks.rs` and of `threads.rs`.

mod announcements;
mod approvals;
mod calls;
mod ends;
mod interrupts;
mod records;
#[cfg(feature = "structured")]
mod structured;
mod turns;

use std::time::Duration;

use codex_appserver_testkit::scripted::{Answer, Scenario, Step, Turn};
use serde_json::{Value, json};

/// How long anything may take that has to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A server with threads whose turns are these.
pub fn playing(turns: impl IntoIterator<Item = Turn>) -> Scenario {
    let scenario = Scenario::new().answer("thread/start", Answer::thread());
    turns.into_iter().fold(scenario, |scenario, turn| scenario.answer("turn/start", Answer::turn(turn)))
}

/// A server with one thread and one turn, which begins with these steps.
pub fn telling(steps: impl IntoIterator<Item = Step>) -> Scenario {
    let begun = Answer::result(json!({"turn": turn("inProgress")})).then(steps);
    Scenario::new().answer("thread/start", Answer::thread()).answer("turn/start", begun)
}

/// The turn of `telling`.
pub fn turn(status: &str) -> Value {
    json!({"id": "turn-1", "items": [], "status": status})
}

pub fn started() -> Step {
    Step::notify("turn/started", json!({"threadId": "thread-1", "turn": turn("inProgress")}))
}

pub fn completed(status: &str) -> Step {
    Step::notify("turn/completed", json!({"threadId": "thread-1", "turn": turn(status)}))
}

pub fn delta(text: &str) -> Step {
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "itemId": "m", "delta": text});
    Step::notify("item/agentMessage/delta", params)
}

/// The answer to `thread/read`, with these turns.
pub fn thread_with(status: Value, turns: Value) -> Answer {
    Answer::result(json!({"thread": {
        "id": "thread-1", "sessionId": "thread-1", "preview": "", "ephemeral": false, "modelProvider": "scripted",
        "createdAt": 1, "updatedAt": 1, "status": status, "cwd": "/workspace", "cliVersion": "0", "source": "vscode",
        "turns": turns, "projectId": null,
    }}))
}
