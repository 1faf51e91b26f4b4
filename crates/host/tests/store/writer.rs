//! Storing the events of a turn, also while the store takes none.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use codex_appserver_host::{
    Ended, Error, EventWriter, Host, Input, Lease, NewEvent, Settings, Status, TurnEnd,
};
use codex_appserver_notifications::ServerNotification;
use serde_json::{Value, json};
use sqlx::Executor;

use crate::support::{Kind, Stage, both, claim, eventually, working};

both! {
    a_turn_is_stored_from_its_notifications;
    many_deltas_are_few_transactions;
    what_changes_the_status_does_not_wait;
    other_threads_and_turns_change_nothing;
    an_away_store_stops_no_turn;
    memory_is_bounded_while_the_store_is_away;
    a_writer_ends_with_its_lease;
    a_dropped_writer_stores_what_it_has;
}

fn notification(method: &str, params: Value) -> Result<ServerNotification> {
    Ok(serde_json::from_value(json!({ "method": method, "params": params }))?)
}

fn delta(text: &str) -> Result<ServerNotification> {
    let params = json!({ "threadId": "t1", "turnId": "u1", "itemId": "m", "delta": text });
    notification("item/agentMessage/delta", params)
}

fn turn(status: &str) -> Value {
    json!({ "threadId": "t1", "turn": { "id": "u1", "items": [], "status": status } })
}

/// The deltas of a log, put together.
async fn text(host: &Host, lease: &Lease) -> Result<String> {
    let (mut text, mut since) = (String::new(), Some("0-0".parse()?));
    loop {
        let page = host.events(lease.task(), since, 1000).await?;
        since = page.next;
        let deltas = page.events.iter().filter(|event| event.method == "item/agentMessage/delta");
        for event in deltas {
            text += event
                .payload
                .as_ref()
                .and_then(|payload| payload["delta"].as_str())
                .context("it is a delta")?;
        }
        if !page.has_more {
            return Ok(text);
        }
    }
}

async fn a_turn_is_stored_from_its_notifications(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let writer = host.writer(&lease, "t1");
    writer.turn("u1");
    writer.notification(&notification("turn/started", turn("inProgress"))?);
    let flags = json!({ "type": "active", "activeFlags": ["waitingOnApproval"] });
    writer
        .notification(&notification("thread/status/changed", json!({ "threadId": "t1", "status": flags }))?);
    writer.flush().await?;
    assert_eq!(writer.status().task, Some(Status::WaitingForApproval));
    let active = json!({ "type": "active", "activeFlags": [] });
    writer
        .notification(&notification("thread/status/changed", json!({ "threadId": "t1", "status": active }))?);
    for text in ["Hel", "lo"] {
        writer.notification(&delta(text)?);
    }
    let message = |phase: &str, text: &str| {
        let item = json!({ "type": "agentMessage", "id": "m", "text": text, "phase": phase });
        json!({ "threadId": "t1", "turnId": "u1", "completedAtMs": 1, "item": item })
    };
    writer.notification(&notification("item/completed", message("final_answer", "Hello"))?);
    writer.notification(&notification("item/completed", message("commentary", "Bye"))?);
    let tokens = json!({ "cachedInputTokens": 0, "inputTokens": 1, "outputTokens": 2, "reasoningOutputTokens": 0, "totalTokens": 3 });
    let usage =
        json!({ "threadId": "t1", "turnId": "u1", "tokenUsage": { "last": tokens, "total": tokens } });
    writer.notification(&notification("thread/tokenUsage/updated", usage)?);
    writer.notification(&notification("turn/completed", turn("completed"))?);
    writer.close().await?;
    let task = host.task(lease.task()).await?;
    assert_eq!((task.status, task.final_text.as_deref()), (Status::Completed, Some("Hello")));
    assert_eq!(task.last_progress.as_deref(), Some("Bye"));
    let usage: Value = serde_json::from_str(&task.usage.context("it has a usage")?)?;
    assert_eq!(usage["total"]["totalTokens"], 3);
    assert_eq!(text(&host, &lease).await?, "Hello");
    Ok(())
}

