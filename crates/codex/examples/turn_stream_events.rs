//! Watches a turn: the agent's words as it says them, its commands and their output, and what it all cost.
//!
//! `cargo run --example turn_stream_events -- "how many files are here?"`; with `--offline` nobody has to be
//! logged in.

mod stage;

use std::io::Write as _;

use codex_appserver::protocol::ThreadItem;
use codex_appserver::{Codex, ServerNotification};
use codex_appserver_testkit::Reply;
use stage::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new(replies())?;
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;
    let thread = codex.thread_start().await?;
    let turn = thread.turn(stage.words("Say hello from the shell.")).await?;

    // `TurnStream` is a `futures::Stream` too. It ends after `turn/completed`.
    let mut stream = turn.stream();
    while let Some(event) = stream.next().await {
        if let Some(notification) = event?.notification() {
            show(notification)?;
        }
    }
    if let Some(usage) = stream.result().and_then(|result| result.turn_usage) {
        println!("[tokens: {} read, {} written]", usage.own.input, usage.own.output);
    }
    codex.close().await;
    Ok(())
}

/// A few of the many kinds of notifications. What is not known yet can be skipped: there may be more some day.
fn show(notification: &ServerNotification) -> std::io::Result<()> {
    match notification {
        ServerNotification::TurnStarted(_) => println!("[started]"),
        ServerNotification::ItemAgentMessageDelta(message) => {
            print!("{}", message.delta);
            std::io::stdout().flush()?;
        }
        ServerNotification::ItemStarted(started) => {
            if let ThreadItem::CommandExecution(command) = &started.item {
                println!("$ {}", command.command);
            }
        }
        ServerNotification::ItemCompleted(completed) => match &completed.item {
            ThreadItem::AgentMessage(_) => println!(),
            ThreadItem::CommandExecution(command) => {
                print!("{}", command.aggregated_output.as_deref().unwrap_or_default());
                println!("[exit code {}]", command.exit_code.unwrap_or(-1));
            }
            _ => {}
        },
        ServerNotification::TurnCompleted(completed) => println!("[{}]", completed.turn.status),
        _ => {}
    }
    Ok(())
}

/// What the model says with `--offline`.
fn replies() -> [Reply; 2] {
    [
        Reply::text_chunks(["I ask ", "the shell."]).then(Reply::command("echo hello")),
        Reply::text_chunks(["It ", "says ", "hello."]),
    ]
}
