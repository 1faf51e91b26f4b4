//! Asks the agent one thing and prints its answer.
//!
//! `cargo run --example quickstart -- "what is in this folder?"`; with `--offline` nobody has to be logged in.

mod stage;

use codex_appserver::Codex;
use codex_appserver_testkit::Reply;
use stage::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new([Reply::text_chunks(["Nothing ", "yet."])])?;

    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;
    let thread = codex.thread_start().await?;
    let result = thread.run(stage.words("What is in this folder?")).await?.into_result()?;
    println!("{}", result.text());
    codex.close().await;
    Ok(())
}
