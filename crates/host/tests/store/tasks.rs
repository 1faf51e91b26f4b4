//! Creating, reading, listing and pruning tasks.

use std::time::Duration;

use anyhow::{Context, Result};
use codex_appserver_host::{Error, IfLost, Input, NewTask, Status, TaskFilter, TurnEnd};

use crate::support::{Stage, both, claim, input, working_with};

both! {
    a_task_is_kept_as_it_was_created;
    tasks_that_would_run_unattended_are_refused;
    a_key_creates_one_task;
    many_creators_with_one_key_get_one_task;
    lists_have_filters_and_pages;
    without_a_live_lease_nothing_works;
    only_ended_tasks_are_pruned;
    a_retry_is_a_new_task;
    texts_of_any_characters_are_kept;
}

async fn a_task_is_kept_as_it_was_created(stage: &Stage) -> Result<()> {
    let prompt = format!("Fix\nthe   bug. {}", "é".repeat(400));
    let new = stage.new_task(&prompt).model("m").sandbox("workspace-write").approval_policy("on-request");
    let new = new.if_lost(IfLost::Ask).notify("local").idempotency_key("k").thread_id("t");
    let created = stage.host().await?.create(&new).await?;
    assert!(created.is_new);
    // Another process reads the same.
    let task = stage.host().await?.task(created.task.id).await?;
    assert_eq!(task, created.task);
    assert_eq!(task.prompt, prompt);
    assert_eq!(task.summary.chars().count(), 300);
    assert!(task.summary.starts_with("Fix the bug. é") && task.summary.ends_with("é…"), "{}", task.summary);
    let members = (task.model.as_deref(), task.sandbox.as_str(), task.approval_policy.as_str(), task.if_lost);
    assert_eq!(members, (Some("m"), "workspace-write", "on-request", IfLost::Ask));
    assert_eq!((task.status, task.attempt, task.open_requests), (Status::Queued, 0, 0));
    assert_eq!(task.thread_id.as_deref(), Some("t"));
    Ok(())
}

async fn tasks_that_would_run_unattended_are_refused(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let ok = || stage.new_task("Say hello.");
    let missing = stage.folder().join("missing");
    for (new, reason) in [
        (stage.new_task(" \n"), "the prompt is empty; say what the task is".to_owned()),
        (
            stage.new_task(&"x".repeat((1 << 20) + 1)),
            "the prompt has 1048577 characters, and the server takes 1048576; put the rest into a file".to_owned(),
        ),
        (
            NewTask::new("Say hello.", "src"),
            "the working directory `src` is relative; give the whole path".to_owned(),
        ),
        (
            NewTask::new("Say hello.", &missing),
            format!(
                "the working directory `{}` does not exist, or is no directory; create it first",
                missing.display()
            ),
        ),
        (
            ok().sandbox("danger-full-access"),
            "the sandbox `danger-full-access` is not for unattended tasks; use `read-only` or `workspace-write`"
                .to_owned(),
        ),
        (
            ok().approval_policy("never"),
            "the approval policy `never` is not for unattended tasks; use `untrusted` or `on-request`".to_owned(),
        ),
        (stage.new_task("a\0b"), "the prompt has a NUL character; remove it".to_owned()),
        (ok().idempotency_key(" "), "the idempotency key is empty or longer than 4096 bytes".to_owned()),
    ] {
        let error = host.create(&new).await.err().with_context(|| reason.clone())?;
        assert_eq!(error.to_string(), format!("create the task: {reason}"));
    }
    assert_eq!(host.tasks(&TaskFilter::default()).await?.tasks, []);
    Ok(())
}

async fn a_key_creates_one_task(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let new = || stage.new_task("Say hello.").idempotency_key("k");
    let first = host.create(&new()).await?;
    let second = host.create(&new()).await?;
    assert_eq!((second.is_new, second.task.id), (false, first.task.id));
    let error = host.create(&new().model("m")).await.err().context("it was taken")?;
    let expected = format!(
        "create the task: the idempotency key `k` belongs to task {}, which differs in its model; use another key",
        first.task.id
    );
    assert_eq!(error.to_string(), expected);
    Ok(())
}

async fn many_creators_with_one_key_get_one_task(stage: &Stage) -> Result<()> {
    let mut creators = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (host, new) = (stage.host().await?, stage.new_task("Say hello.").idempotency_key("k"));
        creators.spawn(async move { host.create(&new).await });
    }
    let created = creators.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    assert_eq!(created.iter().filter(|created| created.is_new).count(), 1);
    assert!(created.iter().all(|other| other.task.id == created[0].task.id));
    Ok(())
}

