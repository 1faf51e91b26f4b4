//! Conversations that are put in a nutshell.

use anyhow::{Result, ensure};
use codex_appserver_enums::TurnStatus;
use codex_appserver_methods::Methods as _;
use codex_appserver_testkit::{Reply, Usage};
use codex_appserver_types::ThreadItem;

use super::{Scenario, Stage};

pub(super) const SCENARIOS: &[Scenario] = &[Scenario::new("compaction", compaction)
    .with_home(|home| home.setting("model_auto_compact_token_limit = 50000"))];

/// Compaction on demand, and the one that codex starts by itself when the last turn was too large.
///
/// On demand it is a turn of its own, which the response of `thread/compact/start` does not name. By itself it
/// comes within the next turn, before the user's message. Both have one item, `contextCompaction`, and ask the
/// model once, over the usual route; afterwards the summary stands in place of the assistant's messages, while
/// those of the user are kept.
fn compaction(stage: &Stage) -> Result<()> {
    let thread = stage.start_thread()?;
    stage.model.push(Reply::text("One."));
    stage.turn(&thread, "Say one.")?;
    stage.model.push(Reply::text("We counted to one."));
    stage.client.thread_compact_start(&thread.id).call()?;
    compacted(stage)?;
    ensure!(stage.completed(&thread)?.status == TurnStatus::Completed);
    ensure!(stage.model.requests()[1].is_compaction());

    stage.model.push(Reply::text("Two.").usage(Usage { input: 60_000, ..Usage::default() }));
    stage.turn(&thread, "Say two.")?;
    let told = stage.model.requests()[2].user_texts().join("\n");
    ensure!(told.contains("Say one.") && told.contains("We counted to one."), "{told}");

    stage.model.push(Reply::text("We counted to two."));
    stage.model.push(Reply::text("Three."));
    stage.turn(&thread, "Say three.")?;
    compacted(stage)?;
    let requests = stage.model.requests();
    let compactions: Vec<bool> = requests.iter().map(|request| request.is_compaction()).collect();
    ensure!(compactions == [false, true, false, true, false], "{compactions:?}");
    Ok(())
}

fn compacted(stage: &Stage) -> Result<()> {
    stage.item("contextCompaction", |item| matches!(item, ThreadItem::ContextCompaction(_)).then_some(()))
}
