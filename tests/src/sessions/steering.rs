//! Turns that the client breaks into.

use anyhow::{Context as _, Result, ensure};
use codex_appserver_enums::TurnStatus;
use codex_appserver_methods::Methods as _;
use codex_appserver_testkit::{Gate, Reply};
use codex_appserver_types::ThreadItem;
use codex_appserver_wire::RpcError;

use super::stage::input;
use super::{Scenario, Stage};

pub(super) const SCENARIOS: &[Scenario] =
    &[Scenario::new("interrupt", interrupt), Scenario::new("steer", steer)];

/// The turn ends as `interrupted`; the message that was being written has no `item/completed`. An interrupt
/// of a turn that is over is an error.
///
/// The turn may be interrupted only after `turn/started`: before, the server may not know that it runs.
fn interrupt(stage: &Stage) -> Result<()> {
    stage.model.push(Reply::unfinished_text(["This takes"]).then(Reply::hold(&Gate::new())));
    let thread = stage.start_thread()?;
    let turn = stage.start_turn_and_wait(&thread, "Take your time.")?;
    stage.delta(&thread)?;
    stage.client.turn_interrupt(&thread.id, &turn.id).call()?;
    let done = stage.completed(&thread)?;
    ensure!(done.id == turn.id && done.status == TurnStatus::Interrupted, "{done:?}");

    let late = stage.client.turn_interrupt(&thread.id, &turn.id).call().err().context("it is over")?;
    let late = late.downcast::<RpcError>()?;
    ensure!(late.code == -32600, "{late}");

    // The thread is as good as before, and the model is told what happened.
    stage.model.push(Reply::text("Here I am."));
    ensure!(stage.turn(&thread, "Still there?")?.status == TurnStatus::Completed);
    let told = stage.model.requests()[1].user_texts().join("\n");
    ensure!(told.contains("<turn_aborted>"), "{told}");
    Ok(())
}

/// What the client adds to a running turn reaches the model within that turn.
///
/// codex does not wait for the answer that is under way: it hangs up, drops the message begun (it has no
/// `item/completed`) and asks again, now with the added text.
fn steer(stage: &Stage) -> Result<()> {
    stage.model.push(Reply::unfinished_text(["I go right"]).then(Reply::hold(&Gate::new())));
    stage.model.push(Reply::text("I go left."));
    let thread = stage.start_thread()?;
    let turn = stage.start_turn_and_wait(&thread, "Go.")?;
    stage.delta(&thread)?;
    let steered = stage.client.turn_steer(&thread.id, &turn.id, input("Left, please.")).call()?;
    ensure!(steered.turn_id == turn.id, "{steered:?}");
    let done = stage.completed(&thread)?;
    ensure!(done.id == turn.id && done.status == TurnStatus::Completed, "{done:?}");
    let said = stage.item("the message", |item| match item {
        ThreadItem::AgentMessage(message) => Some(message.text.clone()),
        _ => None,
    })?;
    ensure!(said == "I go left.", "{said}");
    let requests = stage.model.requests();
    let asked = requests[1].last_user_text();
    ensure!(requests.len() == 2 && asked == Some("Left, please."), "{asked:?}");
    Ok(())
}
