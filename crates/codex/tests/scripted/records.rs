//! What the server says of a turn beside its events: late, in part, or not at all.

use std::time::Duration;

use codex_appserver::generic::Codex;
use codex_appserver::{Error, RetryPolicy};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{completed, delta, flooding, left_behind, older, started, telling, thread_with, turn};
use crate::support::{Kit, PATIENCE, thread};

both!(
    an_overloaded_read_does_not_repeat_the_turn,
    queued_events_come_before_the_records,
    garbage_may_have_been_an_item,
    an_end_heard_beside_needs_no_records,
    a_turn_about_to_begin_is_not_lost,
    a_silent_unknown_turn_is_lost_in_the_end,
    a_silent_turn_is_asked_for_again,
    a_refused_interrupt_finds_the_inner_turn,
);

const SOON: Duration = Duration::from_millis(20);

fn idle() -> Value {
    json!({"type": "idle"})
}

fn active() -> Value {
    json!({"type": "active", "activeFlags": []})
}

fn over() -> Value {
    let message = json!({"type": "agentMessage", "id": "item-1", "text": "kept"});
    json!([{"id": "turn-1", "status": "completed", "items": [message]}])
}

async fn an_overloaded_read_does_not_repeat_the_turn<R: Kit>() {
    let scenario = telling([started()]).answer("thread/read", Answer::overloaded());
    let (server, thread) = thread::<R>(Codex::builder().watchdog(SOON), scenario).await;
    let quick = RetryPolicy::default().initial_delay(Duration::from_millis(1));
    let error = R::retry_on_overload(quick, || R::run_on(&thread, "go")).await.expect_err("it never ends");
    assert!(error.to_string().contains("thread/read"), "{error}");
    assert_eq!(server.count("turn/start"), 1);
}

async fn queued_events_come_before_the_records<R: Kit>() {
    // The turn ends while the server is asked about it.
    let scenario =
        telling([started()]).answer("thread/read", thread_with(idle(), over()).until("thread/name/set"));
    let (server, codex) = R::attach(Codex::builder().watchdog(SOON), scenario).await;
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let running = R::spawn(async move {
        let (mut stream, mut methods) = (turn.stream(), Vec::new());
        while let Some(event) = R::next(&mut stream).await {
            methods.extend(event.expect("an event").into_notification().map(|said| said.method().to_owned()));
        }
        (methods, stream.into_result().expect("a result"))
    });
    server.wait_for("thread/read", 1, PATIENCE).expect("the watchdog asks");
    let diff = json!({"threadId": "thread-1", "turnId": "turn-1", "diff": "+1"});
    server.play([Step::notify("turn/diff/updated", diff), completed("completed")]);
    while codex.client().stats().notifications < 4 {
        std::thread::yield_now();
    }
    R::send(thread.set_name("now")).await.ok();
    let (methods, result) = running.await;
    assert_eq!(methods, ["turn/started", "turn/diff/updated", "turn/completed"]);
    assert_eq!(result.diff.as_deref(), Some("+1"));
}

async fn garbage_may_have_been_an_item<R: Kit>() {
    let garbage = Step::line("{\"method\":\"item/completed\",");
    let asked = Step::Until("thread/read".into());
    let scenario = telling([started(), delta("said"), garbage, asked, completed("completed")])
        .answer("thread/read", thread_with(active(), json!([turn("inProgress")])))
        .answer("thread/read", thread_with(idle(), over()));
    let (_server, thread) = thread::<R>(Codex::builder(), scenario).await;
    assert_eq!(R::run_on(&thread, "go").await.expect("a result").text(), "kept");
}

async fn an_end_heard_beside_needs_no_records<R: Kit>() {
    for closed in [false, true] {
        let scenario = flooding().answer("thread/read", Answer::error(-32603, "disk full"));
        let (server, codex, turn) = left_behind::<R>(scenario).await;
        let error = R::run_turn(&turn).await.expect_err("there was no room").to_string();
        assert!(error.contains("failed to keep up"), "{error}");
        if closed {
            server.close();
            R::wait_closed(codex.client()).await;
        }
        assert!(R::run_turn(&turn).await.expect("its end was heard").is_completed());
    }
}

async fn a_turn_about_to_begin_is_not_lost<R: Kit>() {
    let begun = thread_with(active(), json!([turn("inProgress")]));
    let scenario = older(Scenario::new())
        .answer("thread/read", thread_with(idle(), json!([])))
        .answer("thread/read", begun.then([started(), delta("late"), completed("completed")]));
    let (_server, codex) = R::start(scenario).await;
    let thread = codex.thread("thread-1");
    assert_eq!(R::run_turn(&thread.follow("turn-1")).await.expect("it begins").text(), "late");
}

async fn a_silent_unknown_turn_is_lost_in_the_end<R: Kit>() {
    let scenario = telling([started()]).answer("thread/read", thread_with(idle(), json!([])));
    let (_server, thread) = thread::<R>(Codex::builder().watchdog(SOON), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let mut stalls = 0;
    let error = loop {
        match R::run_turn(&turn).await.expect_err("its end is not known") {
            Error::Stalled(_) => stalls += 1,
            error => break error,
        }
    };
    assert!(stalls > 0 && matches!(error, Error::Lost { .. }), "{stalls}: {error}");
}

async fn a_silent_turn_is_asked_for_again<R: Kit>() {
    // The server tells others of the thread.
    let scenario = older(Scenario::new())
        .answer("thread/read", thread_with(active(), json!([turn("inProgress")])))
        .answer("thread/read", thread_with(idle(), over()));
    let (_server, codex) = R::start(scenario).await;
    let thread = codex.thread("thread-1");
    assert_eq!(R::run_turn(&thread.follow("turn-1")).await.expect("its end is kept").text(), "kept");
}

async fn a_refused_interrupt_finds_the_inner_turn<R: Kit>() {
    let inner = json!({"id": "inner", "items": [], "status": "inProgress", "rootTurnId": "turn-1"});
    let refusal = Answer::error(-32600, "expected active turn id turn-1 but found inner");
    let scenario = older(Scenario::new())
        .answer("turn/interrupt", refusal)
        .answer("turn/interrupt", Answer::result(json!({})))
        .answer("thread/read", thread_with(active(), json!([inner])));
    let (server, codex) = R::start(scenario).await;
    R::interrupt_turn(&codex.thread("thread-1").follow("turn-1")).await.expect("it is interrupted");
    let sent: Vec<_> = server.params("turn/interrupt").iter().map(|sent| sent["turnId"].clone()).collect();
    assert_eq!(sent, ["turn-1", "inner"]);
}
