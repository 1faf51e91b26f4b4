//! Turns that wait for an answer of this client, and turns that take too long.

use std::thread;
use std::time::{Duration, Instant};

use codex_appserver::client::wire::Request;
use codex_appserver::generic::{Codex, CodexBuilder};
use codex_appserver::protocol::method;
use codex_appserver::{Error, MaxDuration};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{completed, delta, started, telling, thread_with, turn};
use crate::support::{Kit, thread};

both!(
    an_open_approval_is_no_silence,
    an_open_question_is_no_silence,
    an_open_tool_call_is_no_silence,
    an_open_request_of_a_sub_agent_is_no_silence,
    an_open_request_of_another_thread_is_silence,
    silence_after_the_answer_is_reported,
    a_turn_that_takes_too_long_is_interrupted,
    the_limit_of_a_turn_overrides_that_of_the_connection,
    people_do_not_use_up_the_time_of_a_turn,
    people_use_up_all_time_if_that_is_wanted,
    a_turn_that_cannot_be_interrupted_fails,
);

const SOON: Duration = Duration::from_millis(50);

/// How long an answer takes: many times as long as the watchdog waits.
const SLOW: Duration = Duration::from_millis(500);

/// Requests of this method are declined, after a while.
fn slow<R: Kit, M: Request + 'static>(builder: CodexBuilder<R>) -> CodexBuilder<R> {
    builder.client(|client| {
        client.on_responder::<M, _>(|_, responder| {
            thread::spawn(move || {
                thread::sleep(SLOW);
                drop(responder);
            });
        })
    })
}

fn asked<M: Request>(params: &Value, thread: &str, turn: &str) -> Step {
    let mut params = params.clone();
    params["threadId"] = json!(thread);
    params["turnId"] = json!(turn);
    Step::ask(M::METHOD, params)
}

fn approval(thread: &str, turn: &str) -> Step {
    asked::<method::ItemCommandExecutionRequestApproval>(
        &json!({"itemId": "i", "startedAtMs": 1}),
        thread,
        turn,
    )
}

/// The answer to `thread/read` while the turn goes on.
fn at_work() -> Answer {
    thread_with(json!({"type": "active", "activeFlags": []}), json!([turn("inProgress")]))
}

fn begun(thread: &str, turn: &str) -> Step {
    let turn = json!({"id": turn, "items": [], "status": "inProgress", "rootTurnId": "turn-1"});
    Step::notify("turn/started", json!({"threadId": thread, "turn": turn}))
}

/// Runs a turn in which the server asks something and that ends with the answer: how often the server was asked about it.
async fn asked_about<R: Kit, M: Request + 'static>(steps: impl IntoIterator<Item = Step>) -> u64 {
    let steps = [started()].into_iter().chain(steps).chain([completed("completed")]);
    let scenario = telling(steps).answer("thread/read", at_work());
    let builder = slow::<R, M>(Codex::builder().watchdog(SOON));
    let (server, thread) = thread::<R>(builder, scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let mut stream = turn.stream();
    while let Some(event) = R::next(&mut stream).await {
        assert!(matches!(event, Ok(_) | Err(Error::Stalled(_))), "{event:?}");
    }
    assert!(stream.result().expect("a result").is_completed());
    server.count("thread/read")
}

async fn an_open_approval_is_no_silence<R: Kit>() {
    type Method = method::ItemCommandExecutionRequestApproval;
    assert_eq!(asked_about::<R, Method>([approval("thread-1", "turn-1")]).await, 0);
}

async fn an_open_question_is_no_silence<R: Kit>() {
    type Method = method::ItemToolRequestUserInput;
    let question =
        asked::<Method>(&json!({"itemId": "i", "isSkippable": true, "questions": []}), "thread-1", "turn-1");
    assert_eq!(asked_about::<R, Method>([question]).await, 0);
}

async fn an_open_tool_call_is_no_silence<R: Kit>() {
    type Method = method::ItemToolCall;
    let params = json!({"callId": "c", "tool": "lookup", "arguments": {}});
    assert_eq!(asked_about::<R, Method>([asked::<Method>(&params, "thread-1", "turn-1")]).await, 0);
}

async fn an_open_request_of_a_sub_agent_is_no_silence<R: Kit>() {
    type Method = method::ItemCommandExecutionRequestApproval;
    assert_eq!(asked_about::<R, Method>([begun("helper", "errand"), approval("helper", "errand")]).await, 0);
}

