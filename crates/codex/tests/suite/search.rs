//! Searches that yield hits before their answer. `initialize` has the id 1, so the first search has 2.

use std::time::Duration;

use codex_appserver::protocol::{ThreadSearchParams, ThreadSearchResponse, ThreadSearchResult};
use codex_appserver::{ClientError, Error};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::{Value, json};

use super::PATIENCE;
use crate::sdk;

pub const SEARCH: &str = "thread/search/stream";
pub const CANCEL: &str = "thread/search/stream/cancel";

fn hit(thread: &str) -> Value {
    json!({"snippet": format!("about {thread}"), "thread": {
        "id": thread, "sessionId": thread, "preview": "", "ephemeral": false, "modelProvider": "scripted",
        "createdAt": 1, "updatedAt": 1, "status": {"type": "notLoaded"}, "cwd": "/workspace", "cliVersion": "0",
        "source": "vscode", "turns": [], "projectId": null,
    }})
}

fn hits(threads: &[&str]) -> Value {
    threads.iter().copied().map(hit).collect()
}

/// Hits of the search with this id; `$id` is the one that the step belongs to.
pub fn partial(id: impl Into<Value>, threads: &[&str]) -> Step {
    Step::notify("thread/search/partial", json!({"requestId": id.into(), "data": hits(threads)}))
}

/// The answer to the search with this id.
fn page(id: impl Into<Value>, threads: &[&str]) -> Step {
    let result = json!({"data": hits(threads), "nextCursor": "more", "backwardsCursor": null});
    Step::Json(json!({"id": id.into(), "result": result}))
}

/// A server whose searches do this.
pub fn searching(steps: impl IntoIterator<Item = Step>) -> Scenario {
    Scenario::new().answer(SEARCH, Answer::never().then(steps))
}

pub fn params() -> ThreadSearchParams {
    ThreadSearchParams::new("term")
}

fn ids(found: &[ThreadSearchResult]) -> Vec<&str> {
    found.iter().map(|hit| &*hit.thread.id).collect()
}

fn is_page(answer: &ThreadSearchResponse, threads: &[&str]) {
    assert_eq!((ids(&answer.data), answer.next_cursor.as_deref()), (threads.to_vec(), Some("more")));
}

/// Reads a search to its end: hits, and the texts of errors.
macro_rules! read {
    ($search:expr) => {{
        let mut seen = Vec::new();
        while let Some(hit) = wait!($search.next()) {
            seen.push(hit.map_or_else(|error| error.to_string(), |hit| hit.thread.id));
        }
        assert!(wait!($search.next()).is_none(), "the end stays the end");
        seen
    }};
}

/// Sees that the server has got so many cancellations by now: what is sent comes in order.
macro_rules! cancelled {
    ($server:expr, $codex:expr, $ids:expr) => {{
        send!($codex.thread_archive("T")).expect("it is answered");
        let ids: Vec<_> = $server.params(CANCEL).iter().map(|params| params["requestId"].clone()).collect();
        assert_eq!(ids, $ids);
    }};
}

