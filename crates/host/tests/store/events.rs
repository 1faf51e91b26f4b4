//! The event log, and following it.

use std::time::Duration;

use anyhow::{Context, Result};
use codex_appserver_host::{
    Batch, Error, EventId, EventKind, Host, Lease, NewEvent, Reset, Settings, Status, Subscription,
};
use serde_json::{Value, json};

use crate::support::{Stage, both, claim, working};

both! {
    events_are_read_in_pages;
    a_reader_from_too_far_back_gets_a_snapshot;
    ids_of_another_store_are_noticed;
    payloads_are_capped_and_secrets_masked;
    a_subscription_follows_its_own_process;
    a_subscription_follows_other_processes;
    a_task_is_waited_for;
}

async fn append(host: &Host, lease: &Lease, count: i64) -> Result<()> {
    let event = |number: i64| {
        NewEvent::of_server(EventKind::Notification, "a/b", &json!({ "delta": number.to_string() }))
    };
    let batch = Batch { events: (0..count).map(event).collect(), ..Batch::default() };
    host.append(lease, &batch).await?;
    Ok(())
}

async fn events_are_read_in_pages(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let start = host.events(lease.task(), None, 0).await?;
    assert_eq!(start.reset, Some(Reset::Start));
    let snapshot = start.snapshot.context("a reader without an id gets a snapshot")?;
    assert_eq!((snapshot.task.status, snapshot.requests.len()), (Status::Working, 0));
    let methods: Vec<&str> = start.events.iter().map(|event| event.method.as_str()).collect();
    assert_eq!(methods, ["host/created", "host/claimed", "host/status"]);

    append(&host, &lease, 250).await?;
    let (mut since, mut seqs, mut pages) = (start.next, Vec::new(), 0);
    loop {
        let page = host.events(lease.task(), since, 100).await?;
        assert_eq!((page.reset, page.snapshot), (None, None));
        seqs.extend(page.events.iter().map(|event| event.id.seq));
        (since, pages) = (page.next, pages + 1);
        if !page.has_more {
            break;
        }
    }
    assert_eq!((seqs, pages), ((4..=253).collect(), 3));
    let task = host.task(lease.task()).await?;
    assert_eq!((task.last_event, since), (Some(EventId { epoch: 1, seq: 253 }), task.last_event));
    assert_eq!(host.events(lease.task(), since, 0).await?.events, []);

    // A later owner goes on counting.
    stage.expire_leases().await?;
    let worker = host.register("next").await?;
    let next = claim(&host, &worker).await?.lease;
    append(&host, &next, 1).await?;
    let ids: Vec<String> =
        host.events(lease.task(), since, 0).await?.events.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(ids, ["2-254", "2-255"]);
    Ok(())
}

async fn a_reader_from_too_far_back_gets_a_snapshot(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    settings.events_per_task = 50;
    let host = stage.host_with(settings).await?;
    let lease = working(stage, &host).await?;
    append(&host, &lease, 40).await?;
    let since = |seq| Some(EventId { epoch: 1, seq });
    assert_eq!(host.events(lease.task(), since(2), 0).await?.events.len(), 41);
    append(&host, &lease, 60).await?;
    // 103 events, of which 50 are kept.
    let page = host.events(lease.task(), since(2), 0).await?;
    assert_eq!((page.reset, page.events.len()), (Some(Reset::TooOld), 20));
    assert_eq!(page.snapshot.map(|snapshot| snapshot.task.id), Some(lease.task()));
    assert_eq!(page.next, since(103));
    // The one before the first that is left is enough: nothing is missing after it.
    let page = host.events(lease.task(), since(53), 1000).await?;
    assert_eq!((page.reset, page.events.len()), (None, 50));
    assert_eq!(host.events(lease.task(), since(52), 0).await?.reset, Some(Reset::TooOld));
    Ok(())
}

async fn ids_of_another_store_are_noticed(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    for id in [EventId { epoch: 1, seq: 99 }, EventId { epoch: 7, seq: 2 }] {
        let page = host.events(lease.task(), Some(id), 0).await?;
        assert_eq!(page.reset, Some(Reset::Unknown), "{id}");
        assert!(page.snapshot.is_some());
    }
    let nothing = "00000000-0000-7000-8000-000000000000".parse()?;
    let error = host.events(nothing, None, 0).await.err().context("there is no such task")?;
    assert!(matches!(error, Error::NoTask(_)), "{error}");
    Ok(())
}

