//! Interrupting, steering, and turns that are dropped.

use codex_appserver::generic::Codex;
use codex_appserver_testkit::scripted::{Answer, Step, Turn, TurnEnd};
use serde_json::json;

use crate::both;
use crate::scenarios::{completed, delta, playing, started, telling, thread_with, turn};
use crate::support::{Kit, PATIENCE, thread};

both!(
    an_interrupt_ends_the_turn,
    an_early_interrupt_waits,
    a_late_interrupt_is_no_error,
    other_refusals_of_an_interrupt_are_errors,
    steering_waits_for_the_turn_to_begin,
    a_dropped_turn_goes_on,
    dropping_a_turn_interrupts_it_when_asked,
    a_dropped_turn_lets_the_connection_end,
    an_ended_followed_turn_needs_no_interrupt,
    interrupting_a_followed_review_finds_its_inner_turn,
    dropping_a_review_interrupts_its_inner_turn,
);

/// What the real server answers before a turn has begun, and after its end.
fn idle(what: &str) -> Answer {
    Answer::error(-32600, format!("no active turn to {what}"))
}

async fn an_interrupt_ends_the_turn<R: Kit>() {
    let (server, thread) =
        thread::<R>(Codex::builder(), playing([Turn::new(["half"]).end(TurnEnd::Interrupted)])).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    R::interrupt_turn(&turn).await.expect("it is interrupted");
    let result = R::run_turn(&turn).await.expect("a value");
    assert_eq!((result.status.as_str(), result.text()), ("interrupted", "half"));
    let sent = server.params("turn/interrupt");
    assert_eq!(sent, [json!({"threadId": "thread-1", "turnId": "turn-1"})]);
    R::interrupt_turn(&turn).await.expect("nothing is left to do");
    assert_eq!(server.count("turn/interrupt"), 1);
}

