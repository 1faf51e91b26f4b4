//! Searches that yield hits before their answer. `initialize` has the id 1, so the first search has 2.

use std::time::Duration;

use codex_appserver::generic::{Codex, ThreadSearchStream};
use codex_appserver::protocol::{ThreadSearchParams, ThreadSearchResponse, ThreadSearchResult};
use codex_appserver::{ClientError, Error};
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Step};
use serde_json::{Value, json};

use crate::both;
use crate::support::{Kit, PATIENCE};

both!(
    hits_come_before_the_answer_which_replaces_them,
    a_search_without_hits_has_an_answer,
    the_answer_can_be_had_without_hits,
    parallel_searches_keep_their_hits_apart,
    dropping_a_search_cancels_it,
    dropping_the_last_handle_ends_the_connection,
    an_unread_answer_leaves_nothing_to_cancel,
    an_unsent_search_is_not_cancelled,
    a_search_that_times_out_is_cancelled_once,
    a_refused_search_does_not_look_empty,
    an_unreadable_answer_does_not_look_empty,
    a_connection_that_ends_ends_the_search,
    shutting_down_ends_the_search_with_an_error,
    unreadable_hits_do_not_end_the_search,
    hits_beyond_the_capacity_are_skipped_and_counted,
    debug_output_of_a_search_is_short,
);

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
async fn read<R: Kit>(search: &mut ThreadSearchStream<R>) -> Vec<String> {
    let mut seen = Vec::new();
    while let Some(hit) = R::next_hit(search).await {
        seen.push(hit.map_or_else(|error| error.to_string(), |hit| hit.thread.id));
    }
    assert!(R::next_hit(search).await.is_none(), "the end stays the end");
    seen
}

/// Sees that the server has got these cancellations by now: what is sent comes in order.
async fn see_cancelled<R: Kit>(server: &ScriptedServer, codex: &Codex<R>, ids: &[u32]) {
    R::send(codex.thread_archive("T")).await.expect("it is answered");
    let cancelled: Vec<_> = server.params(CANCEL).iter().map(|params| params["requestId"].clone()).collect();
    assert_eq!(cancelled, ids);
}

async fn hits_come_before_the_answer_which_replaces_them<R: Kit>() {
    let before = [partial("$id", &["b"]), partial("$id", &[]), partial("$id", &["a", "gone"])];
    let steps = before.into_iter().chain([page("$id", &["a", "b"])]);
    let (server, codex) = R::start(searching(steps)).await;
    let mut search = codex.thread_search_stream(params().limit(2_u32)).expect("it is sent");
    assert_eq!(search.request_id(), &2.into());
    assert_eq!(search.codex().metadata().server_name, codex.metadata().server_name);
    assert_eq!(read(&mut search).await, ["b", "a", "gone"]);
    assert_eq!(search.skipped(), 0);
    is_page(&R::finish_search(search).await.expect("the answer"), &["a", "b"]);
    assert_eq!(server.params(SEARCH), [json!({"searchTerm": "term", "limit": 2})]);
    see_cancelled(&server, &codex, &[]).await;
}

async fn a_search_without_hits_has_an_answer<R: Kit>() {
    let (_server, codex) = R::start(searching([page("$id", &["a"])])).await;
    let mut search = codex.thread_search_stream(params()).expect("it is sent");
    assert_eq!(read(&mut search).await, [""; 0]);
    is_page(&R::finish_search(search).await.expect("the answer"), &["a"]);
}

/// The stream alone holds the connection open.
async fn the_answer_can_be_had_without_hits<R: Kit>() {
    let (server, codex) = R::start(searching([partial("$id", &["b"]), page("$id", &["a"])])).await;
    let search = codex.thread_search_stream(params()).expect("it is sent");
    drop(codex);
    is_page(&R::finish_search(search).await.expect("the answer"), &["a"]);
    server.wait_for_end(PATIENCE).expect("the connection is closed");
    assert_eq!(server.count(CANCEL), 0);
}

async fn parallel_searches_keep_their_hits_apart<R: Kit>() {
    let both = [
        partial(3, &["c"]),
        partial(2, &["a"]),
        partial(9, &["x"]),
        partial(3, &["d"]),
        page(3, &["d"]),
        partial(2, &["b"]),
        page(2, &["a"]),
    ];
    let scenario = Scenario::new().answer(SEARCH, Answer::never()).answer(SEARCH, Answer::never().then(both));
    let (_server, codex) = R::start(scenario).await;
    let mut first = codex.thread_search_stream(params()).expect("it is sent");
    let mut second = codex.thread_search_stream(params()).expect("it is sent");
    assert_eq!(read(&mut first).await, ["a", "b"]);
    assert_eq!(read(&mut second).await, ["c", "d"]);
    is_page(&R::finish_search(first).await.expect("the answer"), &["a"]);
    is_page(&R::finish_search(second).await.expect("the answer"), &["d"]);
}

