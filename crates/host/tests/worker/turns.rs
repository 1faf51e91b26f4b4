//! Turns from their beginning to their end.

use std::time::Duration;

use anyhow::Result;
use codex_appserver_host::worker::{Finished, RunnerSettings, Server};
use codex_appserver_host::{EventId, Status, TaskFilter};
use codex_appserver_testkit::{Gate, Reply};

use crate::stage::{Stage, arrived, ended, reached};
use crate::support::{self, both};

both! {
    a_task_runs_to_its_end;
    two_workers_run_each_task_once;
}

async fn a_task_runs_to_its_end(store: &support::Stage) -> Result<()> {
    let Some(stage) = Stage::set(store, [Reply::text("All is tidy.")])? else { return Ok(()) };
    let host = stage.host().await?;
    let mut settings = RunnerSettings::default();
    settings.idle = Some(Duration::from_millis(300));
    let id = host.create(&stage.task("Tidy up.")).await?.task.id;
    let work = stage.work_with(&host, Server::Child, settings).await?;

    let task = ended(&host, id).await?;
    assert_eq!((task.status, task.error.as_deref()), (Status::Completed, None));
    assert_eq!(
        (task.final_text.as_deref(), task.ended_by.as_deref()),
        (Some("All is tidy."), Some("server"))
    );
    assert!(task.thread_id.is_some() && task.turn_id.is_some() && task.usage.is_some(), "{task:?}");
    let attempts = host.attempts(id).await?;
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].outcome.as_deref(), Some("completed"));
    assert_eq!(attempts[0].turn_id, task.turn_id);
    let events = host.events(id, Some(EventId { epoch: 0, seq: 0 }), 1_000).await?.events;
    for method in ["host/claimed", "turn/started", "item/completed", "turn/completed"] {
        assert!(events.iter().any(|event| event.method == method), "{method}: {events:?}");
    }
    assert_eq!(work.finished().await?, Finished::Idle);
    assert_eq!(stage.model.requests().len(), 1);
    Ok(())
}

async fn two_workers_run_each_task_once(store: &support::Stage) -> Result<()> {
    let Some(stage) = Stage::set(store, (0..10).map(|_| Reply::text("Done.")))? else { return Ok(()) };
    let (server, _ended) = stage.shared().await?;
    let (one, two) = (stage.host().await?, stage.host().await?);
    let mut ids = Vec::new();
    for number in 0..10 {
        ids.push(one.create(&stage.task(&format!("Task {number}."))).await?.task.id);
    }
    let mut settings = RunnerSettings::default();
    settings.tasks_at_once = 2;
    let first = stage.work_with(&one, Server::Shared(server.clone()), settings.clone()).await?;
    let second = stage.work_with(&two, Server::Shared(server), settings).await?;
    for id in ids {
        assert_eq!(ended(&one, id).await?.status, Status::Completed);
        assert_eq!(one.attempts(id).await?.len(), 1);
    }
    let mut asked: Vec<_> =
        stage.model.requests().iter().map(|request| request.last_user_text().map(str::to_owned)).collect();
    asked.sort();
    let wanted: Vec<_> = (0..10).map(|number| Some(format!("Task {number}."))).collect();
    assert_eq!(asked, wanted);
    assert_eq!(one.tasks(&TaskFilter::default()).await?.tasks.len(), 10);
    first.stop().await?;
    second.stop().await
}

#[tokio::test]
async fn another_process_interrupts() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let gate = Gate::new();
        let Some(stage) = Stage::set(store, [Reply::hold(&gate), Reply::text("The other one.")])? else {
            return Ok(());
        };
        let (host, other) = (stage.host().await?, stage.host().await?);
        let id = host.create(&stage.task("Take your time.")).await?.task.id;
        let work = stage.work(&host, Server::Child).await?;
        reached(&other, id, Status::Working).await?;
        arrived(&gate).await?;
        // One that hangs does not keep the next one.
        let quick = host.create(&stage.task("Be quick.")).await?.task.id;
        assert_eq!(ended(&host, quick).await?.final_text.as_deref(), Some("The other one."));

        other.interrupt(id, "ann").await?;
        let task = ended(&host, id).await?;
        assert_eq!((task.status, task.ended_by.as_deref()), (Status::Cancelled, Some("ann")));
        work.stop().await
    })
    .await
}

#[tokio::test]
async fn a_turn_that_cannot_begin_fails_its_task() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let failed = [Reply::stream_error("invalid_prompt", "The model does not like that.")];
        let Some(stage) = Stage::set(store, failed)? else { return Ok(()) };
        let host = stage.host().await?;
        let unknown = stage.task("Go on.").thread_id("019f0000-0000-7000-8000-000000000000");
        let unknown = host.create(&unknown).await?.task.id;
        let refused = host.create(&stage.task("Something bad.")).await?.task.id;
        let work = stage.work(&host, Server::Child).await?;
        let task = ended(&host, unknown).await?;
        let error = task.error.unwrap_or_default();
        assert!(task.status == Status::Failed && error.contains("failed to load thread"), "{error}");
        let task = ended(&host, refused).await?;
        let error = task.error.unwrap_or_default();
        assert!(task.status == Status::Failed && error.contains("does not like"), "{error}");
        work.stop().await
    })
    .await
}

/// The answer to a claim was lost, so that the worker has a task of which it does not know.
#[tokio::test]
async fn a_claim_without_an_answer_is_given_back() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let Some(stage) = Stage::set(store, [Reply::text("Done.")])? else { return Ok(()) };
        let host = stage.host().await?;
        let mut settings = RunnerSettings::default();
        (settings.renew, settings.tasks_at_once) = (Some(Duration::from_millis(100)), 0);
        let work = stage.work_with(&host, Server::Child, settings).await?;
        support::eventually("it is registered", async || Ok(host.workers().await?.len() == 1)).await?;
        let id = host.create(&stage.task("Go.")).await?.task.id;
        support::claim(&host, &host.workers().await?[0]).await?;
        support::eventually("it is given back", async || Ok(host.task(id).await?.worker.is_none())).await?;
        let next = stage.work(&host, Server::Child).await?;
        assert_eq!(ended(&host, id).await?.status, Status::Completed);
        work.stop().await?;
        next.stop().await
    })
    .await
}
