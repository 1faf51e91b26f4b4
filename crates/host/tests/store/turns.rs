//! The turns of a task, from the intent to the end.

use std::time::Duration;

use anyhow::{Context, Result};
use codex_appserver_host::{
    Answer, Batch, Error, IfLost, Input, RequestKind, Settings, Status, TurnEnd, Update,
};
use serde_json::json;

use crate::support::{Stage, both, claim, claimed, input, server, working, working_with};

both! {
    the_intent_is_stored_before_the_turn;
    what_is_heard_of_a_turn_is_stored_together;
    a_final_error_ends_the_task_within_seconds;
    an_interrupt_ends_what_waits_and_is_told_to_what_runs;
    a_lost_turn_fails_the_task;
    a_lost_turn_goes_on_in_a_new_one;
    the_user_decides_about_a_lost_turn;
    an_ended_task_takes_events_and_nothing_else;
    errors_are_kept_without_secrets;
}

async fn the_intent_is_stored_before_the_turn(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = claimed(stage, &host).await?.lease;
    let first = host.intend(&lease, &server("s1"), "t1").await?;
    // The worker dies here. The next one sees that it may have been sent.
    stage.expire_leases().await?;
    let worker = host.register("next").await?;
    let claim = claim(&host, &worker).await?;
    let unfinished = claim.unfinished.context("the intent is lost")?;
    assert_eq!(unfinished, first);
    assert_eq!(unfinished.turn_id, None);
    // It was not, so it is sent again, with a new id.
    let second = host.intend(&claim.lease, &server("s2"), "t2").await?;
    assert_ne!(first.client_message_id, second.client_message_id);
    host.acknowledge(&claim.lease, &server("s2"), "u2").await?;
    let attempts = host.attempts(lease.task()).await?;
    let outcomes: Vec<_> = attempts
        .iter()
        .map(|attempt| (attempt.number, attempt.outcome.as_deref(), attempt.turn_id.as_deref()))
        .collect();
    assert_eq!(outcomes, [(1, Some("replaced"), None), (2, None, Some("u2"))]);
    let task = input(&host, &claim.lease, Input::TurnCompleted(TurnEnd::Completed)).await?;
    assert_eq!((task.attempt, task.thread_id.as_deref()), (2, Some("t2")));
    assert_eq!(host.attempts(lease.task()).await?[1].outcome.as_deref(), Some("completed"));
    Ok(())
}