async fn dropping_a_search_cancels_it<R: Kit>() {
    let late = Step::Json(json!({"id": 2, "error": {"code": -32600, "message": "thread search cancelled"}}));
    let scenario = searching([partial("$id", &["a"])]).answer(CANCEL, Answer::result(json!({})).then([late]));
    let (server, codex) = R::start(scenario).await;
    let mut search = codex.thread_search_stream(params()).expect("it is sent");
    assert_eq!(R::next_hit(&mut search).await.expect("a hit").expect("it is readable").thread.id, "a");
    drop(search);
    see_cancelled(&server, &codex, &[2]).await;
    // The late answer may come after the answer to the next call.
    for _ in 0..1000 {
        if codex.client().stats().late_answers == 0 {
            R::send(codex.thread_archive("T")).await.expect("it goes on");
        }
    }
    let stats = codex.client().stats();
    assert_eq!((stats.in_flight, stats.late_answers, stats.unknown_answers), (0, 1, 0));
}

/// The server loses the search with the connection: whether the cancellation still goes out does not matter.
async fn dropping_the_last_handle_ends_the_connection<R: Kit>() {
    let (server, codex) = R::start(searching([])).await;
    let search = codex.thread_search_stream(params()).expect("it is sent");
    drop(codex);
    server.wait_for(SEARCH, 1, PATIENCE).expect("the server searches");
    drop(search);
    server.wait_for_end(PATIENCE).expect("the connection is closed");
}

async fn an_unread_answer_leaves_nothing_to_cancel<R: Kit>() {
    let (server, codex) = R::start(searching([page("$id", &["a"])])).await;
    let search = codex.thread_search_stream(params()).expect("it is sent");
    while codex.client().stats().answers < 2 {
        std::thread::yield_now();
    }
    drop(search);
    see_cancelled(&server, &codex, &[]).await;
}

async fn an_unsent_search_is_not_cancelled<R: Kit>() {
    let scenario = Scenario::new().answer(SEARCH, Answer::never());
    let (server, codex) = R::attach(Codex::builder().client(|client| client.window(1)), scenario).await;
    let first = codex.thread_search_stream(params()).expect("it is sent");
    let waiting = codex.thread_search_stream(params()).expect("it waits");
    assert_eq!((waiting.request_id(), codex.client().stats().queued), (&3.into(), 1));
    drop(waiting);
    drop(first);
    see_cancelled(&server, &codex, &[2]).await;
    assert_eq!(server.count(SEARCH), 1);
}

async fn a_search_that_times_out_is_cancelled_once<R: Kit>() {
    let builder = || Codex::builder().default_timeout(Duration::from_millis(500));
    let (server, codex) = R::attach(builder(), searching([partial("$id", &["a"])])).await;
    let mut search = codex.thread_search_stream(params()).expect("it is sent");
    let seen = read(&mut search).await;
    assert!(seen.len() == 2 && seen[1].contains("no answer within 500ms"), "{seen:?}");
    see_cancelled(&server, &codex, &[2]).await;
    let error = R::finish_search(search).await.expect_err("it has no answer");
    assert!(matches!(error, Error::Client(ClientError::TimedOut { .. })), "{error}");
    see_cancelled(&server, &codex, &[2]).await;

    let (server, codex) = R::attach(builder(), searching([])).await;
    let search = codex.thread_search_stream(params()).expect("it is sent");
    let error = R::finish_search(search).await.expect_err("it has no answer");
    assert!(matches!(error, Error::Client(ClientError::TimedOut { .. })), "{error}");
    see_cancelled(&server, &codex, &[2]).await;
}

async fn a_refused_search_does_not_look_empty<R: Kit>() {
    let refusal = Answer::error(-32600, "thread/search requires a non-empty searchTerm");
    let (server, codex) = R::start(Scenario::new().answer(SEARCH, refusal)).await;
    let mut search = codex.thread_search_stream(ThreadSearchParams::new("")).expect("it is sent");
    let seen = read(&mut search).await;
    assert!(seen.len() == 1 && seen[0].contains("non-empty searchTerm"), "{seen:?}");
    let error = R::finish_search(search).await.expect_err("it fails again");
    assert_eq!(error.rpc().map(|answer| answer.code), Some(-32600), "{error}");
    see_cancelled(&server, &codex, &[]).await;
}

