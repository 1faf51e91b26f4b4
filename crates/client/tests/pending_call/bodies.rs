//! The tests, with the macros and the `Client` of the module that they are in.

use super::Client;
use std::time::{Duration, Instant};

use codex_appserver_client::protocol::{CommandExecTerminateParams, ThreadArchiveParams, ThreadListParams};
use codex_appserver_client::{Error, Event, EventSettings, Filter, Overflow, method};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::json;

const LIST: &str = "thread/list";
const PATIENCE: Duration = Duration::from_secs(60);

fn tell(n: u64) -> Step {
    Step::notify("test/tell", json!({"n": n, "text": "x".repeat(100)}))
}

fn page() -> Step {
    Step::Json(json!({"id": "$id", "result": {"data": [], "nextCursor": "more"}}))
}

fn listing(steps: impl IntoIterator<Item = Step>) -> Scenario {
    Scenario::new().answer(LIST, Answer::never().then(steps))
}

/// What comes until the end: methods, and the texts of errors.
macro_rules! read {
    ($call:expr) => {{
        let mut seen = Vec::new();
        while let Some(event) = wait!($call.next()) {
            seen.push(match event {
                Ok(Event::Notification(envelope)) => envelope.notification.method().to_owned(),
                Ok(Event::Lagged { skipped }) => format!("lagged {skipped}"),
                Ok(other) => format!("{other:?}"),
                Err(error) => error.to_string(),
            });
        }
        assert!(wait!($call.next()).is_none(), "the end stays the end");
        seen
    }};
}

macro_rules! list {
    ($client:expr, $settings:expr) => {
        $client
            .begin::<method::ThreadList>(ThreadListParams::new(), Filter::All, $settings)
            .expect("it is sent")
    };
}

test! {
    fn the_events_before_the_answer_are_all_there() {
        let other = Step::notify("test/other", json!({}));
        let (server, client) = attach!(Client::builder(), listing([tell(0), other, tell(1), page()]));
        let mut call = list!(client, EventSettings::default());
        assert_eq!((call.id(), format!("{call:?}")),
            (2.into(), r#"PendingCall { method: "thread/list", id: 2, over: false, .. }"#.to_owned()));
        assert_eq!(read!(call), ["test/tell", "test/other", "test/tell"]);
        server.play([tell(2)]);
        assert_eq!(wait!(call.finish()).expect("the answer").next_cursor.as_deref(), Some("more"));
        let mut call = list!(client, EventSettings::default().methods(&["test/other"]));
        assert_eq!(read!(call), ["test/other"]);
        let call = list!(client, EventSettings::default());
        assert!(wait!(call.finish()).is_ok(), "without the events");
    }

    fn a_reader_that_is_too_slow_still_gets_the_answer() {
        let (_server, client) = attach!(Client::builder(), listing((0..20).map(tell).chain([page()])));
        let mut call = list!(client, EventSettings::default().byte_cap(1000));
        while client.stats().answers < 2 {
            std::thread::yield_now();
        }
        let seen = read!(call);
        assert!(seen.len() > 1 && seen.last().is_some_and(|last| last.contains("more than 1000 bytes")), "{seen:?}");
        assert!(wait!(call.finish()).is_ok());
        let mut call = list!(client, EventSettings::default().byte_cap(1000).overflow(Overflow::Skip));
        while client.stats().answers < 3 {
            std::thread::yield_now();
        }
        let (seen, skipped) = (read!(call), call.skipped());
        assert_eq!(seen.last(), Some(&format!("lagged {skipped}")));
        assert_eq!(seen.len() as u64 - 1 + skipped, 20);
    }

    // It does not wait until the events are read.
    fn a_call_that_is_late_is_cancelled_while_there_are_events_to_read() {
        let (server, client) = attach!(Client::builder(), listing((0..3).map(tell)));
        let client = client.with_timeout(Duration::from_millis(100));
        let cancel = CommandExecTerminateParams::new("list");
        let begun = Instant::now();
        let call = list!(client, EventSettings::default());
        let mut call = call.cancel_with::<method::CommandExecTerminate>(&cancel).expect("it has a JSON form");
        while client.stats().notifications < 3 || begun.elapsed() < Duration::from_millis(200) {
            std::thread::yield_now();
        }
        assert!(matches!(wait!(call.next()), Some(Ok(Event::Notification(_)))));
        server.wait_for("command/exec/terminate", 1, PATIENCE).expect("it is cancelled");
        assert_eq!(server.params("command/exec/terminate"), [json!({"processId": "list"})]);
        let seen = read!(call);
        assert_eq!((seen.len(), &seen[..2]), (3, &["test/tell".to_owned(), "test/tell".to_owned()][..]));
        assert!(seen[2].contains("no answer within 100ms"), "{seen:?}");
        assert!(matches!(wait!(call.finish()), Err(Error::TimedOut { .. })));
    }

    fn a_call_that_is_given_up_frees_its_place_and_is_cancelled() {
        let (server, client) = attach!(Client::builder().window(1), Scenario::new().answer(LIST, Answer::never()));
        let plain = list!(client, EventSettings::default());
        drop(plain);
        let cancel = ThreadArchiveParams::new("of the list");
        let call = list!(client, EventSettings::default());
        drop(call.cancel_with::<method::ThreadArchive>(&cancel).expect("it has a JSON form"));
        wait!(client.request_raw("test/done", json!({}))).expect("there is a place");
        assert_eq!(server.params("thread/archive"), [json!({"threadId": "of the list"})]);
        assert_eq!((server.count(LIST), client.stats().in_flight), (2, 0));
    }

    fn what_cannot_be_sent_is_an_error() {
        let (_server, client) = attach!(Client::builder(), Scenario::new());
        wait!(client.shutdown());
        let call = client.begin::<method::ThreadList>(ThreadListParams::new(), Filter::All, EventSettings::default());
        assert!(matches!(call, Err(Error::Closed(_))), "{call:?}");
    }
}
