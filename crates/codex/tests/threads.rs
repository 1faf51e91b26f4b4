//! The SDK for threads.

#![cfg(feature = "blocking")]
#![allow(clippy::while_let_on_iterator, reason = "the same bodies read streams that are no iterators")]

macro_rules! wait {
    ($done:expr) => {
        $done
    };
}

macro_rules! send {
    ($call:expr) => {
        $call.call()
    };
}

/// Something that goes on beside the test; `join` waits for it.
macro_rules! beside {
    ($work:block) => {
        std::thread::spawn(move || $work)
    };
}

macro_rules! join {
    ($beside:expr) => {
        $beside.join().expect("no panic")
    };
}

macro_rules! decide {
    (|$request:pat_param| $decision:expr) => {
        move |$request: codex_appserver::ApprovalRequest| $decision
    };
}

/// An operation that may be made again.
macro_rules! operation {
    ($result:expr) => {
        || $result
    };
}

macro_rules! test {
    ($(fn $name:ident() $body:block)*) => {$(
        #[test]
        fn $name() $body
    )*};
}

use codex_appserver::blocking as sdk;

macro_rules! attach {
    ($builder:expr, $scenario:expr) => {{
        let started = codex_appserver_testkit::scripted::ScriptedServer::start($scenario);
        let (server, stdout, stdin) = started.expect("it starts");
        (server, $builder.attach(stdout, stdin))
    }};
}

mod suite;

/// Whoever has no time to wait for the records gets the events, and the records in the end.
#[test]
fn a_reader_in_a_hurry_hears_of_the_end() {
    use codex_appserver_testkit::scripted::{Answer, Scenario};
    use std::time::Duration;

    let over = serde_json::json!([suite::turn("completed")]);
    let slow = |status: &str, turns: serde_json::Value| -> Answer {
        suite::thread_with(serde_json::json!({"type": status}), turns).delay_ms(1200)
    };
    let scenario = Scenario::new()
        .answer("thread/read", slow("idle", over.clone()))
        .answer("thread/read", slow("idle", over));
    let (server, codex) = attach!(sdk::Codex::builder(), scenario);
    let turn = codex.expect("a connection").thread("thread-1").follow("turn-1");
    let mut stream = turn.stream();
    let begun = std::time::Instant::now();
    while stream.result().is_none() {
        assert!(begun.elapsed() < suite::PATIENCE, "asked {} times", server.count("thread/read"));
        assert_eq!(stream.next_timeout(Duration::from_millis(1)).expect("it goes on"), None);
    }
    assert!(turn.result().expect("a result").is_completed());
}
