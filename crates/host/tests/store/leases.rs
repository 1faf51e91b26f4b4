//! Workers, and that each task has one.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use codex_appserver_host::{Batch, Error, Input, NewEvent, Settings, Status, TurnEnd};

use crate::support::{Stage, both, claim, claimed, input, server, working, working_with};

both! {
    a_claimed_task_starts;
    many_workers_share_the_queue;
    renewed_leases_last;
    a_dead_workers_task_goes_to_another;
    a_stale_owner_writes_nothing;
    an_expired_lease_counts_until_it_is_taken;
    a_released_task_is_free_at_once;
    tasks_of_one_thread_run_one_after_the_other;
    two_tasks_never_meet_on_one_thread;
    a_clock_that_jumps_ahead_ends_no_turn;
}

async fn a_claimed_task_starts(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let worker = host.register("ann's machine:17").await?;
    assert_eq!(host.claim(&worker).await?, None);
    let id = host.create(&stage.new_task("Say hello.")).await?.task.id;
    let claim = claim(&host, &worker).await?;
    assert_eq!((claim.task.id, claim.task.status, claim.lease.epoch()), (id, Status::Starting, 1));
    assert_eq!((claim.task.worker, claim.unfinished), (Some(worker.id), None));
    assert_eq!(host.claim(&worker).await?, None, "it was claimed twice");
    assert_eq!(host.workers().await?, vec![worker]);
    Ok(())
}

async fn many_workers_share_the_queue(stage: &Stage) -> Result<()> {
    const TASKS: usize = 40;
    let host = stage.host().await?;
    for number in 0..TASKS {
        host.create(&stage.new_task(&format!("Task {number}."))).await?;
    }
    let mut workers = tokio::task::JoinSet::new();
    for number in 0..4 {
        // As on several machines: each has its own connections.
        let host = stage.host().await?;
        workers.spawn(async move {
            let worker = host.register(&format!("worker {number}")).await?;
            let mut claimed = Vec::new();
            while let Some(claim) = host.claim(&worker).await? {
                claimed.push(claim.task.id);
                tokio::task::yield_now().await;
            }
            anyhow::Ok(claimed)
        });
    }
    let claimed = workers.join_all().await.into_iter().collect::<Result<Vec<_>>>()?.concat();
    assert_eq!(claimed.len(), TASKS);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), TASKS, "a task was claimed twice");
    Ok(())
}

async fn renewed_leases_last(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    settings.lease = Duration::from_millis(600);
    let host = stage.host_with(settings).await?;
    host.create(&stage.new_task("Say hello.")).await?;
    let (worker, other) = (host.register("one").await?, host.register("two").await?);
    let lease = claim(&host, &worker).await?.lease;
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(host.renew(&worker).await?, [lease]);
        assert_eq!(host.claim(&other).await?, None);
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(claim(&host, &other).await?.lease.epoch(), 2);
    assert_eq!(host.renew(&worker).await?, []);
    Ok(())
}

async fn a_dead_workers_task_goes_to_another(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let worker = host.register("next").await?;
    assert_eq!(host.claim(&worker).await?, None);
    stage.expire_leases().await?;
    let claim = claim(&host, &worker).await?;
    assert_eq!((claim.task.id, claim.task.status), (lease.task(), Status::Starting));
    let unfinished = claim.unfinished.context("the turn is to be looked up")?;
    let known = (unfinished.number, unfinished.thread_id.as_deref(), unfinished.turn_id.as_deref());
    assert_eq!(known, (1, Some("t1"), Some("u1")));
    assert_eq!(unfinished.server, Some(server("s1")));
    Ok(())
}

async fn a_stale_owner_writes_nothing(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let stale = working(stage, &host).await?;
    stage.expire_leases().await?;
    let worker = host.register("next").await?;
    let current = claim(&host, &worker).await?.lease;
    let before = host.task(stale.task()).await?;
    let batch = Batch {
        events: vec![NewEvent::stderr("late")],
        inputs: vec![Input::TurnStarted],
        ..Batch::default()
    };
    let id = "00000000-0000-7000-8000-000000000000".parse()?;
    let refused = [
        host.append(&stale, &batch).await.err(),
        host.intend(&stale, &server("s1"), "t2").await.err(),
        host.acknowledge(&stale, &server("s1"), "u2").await.err(),
        host.answers_to_send(&stale, &server("s1")).await.err(),
        host.answer_sent(&stale, id).await.err(),
        host.resolved(&stale, &server("s1"), &1.into()).await.err(),
        host.release(&stale).await.err(),
    ];
    for error in refused {
        let error = error.context("a stale write was taken")?;
        assert!(matches!(error, Error::Fenced { held: 1, current: 2, .. }), "{error}");
    }
    assert_eq!(host.task(stale.task()).await?, before);
    input(&host, &current, Input::TurnStarted).await?;
    Ok(())
}