async fn payloads_are_capped_and_secrets_masked(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    settings.payload_bytes = 1_000;
    let host = stage.host_with(settings).await?;
    let lease = working(stage, &host).await?;
    let long = json!({ "item": { "text": "é".repeat(5_000) } });
    let secret = json!({ "env": { "OPENAI_API_KEY": "0123456789" }, "message": "curl -H 'Authorization: Bearer abcdefgh'" });
    let events = vec![
        NewEvent::of_server(EventKind::Notification, "a/long", &long),
        NewEvent::of_server(EventKind::Notification, "a/secret", &secret),
        NewEvent::stderr("ERROR token=abcdefgh1"),
        NewEvent::protocol("a/broken", "{\"method\":"),
    ];
    host.append(&lease, &Batch { events, ..Batch::default() }).await?;
    let page = host.events(lease.task(), Some(EventId { epoch: 1, seq: 3 }), 0).await?;
    let [long, secret, stderr, broken] = &page.events[..] else { panic!("{page:?}") };
    assert_eq!((long.clipped, long.summary.chars().count()), (true, 1_200));
    let head = long.payload.as_ref().and_then(Value::as_str).context("it is clipped to a text")?;
    assert!(head.starts_with(r#"{"item":{"text":"éé"#) && head.len() <= 1_000, "{head}");
    assert_eq!(
        secret.payload,
        Some(json!({
        "env": { "OPENAI_API_KEY": "[redacted]" }, "message": "curl -H 'Authorization: [redacted]'" }))
    );
    assert_eq!(secret.summary, "curl -H 'Authorization: [redacted]'");
    assert_eq!((stderr.kind, stderr.summary.as_str()), (EventKind::Stderr, "ERROR token=[redacted]"));
    assert_eq!((broken.kind, &broken.payload), (EventKind::Protocol, &Some(json!("{\"method\":"))));
    Ok(())
}

/// Reads until there are this many events after the snapshot, and checks that none is missing.
async fn follow(subscription: &mut Subscription, count: usize) -> Result<()> {
    let page = subscription.next().await?;
    let mut last = page.next.context("it has an id")?.seq;
    let (mut seen, mut first) = (0, page.snapshot.is_some());
    assert!(first, "the first page is a snapshot");
    while seen < count {
        let page = tokio::time::timeout(Duration::from_secs(10), subscription.next()).await??;
        assert!(page.snapshot.is_none());
        first = false;
        for event in page.events {
            assert_eq!(event.id.seq, last + 1);
            (last, seen) = (last + 1, seen + 1);
        }
    }
    assert!(!first);
    Ok(())
}

async fn a_subscription_follows_its_own_process(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    // It is told, and has no need to look.
    settings.poll = Duration::from_secs(3600);
    let host = stage.host_with(settings).await?;
    let lease = working(stage, &host).await?;
    let mut subscription = host.subscribe(lease.task(), None);
    let writing = tokio::spawn({
        let host = host.clone();
        async move {
            for _ in 0..30 {
                append(&host, &lease, 3).await?;
            }
            anyhow::Ok(())
        }
    });
    follow(&mut subscription, 60).await?;
    writing.await??;
    Ok(())
}

async fn a_subscription_follows_other_processes(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    settings.poll = match stage.kind {
        crate::support::Kind::Sqlite => Duration::from_millis(50),
        // PostgreSQL tells.
        crate::support::Kind::Postgres => Duration::from_secs(3600),
    };
    let reader = stage.host_with(settings).await?;
    let writer = stage.host().await?;
    let lease = working(stage, &writer).await?;
    let mut subscription = reader.subscribe(lease.task(), None);
    let page = subscription.next().await?;
    let writing = tokio::spawn(async move {
        for _ in 0..10 {
            append(&writer, &lease, 3).await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    });
    let start = page.next.context("it has an id")?.seq;
    while subscription.last().is_some_and(|last| last.seq < start + 30) {
        let page = tokio::time::timeout(Duration::from_secs(10), subscription.next()).await??;
        assert!(page.snapshot.is_none());
    }
    writing.await??;
    Ok(())
}

async fn a_task_is_waited_for(stage: &Stage) -> Result<()> {
    let (host, other) = (stage.host().await?, stage.host().await?);
    let id = host.create(&stage.new_task("One.")).await?.task.id;
    let waiting = tokio::spawn(async move { other.wait(id).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    host.interrupt(id, "ann").await?;
    let task = tokio::time::timeout(Duration::from_secs(10), waiting).await???;
    assert_eq!(task.status, Status::Cancelled);
    Ok(())
}
