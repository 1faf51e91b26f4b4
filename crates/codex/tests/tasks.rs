//! The SDK for tokio.

#![cfg(feature = "async")]

macro_rules! wait {
    ($future:expr) => {
        $future.await
    };
}

macro_rules! send {
    ($call:expr) => {
        $call.await
    };
}

/// Something that goes on beside the test; `join` waits for it.
macro_rules! beside {
    ($work:block) => {
        tokio::spawn(async move { $work })
    };
}

macro_rules! join {
    ($beside:expr) => {
        $beside.await.expect("no panic")
    };
}

macro_rules! decide {
    (|$request:pat_param| $decision:expr) => {
        move |$request: codex_appserver::ApprovalRequest| {
            let decision = $decision;
            async move { decision }
        }
    };
}

/// An operation that may be made again.
macro_rules! operation {
    ($result:expr) => {
        || async { $result }
    };
}

macro_rules! test {
    ($(fn $name:ident() $body:block)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() $body
    )*};
}

use codex_appserver as sdk;

macro_rules! attach {
    ($builder:expr, $scenario:expr) => {{
        let started = codex_appserver_testkit::scripted::ScriptedServer::start_async($scenario);
        let (server, stdout, stdin) = started.expect("it starts");
        (server, $builder.attach(stdout, stdin).await)
    }};
}

mod suite;

#[cfg(feature = "experimental")]
mod search {
    //! What only tasks can do with a search.

    use std::pin::Pin;
    use std::task::Context;
    use std::time::Duration;

    use futures_core::Stream;

    use super::suite::search::{CANCEL, SEARCH, params, partial, searching};
    use super::{sdk, suite};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn giving_up_the_answer_cancels_the_search() {
        let (server, codex) = attach!(sdk::Codex::builder(), searching([]));
        let codex = codex.expect("a connection");
        // Also if it was never polled.
        drop(codex.thread_search_stream(params()).expect("it is sent").finish());
        let search = codex.thread_search_stream(params()).expect("it is sent");
        let answer = tokio::time::timeout(Duration::from_millis(50), search.finish()).await;
        answer.expect_err("there is none");
        server.wait_for(CANCEL, 2, suite::PATIENCE).expect("both are cancelled");
        let ids: Vec<_> = server.params(CANCEL).iter().map(|params| params["requestId"].clone()).collect();
        assert_eq!((ids, server.count(SEARCH)), (vec![2.into(), 4.into()], 2));
    }

    #[tokio::test]
    async fn giving_up_a_hit_loses_nothing() {
        let (server, codex) = attach!(sdk::Codex::builder(), searching([]));
        let codex = codex.expect("a connection");
        let mut search = codex.thread_search_stream(params()).expect("it is sent");
        tokio::time::timeout(Duration::from_millis(50), search.next()).await.expect_err("there is none");
        server.play([partial(2, &["a"])]);
        // As any other stream.
        let next = std::future::poll_fn(|context: &mut Context<'_>| Pin::new(&mut search).poll_next(context));
        assert_eq!(next.await.expect("a hit").expect("it is readable").thread.id, "a");
        assert_eq!(server.count(CANCEL), 0);
    }
}
