//! Sub-agents, which work on after the turn that they work for.

use codex_appserver::{
    Approvals, Decision, ServerNotification, protocol::CommandExecutionStatus, protocol::ThreadItem,
};
use codex_appserver_testkit::{Gate, Reply};
use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn a_sub_agent_outliving_its_turn_is_declined() {
    let home = |home: codex_appserver_testkit::CodexHomeBuilder| home.feature("multi_agent", true);
    let Some(stage) = Stage::with([], home) else { return };
    let spawn = json!({
        "type": "function_call", "id": "fc_1", "call_id": "call_spawn", "namespace": "multi_agent_v1",
        "name": "spawn_agent", "arguments": json!({"message": "Dig."}).to_string(),
    });
    let spawn = Reply::event(json!({"type": "response.output_item.done", "item": spawn}));
    let gate = Gate::new();
    let digs = Reply::hold(&gate).then(Reply::command_to_approve("echo dug", "To dig."));
    let (mut owner, mut agent) =
        ([spawn, Reply::text("It digs.")].into_iter(), [digs, Reply::text("Not dug.")].into_iter());
    stage.model.answer_with(move |request| {
        let script = if request.user_texts().contains(&"Dig.") { &mut agent } else { &mut owner };
        script.next().unwrap_or_default()
    });
    let codex = stage
        .builder()
        .approvals(Approvals::ask(|_| async { Decision::Accept }))
        .start()
        .await
        .expect("a codex");
    let mut all = codex.client().events(codex_appserver::Filter::All);
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("Have it dug.").await.expect("a turn");
    turn.on_approval(Approvals::ask(|_| async { Decision::Decline }));
    assert_eq!(turn.run().await.expect("a result").text(), "It digs.");
    gate.open();
    let status = loop {
        let event = all.next().await.expect("an event").expect("it goes on");
        if let Some(ServerNotification::ItemCompleted(done)) = event.into_notification()
            && let ThreadItem::CommandExecution(command) = done.item
        {
            break command.status;
        }
    };
    assert_eq!(status, CommandExecutionStatus::Declined);
}
