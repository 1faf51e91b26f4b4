//! What servers do in several tests.

use codex_appserver::generic::{Codex, Turn as Handle};
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Step, Turn};
use serde_json::{Value, json};

use crate::support::Kit;

/// A server with threads whose turns are these.
pub fn playing(turns: impl IntoIterator<Item = Turn>) -> Scenario {
    let scenario = Scenario::new().answer("thread/start", Answer::thread());
    turns.into_iter().fold(scenario, |scenario, turn| scenario.answer("turn/start", Answer::turn(turn)))
}

/// A server with one thread and one turn, which begins with these steps.
pub fn telling(steps: impl IntoIterator<Item = Step>) -> Scenario {
    let begun = Answer::result(json!({"turn": turn("inProgress")})).then(steps);
    older(Scenario::new().answer("thread/start", Answer::thread()).answer("turn/start", begun))
}

/// A server that cannot list the turns of a thread: its records are what `thread/read` says.
pub fn older(scenario: Scenario) -> Scenario {
    let unknown =
        "Invalid request: unknown variant `thread/turns/list`, expected one of `initialize`, `thread/read`";
    scenario.answer("thread/turns/list", Answer::error(-32600, unknown))
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

/// A turn of a server that has told all of it, more than there is room for.
pub async fn left_behind<R: Kit>(scenario: Scenario) -> (ScriptedServer, Codex<R>, Handle<R>) {
    let (server, codex) = R::attach(Codex::builder().event_capacity(10_000), scenario).await;
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    while codex.client().stats().notifications < 1003 {
        std::thread::yield_now();
    }
    (server, codex, turn)
}
