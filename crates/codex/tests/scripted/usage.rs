//! What a turn cost and which files it changed.

use codex_appserver::FileChange;
use codex_appserver::generic::Codex;
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{completed, left_behind, started, telling, thread_with, turn};
use crate::support::{Kit, thread};

both!(
    all_requests_of_a_turn_are_counted,
    a_failed_request_and_a_compaction_are_not_counted_again,
    the_replay_of_a_resumed_thread_is_not_counted,
    sub_agents_are_counted_beside_the_turn,
    usage_does_not_depend_on_the_reader,
    usage_of_an_unknown_beginning_is_not_exact,
    a_turn_without_reports_has_no_usage,
    files_of_applied_patches_are_listed,
    files_are_relative_to_the_folder_that_the_turn_began_in,
);

/// A report of usage: the thread, the turn, the total and the last request.
fn used(thread: &str, turn: &str, total: u64, last: u64) -> Step {
    let counted = |tokens: u64| {
        json!({"totalTokens": tokens, "inputTokens": tokens - tokens / 5, "cachedInputTokens": 0,
            "outputTokens": tokens / 5, "reasoningOutputTokens": 0})
    };
    let usage = json!({"total": counted(total), "last": counted(last), "modelContextWindow": 1000});
    Step::notify(
        "thread/tokenUsage/updated",
        json!({"threadId": thread, "turnId": turn, "tokenUsage": usage}),
    )
}

fn mine(total: u64, last: u64) -> Step {
    used("thread-1", "turn-1", total, last)
}

/// Runs a turn of a new thread with these reports: the tokens of the turn, of its sub-agents, and whether they are exact.
async fn cost<R: Kit>(steps: impl IntoIterator<Item = Step>) -> Option<(u64, u64, bool)> {
    let steps = [started()].into_iter().chain(steps).chain([completed("completed")]);
    let (_server, thread) = thread::<R>(Codex::builder(), telling(steps)).await;
    let usage = R::run_on(&thread, "go").await.expect("a result").turn_usage?;
    Some((usage.own.total, usage.agents.total, usage.is_exact))
}

async fn all_requests_of_a_turn_are_counted<R: Kit>() {
    let scenario = telling([started(), mine(15, 15), mine(40, 25), mine(80, 40), completed("completed")]);
    let (_server, thread) = thread::<R>(Codex::builder(), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let result = R::run_turn(&turn).await.expect("a result");
    let usage = result.turn_usage.expect("it was reported");
    assert_eq!((usage.own.total, usage.own.input, usage.own.output), (80, 64, 16));
    assert_eq!((usage.sum(), usage.agents.total, usage.is_exact), (usage.own, 0, true));
    assert_eq!(result.usage.as_ref().map(|usage| usage.last.total_tokens), Some(40));
    assert_eq!(turn.result(), Some(result), "it stays the same");
}

async fn a_failed_request_and_a_compaction_are_not_counted_again<R: Kit>() {
    // The same total again, and an estimate of what is left.
    let zero = json!({"totalTokens": 7000, "inputTokens": 0, "cachedInputTokens": 0, "outputTokens": 0,
        "reasoningOutputTokens": 0});
    let total = json!({"totalTokens": 40, "inputTokens": 32, "cachedInputTokens": 0, "outputTokens": 8,
        "reasoningOutputTokens": 0});
    let usage = json!({"total": total, "last": zero, "modelContextWindow": 1000});
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "tokenUsage": usage});
    let estimate = Step::notify("thread/tokenUsage/updated", params);
    let reports = [mine(15, 15), mine(15, 15), mine(40, 25), estimate, mine(40, 25)];
    assert_eq!(cost::<R>(reports).await, Some((40, 0, true)));
}

async fn the_replay_of_a_resumed_thread_is_not_counted<R: Kit>() {
    let replay = || used("thread-1", "turn-0", 100, 60);
    let resumed = || Answer::thread().then([replay()]);
    let begun = Answer::result(json!({"turn": turn("inProgress")}));
    let scenario = Scenario::new()
        .answer("thread/resume", resumed())
        // Once more while the turn goes on.
        .answer(
            "turn/start",
            begun.then([started(), mine(100, 60), replay(), mine(130, 30), completed("completed")]),
        );
    let (_server, codex) = R::start(scenario).await;
    let thread = R::send(codex.thread_resume("thread-1")).await.expect("a thread");
    let usage = R::run_on(&thread, "go").await.expect("a result").turn_usage.expect("it was reported");
    assert_eq!((usage.own.total, usage.is_exact), (30, true));
}

fn begun(thread: &str, turn: &str) -> Step {
    let turn = json!({"id": turn, "items": [], "status": "inProgress", "rootTurnId": "turn-1"});
    Step::notify("turn/started", json!({"threadId": thread, "turn": turn}))
}

fn item(item: &Value) -> Step {
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "item": item, "completedAtMs": 1});
    Step::notify("item/completed", params)
}