async fn an_expired_lease_counts_until_it_is_taken(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    stage.expire_leases().await?;
    // The worker was stopped for a while, and no other one came.
    let task = input(&host, &lease, Input::TurnCompleted(TurnEnd::Completed)).await?;
    assert_eq!(task.status, Status::Completed);
    Ok(())
}

async fn a_released_task_is_free_at_once(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = claimed(stage, &host).await?.lease;
    host.release(&lease).await?;
    assert_eq!(host.task(lease.task()).await?.status, Status::Queued);
    let error = host.append(&lease, &Batch::default()).await.err().context("it was given back")?;
    assert!(matches!(error, Error::Fenced { .. }), "{error}");
    let worker = host.register("next").await?;
    assert_eq!(claim(&host, &worker).await?.task.id, lease.task());
    Ok(())
}

async fn tasks_of_one_thread_run_one_after_the_other(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let first = working(stage, &host).await?;
    // Its turn would be steered into the first one's.
    let second = host.create(&stage.new_task("More.").thread_id("t1")).await?.task.id;
    let worker = host.register("next").await?;
    assert_eq!(host.claim(&worker).await?, None);
    assert_eq!(host.task(second).await?.status, Status::Queued);
    input(&host, &first, Input::TurnCompleted(TurnEnd::Completed)).await?;
    assert_eq!(claim(&host, &worker).await?.task.id, second);
    Ok(())
}

async fn two_tasks_never_meet_on_one_thread(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    for round in 0..5 {
        for _ in 0..4 {
            host.create(&stage.new_task("More.").thread_id(format!("r{round}"))).await?;
        }
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let host = stage.host().await?;
            workers.spawn(async move {
                let worker = host.register("worker").await?;
                anyhow::Ok(host.claim(&worker).await?)
            });
        }
        let claims = workers.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
        let thread = Some(format!("r{round}"));
        let claims: Vec<_> =
            claims.into_iter().flatten().filter(|claim| claim.task.thread_id == thread).collect();
        assert_eq!(claims.len(), 1, "round {round}");
    }
    // A task without a thread that begins on one that is busy.
    let busy = working_with(&host, stage.new_task("One.")).await?;
    host.create(&stage.new_task("Two.")).await?;
    let worker = host.register("next").await?;
    let other = loop {
        let claim = claim(&host, &worker).await?;
        if claim.task.prompt == "Two." {
            break claim.lease;
        }
    };
    let error = host.intend(&other, &server("s1"), "t1").await.err().context("the thread is busy")?;
    assert!(matches!(&error, Error::ThreadBusy { thread, .. } if thread == "t1"), "{error}");
    input(&host, &busy, Input::TurnCompleted(TurnEnd::Completed)).await?;
    host.intend(&other, &server("s1"), "t1").await?;
    Ok(())
}

async fn a_clock_that_jumps_ahead_ends_no_turn(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    host.create(&stage.new_task("Say hello.")).await?;
    let worker = host.register("one").await?;
    let lease = claim(&host, &worker).await?.lease;
    // For the store it is an hour later all at once, or everything is an hour older.
    stage.sql("UPDATE tasks SET lease_expires_at = lease_expires_at - 3600000, created_at = created_at - 3600000").await?;
    assert_eq!(host.renew(&worker).await?, [lease]);
    let other = host.register("two").await?;
    assert_eq!(host.claim(&other).await?, None);
    // An hour back: the lease lasts longer, and can be renewed.
    stage.sql("UPDATE tasks SET lease_expires_at = lease_expires_at + 3600000").await?;
    assert_eq!(host.renew(&worker).await?, [lease]);
    assert_eq!(input(&host, &lease, Input::TurnStarted).await?.status, Status::Working);
    Ok(())
}
