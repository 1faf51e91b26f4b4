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