async fn sub_agents_are_counted_beside_the_turn<R: Kit>() {
    let spawned = json!({"type": "collabAgentToolCall", "id": "c", "tool": "spawnAgent", "status": "completed",
        "senderThreadId": "thread-1", "receiverThreadIds": ["child"], "prompt": "Dig.", "agentsStates": {}});
    let reports = [
        mine(15, 15),
        item(&spawned),
        begun("child", "C"),
        used("child", "C", 30, 30),
        // One of its own, and a turn of another thread that has nothing to do with this one.
        begun("grandchild", "G"),
        used("grandchild", "G", 7, 7),
        used("elsewhere", "E", 1000, 1000),
        used("child", "C", 80, 50),
        mine(40, 25),
    ];
    // That the grandchild is new was not said.
    assert_eq!(cost::<R>(reports.clone()).await, Some((40, 87, false)));
    let without = reports.into_iter().filter(|step| !format!("{step:?}").contains("grandchild"));
    assert_eq!(cost::<R>(without).await, Some((40, 80, true)));
}

/// It did not keep up, and its subscription was replaced.
async fn usage_does_not_depend_on_the_reader<R: Kit>() {
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "itemId": "m", "delta": "some of it $i"});
    let flood = Step::flood(1000, "item/agentMessage/delta", params);
    let over = json!([{"id": "turn-1", "status": "completed", "items": []}]);
    let scenario = telling([started(), mine(15, 15), flood, mine(40, 25), completed("completed")])
        .answer("thread/read", thread_with(json!({"type": "idle"}), over));
    let (_server, _codex, turn) = left_behind::<R>(scenario).await;
    R::run_turn(&turn).await.expect_err("there was no room");
    let usage = R::run_turn(&turn).await.expect("the server keeps it").turn_usage.expect("it was reported");
    assert_eq!((usage.own.total, usage.is_exact), (40, true));
}

async fn usage_of_an_unknown_beginning_is_not_exact<R: Kit>() {
    let scenario = telling([started(), mine(115, 15), mine(140, 25), completed("completed")]);
    let (_server, codex) = R::start(scenario).await;
    let result = R::run_on(&codex.thread("thread-1"), "go").await.expect("a result");
    let usage = result.turn_usage.expect("it was reported");
    assert_eq!((usage.own.total, usage.is_exact), (40, false));
    assert_eq!(result.cwd, None);
}

async fn a_turn_without_reports_has_no_usage<R: Kit>() {
    assert_eq!(cost::<R>([]).await, None);
    assert_eq!(cost::<R>([used("elsewhere", "E", 10, 10)]).await, None);
}

fn patch(id: &str, status: &str, path: &str, kind: &str) -> Step {
    let changes = json!([{"path": path, "kind": {"type": kind}, "diff": ""}]);
    item(&json!({"type": "fileChange", "id": id, "status": status, "changes": changes}))
}

async fn files_of_applied_patches_are_listed<R: Kit>() {
    let command = json!({"type": "commandExecution", "id": "c", "command": "touch by-command", "cwd": "/workspace",
        "commandActions": [], "status": "completed"});
    let steps = [
        started(),
        patch("1", "completed", "/workspace/a", "add"),
        patch("2", "declined", "/workspace/b", "update"),
        patch("3", "failed", "/workspace/c", "delete"),
        patch("4", "completed", "/workspace/a", "update"),
        patch("5", "completed", "/elsewhere/d", "delete"),
        item(&command),
        completed("completed"),
    ];
    let (_server, thread) = thread::<R>(Codex::builder(), telling(steps)).await;
    let result = R::run_on(&thread, "go").await.expect("a result");
    assert_eq!(result.cwd.as_deref(), Some("/workspace"));
    let files = result.files_changed();
    let files: Vec<_> = files.iter().map(|file| (&*file.path, &file.change)).collect();
    assert_eq!(files, [("a", &FileChange::Added), ("/elsewhere/d", &FileChange::Deleted)]);
}

async fn files_are_relative_to_the_folder_that_the_turn_began_in<R: Kit>() {
    let moved = |folder: &str| {
        let settings = json!({"approvalPolicy": "never", "approvalsReviewer": "user", "cwd": folder,
            "collaborationMode": {"mode": "default", "settings": {"model": "m"}}, "model": "m",
            "modelProvider": "p", "sandboxPolicy": {"type": "dangerFullAccess"}});
        Step::notify("thread/settings/updated", json!({"threadId": "thread-1", "threadSettings": settings}))
    };
    // The server reports the folder of a turn before it answers.
    let begun = [started(), patch("1", "completed", "/workspace/sub/a", "add")];
    let scenario = Scenario::new()
        .answer("thread/start", Answer::thread().then([moved("/workspace/sub")]))
        .answer("thread/name/set", Answer::result(json!({})))
        .answer("turn/start", Answer::result(json!({"turn": turn("inProgress")})).then(begun));
    let (server, codex) = R::start(scenario).await;
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    R::send(thread.set_name("the answer comes after the report")).await.expect("it is named");
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    server.play([moved("/later"), completed("completed")]);
    let result = R::run_turn(&turn).await.expect("a result");
    assert_eq!(result.cwd.as_deref(), Some("/workspace/sub"));
    assert_eq!(result.files_changed()[0].path, "a");
}
