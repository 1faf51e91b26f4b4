//! Turns that would be silent forever, without a watchdog.

use std::time::{Duration, Instant};

use codex_appserver::client::Unhandled::LeaveToOthers;
use codex_appserver::generic::{Approvals, Codex, Thread, Turn};
use codex_appserver::{ClientError, Decision, Error, Event};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{completed, delta, older, started, telling, thread_with, turn};
use crate::support::{Kit, thread};

both!(
    a_turn_of_which_this_connection_hears_nothing_ends,
    a_slow_turn_costs_no_look,
    a_turn_tells_of_requests_that_were_resolved_elsewhere,
    a_silent_connection_ends_the_turn,
    late_approvals_get_what_was_left,
    #[ignore = "full tier: the answer of another client is waited for for half a minute"]
    an_approval_that_is_left_to_nothing_is_reported,
    #[ignore = "full tier: the server has ten seconds to answer"]
    an_interrupt_without_an_answer_ends_here,
    #[ignore = "full tier: the server has ten seconds to answer"]
    a_limit_without_an_answer_to_its_interrupt_ends_here,
);

fn active(flags: &Value) -> Value {
    json!({"type": "active", "activeFlags": flags})
}

fn running(flags: &Value) -> Answer {
    thread_with(active(flags), json!([turn("inProgress")]))
}

fn approval() -> Step {
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "itemId": "i", "startedAtMs": 1});
    Step::ask("item/commandExecution/requestApproval", params)
}

/// The server tells the connection nothing of a thread that it has not resumed.
async fn a_turn_of_which_this_connection_hears_nothing_ends<R: Kit>() {
    let message = json!({"type": "agentMessage", "id": "item-1", "text": "kept"});
    let over = json!([{"id": "turn-1", "status": "completed", "items": [message]}]);
    let scenario = telling([]).answer("thread/read", thread_with(json!({"type": "idle"}), over));
    let (server, codex) = R::start(scenario).await;
    let begun = Instant::now();
    let result = R::run_on(&codex.thread("thread-1"), "go").await.expect("its end is in the records");
    assert_eq!(result.text(), "kept");
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(5) && server.count("thread/read") == 1, "{took:?}");
}

async fn a_slow_turn_costs_no_look<R: Kit>() {
    let steps = [started(), Step::PauseMs(6_000), delta("done"), completed("completed")];
    let (server, thread) = thread::<R>(Codex::builder(), telling(steps)).await;
    assert_eq!(R::run_on(&thread, "go").await.expect("a result").text(), "done");
    assert_eq!((server.count("thread/read"), server.count("thread/turns/list")), (0, 0));
}

async fn a_turn_tells_of_requests_that_were_resolved_elsewhere<R: Kit>() {
    let resolved = Step::notify("serverRequest/resolved", json!({"threadId": "thread-1", "requestId": "q"}));
    let asked = Step::line(
        json!({"method": "item/commandExecution/requestApproval", "id": "q", "params": {
            "threadId": "thread-1", "turnId": "turn-1", "itemId": "i", "startedAtMs": 1}})
        .to_string(),
    );
    let builder = Codex::builder().client(|client| client.unhandled(LeaveToOthers));
    let scenario = telling([started(), asked, resolved, completed("completed")]);
    let (_server, codex) = R::attach(builder, scenario).await;
    let turn = R::send(codex.thread("thread-1").turn("go")).await.expect("a turn");
    let (mut stream, mut methods) = (turn.stream(), Vec::new());
    while let Some(event) = R::next(&mut stream).await {
        methods.extend(event.expect("an event").into_notification().map(|said| said.method().to_owned()));
    }
    assert_eq!(methods, ["turn/started", "serverRequest/resolved", "turn/completed"]);
}

