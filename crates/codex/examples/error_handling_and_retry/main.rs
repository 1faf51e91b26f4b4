//! What goes wrong, how it is told, and what to do about it.
//!
//! `cargo run --example error_handling_and_retry`; with `--offline` nobody has to be logged in, and the model fails in
//! more ways than it would for you.

#[path = "../stage/mod.rs"]
mod stage;
#[cfg(unix)]
mod trouble;

use std::time::Duration;

use codex_appserver::client::RpcErrorKind;
use codex_appserver::protocol::CodexErrorInfo;
use codex_appserver::{Codex, Error, TurnFailed};
use codex_appserver_testkit::{Gate, Reply};
use stage::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new([
        Reply::too_many_requests(),
        Reply::fail(500, "The model fell over."),
        Reply::stream_error("context_length_exceeded", "Too long."),
        Reply::dropped(["Half of an "]),
        Reply::unfinished_text(["Let me think"]).then(Reply::hold(&Gate::new())),
    ])?;
    no_program().await;
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;
    refused_call(&codex).await;
    // Offline the model fails each time in another way.
    for _ in 0..if stage.is_offline() { 3 } else { 1 } {
        failed_turn(&codex).await?;
    }
    failed_turn_as_error(&codex).await?;
    slow_turn(&codex).await?;
    closed(codex).await;
    // A server that is too busy, or that dies, does not come by order: a fake one plays it.
    #[cfg(unix)]
    trouble::with_the_server().await?;
    Ok(())
}

/// There is no codex, or it does not start: say so and stop.
async fn no_program() {
    if let Err(error) = Codex::builder().codex_bin("there/is/no/codex").start().await {
        println!("no program: {error}");
    }
}

/// The server says no to a call: `kind` sorts the reasons, `rpc` has the server's words and data.
async fn refused_call(codex: &Codex) {
    let unknown = codex.thread("01234567-89ab-7cde-8f01-23456789abcd");
    match unknown.read().await {
        Ok(_) => println!("there is such a thread"),
        Err(error) => match error.kind() {
            Some(RpcErrorKind::ThreadNotFound) => println!("no such thread: start another one"),
            Some(RpcErrorKind::InvalidRequest | RpcErrorKind::InvalidParams) => {
                println!("our mistake: {error}")
            }
            Some(RpcErrorKind::Overloaded) => println!("later: {error}"),
            _ => println!("no use: {error}"),
        },
    }
}

/// A turn that fails is no `Err`: it may have done a lot before, and all of that is in its result.
async fn failed_turn(codex: &Codex) -> Result<(), Error> {
    let result = codex.thread_start().await?.run("Do something hard.").await?;
    println!("the turn is {}: {}", result.status, advice(result.error_info()));
    Ok(())
}

/// What to do about a turn that failed. codex has tried again by itself where that makes sense.
fn advice(info: Option<&CodexErrorInfo>) -> &'static str {
    match info {
        None => "nothing to do",
        Some(CodexErrorInfo::ContextWindowExceeded) => {
            "make the thread shorter by `compact`, or start another"
        }
        Some(CodexErrorInfo::UsageLimitExceeded) => "wait for the limit to be reset, or buy more",
        Some(CodexErrorInfo::RateLimitExceeded | CodexErrorInfo::ServerOverloaded) => "wait a while",
        Some(CodexErrorInfo::ResponseTooManyFailedAttempts(info)) if info.http_status_code == Some(429) => {
            "wait a while, this was too often"
        }
        Some(CodexErrorInfo::Unauthorized) => "log in",
        Some(CodexErrorInfo::InternalServerError) => "their fault: run another turn later",
        // The server may have kinds that these bindings do not know.
        Some(_) => "show the error's message to the user",
    }
}

/// For programs that cannot go on without an answer `into_result` makes an error of it, for `?`. The result is in it.
async fn failed_turn_as_error(codex: &Codex) -> Result<(), Error> {
    let result = codex.thread_start().await?.run("Write a haiku.").await?;
    match result.into_result() {
        Ok(result) => println!("the answer: {}", result.text()),
        Err(TurnFailed { result }) => println!("all there is of the answer: {:?}", result.text()),
    }
    Ok(())
}

/// Turns may take hours and have no timeout. Who sets one has to stop the agent as well: it does not hear of it.
async fn slow_turn(codex: &Codex) -> Result<(), Error> {
    let turn = codex.thread_start().await?.turn("Think for a year.").await?;
    let result = match tokio::time::timeout(Duration::from_secs(2), turn.run()).await {
        Ok(result) => result?,
        Err(_) => {
            turn.interrupt().await?;
            turn.run().await?
        }
    };
    println!("the slow turn is {}, with the text {:?}", result.status, result.text());
    Ok(())
}

/// Whoever closes it closes it for all handles.
async fn closed(codex: Codex) {
    codex.close().await;
    if let Err(error) = codex.thread_start().await {
        println!("after the end: {error}");
    }
}