async fn lists_have_filters_and_pages(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(host.create(&stage.new_task(&format!("Task {number}_%"))).await?.task.id);
    }
    let worker = host.register("test").await?;
    let lease = claim(&host, &worker).await?.lease;
    assert_eq!(lease.task(), ids[0], "the oldest task comes first");
    input(&host, &lease, Input::TurnCompleted(TurnEnd::Completed)).await?;

    let list = async |filter: TaskFilter| {
        let page = host.tasks(&filter).await?;
        anyhow::Ok((page.tasks.iter().map(|task| task.id).collect::<Vec<_>>(), page.next))
    };
    let page = |before, limit| TaskFilter { before, limit, ..TaskFilter::default() };
    assert_eq!(list(page(None, 2)).await?, (vec![ids[4], ids[3]], Some(ids[3])));
    assert_eq!(list(page(Some(ids[3]), 2)).await?, (vec![ids[2], ids[1]], Some(ids[1])));
    assert_eq!(list(page(Some(ids[1]), 2)).await?, (vec![ids[0]], None));

    let of = |statuses: &[Status]| TaskFilter { statuses: statuses.to_vec(), ..TaskFilter::default() };
    assert_eq!(list(of(&[Status::Completed])).await?.0, [ids[0]]);
    assert_eq!(list(of(&[Status::Queued])).await?.0.len(), 4);
    assert_eq!(list(of(&[Status::Queued, Status::Completed])).await?.0.len(), 5);
    assert_eq!(list(of(&[Status::Failed, Status::Working])).await?.0, []);
    // What means something in a pattern is only a character here.
    let text = |text: &str| TaskFilter { text: Some(text.to_owned()), ..TaskFilter::default() };
    assert_eq!(list(text("TASK 3_%")).await?.0, [ids[3]]);
    assert_eq!(list(text("k%3")).await?.0, []);
    let cwd = TaskFilter { cwd: Some("/elsewhere".to_owned()), ..TaskFilter::default() };
    assert_eq!(list(cwd).await?.0, []);
    Ok(())
}

async fn without_a_live_lease_nothing_works(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working_with(&host, stage.new_task("Say hello.")).await?;
    let of = |status| TaskFilter { statuses: vec![status], ..TaskFilter::default() };
    let seen = async || {
        let task = host.task(lease.task()).await?;
        let listed = (
            host.tasks(&of(Status::Working)).await?.tasks.len(),
            host.tasks(&of(Status::Queued)).await?.tasks.len(),
        );
        anyhow::Ok((task.status, task.worker, listed))
    };
    assert_eq!(seen().await?, (Status::Working, Some(lease.worker()), (1, 0)));
    stage.expire_leases().await?;
    assert_eq!(seen().await?, (Status::Queued, None, (0, 1)));
    Ok(())
}

async fn only_ended_tasks_are_pruned(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let ended = working_with(&host, stage.new_task("One.")).await?;
    input(&host, &ended, Input::TurnCompleted(TurnEnd::Completed)).await?;
    let untold = working_with(&host, stage.new_task("Two.").notify("local")).await?;
    input(&host, &untold, Input::TurnCompleted(TurnEnd::Completed)).await?;
    let queued = host.create(&stage.new_task("Three.")).await?.task.id;
    assert_eq!(host.prune(Duration::from_secs(3600)).await?, 0);
    assert_eq!(host.prune(Duration::ZERO).await?, 1);
    let error = host.task(ended.task()).await.err().context("it is there")?;
    assert!(matches!(error, Error::NoTask(id) if id == ended.task()), "{error}");
    assert_eq!(stage.text("SELECT min(task_id) FROM events").await?, untold.task().to_string());

    // Its events can go before the task does.
    assert!(host.prune_events(Duration::ZERO).await? > 0);
    let page = host.events(untold.task(), None, 0).await?;
    assert_eq!((page.events.len(), page.snapshot.map(|it| it.task.status)), (0, Some(Status::Completed)));
    assert_eq!(host.events(queued, None, 0).await?.events.len(), 1);
    Ok(())
}

async fn a_retry_is_a_new_task(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working_with(&host, stage.new_task("One.").model("m").idempotency_key("k")).await?;
    let error = host.retry(lease.task()).await.err().context("it runs")?;
    assert!(matches!(error, Error::TaskNotEnded { status: Status::Working, .. }), "{error}");
    input(&host, &lease, Input::TurnCompleted(TurnEnd::Failed(Some("no".to_owned())))).await?;
    let again = host.retry(lease.task()).await?.task;
    assert_eq!((again.status, again.retry_of), (Status::Queued, Some(lease.task())));
    assert_eq!((again.prompt.as_str(), again.model.as_deref(), again.thread_id), ("One.", Some("m"), None));
    assert_eq!(host.task(lease.task()).await?.status, Status::Failed);
    Ok(())
}

async fn texts_of_any_characters_are_kept(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let prompt = "'; DROP TABLE tasks; -- \u{202e}\u{1F9EA}$1 ?1 \\ \" %s";
    let lease = working_with(&host, stage.new_task(prompt)).await?;
    assert_eq!(host.task(lease.task()).await?.prompt, prompt);
    // A NUL, which PostgreSQL has no place for, in a text that the server sent.
    let task = input(&host, &lease, Input::TurnCompleted(TurnEnd::Failed(Some("a\0b".to_owned())))).await?;
    assert_eq!(host.task(task.id).await?.error.as_deref(), Some("a\u{fffd}b"));
    Ok(())
}
