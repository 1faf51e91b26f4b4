//! Workers and servers that are lost in the middle of a turn.

use std::time::Duration;

use anyhow::{Context, Result};
use codex_appserver_host::worker::{RunnerSettings, Server};
use codex_appserver_host::{Answer, IfLost, RequestKind, RequestStatus, ServerInstance, Settings, Status};
use codex_appserver_testkit::{Gate, Reply};
use rustix::process::Signal;
use serde_json::json;

use crate::stage::{Stage, arrived, ended, kill, reached, request};
use crate::support::{self, both};

both! {
    the_next_worker_adopts_a_turn;
    a_killed_server_loses_its_turns;
    what_a_crash_left_is_sent_once;
}

/// One worker crashes while the turn waits for an approval, the next one is stopped, and the third one gets the answer.
async fn the_next_worker_adopts_a_turn(store: &support::Stage) -> Result<()> {
    let ask = Reply::command_to_approve("echo made > made", "It is needed.");
    let Some(stage) = Stage::set(store, [ask, Reply::text("Made.")])? else { return Ok(()) };
    let (server, _ended) = stage.shared().await?;
    let server = Server::Shared(server);
    let mut settings = Settings::default();
    settings.lease = Duration::from_millis(1_500);
    let host = stage.host_with(settings).await?;
    let id = host.create(&stage.task("Make it.")).await?.task.id;
    let work = stage.work(&host, server.clone()).await?;
    let task = reached(&host, id, Status::WaitingForApproval).await?;
    let asked = request(&host, id).await?;
    work.crash().await;

    let work = stage.work(&host, server.clone()).await?;
    let first = task.worker;
    let adopted = async |worker| {
        support::eventually("another worker has the task", async || {
            let now = host.task(id).await?;
            Ok(now.worker.is_some() && now.worker != worker && now.status == Status::WaitingForApproval)
        })
        .await
    };
    adopted(first).await?;
    let second = host.task(id).await?.worker;
    // It asks once more, and is the same request.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(request(&host, id).await?.id, asked.id);
    work.stop().await?;
    assert_eq!(host.task(id).await?.worker, None);

    let work = stage.work(&host, server).await?;
    adopted(second).await?;
    host.answer(asked.id, &Answer::Result(json!({"decision": "accept"})), "ann", false).await?;
    let end = ended(&host, id).await?;
    assert_eq!((end.status, end.final_text.as_deref()), (Status::Completed, Some("Made.")));
    assert_eq!((end.turn_id, end.attempt), (task.turn_id, 1));
    assert!(stage.home.workspace().join("made").exists());
    assert_eq!(stage.model.requests().len(), 2, "nothing was sent twice");
    work.stop().await
}

/// A worker that was stopped for too long comes back, and leaves the turn to the next one.
#[tokio::test]
async fn a_stale_worker_leaves_its_turn_alone() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let gate = Gate::new();
        let Some(stage) = Stage::set(store, [Reply::hold(&gate).then(Reply::text("Done."))])? else {
            return Ok(());
        };
        let (server, _ended) = stage.shared().await?;
        let host = stage.host().await?;
        let id = host.create(&stage.task("Go.")).await?.task.id;
        let mut settings = RunnerSettings::default();
        (settings.renew, settings.tasks_at_once) = (Some(Duration::from_secs(3_600)), 1);
        let stale = stage.work_with(&host, Server::Shared(server.clone()), settings).await?;
        let task = reached(&host, id, Status::Working).await?;
        arrived(&gate).await?;
        store.expire_leases().await?;
        let next = stage.work(&host, Server::Shared(server)).await?;
        support::eventually("another worker has the task", async || {
            let now = host.task(id).await?;
            Ok(now.worker.is_some() && now.worker != task.worker && now.status == Status::Working)
        })
        .await?;
        // Long enough for an interrupt.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        gate.open();
        let end = ended(&host, id).await?;
        assert_eq!((end.status, end.final_text.as_deref()), (Status::Completed, Some("Done.")));
        assert_eq!(end.turn_id, task.turn_id);
        assert_eq!(stage.model.requests().len(), 1);
        stale.stop().await?;
        next.stop().await
    })
    .await
}