async fn what_is_heard_of_a_turn_is_stored_together(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let update = Update {
        last_progress: Some("x".repeat(1_000)),
        final_text: Some("Hello, ann@example.org!\n".to_owned()),
        usage: Some(r#"{"total":3}"#.to_owned()),
        ..Update::default()
    };
    let inputs = vec![Input::TurnCompleted(TurnEnd::Completed)];
    let task = host.append(&lease, &Batch { update, inputs, ..Batch::default() }).await?;
    assert_eq!(task, host.task(task.id).await?);
    assert_eq!((task.status, task.ended_by.as_deref()), (Status::Completed, Some("server")));
    assert_eq!(task.last_progress.map(|text| text.chars().count()), Some(300));
    // The result is the agent's, and stays as it is.
    assert_eq!(task.final_text.as_deref(), Some("Hello, ann@example.org!\n"));
    assert_eq!((task.usage.as_deref(), task.worker), (Some(r#"{"total":3}"#), None));
    Ok(())
}

async fn a_final_error_ends_the_task_within_seconds(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    settings.settle = Duration::from_millis(300);
    let host = stage.host_with(settings).await?;
    let lease = working(stage, &host).await?;
    let error = |will_retry| Input::Error { message: "overloaded".to_owned(), will_retry };
    input(&host, &lease, error(true)).await?;
    input(&host, &lease, Input::SystemError).await?;
    assert_eq!(input(&host, &lease, error(false)).await?.status, Status::Working);
    assert_eq!(host.sweep().await?.settled, 0);
    tokio::time::sleep(Duration::from_millis(400)).await;
    // Any worker does it, also one that does not own the task.
    assert_eq!(stage.host().await?.sweep().await?.settled, 1);
    let task = host.task(lease.task()).await?;
    assert_eq!((task.status, task.error.as_deref()), (Status::Failed, Some("overloaded")));
    let note = "the server sent a final error, and no end of the turn";
    assert_eq!(task.note.as_deref(), Some(note));

    // With its end, the turn has the last word.
    let lease = working(stage, &host).await?;
    input(&host, &lease, error(false)).await?;
    input(&host, &lease, Input::TurnCompleted(TurnEnd::Failed(Some("really".to_owned())))).await?;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(host.sweep().await?.settled, 0);
    assert_eq!(host.task(lease.task()).await?.error.as_deref(), Some("really"));
    Ok(())
}

async fn an_interrupt_ends_what_waits_and_is_told_to_what_runs(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let queued = host.create(&stage.new_task("One.")).await?.task.id;
    let task = host.interrupt(queued, "ann").await?;
    assert_eq!((task.status, task.ended_by.as_deref()), (Status::Cancelled, Some("ann")));
    let error = host.interrupt(queued, "bob").await.err().context("it has ended")?;
    assert!(matches!(error, Error::TaskEnded { status: Status::Cancelled, .. }), "{error}");

    let lease = working(stage, &host).await?;
    let task = host.interrupt(lease.task(), "ann").await?;
    assert_eq!((task.status, task.interrupted_by.as_deref()), (Status::Working, Some("ann")));
    let task = input(&host, &lease, Input::TurnCompleted(TurnEnd::Interrupted)).await?;
    assert_eq!((task.status, task.ended_by.as_deref()), (Status::Cancelled, Some("ann")));

    // Asked for before the turn was sent: it never is.
    let lease = claimed(stage, &host).await?.lease;
    host.interrupt(lease.task(), "ann").await?;
    let error = host.intend(&lease, &server("s1"), "t9").await.err().context("it was begun")?;
    assert!(matches!(error, Error::TaskEnded { .. }), "{error}");
    Ok(())
}

fn lost() -> Input {
    Input::TurnLost { reason: "the server and the worker have ended".to_owned() }
}

async fn a_lost_turn_fails_the_task(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let task = input(&host, &lease, lost()).await?;
    assert_eq!((task.status, task.ended_by.as_deref()), (Status::Failed, Some("host")));
    assert_eq!(task.error.as_deref(), Some("the server and the worker have ended"));
    Ok(())
}

async fn a_lost_turn_goes_on_in_a_new_one(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working_with(&host, stage.new_task("One.").if_lost(IfLost::Continue)).await?;
    assert_eq!(input(&host, &lease, lost()).await?.status, Status::Queued);
    let error = host.append(&lease, &Batch::default()).await.err().context("the lease is over")?;
    assert!(matches!(error, Error::Fenced { .. }), "{error}");
    let worker = host.register("next").await?;
    let claim = claim(&host, &worker).await?;
    assert_eq!((claim.task.id, claim.unfinished), (lease.task(), None));
    assert_eq!((claim.task.attempt, claim.task.thread_id.as_deref()), (1, Some("t1")));
    assert_eq!(host.attempts(lease.task()).await?[0].outcome.as_deref(), Some("lost"));
    Ok(())
}

async fn the_user_decides_about_a_lost_turn(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    for (resume, status) in [(true, Status::Queued), (false, Status::Failed)] {
        let lease = working_with(&host, stage.new_task("One.").if_lost(IfLost::Ask)).await?;
        let task = input(&host, &lease, lost()).await?;
        assert_eq!((task.status, task.open_requests), (Status::WaitingForUserInput, 1));
        let worker = host.register("next").await?;
        assert_eq!(host.claim(&worker).await?, None, "no worker takes it before the answer");
        let open = host.open_requests(Some(lease.task())).await?;
        assert_eq!(open.iter().map(|request| request.kind).collect::<Vec<_>>(), [RequestKind::Resume]);
        host.answer(open[0].id, &Answer::Result(json!({ "resume": resume })), "ann", false).await?;
        let task = host.task(lease.task()).await?;
        assert_eq!((task.status, task.open_requests), (status, 0));
        if resume {
            let lease = claim(&host, &worker).await?.lease;
            input(&host, &lease, Input::TurnCompleted(TurnEnd::Completed)).await?;
        } else {
            assert_eq!(task.ended_by.as_deref(), Some("ann"));
        }
    }
    Ok(())
}

async fn an_ended_task_takes_events_and_nothing_else(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let ended = input(&host, &lease, Input::TurnCompleted(TurnEnd::Completed)).await?;
    // A command that outlives its turn, and a message that a slow connection brings late.
    let events = vec![codex_appserver_host::NewEvent::stderr("late")];
    let update = Update { final_text: Some("late".to_owned()), ..Update::default() };
    let inputs = vec![Input::TurnStarted, Input::TurnCompleted(TurnEnd::Interrupted)];
    let task = host.append(&lease, &Batch { events, update, inputs }).await?;
    assert_eq!((task.status, task.final_text, task.ended_at), (Status::Completed, None, ended.ended_at));
    assert!(task.last_event > ended.last_event);
    Ok(())
}

async fn errors_are_kept_without_secrets(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working_with(&host, stage.new_task("Use api_key='0123456789abcdef'.")).await?;
    let message = "401 for https://ann:pw@example.org with sk-0123456789abcdef".to_owned();
    let task = input(&host, &lease, Input::TurnCompleted(TurnEnd::Failed(Some(message)))).await?;
    let error = task.error.context("it failed")?;
    assert_eq!(error, "401 for https://[redacted]@example.org with [redacted]");
    assert_eq!(task.summary, "Use api_key='[redacted]'.");
    // The prompt is sent as it is.
    assert_eq!(task.prompt, "Use api_key='0123456789abcdef'.");
    Ok(())
}
