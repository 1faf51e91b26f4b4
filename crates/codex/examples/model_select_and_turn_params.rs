//! Lists the models, takes the one that can think the hardest, and runs two turns with settings of their own.
//!
//! `cargo run --example model_select_and_turn_params`; with `--offline` nobody has to be logged in.

mod stage;

use codex_appserver::Codex;
use codex_appserver::protocol::{Model, ReasoningSummary};
use codex_appserver_testkit::Reply;
use stage::Stage;

/// The efforts that this program knows, from the least to the most. Servers may have others.
const EFFORTS: [&str; 8] = ["none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new([Reply::text("Plan first."), Reply::text("Then do it.")])?;
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;

    let models = all_models(&codex).await?;
    for model in &models {
        let efforts: Vec<_> = efforts(model).collect();
        println!("{:<24} {}", model.model, efforts.join(", "));
    }
    // The first of the best: the server lists what it recommends first.
    let best = models.iter().rev().max_by_key(|model| efforts(model).map(rank).max());
    let best = best.ok_or_else(|| anyhow::anyhow!("the server has no models"))?;
    let effort = efforts(best).max_by_key(|effort| rank(effort)).unwrap_or(&best.default_reasoning_effort);
    println!("taken: {} with effort {effort}", best.model);

    let thread = codex.thread_start().model(&best.model).await?;
    // What is set for a turn holds for the turns after it as well.
    let planned = thread.turn("How would you rename a file?").effort(effort).await?.run().await?;
    println!("{}", planned.into_result()?.text());
    let done =
        thread.turn("Say it shorter.").effort("low").summary(ReasoningSummary::None).await?.run().await?;
    println!("{}", done.into_result()?.text());

    if let Some(model) = stage.model() {
        for request in model.requests() {
            println!("the model was asked with effort {}", request.body["reasoning"]["effort"]);
        }
    }
    codex.close().await;
    Ok(())
}

/// Asks for page after page.
async fn all_models(codex: &Codex) -> anyhow::Result<Vec<Model>> {
    let mut models = Vec::new();
    let mut page = codex.models().limit(4).await?;
    while let Some(cursor) = page.next_cursor {
        models.append(&mut page.data);
        page = codex.models().limit(4).cursor(cursor).await?;
    }
    models.append(&mut page.data);
    Ok(models)
}

fn efforts(model: &Model) -> impl Iterator<Item = &str> {
    model.supported_reasoning_efforts.iter().map(|option| option.reasoning_effort.as_str())
}

/// How much an effort is. One that is not known counts as none.
fn rank(effort: &str) -> usize {
    EFFORTS.iter().position(|known| *known == effort).unwrap_or(0)
}
