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