/// Its tasks end as they say: one fails, the other one asks and goes on.
async fn a_killed_server_loses_its_turns(store: &support::Stage) -> Result<()> {
    let ask = || Reply::command_to_approve("echo made > made", "It is needed.");
    let Some(stage) = Stage::set(store, [ask(), ask(), Reply::text("On I went.")])? else { return Ok(()) };
    let host = stage.host().await?;
    let fails = host.create(&stage.task("Fail then.")).await?.task.id;
    let asks = host.create(&stage.task("Ask then.").if_lost(IfLost::Ask)).await?.task.id;
    let work = stage.work(&host, Server::Child).await?;
    let mut asked = Vec::new();
    for id in [fails, asks] {
        reached(&host, id, Status::WaitingForApproval).await?;
        asked.push(request(&host, id).await?.id);
    }
    kill(work.server, Signal::KILL)?;

    let task = ended(&host, fails).await?;
    let error = task.error.unwrap_or_default();
    assert!(task.status == Status::Failed && error.contains("the server ended"), "{error}");
    reached(&host, asks, Status::WaitingForUserInput).await?;
    for id in asked {
        let status = host.request(id).await?.status;
        assert!(matches!(status, RequestStatus::Orphaned | RequestStatus::Ended), "{status}");
    }
    let question = request(&host, asks).await?;
    assert_eq!(question.kind, RequestKind::Resume);
    assert_eq!(host.attempts(asks).await?[0].outcome.as_deref(), Some("lost"));
    host.answer(question.id, &Answer::Result(json!({"resume": true})), "ann", false).await?;
    let task = ended(&host, asks).await?;
    assert_eq!((task.status, task.final_text.as_deref()), (Status::Completed, Some("On I went.")));
    let requests = stage.model.requests();
    let said = requests[2].last_user_text().context("the user has said something")?;
    assert!(said.contains("cut off") && said.ends_with("Ask then."), "{said}");
    assert_eq!(requests.len(), 3);
    work.stop().await
}

/// A child process ends with its worker, and the turn is lost with it.
#[tokio::test]
async fn a_worker_that_stops_takes_its_own_server_along() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let gate = Gate::new();
        let Some(stage) = Stage::set(store, [Reply::hold(&gate), Reply::text("On I went.")])? else {
            return Ok(());
        };
        let host = stage.host().await?;
        let id = host.create(&stage.task("Go.").if_lost(IfLost::Continue)).await?.task.id;
        let work = stage.work(&host, Server::Child).await?;
        arrived(&gate).await?;
        reached(&host, id, Status::Working).await?;
        work.stop().await?;
        assert_eq!(host.task(id).await?.status, Status::Queued);
        let work = stage.work(&host, Server::Child).await?;
        let task = ended(&host, id).await?;
        assert_eq!((task.status, task.attempt), (Status::Completed, 2), "{:?}", task.error);
        work.stop().await
    })
    .await
}

/// A server that is told to end says that its turns are interrupted. No user has asked for that.
#[tokio::test]
async fn a_server_that_ends_loses_its_turns() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let gate = Gate::new();
        let Some(stage) = Stage::set(store, [Reply::hold(&gate)])? else { return Ok(()) };
        let host = stage.host().await?;
        let id = host.create(&stage.task("Go.")).await?.task.id;
        let work = stage.work(&host, Server::Child).await?;
        arrived(&gate).await?;
        reached(&host, id, Status::Working).await?;
        kill(work.server, Signal::TERM)?;
        let task = ended(&host, id).await?;
        let error = task.error.unwrap_or_default();
        assert!(
            task.status == Status::Failed && error.contains("the server ended"),
            "{}: {error}",
            task.status
        );
        work.stop().await
    })
    .await
}

/// Two workers have crashed: one between the intent and the call, the other one between the call and its answer.
async fn what_a_crash_left_is_sent_once(store: &support::Stage) -> Result<()> {
    let Some(stage) = Stage::set(store, [Reply::text("Sent before."), Reply::text("Sent now.")])? else {
        return Ok(());
    };
    let (server, _ended) = stage.shared().await?;
    let host = stage.host().await?;
    let crashed = host.register("crashed").await?;
    let codex = stage.client(&server).await?;
    let run = ServerInstance::new("a server that is known by another name");
    let mut threads = Vec::new();
    for prompt in ["Was sent.", "Was not sent."] {
        let id = host.create(&stage.task(prompt)).await?.task.id;
        let lease = host.claim(&crashed).await?.context("there is a task")?.lease;
        assert_eq!(lease.task(), id);
        let thread = codex.thread_start().await?;
        let attempt = host.intend(&lease, &run, thread.id()).await?;
        if threads.is_empty() {
            let turn =
                thread.turn(prompt).client_user_message_id(attempt.client_message_id.to_string()).await?;
            turn.run().await?;
        }
        threads.push((id, thread));
    }
    store.expire_leases().await?;
    let work = stage.work(&host, Server::Shared(server)).await?;
    for (text, (id, thread)) in ["Sent before.", "Sent now."].into_iter().zip(&threads) {
        let task = ended(&host, *id).await?;
        assert_eq!(
            (task.status, task.final_text.as_deref()),
            (Status::Completed, Some(text)),
            "{:?}",
            task.error
        );
        let adopted = text == "Sent before.";
        assert_eq!(task.thread_id.as_deref() == Some(thread.id()), adopted);
        assert_eq!(task.attempt, if adopted { 1 } else { 2 });
    }
    assert_eq!(stage.model.requests().len(), 2, "nothing was sent twice");
    work.stop().await
}

