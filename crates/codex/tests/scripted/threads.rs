//! What only threads do: waiting for a while.

use std::time::{Duration, Instant};

use codex_appserver::blocking::Codex;
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer};
use serde_json::{Value, json};

use crate::scenarios::{older, thread_with, turn};
use crate::support::PATIENCE;

/// A reader that has no time to wait for the records gets the events, and the records in the end.
#[test]
fn an_impatient_reader_hears_of_the_end() {
    let over = json!([turn("completed")]);
    let slow =
        |status: &str, turns: Value| -> Answer { thread_with(json!({"type": status}), turns).delay_ms(1200) };
    let scenario = older(Scenario::new())
        .answer("thread/read", slow("idle", over.clone()))
        .answer("thread/read", slow("idle", over));
    let (server, stdout, stdin) = ScriptedServer::start(scenario).expect("it starts");
    let codex = Codex::builder().attach(stdout, stdin).expect("it connects");
    let turn = codex.thread("thread-1").follow("turn-1");
    let mut stream = turn.stream();
    let begun = Instant::now();
    while stream.result().is_none() {
        assert!(begun.elapsed() < PATIENCE, "asked {} times", server.count("thread/read"));
        assert_eq!(stream.next_timeout(Duration::from_millis(1)).expect("it goes on"), None);
    }
    assert!(turn.result().expect("a result").is_completed());
}
