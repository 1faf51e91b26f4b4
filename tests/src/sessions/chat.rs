//! Turns that only talk: one, two at once, a long one, and a review.

use anyhow::{Result, ensure};
use codex_appserver_enums::TurnStatus;
use codex_appserver_methods::Methods as _;
use codex_appserver_notifications::ServerNotification;
use codex_appserver_testkit::{Gate, Reply, Usage};
use codex_appserver_types::{CustomReviewTarget, ReviewTarget, Thread, ThreadItem};

use super::{Scenario, Stage};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new("chat", chat),
    Scenario::new("two-threads", two_threads),
    Scenario::new("long-stream", long_stream),
    Scenario::new("review", review),
];

/// What an agent message says once it is complete.
fn message(item: &ThreadItem) -> Option<String> {
    match item {
        ThreadItem::AgentMessage(message) => Some(message.text.clone()),
        _ => None,
    }
}

/// Reasoning and a message come in pieces and then whole, and the bill is passed on.
fn chat(stage: &Stage) -> Result<()> {
    let usage = Usage { input: 1200, cached_input: 1000, output: 80, reasoning_output: 30 };
    stage.model.push(
        Reply::raw_reasoning("A greeting.", "The user greets; I greet back.")
            .then(Reply::text_chunks(["Hello", " there", ", how are you?"]))
            .usage(usage),
    );
    stage.model.push(Reply::text("Good to hear."));
    let thread = stage.start_thread()?;
    let turn = stage.turn(&thread, "Hello.")?;
    ensure!(turn.status == TurnStatus::Completed, "{turn:?}");
    let reasoning = stage.item("reasoning", |item| match item {
        ThreadItem::Reasoning(reasoning) => Some(reasoning.clone()),
        _ => None,
    })?;
    ensure!(reasoning.summary == ["A greeting."], "{reasoning:?}");
    ensure!(reasoning.content == ["The user greets; I greet back."], "{reasoning:?}");
    let said = stage.item("a message", message)?;
    ensure!(said == "Hello there, how are you?", "{said}");
    ensure!(pieces(stage, &thread).concat() == said, "the deltas are not the message");
    let billed = stage.client.expect("thread/tokenUsage/updated", |notification| match notification {
        ServerNotification::ThreadTokenUsageUpdated(updated) => Some(updated.token_usage.total.clone()),
        _ => None,
    })?;
    ensure!(billed.cached_input_tokens == 1000 && billed.reasoning_output_tokens == 30, "{billed:?}");

    stage.turn(&thread, "I am well.")?;
    let asked = &stage.model.requests()[1];
    ensure!(asked.user_texts().ends_with(&["Hello.", "I am well."]), "{:?}", asked.user_texts());
    Ok(())
}

/// The deltas of agent messages on a thread so far.
fn pieces(stage: &Stage, thread: &Thread) -> Vec<String> {
    stage.client.told(|notification| match notification {
        ServerNotification::ItemAgentMessageDelta(delta) if delta.thread_id == thread.id => {
            Some(delta.delta.clone())
        }
        _ => None,
    })
}

/// Two threads have a turn each at the same time, and the one that began last ends first.
///
/// Gates make the order the same in every run; without them the two interleave as they like.
fn two_threads(stage: &Stage) -> Result<()> {
    let (left_gate, right_gate) = (Gate::new(), Gate::new());
    let reply = |side: &str, gate: &Gate| {
        Reply::text_chunks([side, " begins."])
            .then(Reply::hold(gate))
            .then(Reply::text(format!("{side} ends.")))
            .labelled(side)
    };
    let left = stage.start_thread()?;
    let right = stage.start_thread()?;
    stage.model.push(reply("left", &left_gate));
    stage.start_turn(&left, "Go left.")?;
    ensure!(stage.item("the first message", message)? == "left begins.");
    stage.model.push(reply("right", &right_gate));
    stage.start_turn(&right, "Go right.")?;
    ensure!(stage.item("the second message", message)? == "right begins.");
    right_gate.open();
    let done = stage.completed(&right)?;
    ensure!(done.status == TurnStatus::Completed, "{done:?}");
    left_gate.open();
    stage.completed(&left)?;
    ensure!(pieces(stage, &left).concat() == "left begins.left ends.");
    ensure!(pieces(stage, &right).concat() == "right begins.right ends.");
    // Each thread told the model its own story only.
    for request in stage.model.requests() {
        let said = request.user_texts().join(" ");
        ensure!(said.contains("left") != said.contains("right"), "{said}");
    }
    let loaded = stage.client.thread_loaded_list().call()?.data;
    ensure!(loaded.len() == 2, "{loaded:?}");
    Ok(())
}

/// 400 deltas arrive one by one and in order.
fn long_stream(stage: &Stage) -> Result<()> {
    let chunks: Vec<String> = (1..=400).map(|number| format!("{number} ")).collect();
    stage.model.push(Reply::text_chunks(chunks.clone()));
    let thread = stage.start_thread()?;
    stage.turn(&thread, "Count to 400.")?;
    ensure!(pieces(stage, &thread) == chunks, "the deltas are others, or in another order");
    ensure!(stage.item("the message", message)? == chunks.concat());
    Ok(())
}

/// A review is a turn within a turn. The response, the items that enter and leave the review, and
/// `turn/completed` name the outer one; `turn/started` and what the reviewer says name the inner one, whose
/// `rootTurnId` is the outer one. The reviewer's own message is begun and never completed.
fn review(stage: &Stage) -> Result<()> {
    let thread = stage.start_thread()?;
    let finding = serde_json::json!({
        "findings": [], "overall_correctness": "patch is correct", "overall_explanation": "Nothing to add.",
        "overall_confidence_score": 0.9,
    });
    stage.model.push(Reply::text(finding.to_string()));
    let target = ReviewTarget::from(CustomReviewTarget::new("Look at it closely."));
    let outer = stage.client.review_start(&thread.id, target).call()?.turn.id;
    let inner = stage.client.expect("turn/started", |notification| match notification {
        ServerNotification::TurnStarted(started) => Some(started.turn.clone()),
        _ => None,
    })?;
    ensure!(inner.id != outer && inner.root_turn_id.as_ref() == Some(&outer), "{outer}: {inner:?}");
    let exited = stage.item("the end of the review", |item| match item {
        ThreadItem::ExitedReviewMode(exited) => Some(exited.review.clone()),
        _ => None,
    })?;
    ensure!(exited.contains("Nothing to add."), "{exited}");
    let done = stage.completed(&thread)?;
    ensure!(done.id == outer && done.status == TurnStatus::Completed, "{outer}: {done:?}");
    Ok(())
}