async fn an_unreadable_answer_does_not_look_empty<R: Kit>() {
    let broken = Step::Json(json!({"id": "$id", "result": {"data": [{"snippet": 1}]}}));
    let (_server, codex) = R::start(searching([partial("$id", &["a"]), broken])).await;
    let mut search = codex.thread_search_stream(params()).expect("it is sent");
    let seen = read(&mut search).await;
    assert!(seen.len() == 2 && seen[1].contains("result.data[0].snippet"), "{seen:?}");
    let error = R::finish_search(search).await.expect_err("it fails again");
    assert!(matches!(error, Error::Client(ClientError::Decode(_))), "{error}");
}

async fn a_connection_that_ends_ends_the_search<R: Kit>() {
    let (server, codex) = R::start(searching([partial("$id", &["a"]), Step::Exit(1)])).await;
    let mut search = codex.thread_search_stream(params()).expect("it is sent");
    let dropped = codex.thread_search_stream(params());
    let seen = read(&mut search).await;
    assert!(seen.len() == 2 && seen[0] == "a" && seen[1].contains("closed the connection"), "{seen:?}");
    drop(dropped);
    let error = R::finish_search(search).await.expect_err("there is no answer");
    assert!(matches!(error, Error::Client(ClientError::Closed(_))), "{error}");
    assert_eq!(server.count(CANCEL), 0);
    let error = codex.thread_search_stream(params()).expect_err("there is no server");
    assert!(matches!(error, Error::Client(ClientError::Closed(_))), "{error}");
}

async fn shutting_down_ends_the_search_with_an_error<R: Kit>() {
    let (_server, codex) = R::start(searching([])).await;
    let mut search = codex.thread_search_stream(params()).expect("it is sent");
    R::close(&codex).await;
    let error = R::next_hit(&mut search).await.expect("not the end").expect_err("it has no answer");
    assert!(matches!(error, Error::Client(ClientError::Cancelled { .. })), "{error}");
    assert!(R::next_hit(&mut search).await.is_none());
    R::finish_search(search).await.expect_err("it fails again");
}

async fn unreadable_hits_do_not_end_the_search<R: Kit>() {
    let batch =
        |id: Value| Step::notify("thread/search/partial", json!({"requestId": id, "data": [{"snippet": 1}]}));
    let torn = |id: u32| {
        Step::line(format!(r#"{{"method":"thread/search/partial","params":{{"requestId":{id},"data":["#))
    };
    let (own, others) = (batch(json!("$id")), [batch(json!(22)), batch(json!("2"))]);
    let lines = [torn(22), torn(2), Step::line("what is no message")];
    let steps = [own].into_iter().chain(others).chain([partial("$id", &["a"])]).chain(lines);
    let steps = steps.chain([partial("$id", &["b"]), page("$id", &["a"])]);
    let (_server, codex) = R::start(searching(steps)).await;
    let mut search = codex.thread_search_stream(params()).expect("it is sent");
    let seen = read(&mut search).await;
    assert_eq!((seen.len(), &*seen[1], &*seen[3]), (4, "a", "b"), "{seen:?}");
    assert!(seen[0].contains("thread/search/partial: params.data[0].snippet"), "{seen:?}");
    assert!(seen[2].contains("EOF while parsing"), "{seen:?}");
    is_page(&R::finish_search(search).await.expect("the answer"), &["a"]);
}

async fn hits_beyond_the_capacity_are_skipped_and_counted<R: Kit>() {
    let flood = Step::flood(100, "thread/search/partial", json!({"requestId": "$id", "data": hits(&["a"])}));
    let builder = Codex::builder().event_capacity(4000);
    let (_server, codex) = R::attach(builder, searching([flood, page("$id", &["a"])])).await;
    let mut search = codex.thread_search_stream(params()).expect("it is sent");
    while codex.client().stats().answers < 2 {
        std::thread::yield_now();
    }
    let seen = read(&mut search).await;
    assert!(!seen.is_empty() && seen.len() as u64 + search.skipped() == 100, "{seen:?} {}", search.skipped());
    is_page(&R::finish_search(search).await.expect("the answer"), &["a"]);
}

async fn debug_output_of_a_search_is_short<R: Kit>() {
    let (_server, codex) = R::start(searching([])).await;
    let search = codex.thread_search_stream(params()).expect("it is sent");
    assert_eq!(format!("{search:?}"), "ThreadSearchStream { request_id: Integer(2), .. }");
}