async fn many_deltas_are_few_transactions(stage: &Stage) -> Result<()> {
    const DELTAS: usize = 20_000;
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let writer = host.writer(&lease, "t1");
    let mut expected = String::new();
    for number in 0..DELTAS {
        let word = format!("w{number} ");
        writer.notification(&delta(&word)?);
        expected += &word;
        if number % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    writer.notification(&notification("turn/completed", turn("completed"))?);
    writer.close().await?;
    assert_eq!(text(&host, &lease).await?, expected);
    let batches: i64 = stage.text("SELECT max(last_batch) || '' FROM tasks").await?.parse()?;
    assert!(batches <= 40, "{batches} transactions");
    let bytes = stage.text("SELECT sum(length(payload) + length(summary)) || '' FROM events").await?;
    assert!(bytes.parse::<usize>()? <= 2 * expected.len(), "{bytes} bytes for {}", expected.len());
    let merged = stage.text("SELECT sum(merged) || '' FROM events WHERE method LIKE 'item/%'").await?;
    assert_eq!(merged, DELTAS.to_string());
    Ok(())
}

async fn what_changes_the_status_does_not_wait(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    settings.batch_delay = Duration::from_secs(3600);
    let host = stage.host_with(settings).await?;
    let lease = working(stage, &host).await?;
    let writer = host.writer(&lease, "t1");
    writer.notification(&delta("Hello")?);
    writer.input(Input::Active { waits_for_approval: false, waits_for_user_input: true });
    let seen = host.wait_until(lease.task(), |status| status == Status::WaitingForUserInput);
    tokio::time::timeout(Duration::from_secs(10), seen).await??;
    assert_eq!(text(&host, &lease).await?, "Hello");
    Ok(())
}

async fn other_threads_and_turns_change_nothing(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let writer = host.writer(&lease, "t1");
    writer.turn("u1");
    // A sub-agent, and a turn that another client has started on the thread before.
    for (thread, turn) in [("sub-agent", "u1"), ("t1", "earlier")] {
        let turn = json!({ "id": turn, "items": [], "status": "completed" });
        writer.notification(&notification("turn/completed", json!({ "threadId": thread, "turn": turn }))?);
    }
    writer.flush().await?;
    assert_eq!(host.task(lease.task()).await?.status, Status::Working);
    Ok(())
}

/// Makes the store take nothing while `body` runs.
async fn while_away(stage: &Stage, body: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    match stage.kind {
        Kind::Sqlite => {
            let mut connection = stage.sqlite().await?;
            connection.execute("BEGIN IMMEDIATE").await?;
            body().await?;
            connection.execute("ROLLBACK").await?;
        }
        Kind::Postgres => {
            stage.connections(false).await?;
            body().await?;
            stage.connections(true).await?;
        }
    }
    Ok(())
}

fn impatient() -> Settings {
    let mut settings = Settings::default();
    settings.busy_timeout = Duration::from_secs(1);
    settings
}

async fn an_away_store_stops_no_turn(stage: &Stage) -> Result<()> {
    let host = stage.host_with(impatient()).await?;
    let lease = working(stage, &host).await?;
    let writer = host.writer(&lease, "t1");
    writer.notification(&delta("0 ")?);
    writer.flush().await?;
    while_away(stage, async || {
        for number in 1..=50 {
            writer.notification(&delta(&format!("{number} "))?);
            writer.event(NewEvent::stderr(&number.to_string()));
        }
        writer.notification(&notification("turn/completed", turn("completed"))?);
        eventually("the writer says so", async || Ok(writer.status().degraded.is_some())).await?;
        let status = writer.status();
        assert_eq!((status.waiting_events, status.dropped_events, status.ended), (101, 0, None));
        assert!(status.waiting_bytes > 1_000);
        assert!(!status.degraded.context("it is degraded")?.reason.is_empty());
        Ok(())
    })
    .await?;
    writer.flush().await?;
    let status = writer.status();
    assert_eq!((status.degraded, status.waiting_events, status.waiting_bytes), (None, 0, 0));
    assert_eq!(host.task(lease.task()).await?.status, Status::Completed);
    let expected: String = (0..=50).map(|number| format!("{number} ")).collect();
    assert_eq!(text(&host, &lease).await?, expected);
    assert_eq!(stage.text("SELECT count(*) || '' FROM events WHERE kind = 'stderr'").await?, "50");
    Ok(())
}

async fn memory_is_bounded_while_the_store_is_away(stage: &Stage) -> Result<()> {
    let mut settings = impatient();
    settings.waiting_bytes = 20_000;
    let host = stage.host_with(settings).await?;
    let lease = working(stage, &host).await?;
    let writer = host.writer(&lease, "t1");
    while_away(stage, async || {
        for number in 0..1_000 {
            writer.event(NewEvent::stderr(&format!("line {number} {}", "x".repeat(100))));
        }
        writer.notification(&notification("turn/completed", turn("completed"))?);
        let status = writer.status();
        assert!(status.waiting_bytes <= 20_000, "{status:?}");
        assert!(status.dropped_events > 500, "{status:?}");
        eventually("the writer says so", async || Ok(writer.status().degraded.is_some())).await
    })
    .await?;
    writer.flush().await?;
    // The status is true, and the log says how much it lacks.
    assert_eq!(host.task(lease.task()).await?.status, Status::Completed);
    let kept: u64 = stage.text("SELECT count(*) || '' FROM events WHERE kind = 'stderr'").await?.parse()?;
    let dropped = writer.status().dropped_events;
    // The end of the turn was dropped as an event, and kept as what it means.
    assert_eq!(kept + dropped, 1_001);
    let told = stage.text("SELECT summary FROM events WHERE method = 'host/dropped'").await?;
    assert!(told.starts_with(&format!("{dropped} events were dropped here")), "{told}");
    Ok(())
}

async fn a_writer_ends_with_its_lease(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let stale = working(stage, &host).await?;
    let writer: EventWriter = host.writer(&stale, "t1");
    stage.expire_leases().await?;
    let worker = host.register("next").await?;
    claim(&host, &worker).await?;
    writer.notification(&notification("turn/completed", turn("completed"))?);
    let error = writer.flush().await.err().context("it was stored")?;
    assert!(matches!(error, Error::Fenced { held: 1, current: 2, .. }), "{error}");
    assert_eq!(writer.status().ended, Some(Ended::Fenced { held: 1, current: 2 }));
    assert_eq!(host.task(stale.task()).await?.status, Status::Starting);
    Ok(())
}

async fn a_dropped_writer_stores_what_it_has(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let writer = host.writer(&lease, "t1");
    writer.notification(&delta("Hello")?);
    writer.input(Input::TurnCompleted(TurnEnd::Completed));
    drop(writer);
    tokio::time::timeout(Duration::from_secs(10), host.wait(lease.task())).await??;
    assert_eq!(text(&host, &lease).await?, "Hello");
    Ok(())
}

/// SQLite alone has a limit of its own; a full disk is the same error.
#[tokio::test]
async fn a_full_store_stops_no_turn() -> Result<()> {
    crate::support::run(Kind::Sqlite, async |stage: &Stage| {
        let mut settings = impatient();
        settings.max_file_bytes = Some(4 << 20);
        let host = stage.host_with(settings).await?;
        let lease = working(stage, &host).await?;
        let writer = host.writer(&lease, "t1");
        let line = "x".repeat(60_000);
        let until = Instant::now() + Duration::from_secs(20);
        let mut written = 0;
        while writer.status().degraded.is_none() && Instant::now() < until {
            writer.event(NewEvent::protocol("a/b", &line));
            written += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let degraded = writer.status().degraded.context("the store is full")?;
        assert!(degraded.reason.contains("full"), "{}", degraded.reason);
        writer.notification(&notification("turn/completed", turn("completed"))?);
        // Room is made: a host without the limit, in the same file.
        let roomy = stage.host().await?;
        roomy.create(&stage.new_task("Say hello.")).await?;
        stage.sql("DELETE FROM events").await?;
        tokio::time::timeout(Duration::from_secs(20), writer.flush()).await??;
        assert_eq!(host.task(lease.task()).await?.status, Status::Completed);
        assert!(written > 5);
        Ok(())
    })
    .await
}
