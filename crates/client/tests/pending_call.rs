//! Calls that are begun with a subscription: their events, their answer, and how they are given up.

mod support;

use std::time::{Duration, Instant};

use codex_appserver_client::generic::{Client, PendingCall};
use codex_appserver_client::protocol::{CommandExecTerminateParams, ThreadArchiveParams, ThreadListParams};
use codex_appserver_client::{Error, Event, EventSettings, Filter, Overflow, method};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::json;

use crate::support::{Kit, PATIENCE};

both!(
    the_events_before_the_answer_are_all_there,
    a_slow_reader_still_gets_the_answer,
    a_late_call_is_cancelled_despite_unread_events,
    a_dropped_call_is_cancelled_and_makes_room,
    what_cannot_be_sent_is_an_error,
);

const LIST: &str = "thread/list";

fn tell(n: u64) -> Step {
    Step::notify("test/tell", json!({"n": n, "text": "x".repeat(100)}))
}

fn page() -> Step {
    Step::Json(json!({"id": "$id", "result": {"data": [], "nextCursor": "more"}}))
}

fn listing(steps: impl IntoIterator<Item = Step>) -> Scenario {
    Scenario::new().answer(LIST, Answer::never().then(steps))
}

fn list<R: Kit>(client: &Client<R>, settings: EventSettings) -> PendingCall<method::ThreadList, R> {
    client.begin(ThreadListParams::new(), Filter::All, settings).expect("it is sent")
}

/// What comes until the end: methods, and the texts of errors.
async fn read<R: Kit>(call: &mut PendingCall<method::ThreadList, R>) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(event) = R::next_of(call).await {
        seen.push(match event {
            Ok(Event::Notification(envelope)) => envelope.notification.method().to_owned(),
            Ok(Event::Lagged { skipped }) => format!("lagged {skipped}"),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        });
    }
    assert!(R::next_of(call).await.is_none(), "the end stays the end");
    seen
}

async fn the_events_before_the_answer_are_all_there<R: Kit>() {
    let other = Step::notify("test/other", json!({}));
    let (server, client) = R::start(listing([tell(0), other, tell(1), page()])).await;
    let mut call = list(&client, EventSettings::default());
    let expected = r#"PendingCall { method: "thread/list", id: 2, over: false, .. }"#;
    assert_eq!((call.id(), format!("{call:?}").as_str()), (2.into(), expected));
    assert_eq!(read(&mut call).await, ["test/tell", "test/other", "test/tell"]);
    server.play([tell(2)]);
    assert_eq!(R::finish(call).await.expect("the answer").next_cursor.as_deref(), Some("more"));
    let mut call = list(&client, EventSettings::default().methods(&["test/other"]));
    assert_eq!(read(&mut call).await, ["test/other"]);
    let call = list(&client, EventSettings::default());
    assert!(R::finish(call).await.is_ok(), "without the events");
}

async fn a_slow_reader_still_gets_the_answer<R: Kit>() {
    let (_server, client) = R::start(listing((0..20).map(tell).chain([page()]))).await;
    let mut call = list(&client, EventSettings::default().byte_cap(1000));
    while client.stats().answers < 2 {
        std::thread::yield_now();
    }
    let seen = read(&mut call).await;
    let last = seen.last().expect("an error");
    assert!(seen.len() > 1 && last.contains("more than 1000 bytes"), "{seen:?}");
    assert!(R::finish(call).await.is_ok());
    let mut call = list(&client, EventSettings::default().byte_cap(1000).overflow(Overflow::Skip));
    while client.stats().answers < 3 {
        std::thread::yield_now();
    }
    let (seen, skipped) = (read(&mut call).await, call.skipped());
    assert_eq!(seen.last(), Some(&format!("lagged {skipped}")));
    assert_eq!(seen.len() as u64 - 1 + skipped, 20);
}

/// It does not wait until the events are read.
async fn a_late_call_is_cancelled_despite_unread_events<R: Kit>() {
    let (server, client) = R::start(listing((0..3).map(tell))).await;
    let client = client.with_timeout(Duration::from_millis(100));
    let cancel = CommandExecTerminateParams::new("list");
    let begun = Instant::now();
    let call = list(&client, EventSettings::default());
    let mut call = call.cancel_with::<method::CommandExecTerminate>(&cancel).expect("it has a JSON form");
    while client.stats().notifications < 3 || begun.elapsed() < Duration::from_millis(200) {
        std::thread::yield_now();
    }
    assert!(matches!(R::next_of(&mut call).await, Some(Ok(Event::Notification(_)))));
    server.wait_for("command/exec/terminate", 1, PATIENCE).expect("it is cancelled");
    assert_eq!(server.params("command/exec/terminate"), [json!({"processId": "list"})]);
    let seen = read(&mut call).await;
    assert_eq!((seen.len(), &seen[..2]), (3, &["test/tell".to_owned(), "test/tell".to_owned()][..]));
    assert!(seen[2].contains("no answer within 100ms"), "{seen:?}");
    assert!(matches!(R::finish(call).await, Err(Error::TimedOut { .. })));
}

async fn a_dropped_call_is_cancelled_and_makes_room<R: Kit>() {
    let scenario = Scenario::new().answer(LIST, Answer::never());
    let (server, client) = R::attach(Client::builder().window(1), scenario).await;
    let plain = list(&client, EventSettings::default());
    drop(plain);
    let cancel = ThreadArchiveParams::new("of the list");
    let call = list(&client, EventSettings::default());
    drop(call.cancel_with::<method::ThreadArchive>(&cancel).expect("it has a JSON form"));
    R::call(&client, "test/done", json!({})).await.expect("there is a place");
    assert_eq!(server.params("thread/archive"), [json!({"threadId": "of the list"})]);
    assert_eq!((server.count(LIST), client.stats().in_flight), (2, 0));
}

async fn what_cannot_be_sent_is_an_error<R: Kit>() {
    let (_server, client) = R::start(Scenario::new()).await;
    R::shutdown(&client).await;
    let (params, settings) = (ThreadListParams::new(), EventSettings::default());
    let call = client.begin::<method::ThreadList>(params, Filter::All, settings);
    assert!(matches!(call, Err(Error::Closed(_))), "{call:?}");
}