/// The database goes away while the turn runs a command and asks for an approval.
#[tokio::test]
async fn a_store_that_is_away_stops_no_turn() -> Result<()> {
    support::run(support::Kind::Postgres, async |store: &support::Stage| {
        let gate = Gate::new();
        let replies = [
            Reply::hold(&gate).then(Reply::command("ls")),
            Reply::command_to_approve("echo made > made", "It is needed."),
            Reply::text("Done."),
        ];
        let Some(stage) = Stage::set(store, replies)? else { return Ok(()) };
        let host = stage.host().await?;
        let id = host.create(&stage.task("Go.").approval_policy("on-request")).await?.task.id;
        let work = stage.work(&host, Server::Child).await?;
        arrived(&gate).await?;
        reached(&host, id, Status::Working).await?;
        store.connections(false).await?;
        gate.open();
        support::eventually("the turn goes on", async || Ok(stage.model.requests().len() == 2)).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
        store.connections(true).await?;
        reached(&host, id, Status::WaitingForApproval).await?;
        let asked = request(&host, id).await?.id;
        host.answer(asked, &Answer::Result(json!({"decision": "accept"})), "ann", false).await?;
        let task = ended(&host, id).await?;
        assert_eq!((task.status, task.final_text.as_deref()), (Status::Completed, Some("Done.")));
        work.stop().await
    })
    .await
}

/// The shared server is killed. The worker has another one started, on which the turn is lost.
#[tokio::test]
async fn a_killed_shared_server_is_started_again() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let ask = Reply::command_to_approve("echo made > made", "It is needed.");
        let Some(stage) = Stage::set(store, [ask, Reply::text("On I went.")])? else { return Ok(()) };
        let (server, _ended) = stage.shared().await?;
        let host = stage.host().await?;
        let id = host.create(&stage.task("Go.").if_lost(IfLost::Continue)).await?.task.id;
        let work = stage.work(&host, Server::Shared(server)).await?;
        reached(&host, id, Status::WaitingForApproval).await?;
        let asked = request(&host, id).await?.id;
        kill(work.server, Signal::KILL)?;
        let task = ended(&host, id).await?;
        assert_eq!((task.status, task.attempt), (Status::Completed, 2), "{:?}", task.error);
        assert_eq!(host.request(asked).await?.status, RequestStatus::Orphaned);
        assert_eq!(host.attempts(id).await?[0].outcome.as_deref(), Some("lost"));
        work.stop().await
    })
    .await
}

/// Of a server at an address nothing is known but its answers: what it asks again is a new request.
#[tokio::test]
async fn a_turn_at_an_address_is_adopted() -> Result<()> {
    support::run(support::Kind::Sqlite, async |store: &support::Stage| {
        let ask = Reply::command_to_approve("echo made > made", "It is needed.");
        let Some(stage) = Stage::set(store, [ask, Reply::text("Made.")])? else { return Ok(()) };
        let (server, _ended) = stage.shared().await?;
        let at = Server::At(server.address().clone());
        let host = stage.host().await?;
        let id = host.create(&stage.task("Make it.")).await?.task.id;
        let work = stage.work(&host, at.clone()).await?;
        let task = reached(&host, id, Status::WaitingForApproval).await?;
        let first = request(&host, id).await?.id;
        work.stop().await?;

        let work = stage.work(&host, at).await?;
        support::eventually("the request is a new one", async || {
            let open = host.open_requests(Some(id)).await?;
            Ok(open.len() == 1 && open[0].id != first)
        })
        .await?;
        assert_eq!(host.request(first).await?.status, RequestStatus::Orphaned);
        let asked = request(&host, id).await?.id;
        host.answer(asked, &Answer::Result(json!({"decision": "accept"})), "ann", false).await?;
        let end = ended(&host, id).await?;
        assert_eq!((end.status, end.turn_id), (Status::Completed, task.turn_id), "{:?}", end.error);
        assert_eq!(stage.model.requests().len(), 2, "nothing was sent twice");
        work.stop().await
    })
    .await
}
