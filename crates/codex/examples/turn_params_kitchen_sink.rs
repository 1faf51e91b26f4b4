//! Every stable param of `turn/start`, each by its setter. None of them is needed.
//!
//! `cargo run --example turn_params_kitchen_sink`; with `--offline` nobody has to be logged in.

mod stage;

use codex_appserver::protocol::*;
use codex_appserver::{Codex, Input};
use codex_appserver_testkit::Reply;
use serde_json::json;
use stage::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new([Reply::text("Three."), Reply::text(r#"{"words":3}"#), Reply::text("Green.")])?;
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;
    let thread = codex.thread_start().await?;
    let folder = stage.workspace()?.display().to_string();
    let first = thread.run("How many words has `one two three`?").await?.into_result()?;

    let writable = WorkspaceWriteSandboxPolicy::new().writable_roots([folder.clone()]).network_access(false);
    let schema = json!({
        "type": "object",
        "properties": {"words": {"type": "integer"}},
        "required": ["words"],
        "additionalProperties": false,
    });
    let turn = thread
        .turn("And now as JSON.")
        // These are settings of the thread: they hold for the turns after this one, too.
        .model("gpt-5.5")
        .effort("high")
        .summary(ReasoningSummary::Concise)
        .cwd(&folder)
        .sandbox_policy(writable)
        .approval_policy(AskForApproval::OnRequest)
        .approvals_reviewer(ApprovalsReviewer::User)
        .service_tier("default")
        .disabled_plugin_ids(["calendar"])
        .personality(Personality::Pragmatic) // deprecated: codex takes it and does nothing about it
        // These are for this turn alone.
        .service_tier_for_turn("default")
        .output_schema(schema) // from a Rust type: see the example structured_output
        .client_user_message_id("message-2")
        // Where the turn comes from, for work that one turn hands to another.
        .parent_turn_id(&first.turn_id)
        .root_turn_id(&first.turn_id)
        .turn_trigger("user")
        .await?;
    let second = turn.run().await?.into_result()?;
    println!("as JSON: {}", second.text());
    for item in &second.items {
        if let ThreadItem::UserMessage(message) = item {
            println!("our id of the message: {}", message.client_id.as_deref().unwrap_or("none"));
        }
    }

    // The outcome of a tool of ours can begin a turn, in place of words of the user.
    let built = TurnToolOutput::new("build", "All tests pass.").namespace("ci").retain(true);
    let third = thread.turn(Input::none()).tool_output(built).await?.run().await?.into_result()?;
    println!("about the build: {}", third.text());

    if let Some(request) = stage.model().and_then(|model| model.requests().into_iter().nth(1)) {
        println!("the model was asked for {} with {}", request.body["model"], request.body["reasoning"]);
    }
    codex.close().await;
    Ok(())
}