test! {
    fn hits_come_before_the_answer_which_replaces_them() {
        let before = [partial("$id", &["b"]), partial("$id", &[]), partial("$id", &["a", "gone"])];
        let steps = before.into_iter().chain([page("$id", &["a", "b"])]);
        let (server, codex) = attach!(sdk::Codex::builder(), searching(steps));
        let codex = codex.expect("a connection");
        let mut search = codex.thread_search_stream(params().limit(2_u32)).expect("it is sent");
        assert_eq!(search.request_id(), &2.into());
        assert_eq!(search.codex().metadata().server_name, codex.metadata().server_name);
        assert_eq!(read!(search), ["b", "a", "gone"]);
        assert_eq!(search.skipped(), 0);
        is_page(&wait!(search.finish()).expect("the answer"), &["a", "b"]);
        assert_eq!(server.params(SEARCH), [json!({"searchTerm": "term", "limit": 2})]);
        cancelled!(server, codex, [0; 0]);
    }

    fn a_search_may_have_no_hits_but_an_answer() {
        let (_server, codex) = attach!(sdk::Codex::builder(), searching([page("$id", &["a"])]));
        let mut search = codex.expect("a connection").thread_search_stream(params()).expect("it is sent");
        assert_eq!(read!(search), [""; 0]);
        is_page(&wait!(search.finish()).expect("the answer"), &["a"]);
    }

    // The stream alone holds the connection open.
    fn whoever_wants_the_answer_alone_gets_it() {
        let (server, codex) = attach!(sdk::Codex::builder(), searching([partial("$id", &["b"]), page("$id", &["a"])]));
        let search = codex.expect("a connection").thread_search_stream(params()).expect("it is sent");
        is_page(&wait!(search.finish()).expect("the answer"), &["a"]);
        server.wait_for_end(PATIENCE).expect("the connection is closed");
        assert_eq!(server.count(CANCEL), 0);
    }

    fn searches_at_the_same_time_keep_their_hits_apart() {
        let both = [partial(3, &["c"]), partial(2, &["a"]), partial(9, &["x"]), partial(3, &["d"]), page(3, &["d"]),
            partial(2, &["b"]), page(2, &["a"])];
        let scenario = Scenario::new().answer(SEARCH, Answer::never()).answer(SEARCH, Answer::never().then(both));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let codex = codex.expect("a connection");
        let mut first = codex.thread_search_stream(params()).expect("it is sent");
        let mut second = codex.thread_search_stream(params()).expect("it is sent");
        assert_eq!(read!(first), ["a", "b"]);
        assert_eq!(read!(second), ["c", "d"]);
        is_page(&wait!(first.finish()).expect("the answer"), &["a"]);
        is_page(&wait!(second.finish()).expect("the answer"), &["d"]);
    }

    fn dropping_a_search_cancels_it() {
        let late = Step::Json(json!({"id": 2, "error": {"code": -32600, "message": "thread search cancelled"}}));
        let scenario = searching([partial("$id", &["a"])]).answer(CANCEL, Answer::result(json!({})).then([late]));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let codex = codex.expect("a connection");
        let mut search = codex.thread_search_stream(params()).expect("it is sent");
        assert_eq!(wait!(search.next()).expect("a hit").expect("it is readable").thread.id, "a");
        drop(search);
        cancelled!(server, codex, [2]);
        // The late answer may come after the answer to the next call.
        for _ in 0..1000 {
            if codex.client().stats().late_answers == 0 {
                send!(codex.thread_archive("T")).expect("it goes on");
            }
        }
        let stats = codex.client().stats();
        assert_eq!((stats.in_flight, stats.late_answers, stats.unknown_answers), (0, 1, 0));
    }

    // The server loses the search with the connection: whether the cancellation still goes out does not matter.
    fn the_last_handle_of_a_search_ends_the_connection() {
        let (server, codex) = attach!(sdk::Codex::builder(), searching([]));
        let search = codex.expect("a connection").thread_search_stream(params()).expect("it is sent");
        server.wait_for(SEARCH, 1, PATIENCE).expect("the server searches");
        drop(search);
        server.wait_for_end(PATIENCE).expect("the connection is closed");
    }

    fn an_answer_that_was_not_read_leaves_nothing_to_cancel() {
        let (server, codex) = attach!(sdk::Codex::builder(), searching([page("$id", &["a"])]));
        let codex = codex.expect("a connection");
        let search = codex.thread_search_stream(params()).expect("it is sent");
        while codex.client().stats().answers < 2 {
            std::thread::yield_now();
        }
        drop(search);
        cancelled!(server, codex, [0; 0]);
    }

    fn a_search_that_was_not_sent_is_not_cancelled() {
        let scenario = Scenario::new().answer(SEARCH, Answer::never());
        let (server, codex) = attach!(sdk::Codex::builder().client(|client| client.window(1)), scenario);
        let codex = codex.expect("a connection");
        let first = codex.thread_search_stream(params()).expect("it is sent");
        let waiting = codex.thread_search_stream(params()).expect("it waits");
        assert_eq!((waiting.request_id(), codex.client().stats().queued), (&3.into(), 1));
        drop(waiting);
        drop(first);
        cancelled!(server, codex, [2]);
        assert_eq!(server.count(SEARCH), 1);
    }

    fn a_search_that_times_out_is_cancelled_once() {
        let builder = || sdk::Codex::builder().default_timeout(Duration::from_millis(500));
        let (server, codex) = attach!(builder(), searching([partial("$id", &["a"])]));
        let codex = codex.expect("a connection");
        let mut search = codex.thread_search_stream(params()).expect("it is sent");
        let seen = read!(search);
        assert!(seen.len() == 2 && seen[1].contains("no answer within 500ms"), "{seen:?}");
        cancelled!(server, codex, [2]);
        let error = wait!(search.finish()).expect_err("it has no answer");
        assert!(matches!(error, Error::Client(ClientError::TimedOut { .. })), "{error}");
        cancelled!(server, codex, [2]);

        let (server, codex) = attach!(builder(), searching([]));
        let codex = codex.expect("a connection");
        let search = codex.thread_search_stream(params()).expect("it is sent");
        let error = wait!(search.finish()).expect_err("it has no answer");
        assert!(matches!(error, Error::Client(ClientError::TimedOut { .. })), "{error}");
        cancelled!(server, codex, [2]);
    }

    fn a_search_that_is_refused_does_not_look_empty() {
        let refusal = Answer::error(-32600, "thread/search requires a non-empty searchTerm");
        let (server, codex) = attach!(sdk::Codex::builder(), Scenario::new().answer(SEARCH, refusal));
        let codex = codex.expect("a connection");
        let mut search = codex.thread_search_stream(ThreadSearchParams::new("")).expect("it is sent");
        let seen = read!(search);
        assert!(seen.len() == 1 && seen[0].contains("non-empty searchTerm"), "{seen:?}");
        let error = wait!(search.finish()).expect_err("it fails again");
        assert_eq!(error.rpc().map(|answer| answer.code), Some(-32600), "{error}");
        cancelled!(server, codex, [0; 0]);
    }

    fn an_answer_that_cannot_be_decoded_does_not_look_empty() {
        let broken = Step::Json(json!({"id": "$id", "result": {"data": [{"snippet": 1}]}}));
        let (_server, codex) = attach!(sdk::Codex::builder(), searching([partial("$id", &["a"]), broken]));
        let mut search = codex.expect("a connection").thread_search_stream(params()).expect("it is sent");
        let seen = read!(search);
        assert!(seen.len() == 2 && seen[1].contains("result.data[0].snippet"), "{seen:?}");
        let error = wait!(search.finish()).expect_err("it fails again");
        assert!(matches!(error, Error::Client(ClientError::Decode(_))), "{error}");
    }

    fn a_connection_that_ends_ends_the_search() {
        let (server, codex) = attach!(sdk::Codex::builder(), searching([partial("$id", &["a"]), Step::Exit(1)]));
        let codex = codex.expect("a connection");
        let mut search = codex.thread_search_stream(params()).expect("it is sent");
        let dropped = codex.thread_search_stream(params());
        let seen = read!(search);
        assert!(seen.len() == 2 && seen[0] == "a" && seen[1].contains("closed the connection"), "{seen:?}");
        drop(dropped);
        let error = wait!(search.finish()).expect_err("there is no answer");
        assert!(matches!(error, Error::Client(ClientError::Closed(_))), "{error}");
        assert_eq!(server.count(CANCEL), 0);
        let error = codex.thread_search_stream(params()).expect_err("there is no server");
        assert!(matches!(error, Error::Client(ClientError::Closed(_))), "{error}");
    }

    fn shutting_down_ends_the_search_with_an_error() {
        let (_server, codex) = attach!(sdk::Codex::builder(), searching([]));
        let codex = codex.expect("a connection");
        let mut search = codex.thread_search_stream(params()).expect("it is sent");
        wait!(codex.close());
        let error = wait!(search.next()).expect("not the end").expect_err("it has no answer");
        assert!(matches!(error, Error::Client(ClientError::Cancelled { .. })), "{error}");
        assert!(wait!(search.next()).is_none());
        wait!(search.finish()).expect_err("it fails again");
    }

    fn hits_that_cannot_be_decoded_do_not_end_the_search() {
        let batch = |id: Value| {
            Step::notify("thread/search/partial", json!({"requestId": id, "data": [{"snippet": 1}]}))
        };
        let torn = |id: u32| {
            Step::line(format!(r#"{{"method":"thread/search/partial","params":{{"requestId":{id},"data":["#))
        };
        let (own, others) = (batch(json!("$id")), [batch(json!(22)), batch(json!("2"))]);
        let lines = [torn(22), torn(2), Step::line("what is no message")];
        let steps = [own].into_iter().chain(others).chain([partial("$id", &["a"])]).chain(lines);
        let steps = steps.chain([partial("$id", &["b"]), page("$id", &["a"])]);
        let (_server, codex) = attach!(sdk::Codex::builder(), searching(steps));
        let mut search = codex.expect("a connection").thread_search_stream(params()).expect("it is sent");
        let seen = read!(search);
        assert_eq!((seen.len(), &*seen[1], &*seen[3]), (4, "a", "b"), "{seen:?}");
        assert!(seen[0].contains("thread/search/partial: params.data[0].snippet"), "{seen:?}");
        assert!(seen[2].contains("EOF while parsing"), "{seen:?}");
        is_page(&wait!(search.finish()).expect("the answer"), &["a"]);
    }

    fn hits_beyond_the_capacity_are_skipped_and_counted() {
        let flood = Step::flood(100, "thread/search/partial", json!({"requestId": "$id", "data": hits(&["a"])}));
        let builder = sdk::Codex::builder().event_capacity(4000);
        let (_server, codex) = attach!(builder, searching([flood, page("$id", &["a"])]));
        let codex = codex.expect("a connection");
        let mut search = codex.thread_search_stream(params()).expect("it is sent");
        while codex.client().stats().answers < 2 {
            std::thread::yield_now();
        }
        let seen = read!(search);
        assert!(!seen.is_empty() && seen.len() as u64 + search.skipped() == 100, "{seen:?} {}", search.skipped());
        is_page(&wait!(search.finish()).expect("the answer"), &["a"]);
    }

    fn debug_output_of_a_search_is_short() {
        let (_server, codex) = attach!(sdk::Codex::builder(), searching([]));
        let search = codex.expect("a connection").thread_search_stream(params()).expect("it is sent");
        assert_eq!(format!("{search:?}"), "ThreadSearchStream { request_id: Integer(2), .. }");
    }
}
