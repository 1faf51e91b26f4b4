//! Eight threads with a turn each, all at once and from one `Codex`; one of them is interrupted.
//!
//! `cargo run --example many_turns_at_once`; with `--offline` nobody has to be logged in.

mod stage;

use codex_appserver::{Codex, Error, ServerNotification, TurnResult};
use codex_appserver_testkit::{Gate, MockModel, Reply};
use stage::Stage;
use tokio::task::JoinSet;

const TASKS: usize = 8;
/// The task that takes too long.
const LONG: usize = 5;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::with(|| MockModel::by_prompt((1..=TASKS).map(|task| (prompt(task), answer(task)))))?;
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;

    let mut turns = JoinSet::new();
    for task in 1..=TASKS {
        let codex = codex.clone();
        turns.spawn(async move { (task, follow(codex, task).await) });
    }
    let mut rows = turns.join_all().await;
    rows.sort_by_key(|(task, _)| *task);

    println!("{:>4}  {:<12} {:>6} {:>7}  text", "task", "status", "parts", "tokens");
    for (task, outcome) in rows {
        let (parts, result) = outcome?;
        let tokens = result.turn_usage.map_or("-".to_owned(), |usage| usage.sum().total.to_string());
        println!("{task:>4}  {:<12} {parts:>6} {tokens:>7}  {}", result.status, result.text().trim_end());
    }
    codex.close().await;
    Ok(())
}

/// Runs a turn on a thread of its own; yields in how many parts its text came, and what came of it.
async fn follow(codex: Codex, task: usize) -> Result<(usize, TurnResult), Error> {
    let thread = codex.thread_start().await?;
    let turn = thread.turn(prompt(task)).await?;
    let mut stream = turn.stream();
    let mut parts = 0;
    while let Some(event) = stream.next().await {
        if let Some(ServerNotification::ItemAgentMessageDelta(_)) = event?.notification() {
            parts += 1;
            if task == LONG {
                turn.interrupt().await?;
            }
        }
    }
    drop(stream);
    // The turn is over and its result known: this only hands it out.
    Ok((parts, turn.run().await?))
}

fn prompt(task: usize) -> String {
    format!("Count from 1 to {task}.")
}

/// Offline: a text in so many parts. One begins and does not end.
fn answer(task: usize) -> Reply {
    if task == LONG {
        return Reply::unfinished_text(["1 "]).then(Reply::hold(&Gate::new()));
    }
    Reply::text_chunks((1..=task).map(|number| format!("{number} ")))
}
