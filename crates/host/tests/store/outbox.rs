//! Notifications about the ends of tasks.

use std::time::Duration;

use anyhow::Result;
use codex_appserver_host::{Delivery, DeliveryId, Host, Input, Outcome, Settings, Status, TurnEnd};

use crate::support::{Stage, both, input, working_with};

both! {
    the_end_of_a_task_is_notified_once;
    a_task_without_a_target_has_no_delivery;
    a_dry_run_changes_nothing;
    a_notifier_that_dies_is_followed_by_another;
    two_notifiers_share_what_is_due;
    passing_failures_are_tried_again_and_end;
    a_backlog_is_one_digest;
}

async fn ended(stage: &Stage, host: &Host, prompt: &str) -> Result<()> {
    let new = stage.new_task(prompt).notify("exec:notify");
    let lease = working_with(host, new).await?;
    let end = TurnEnd::Failed(Some("no access with sk-0123456789abcdef".to_owned()));
    input(host, &lease, Input::TurnCompleted(end)).await?;
    Ok(())
}

fn ids(deliveries: &[Delivery]) -> Vec<DeliveryId> {
    deliveries.iter().map(|delivery| delivery.id).collect()
}

async fn states(host: &Host) -> Result<Vec<String>> {
    let deliveries = host.deliveries(100).await?;
    let state = |error: Option<String>| error.map(|error| format!(": {error}")).unwrap_or_default();
    Ok(deliveries
        .into_iter()
        .map(|delivery| format!("{}{}", delivery.state, state(delivery.error)))
        .collect())
}

async fn the_end_of_a_task_is_notified_once(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    host.create(&stage.new_task("Queued.").notify("exec:notify")).await?;
    assert_eq!(host.notify_completed(10, false).await?, []);
    ended(stage, &host, "One.").await?;
    let due = host.notify_completed(10, false).await?;
    let [delivery] = &due[..] else { panic!("{due:?}") };
    assert_eq!((delivery.target.as_str(), delivery.tries, delivery.notices.len()), ("exec:notify", 0, 1));
    let notice = &delivery.notices[0];
    assert_eq!((notice.status, notice.summary.as_str()), (Status::Failed, "Queued."));
    assert_eq!(notice.error.as_deref(), Some("no access with [redacted]"));
    assert!(host.delivered(delivery, &Outcome::Sent).await?);
    assert_eq!(host.notify_completed(10, false).await?, []);
    assert_eq!(states(&host).await?, ["sent"]);
    Ok(())
}

async fn a_task_without_a_target_has_no_delivery(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working_with(&host, stage.new_task("One.")).await?;
    input(&host, &lease, Input::TurnCompleted(TurnEnd::Completed)).await?;
    assert_eq!(host.notify_completed(10, false).await?, []);
    assert_eq!(states(&host).await?, ["no_target"]);
    Ok(())
}

async fn a_dry_run_changes_nothing(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    ended(stage, &host, "One.").await?;
    let dry = host.notify_completed(10, true).await?;
    assert!(!host.delivered(&dry[0], &Outcome::Sent).await?, "it was not claimed");
    let due = host.notify_completed(10, false).await?;
    assert_eq!(ids(&dry), ids(&due));
    Ok(())
}

async fn a_notifier_that_dies_is_followed_by_another(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    settings.delivery_claim = Duration::from_millis(300);
    let host = stage.host_with(settings).await?;
    ended(stage, &host, "One.").await?;
    // It has perhaps delivered, and dies before it says so.
    let dead = host.notify_completed(10, false).await?;
    assert_eq!(host.notify_completed(10, false).await?, []);
    tokio::time::sleep(Duration::from_millis(400)).await;
    let next = host.notify_completed(10, false).await?;
    assert_eq!(ids(&dead), ids(&next), "a receiver can tell that it is the same");
    assert!(!host.delivered(&dead[0], &Outcome::Permanent("no".to_owned())).await?, "its claim is over");
    assert!(host.delivered(&next[0], &Outcome::Sent).await?);
    assert_eq!(states(&host).await?, ["sent"]);
    Ok(())
}

async fn two_notifiers_share_what_is_due(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    for prompt in ["One.", "Two.", "Three."] {
        ended(stage, &host, prompt).await?;
    }
    let other = stage.host().await?;
    let (one, two) = tokio::join!(host.notify_completed(10, false), other.notify_completed(10, false));
    let (one, two) = (one?, two?);
    assert_eq!(one.len() + two.len(), 3);
    Ok(())
}

async fn passing_failures_are_tried_again_and_end(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    settings.delivery_attempts = 3;
    let host = stage.host_with(settings).await?;
    ended(stage, &host, "One.").await?;
    ended(stage, &host, "Two.").await?;
    let due = host.notify_completed(10, false).await?;
    let secret = "401 from https://ann:pw@example.org".to_owned();
    host.delivered(&due[0], &Outcome::Permanent(secret)).await?;
    let mut delivery = due[1].clone();
    for tries in 1..=3 {
        assert!(host.delivered(&delivery, &Outcome::Passing("503".to_owned())).await?);
        // There is a pause.
        assert_eq!(host.notify_completed(10, false).await?, []);
        stage.sql("UPDATE notifications SET next_at = 0").await?;
        let due = host.notify_completed(10, false).await?;
        assert_eq!(due.len(), usize::from(tries < 3));
        if let Some(next) = due.into_iter().next() {
            assert_eq!((next.id, next.tries), (delivery.id, tries));
            delivery = next;
        }
    }
    let mut states = states(&host).await?;
    states.sort();
    assert_eq!(
        states,
        ["failed: 401 from https://[redacted]@example.org", "failed: 503; given up after 3 tries"]
    );
    Ok(())
}

async fn a_backlog_is_one_digest(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    settings.digest_from = 3;
    let host = stage.host_with(settings).await?;
    for prompt in ["One.", "Two.", "Three.", "Four."] {
        ended(stage, &host, prompt).await?;
    }
    let due = host.notify_completed(1, false).await?;
    let [digest] = &due[..] else { panic!("{due:?}") };
    let summaries: Vec<&str> = digest.notices.iter().map(|notice| notice.summary.as_str()).collect();
    assert_eq!(summaries, ["One.", "Two.", "Three.", "Four."]);
    assert!(host.delivered(digest, &Outcome::Passing("503".to_owned())).await?);

    // One more has come when it is tried again: the digest is the same.
    ended(stage, &host, "Five.").await?;
    stage.sql("UPDATE notifications SET next_at = 0").await?;
    let due = host.notify_completed(10, false).await?;
    assert_eq!(due.iter().map(|delivery| delivery.notices.len()).collect::<Vec<_>>(), [4, 1]);
    assert_eq!(due[0].id, digest.id);
    for delivery in &due {
        assert!(host.delivered(delivery, &Outcome::Sent).await?);
    }
    assert_eq!(states(&host).await?, ["sent"; 5]);
    Ok(())
}
