//! What only tasks do: futures of a search that are given up.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use codex_appserver::Codex;
use codex_appserver_testkit::scripted::ScriptedServer;
use futures_core::Stream;

use crate::search::{CANCEL, SEARCH, params, partial, searching};
use crate::support::PATIENCE;

/// A connection to a server that searches without end.
async fn connect() -> (ScriptedServer, Codex) {
    let (server, stdout, stdin) = ScriptedServer::start_async(searching([])).expect("it starts");
    (server, Codex::builder().attach(stdout, stdin).await.expect("it connects"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giving_up_the_answer_cancels_the_search() {
    let (server, codex) = connect().await;
    // Also if it was never polled.
    drop(codex.thread_search_stream(params()).expect("it is sent").finish());
    let search = codex.thread_search_stream(params()).expect("it is sent");
    let answer = tokio::time::timeout(Duration::from_millis(50), search.finish()).await;
    answer.expect_err("there is none");
    server.wait_for(CANCEL, 2, PATIENCE).expect("both are cancelled");
    let ids: Vec<_> = server.params(CANCEL).iter().map(|params| params["requestId"].clone()).collect();
    assert_eq!((ids, server.count(SEARCH)), (vec![2.into(), 4.into()], 2));
}

#[tokio::test]
async fn giving_up_a_hit_loses_nothing() {
    let (server, codex) = connect().await;
    let mut search = codex.thread_search_stream(params()).expect("it is sent");
    tokio::time::timeout(Duration::from_millis(50), search.next()).await.expect_err("there is none");
    server.play([partial(2, &["a"])]);
    // As any other stream.
    let next = std::future::poll_fn(|context: &mut Context<'_>| Pin::new(&mut search).poll_next(context));
    assert_eq!(next.await.expect("a hit").expect("it is readable").thread.id, "a");
    assert_eq!(server.count(CANCEL), 0);
}
