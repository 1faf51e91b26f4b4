//! Turns and calls that fail.

use anyhow::{Context as _, Result, ensure};
use codex_appserver_enums::TurnStatus;
use codex_appserver_methods::Methods as _;
use codex_appserver_notifications::ServerNotification;
use codex_appserver_testkit::Reply;
use codex_appserver_types::{ClientInfo, Thread};
use codex_appserver_wire::{BlockingTransport, RpcError};

use super::stage::input;
use super::{Scenario, Stage};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new("failed-turn", failed_turn),
    Scenario::new("errors", errors),
    Scenario::new("invalid-params", invalid_params),
];

/// The model answers with an HTTP error, an error in the stream, and half an answer: three failed turns, each
/// after an `error` that says that nothing will be retried (the home says so).
fn failed_turn(stage: &Stage) -> Result<()> {
    let thread = stage.start_thread()?;
    let refusal = r#"{"error":{"message":"no such model","type":"invalid_request_error","code":"no_model"}}"#;
    ensure!(fail(stage, &thread, Reply::fail(400, refusal))?.contains("no such model"));
    let error = Reply::text("I begin").then(Reply::stream_error("server_error", "it broke"));
    ensure!(fail(stage, &thread, error)?.contains("it broke"));
    let half = Reply::unfinished_text(["I beg"]).then(Reply::cut_off());
    ensure!(fail(stage, &thread, half)?.contains("stream disconnected before completion"));
    stage.model.push(Reply::text("Now it works."));
    ensure!(stage.turn(&thread, "Once more.")?.status == TurnStatus::Completed);
    Ok(())
}

/// A turn that fails, and what the server says about it.
fn fail(stage: &Stage, thread: &Thread, reply: Reply) -> Result<String> {
    stage.model.push(reply);
    let turn = stage.turn(thread, "Answer me.")?;
    ensure!(turn.status == TurnStatus::Failed, "{turn:?}");
    let told = stage.client.expect("error", |notification| match notification {
        ServerNotification::Error(error) => Some((error.will_retry, error.error.message.clone())),
        _ => None,
    })?;
    let message = turn.error.context("a failed turn has an error")?.message;
    ensure!(told == (false, message.clone()), "{told:?} is not {message}");
    Ok(message)
}

/// Calls that are refused: an unknown method (which is -32600 here and not -32601), an experimental one
/// without leave, an unknown thread, a second handshake, and more text than a turn may have.
fn errors(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    let unknown = refused(client.send("no/suchMethod", Some("{}".to_owned())))?;
    ensure!(unknown.code == -32600 && unknown.message.contains("no/suchMethod"), "{unknown}");
    let params = Some(r#"{"threadId":"x"}"#.to_owned());
    let experimental = refused(client.send("thread/timeline/list", params))?;
    ensure!(experimental.message.contains("requires experimentalApi"), "{experimental}");
    let no_thread = refused(client.thread_read("01a1f000-0000-7000-8000-000000000000").call())?;
    ensure!(no_thread.code == -32600, "{no_thread}");
    let twice = refused(client.initialize(ClientInfo::new("again", "0.1.0")).call())?;
    ensure!(twice.code == -32600, "{twice}");
    let thread = stage.start_thread()?;
    let too_long = refused(client.turn_start(&thread.id, input(&"z".repeat(1_048_577))).call())?;
    ensure!(too_long.code == -32602 && too_long.data.is_some(), "{too_long}");
    Ok(())
}

/// Params that are not what the method wants: one is missing, one has another type. Extra ones are ignored.
fn invalid_params(stage: &Stage) -> Result<()> {
    let send = |method, params: &str| stage.client.send(method, Some(params.to_owned()));
    let missing = refused(send("thread/read", "{}"))?;
    ensure!(missing.code == -32600 && missing.message.contains("threadId"), "{missing}");
    let ill_typed = refused(send("thread/list", r#"{"limit":"five"}"#))?;
    ensure!(ill_typed.code == -32600, "{ill_typed}");
    send("thread/list", r#"{"limit":5,"unheardOf":true}"#).map(drop)
}

/// The error that a call was answered by.
fn refused<T>(answer: Result<T>) -> Result<RpcError> {
    answer.err().context("the server took it")?.downcast()
}
