//! Goes on with a thread that an earlier codex has kept: connects anew, lists what there is, resumes and follows up.
//!
//! `cargo run --example existing_thread -- THREAD_ID`, or without an id, to start a thread first; with `--offline`
//! nobody has to be logged in.

mod stage;

use codex_appserver::{Codex, Error};
use codex_appserver_testkit::Reply;
use stage::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new(replies())?;
    let id = match stage.argument() {
        Some(id) => id,
        None => yesterday(&stage).await?,
    };

    let codex = connect(&stage).await?;
    for kept in codex.thread_list().limit(5).await?.data {
        let mark = if kept.id == id { "*" } else { " " };
        println!("{mark} {} {}", kept.id, kept.preview);
    }
    let thread = codex.thread_resume(id).await?;
    let result = thread.run("Which word was it?").await?.into_result()?;
    println!("today: {}", result.text());

    let turns = thread.read().include_turns(true).await?.thread.turns;
    println!("turns so far: {}", turns.len());
    codex.close().await;
    Ok(())
}

/// A conversation with a codex that is gone afterwards. All it takes to go on is the thread's id.
async fn yesterday(stage: &Stage) -> anyhow::Result<String> {
    let codex = connect(stage).await?;
    let thread = codex.thread_start().await?;
    let result = thread.run("Keep the word `heron` in mind.").await?.into_result()?;
    println!("yesterday: {}", result.text());
    codex.close().await;
    Ok(thread.id().to_owned())
}

async fn connect(stage: &Stage) -> Result<Codex, Error> {
    Codex::builder().process(|process| stage.process(process)).start().await
}

/// What the model says with `--offline`.
fn replies() -> [Reply; 2] {
    [Reply::text("I keep it."), Reply::text("It was heron.")]
}