async fn an_early_interrupt_waits<R: Kit>() {
    let scenario = telling([Step::Until("turn/interrupt".into()), Step::PauseMs(20), started()])
        .answer("turn/interrupt", idle("interrupt"))
        .answer("turn/interrupt", Answer::result(json!({})).then([completed("interrupted")]));
    let (server, thread) = thread::<R>(Codex::builder(), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    R::interrupt_turn(&turn).await.expect("it is interrupted");
    assert_eq!(R::run_turn(&turn).await.expect("a value").status.as_str(), "interrupted");
    assert_eq!(server.count("turn/interrupt"), 2);
}

async fn a_late_interrupt_is_no_error<R: Kit>() {
    // The end comes after the refusal, and before it.
    for (before, after) in [(vec![], vec![completed("completed")]), (vec![completed("completed")], vec![])] {
        let scenario = telling([started(), Step::Until("turn/interrupt".into())].into_iter().chain(before))
            .answer("turn/interrupt", idle("interrupt").delay_ms(20).then(after));
        let (_server, thread) = thread::<R>(Codex::builder(), scenario).await;
        let turn = R::send(thread.turn("go")).await.expect("a turn");
        R::interrupt_turn(&turn).await.expect("there is nothing to interrupt");
        assert!(R::run_turn(&turn).await.expect("a value").is_completed());
    }
}

async fn other_refusals_of_an_interrupt_are_errors<R: Kit>() {
    let scenario = telling([started()]).answer("turn/interrupt", Answer::error(-32603, "disk full"));
    let (_server, thread) = thread::<R>(Codex::builder(), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let error = R::interrupt_turn(&turn).await.expect_err("a refusal").to_string();
    assert!(error.contains("turn/interrupt") && error.contains("disk full"), "{error}");
}

async fn steering_waits_for_the_turn_to_begin<R: Kit>() {
    let steered = Answer::result(json!({"turnId": "turn-1"})).then([delta("both"), completed("completed")]);
    let scenario = telling([Step::Until("turn/steer".into()), started()])
        .answer("turn/steer", idle("steer"))
        .answer("turn/steer", steered)
        .answer("turn/steer", idle("steer"));
    let (server, thread) = thread::<R>(Codex::builder(), scenario).await;
    let turn = R::send(thread.turn("this")).await.expect("a turn");
    assert_eq!(R::steer_turn(&turn, "and that").await.expect("it is steered").turn_id, "turn-1");
    assert_eq!(R::run_turn(&turn).await.expect("a result").text(), "both");
    let sent = &server.params("turn/steer")[1];
    assert_eq!((&sent["expectedTurnId"], &sent["input"][0]["text"]), (&json!("turn-1"), &json!("and that")));
    let error = R::steer_turn(&turn, "and more").await.expect_err("it is over").to_string();
    assert!(error.contains("no active turn to steer"), "{error}");
}

async fn a_dropped_turn_goes_on<R: Kit>() {
    let turns = [Turn::new(["a"]).end(TurnEnd::Never), Turn::new(["b"])];
    let (server, thread) = thread::<R>(Codex::builder(), playing(turns)).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let mut stream = turn.stream();
    R::next(&mut stream).await.expect("an event").expect("it has begun");
    drop((turn, stream));
    R::run_on(&thread, "again").await.expect("a result");
    assert_eq!(server.count("turn/interrupt"), 0);
}

async fn dropping_a_turn_interrupts_it_when_asked<R: Kit>() {
    let turns = [Turn::new(["a"]).end(TurnEnd::Interrupted), Turn::new(["b"])];
    let (server, thread) = thread::<R>(Codex::builder(), playing(turns)).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn").interrupt_on_drop();
    let mut stream = turn.stream();
    drop(turn);
    R::next(&mut stream).await.expect("an event").expect("the stream keeps it");
    assert_eq!(server.count("turn/interrupt"), 0);
    drop(stream);
    server.wait_for("turn/interrupt", 1, PATIENCE).expect("it is interrupted");
    let over = R::send(thread.turn("again")).await.expect("a turn").interrupt_on_drop();
    R::run_turn(&over).await.expect("a result");
    drop(over);
    R::send(thread.read()).await.ok();
    assert_eq!(server.count("turn/interrupt"), 1, "what is over needs no interrupt");
}

async fn a_dropped_turn_lets_the_connection_end<R: Kit>() {
    let scenario = telling([started()]).answer("turn/interrupt", Answer::never());
    let (server, codex) = R::attach(Codex::builder().default_timeout(None), scenario).await;
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    let turn = R::send(thread.turn("go")).await.expect("a turn").interrupt_on_drop();
    drop((turn, thread, codex));
    server.wait_for_end(PATIENCE).expect("the connection is closed");
    assert_eq!(server.count("turn/interrupt"), 1);
}

async fn an_ended_followed_turn_needs_no_interrupt<R: Kit>() {
    let over = json!([{"id": "turn-1", "status": "completed", "items": []}]);
    let scenario = telling([])
        .answer("turn/interrupt", idle("interrupt"))
        .answer("thread/read", thread_with(json!({"type": "idle"}), over));
    let (_server, codex) = R::start(scenario).await;
    R::interrupt_turn(&codex.thread("thread-1").follow("turn-1")).await.expect("it is over");
}

async fn interrupting_a_followed_review_finds_its_inner_turn<R: Kit>() {
    let inner = json!([{"id": "inner", "items": [], "status": "inProgress", "rootTurnId": "turn-1"}]);
    let active = json!({"type": "active", "activeFlags": []});
    let scenario = telling([])
        .answer("turn/interrupt", idle("interrupt"))
        .answer("turn/interrupt", Answer::result(json!({})))
        .answer("thread/read", thread_with(active, inner));
    let (server, codex) = R::start(scenario).await;
    R::interrupt_turn(&codex.thread("thread-1").follow("turn-1")).await.expect("it is interrupted");
    let ids: Vec<_> = server.params("turn/interrupt").iter().map(|params| params["turnId"].clone()).collect();
    assert_eq!(ids, ["turn-1", "inner"]);
}

async fn dropping_a_review_interrupts_its_inner_turn<R: Kit>() {
    let inner = json!({"id": "inner", "items": [], "status": "inProgress", "rootTurnId": "turn-1"});
    let inner = Step::notify("turn/started", json!({"threadId": "thread-1", "turn": inner}));
    let answer = Answer::result(json!({"turn": turn("inProgress"), "reviewThreadId": "thread-1"}));
    let scenario = telling([]).answer("review/start", answer.then([inner]));
    let (server, codex) = R::start(scenario).await;
    let thread = codex.thread("thread-1");
    let target = codex_appserver::protocol::ReviewTarget::UncommittedChanges;
    let review = R::send(thread.review(target)).await.expect("a review").interrupt_on_drop();
    R::next(&mut review.stream()).await.expect("an event").expect("it has begun");
    drop(review);
    server.wait_for("turn/interrupt", 1, PATIENCE).expect("it is interrupted");
    assert_eq!(server.params("turn/interrupt")[0]["turnId"], "inner");
}
