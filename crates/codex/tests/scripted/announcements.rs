//! Deciding where announcements were missed, or cannot be read: what is not known is not accepted.

use codex_appserver::Decision;
use codex_appserver::generic::{Approvals, Codex};
use codex_appserver_testkit::scripted::{Answer, Ask, Scenario, ScriptedServer, Step};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{completed, started, telling, thread_with, turn};
use crate::support::{Kit, PATIENCE, thread};

both!(
    an_unreadable_patch_replaces_the_old_one,
    a_possible_sub_agent_is_declined,
    own_approvals_hold_whatever_was_missed,
    approvals_set_after_the_end_decide_nothing,
    a_sub_agent_outliving_its_turn_is_declined,
);

fn asked(what: &str, thread: &str, turn: &str) -> Step {
    let params = json!({"threadId": thread, "turnId": turn, "itemId": "call", "startedAtMs": 1});
    Step::Request(Ask::new(format!("item/{what}/requestApproval"), params).wait())
}

/// A file change that is announced with these changes.
fn announced(changes: &Value) -> Step {
    let item = json!({"type": "fileChange", "id": "call", "status": "inProgress", "changes": changes});
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "item": item, "startedAtMs": 1});
    Step::notify("item/started", params)
}

fn begun(thread: &str, turn: &str, root: &str) -> Value {
    let turn = json!({"id": turn, "items": [], "status": "inProgress", "rootTurnId": root});
    json!({"threadId": thread, "turn": turn})
}

/// A turn of which these steps come once the thread was named.
fn once_named(steps: impl IntoIterator<Item = Step>) -> Scenario {
    telling(
        [Step::Until("thread/name/set".into()), started()]
            .into_iter()
            .chain(steps)
            .chain([completed("completed")]),
    )
    .answer("thread/name/set", Answer::result(json!({})))
    .answer("thread/read", at_work())
}

/// What the server answers a client that missed something.
fn at_work() -> Answer {
    thread_with(json!({"type": "active", "activeFlags": ["waitingOnApproval"]}), json!([turn("inProgress")]))
}

fn words(server: &ScriptedServer) -> Vec<Value> {
    let answers = server.answers().into_iter();
    answers.map(|answer| answer.result.unwrap_or_default()["decision"].clone()).collect()
}

async fn an_unreadable_patch_replaces_the_old_one<R: Kit>() {
    let fine = json!([{"path": "/workspace/a", "kind": {"type": "update"}, "diff": ""}]);
    let changes = json!([{"path": "/etc/passwd", "kind": 5, "diff": ""}]);
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "itemId": "call", "changes": changes});
    let updated = Step::notify("item/fileChange/patchUpdated", params);
    let nothing = announced(&json!([]));
    let broken = Step::line(r#"{"method":"item/fileChange/patchUpdated","#);
    for (steps, word) in [
        (vec![announced(&fine)], "acceptForSession"),
        (vec![announced(&fine), updated], "decline"),
        (vec![announced(&fine), broken], "decline"),
        (vec![nothing], "decline"),
    ] {
        let approvals = Approvals::accept_for_session_if(|request| {
            let changes = request.changes().unwrap_or_default();
            request.changes().is_some() && changes.iter().all(|change| change.path.starts_with("/workspace/"))
        });
        let steps =
            steps.into_iter().chain([asked("fileChange", "thread-1", "turn-1"), completed("completed")]);
        // A line that cannot be read may have been the end, so the server is asked.
        let scenario = telling(steps).answer("thread/read", at_work());
        let (server, thread) = thread::<R>(Codex::builder().approvals(approvals), scenario).await;
        R::run_on(&thread, "go").await.expect("a result");
        assert_eq!(words(&server), [word]);
    }
}

async fn a_possible_sub_agent_is_declined<R: Kit>() {
    let turn = json!({"id": "errand", "items": 5, "status": "inProgress", "rootTurnId": "turn-1"});
    let unreadable = Step::notify("turn/started", json!({"threadId": "helper", "turn": turn}));
    let crowd = Step::flood(1100, "turn/started", begun("other", "other-$i", "other-$i"));
    let announced = Step::notify("turn/started", begun("helper", "errand", "turn-1"));
    let broken = Step::line(r#"{"method":"turn/started","#);
    for steps in [vec![unreadable], vec![broken], vec![announced, crowd]] {
        let steps = steps.into_iter().chain([asked("commandExecution", "helper", "errand")]);
        let accepting = R::ask(|_| Decision::Accept);
        let (server, thread) = thread::<R>(Codex::builder().approvals(accepting), once_named(steps)).await;
        let turn = R::send(thread.turn("go")).await.expect("a turn");
        turn.on_approval(Approvals::decline_all());
        R::send(thread.set_name("now")).await.expect("it is named");
        R::run_turn(&turn).await.expect("a result");
        assert_eq!(words(&server), ["decline"]);
    }
}

async fn own_approvals_hold_whatever_was_missed<R: Kit>() {
    let message = json!({"type": "agentMessage", "id": "m-$i", "text": "x".repeat(1 << 20)});
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "item": message, "startedAtMs": 1});
    let steps = [Step::flood(20, "item/started", params), asked("commandExecution", "thread-1", "turn-1")];
    let (server, thread) = thread::<R>(Codex::builder().event_capacity(64 << 20), once_named(steps)).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    turn.on_approval(R::ask(|_| Decision::Accept));
    R::send(thread.set_name("now")).await.expect("it is named");
    R::run_turn(&turn).await.expect("a result");
    assert_eq!(words(&server), ["accept"]);
}

async fn approvals_set_after_the_end_decide_nothing<R: Kit>() {
    let late = Answer::result(json!({})).then([asked("commandExecution", "thread-1", "turn-1")]);
    let scenario = telling([started(), completed("completed")]).answer("thread/name/set", late);
    let (server, codex) = R::start(scenario).await;
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    while codex.client().stats().notifications < 3 {
        std::thread::yield_now();
    }
    turn.on_approval(R::ask(|_| Decision::Accept));
    drop(turn);
    R::send(thread.set_name("late")).await.expect("it is named");
    server.wait_for_answers(1, PATIENCE).expect("the connection decides");
    assert_eq!(words(&server), ["decline"]);
}

async fn a_sub_agent_outliving_its_turn_is_declined<R: Kit>() {
    let steps = [started(), Step::notify("turn/started", begun("helper", "errand", "turn-1"))];
    let late = Answer::result(json!({})).then([asked("commandExecution", "helper", "errand")]);
    let scenario = telling(steps)
        .answer("thread/name/set", Answer::result(json!({})).then([completed("completed")]))
        .answer("thread/name/set", late);
    let accepting = R::ask(|_| Decision::Accept);
    let (server, thread) = thread::<R>(Codex::builder().approvals(accepting), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    turn.on_approval(Approvals::decline_all());
    R::send(thread.set_name("end")).await.expect("it is named");
    R::run_turn(&turn).await.expect("a result");
    R::send(thread.set_name("late")).await.expect("it is named");
    server.wait_for_answers(1, PATIENCE).expect("it is declined");
    assert_eq!(words(&server), ["decline"]);
}