async fn an_open_request_of_another_thread_is_silence<R: Kit>() {
    type Method = method::ItemCommandExecutionRequestApproval;
    assert!(asked_about::<R, Method>([approval("elsewhere", "other")]).await > 1);
}

async fn silence_after_the_answer_is_reported<R: Kit>() {
    let scenario = telling([started(), approval("thread-1", "turn-1")]).answer("thread/read", at_work());
    let builder = slow::<R, method::ItemCommandExecutionRequestApproval>(Codex::builder().watchdog(SOON));
    let (_server, thread) = thread::<R>(builder, scenario).await;
    let begun = Instant::now();
    let error = R::run_on(&thread, "go").await.expect_err("nothing follows");
    assert!(matches!(error, Error::Stalled(_)), "{error}");
    assert!(begun.elapsed() >= SLOW + SOON, "{:?}", begun.elapsed());
}

/// A turn that says something and ends only when it is interrupted.
fn endless(steps: impl IntoIterator<Item = Step>) -> Scenario {
    telling([started(), delta("half")].into_iter().chain(steps))
        .answer("turn/interrupt", Answer::result(json!({})).then([completed("interrupted")]))
        .answer("thread/read", at_work())
}

async fn a_turn_that_takes_too_long_is_interrupted<R: Kit>() {
    let builder = Codex::builder().max_duration(SOON);
    let (server, thread) = thread::<R>(builder, endless([])).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let result = R::run_turn(&turn).await.expect("what there is");
    assert_eq!((result.status.as_str(), result.text(), result.timed_out), ("interrupted", "half", true));
    assert_eq!(server.params("turn/interrupt"), [json!({"threadId": "thread-1", "turnId": "turn-1"})]);
    assert_eq!(turn.result(), Some(result));
}

async fn the_limit_of_a_turn_overrides_that_of_the_connection<R: Kit>() {
    let (server, thread) = thread::<R>(
        Codex::builder().max_duration(SOON),
        endless([Step::PauseMs(200), completed("completed")]),
    )
    .await;
    let turn = R::send(thread.turn("go")).await.expect("a turn").max_duration(Duration::from_secs(600));
    let result = R::run_turn(&turn).await.expect("a result");
    assert!(result.is_completed() && !result.timed_out && server.count("turn/interrupt") == 0);
}

async fn people_do_not_use_up_the_time_of_a_turn<R: Kit>() {
    let limit = SLOW / 2;
    let builder =
        slow::<R, method::ItemCommandExecutionRequestApproval>(Codex::builder().max_duration(limit));
    let scenario = endless([approval("thread-1", "turn-1"), completed("completed")]);
    let (server, thread) = thread::<R>(builder, scenario).await;
    let result = R::run_on(&thread, "go").await.expect("a result");
    assert!(result.is_completed() && server.count("turn/interrupt") == 0, "{result:?}");
    // The time after the answer counts.
    let builder =
        slow::<R, method::ItemCommandExecutionRequestApproval>(Codex::builder().max_duration(limit));
    let (_server, thread) =
        crate::support::thread::<R>(builder, endless([approval("thread-1", "turn-1")])).await;
    let begun = Instant::now();
    let result = R::run_on(&thread, "go").await.expect("a result");
    assert!(result.timed_out && begun.elapsed() >= SLOW + limit - SOON, "{:?}", begun.elapsed());
}

async fn people_use_up_all_time_if_that_is_wanted<R: Kit>() {
    let builder = Codex::builder().max_duration(MaxDuration::in_all(SOON));
    let builder = slow::<R, method::ItemCommandExecutionRequestApproval>(builder);
    let (server, thread) = thread::<R>(builder, endless([approval("thread-1", "turn-1")])).await;
    let result = R::run_on(&thread, "go").await.expect("a result");
    assert!(result.timed_out && server.answers().is_empty(), "the question is still open");
}

async fn a_turn_that_cannot_be_interrupted_fails<R: Kit>() {
    let scenario = telling([started()])
        .answer("turn/interrupt", Answer::error(-32603, "no hands"))
        .answer("turn/interrupt", Answer::result(json!({})).then([completed("interrupted")]));
    let (_server, thread) = thread::<R>(Codex::builder().max_duration(SOON), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let error = R::run_turn(&turn).await.expect_err("it goes on");
    assert!(error.to_string().contains("no hands"), "{error}");
    assert!(R::run_turn(&turn).await.expect("it is tried again").timed_out);
}