/// The server does not even answer what asks it for a sign of life.
async fn a_silent_connection_ends_the_turn<R: Kit>() {
    let scenario = telling([started()]).answer("thread/loaded/list", Answer::never());
    let builder = Codex::builder().client(|client| client.keep_alive(Duration::from_millis(100)));
    let (_server, thread) = thread::<R>(builder, scenario).await;
    let error = R::run_on(&thread, "go").await.expect_err("nothing is heard");
    assert!(matches!(error, Error::Client(ClientError::Closed(_))), "{error}");
    assert!(error.to_string().contains("nothing was heard of it"), "{error}");
}

/// Approvals of the connection, of the thread and of the turn get the requests that came before they were set, however
/// short before.
async fn late_approvals_get_what_was_left<R: Kit>() {
    type Set<R> = fn(&Turn<R>, Approvals<R>);
    let setters: [Set<R>; 3] = [
        |turn, approvals| turn.on_approval(approvals),
        |turn, approvals| turn.thread().on_approval(approvals),
        |turn, approvals| turn.thread().codex().on_approval(approvals),
    ];
    for set in setters {
        let builder = Codex::builder().client(|client| client.unhandled(LeaveToOthers));
        let scenario = older(Scenario::new()).answer("thread/read", running(&json!([])));
        let (server, codex) = R::attach(builder, scenario).await;
        let thread: Thread<R> = codex.thread("thread-1");
        let turn = thread.follow("turn-1");
        let mut stream = turn.stream();
        server.play([started(), approval()]);
        while !matches!(R::next(&mut stream).await.expect("more").expect("an event"), Event::Request(_)) {}
        set(&turn, R::ask(|_| Decision::Accept));
        server.wait_for_answers(1, crate::support::PATIENCE).expect("it is answered");
        assert_eq!(server.answers()[0].result, Some(json!({"decision": "accept"})));
    }
}

/// Another client has started the turn, and is gone.
async fn an_approval_that_is_left_to_nothing_is_reported<R: Kit>() {
    let scenario = older(Scenario::new()).answer("thread/read", running(&json!(["waitingOnApproval"])));
    let builder = Codex::builder().client(|client| client.unhandled(LeaveToOthers));
    let (server, codex) = R::attach(builder, scenario).await;
    let thread: Thread<R> = codex.thread("thread-1");
    let turn = thread.follow("turn-1");
    server.play([started(), approval()]);
    let error = R::run_turn(&turn).await.expect_err("no client answers");
    let Error::Stalled(stalled) = &error else { panic!("{error}") };
    assert!(stalled.silent_for >= Duration::from_secs(30), "{stalled}");
    assert!(error.to_string().contains("resume the thread with what answers it"), "{error}");
    assert!(server.answers().is_empty());
}

async fn an_interrupt_without_an_answer_ends_here<R: Kit>() {
    let scenario = telling([started()])
        .answer("turn/interrupt", Answer::never())
        .answer("thread/read", running(&json!([])));
    let (server, thread) = thread::<R>(Codex::builder().default_timeout(None), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let reading = turn.clone();
    let running = R::spawn(async move { R::run_turn(&reading).await });
    server.wait_for("turn/start", 1, crate::support::PATIENCE).expect("it has begun");
    let begun = Instant::now();
    let error = R::interrupt_turn(&turn).await.expect_err("there is no answer");
    assert!(matches!(error, Error::Client(ClientError::TimedOut { .. })), "{error}");
    let error = running.await.expect_err("it does not end");
    assert!(matches!(error, Error::Stalled(_)), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

async fn a_limit_without_an_answer_to_its_interrupt_ends_here<R: Kit>() {
    let scenario = telling([started()]).answer("turn/interrupt", Answer::never());
    let (server, thread) = thread::<R>(Codex::builder().default_timeout(None), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn").max_duration(Duration::from_millis(50));
    let error = R::run_turn(&turn).await.expect_err("there is no answer");
    assert!(matches!(error, Error::Client(ClientError::TimedOut { .. })), "{error}");
    assert_eq!(server.count("turn/interrupt"), 1);
}
