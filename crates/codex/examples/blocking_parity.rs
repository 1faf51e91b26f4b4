//! Does what `turn_stream_events` does without async: every wait blocks the thread, and calls end in `.call()`.
//!
//! `cargo run --features blocking --example blocking_parity -- "how many files are here?"`; with `--offline` nobody
//! has to be logged in.

mod stage;

use std::io::Write as _;

use codex_appserver::ServerNotification;
use codex_appserver::blocking::{Codex, Turn};
use codex_appserver::protocol::ThreadItem;
use codex_appserver_testkit::Reply;
use stage::Stage;

fn main() -> anyhow::Result<()> {
    let stage = Stage::new(replies())?;
    let codex = Codex::builder().process(|process| stage.process(process)).start()?;
    let thread = codex.thread_start().call()?;
    let turn = thread.turn(stage.words("Say hello from the shell.")).call()?;

    // A thread of its own reads, so that this one is free to steer or to interrupt the turn.
    let watched = turn.clone();
    let watcher = std::thread::spawn(move || watch(&watched));
    watcher.join().expect("the watcher does not panic")?;

    if let Some(usage) = turn.result().and_then(|result| result.turn_usage) {
        println!("[tokens: {} read, {} written]", usage.own.input, usage.own.output);
    }
    codex.close();
    Ok(())
}

/// The stream is an iterator. It ends after `turn/completed`.
fn watch(turn: &Turn) -> anyhow::Result<()> {
    for event in turn.stream() {
        if let Some(notification) = event?.notification() {
            show(notification)?;
        }
    }
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
