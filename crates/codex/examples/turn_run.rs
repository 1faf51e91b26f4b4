//! Runs a turn to its end and looks at all that came of it.
//!
//! `cargo run --example turn_run -- "name a colour"`; with `--offline` nobody has to be logged in.

mod stage;

use codex_appserver::Codex;
use codex_appserver_testkit::{Reply, Usage};
use stage::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new(replies())?;
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;

    let thread = codex.thread_start().await?;
    let turn = thread.turn(stage.words("Name a colour.")).effort("low").await?;
    println!("thread: {}\nturn: {}", thread.id(), turn.id());

    // A turn that fails or is interrupted is a value as well; `into_result` would make an error of it.
    let result = turn.run().await?;
    println!("status: {}", result.status);
    if let Some(error) = &result.error {
        println!("error: {}", error.message);
    }
    println!("answer: {}", result.text());
    let items: Vec<_> = result.items.iter().map(|item| item.tag()).collect();
    println!("items: {}", items.join(", "));
    // All requests of this turn to the model. `result.usage` has the last one and the whole thread.
    if let Some(usage) = result.turn_usage {
        println!("tokens: {} read, {} written", usage.own.input, usage.own.output);
    }
    if let Some(duration) = result.duration {
        println!("time: {duration:?}");
    }
    codex.close().await;
    Ok(())
}

/// What the model says with `--offline`.
fn replies() -> [Reply; 1] {
    let usage = Usage { input: 1200, output: 40, ..Usage::default() };
    [Reply::reasoning("Any colour will do.").then(Reply::text_chunks(["Blue", "."])).usage(usage)]
}
