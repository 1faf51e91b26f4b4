//! Tests against a scripted server that hold for tasks and for threads; each body is compiled twice, with the macros
//! of `tasks.rs` and of `threads.rs`.

/// A turn of a server that has told all of it, more than there is room for.
macro_rules! left_behind {
    ($scenario:expr) => {{
        let (server, codex) = attach!(sdk::Codex::builder().event_capacity(10_000), $scenario);
        let codex = codex.expect("a connection");
        let thread = send!(codex.thread_start()).expect("a thread");
        let turn = send!(thread.turn("go")).expect("a turn");
        while codex.client().stats().notifications < 1003 {
            std::thread::yield_now();
        }
        (server, codex, turn)
    }};
}

mod announcements;
mod approvals;
mod calls;
mod ends;
mod interrupts;
mod records;
#[cfg(feature = "experimental")]
pub mod search;
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

/// A turn that tells a thousand things.
pub fn flooding() -> Scenario {
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "itemId": "m", "delta": "some of it $i"});
    telling([started(), Step::flood(1000, "item/agentMessage/delta", params), completed("completed")])
}
