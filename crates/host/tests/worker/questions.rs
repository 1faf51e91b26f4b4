//! What the agent asks, and who answers.

use std::time::Duration;

use anyhow::{Context, Result};
use codex_appserver::protocol::wire::RequestId;
use codex_appserver::{Approvals, Decision, ThreadCall};
use codex_appserver_host::worker::Server;
use codex_appserver_host::{Answer, RequestKind, RequestStatus, Settings, Status};
use codex_appserver_testkit::{Gate, Reply};
use serde_json::json;

use crate::stage::{Stage, arrived, ended, reached, request};
use crate::support::{self, both, eventually};

both! {
    another_host_answers_an_approval;
}

/// A turn that asks for approval and then ends.
fn asking() -> [Reply; 2] {
    [Reply::command_to_approve("echo made > made", "It is needed."), Reply::text("Made.")]
}

fn accept() -> Answer {
    Answer::Result(json!({"decision": "accept"}))
}

async fn another_host_answers_an_approval(store: &support::Stage) -> Result<()> {
    let Some(stage) = Stage::set(store, asking())? else { return Ok(()) };
    let (host, other) = (stage.host().await?, stage.host().await?);
    let id = host.create(&stage.task("Make it.")).await?.task.id;
    let work = stage.work(&host, Server::Child).await?;
    reached(&other, id, Status::WaitingForApproval).await?;
    let asked = request(&other, id).await?;
    assert_eq!(asked.kind, RequestKind::Command);
    assert_eq!(asked.params["reason"], "It is needed.");
    assert!(matches!(asked.wire_id()?, RequestId::Integer(_)), "{asked:?}");
    other.answer(asked.id, &accept(), "ann", false).await?;

    let task = ended(&other, id).await?;
    assert_eq!((task.status, task.final_text.as_deref()), (Status::Completed, Some("Made.")));
    assert_eq!(std::fs::read_to_string(stage.home.workspace().join("made"))?, "made\n");
    let asked = other.request(asked.id).await?;
    assert_eq!((asked.status, asked.answered_by.as_deref()), (RequestStatus::Resolved, Some("ann")));
    work.stop().await
}

#[tokio::test]
async fn a_question_to_the_user_is_answered() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let ask = Reply::ask_user("Which colour?", ["Red", "Blue"]);
        let Some(stage) = Stage::set(store, [ask, Reply::text("Blue it is.")])? else { return Ok(()) };
        let host = stage.host().await?;
        let id = host.create(&stage.task("Paint it.")).await?.task.id;
        let work = stage.work(&host, Server::Child).await?;
        reached(&host, id, Status::WaitingForUserInput).await?;
        let asked = request(&host, id).await?;
        assert_eq!(asked.kind, RequestKind::UserInput);
        let answer = json!({"answers": {"question": {"answers": ["Blue"]}}});
        host.answer(asked.id, &Answer::Result(answer), "ann", false).await?;
        assert_eq!(ended(&host, id).await?.status, Status::Completed);
        let output = stage.model.requests()[1].tool_output("call_1_1").context("the tool has answered")?;
        assert!(output.contains("Blue"), "{output}");
        work.stop().await
    })
    .await
}

#[tokio::test]
async fn a_request_without_an_answer_is_declined() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let Some(stage) = Stage::set(store, asking())? else { return Ok(()) };
        let mut settings = Settings::default();
        settings.deadlines.approvals = Some(Duration::from_millis(300));
        let host = stage.host_with(settings).await?;
        let id = host.create(&stage.task("Make it.")).await?.task.id;
        let work = stage.work(&host, Server::Child).await?;
        assert_eq!(ended(&host, id).await?.status, Status::Completed);
        assert!(!stage.home.workspace().join("made").exists());
        let by = store.text("SELECT answered_by FROM requests").await?;
        assert_eq!(by, "deadline");
        work.stop().await
    })
    .await
}

#[tokio::test]
async fn an_answer_of_another_client_closes_the_row() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let gate = Gate::new();
        let [ask, end] = asking();
        let Some(stage) = Stage::set(store, [ask, Reply::hold(&gate).then(end)])? else { return Ok(()) };
        let (server, _ended) = stage.shared().await?;
        let host = stage.host().await?;
        let id = host.create(&stage.task("Make it.")).await?.task.id;
        let work = stage.work(&host, Server::Shared(server.clone())).await?;
        let task = reached(&host, id, Status::WaitingForApproval).await?;
        let asked = request(&host, id).await?;
        // No worker is there when the other client answers.
        work.stop().await?;
        let codex = stage.client(&server).await?;
        let thread_id = task.thread_id.context("it has a thread")?;
        let thread =
            codex.thread_resume(thread_id).approvals(Approvals::ask(|_| async { Decision::Accept })).await?;
        arrived(&gate).await?;

        let work = stage.work(&host, Server::Shared(server)).await?;
        eventually("the row is closed", async || {
            Ok(host.request(asked.id).await?.status == RequestStatus::ResolvedElsewhere)
        })
        .await?;
        reached(&host, id, Status::Working).await?;
        gate.open();
        assert_eq!(ended(&host, id).await?.final_text.as_deref(), Some("Made."));
        drop(thread);
        work.stop().await
    })
    .await
}

#[tokio::test]
async fn a_sub_agent_asks_for_its_task() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let Some(stage) = Stage::set(store, [])? else { return Ok(()) };
        let spawn = json!({
            "type": "function_call", "id": "fc_1", "call_id": "call_spawn", "namespace": "multi_agent_v1",
            "name": "spawn_agent", "arguments": json!({"message": "Dig."}).to_string(),
        });
        let spawn = Reply::event(json!({"type": "response.output_item.done", "item": spawn}));
        let gate = Gate::new();
        let mut owner = [spawn, Reply::hold(&gate).then(Reply::text("It is dug."))].into_iter();
        let dig = Reply::command_to_approve("echo dug > dug", "To dig.");
        let mut agent = [dig, Reply::text("Dug.")].into_iter();
        stage.model.answer_with(move |request| {
            let script = if request.user_texts().contains(&"Dig.") { &mut agent } else { &mut owner };
            script.next().unwrap_or_default()
        });
        let host = stage.host().await?;
        let id = host.create(&stage.task("Have it dug.")).await?.task.id;
        let work = stage.work(&host, Server::Child).await?;
        let task = reached(&host, id, Status::WaitingForApproval).await?;
        let asked = request(&host, id).await?;
        assert_ne!(asked.params["threadId"].as_str(), task.thread_id.as_deref());
        host.answer(asked.id, &accept(), "ann", false).await?;
        eventually("the agent digs", async || Ok(stage.home.workspace().join("dug").exists())).await?;
        eventually("its request is resolved", async || {
            Ok(host.request(asked.id).await?.status == RequestStatus::Resolved)
        })
        .await?;
        gate.open();
        let task = ended(&host, id).await?;
        assert_eq!((task.status, task.final_text.as_deref()), (Status::Completed, Some("It is dug.")));
        work.stop().await
    })
    .await
}
