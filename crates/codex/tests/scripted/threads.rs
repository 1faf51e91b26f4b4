//! What only threads do: waiting for a while.

use std::time::{Duration, Instant};

use codex_appserver::blocking::{Codex, NextEvent};
use codex_appserver::{ClientError, Error, Process};
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Step};
use serde_json::{Value, json};

use crate::scenarios::{completed, delta, older, started, telling, thread_with, turn};
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
    loop {
        assert!(begun.elapsed() < PATIENCE, "asked {} times", server.count("thread/read"));
        match stream.next_timeout(Duration::from_millis(1)).expect("it goes on") {
            NextEvent::TimedOut => assert!(stream.result().is_none()),
            NextEvent::Ended => break,
            NextEvent::Event(event) => panic!("{event:?}"),
        }
    }
    assert!(turn.result().expect("a result").is_completed());
}

/// Whoever waits is told whether an event came, the time is up, or the turn is over.
#[test]
fn each_outcome_of_waiting_has_a_name() {
    let steps = [started(), Step::Until("model/list".into()), delta("Hello"), completed("completed")];
    let scenario = telling(steps).answer("model/list", Answer::result(json!({"data": []})));
    let (_server, stdout, stdin) = ScriptedServer::start(scenario).expect("it starts");
    let codex = Codex::builder().attach(stdout, stdin).expect("it connects");
    let thread = codex.thread_start().call().expect("a thread");
    let mut stream = thread.turn("go").call().expect("a turn").stream();
    let mut wait = |time| match stream.next_timeout(time).expect("it goes on") {
        NextEvent::Event(event) => event.notification().map_or("?", |said| said.method()).to_owned(),
        outcome => format!("{outcome:?}"),
    };
    assert_eq!(wait(PATIENCE), "turn/started");
    assert_eq!(wait(Duration::from_millis(20)), "TimedOut");
    codex.models().call().expect("an answer");
    let rest: Vec<_> = (0..4).map(|_| wait(PATIENCE)).collect();
    assert_eq!(rest, ["item/agentMessage/delta", "turn/completed", "Ended", "Ended"]);
    assert_eq!(stream.result().map(|result| result.is_completed()), Some(true));
}

/// An error is told once, and then the stream has ended.
#[test]
fn a_stream_that_failed_has_ended() {
    let scenario = telling([started(), Step::CloseStdout]);
    let (_server, stdout, stdin) = ScriptedServer::start(scenario).expect("it starts");
    let codex = Codex::builder().attach(stdout, stdin).expect("it connects");
    let thread = codex.thread_start().call().expect("a thread");
    let mut stream = thread.turn("go").call().expect("a turn").stream();
    assert!(matches!(stream.next_timeout(PATIENCE), Ok(NextEvent::Event(_))));
    stream.next_timeout(PATIENCE).expect_err("the connection is gone");
    assert_eq!(stream.next_timeout(PATIENCE).expect("that was all"), NextEvent::Ended);
    assert_eq!(stream.result(), None);
}

/// A process of a group of its own leads it.
#[cfg(unix)]
#[test]
fn the_server_has_a_group_of_its_own_if_that_is_wanted() {
    let script = "echo $$ $(ps -o pgid= -p $$) >&2; exit 7";
    for wanted in [true, false] {
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", script]);
        let builder = Codex::builder().process(|_| Process::from_command(&command));
        let builder = if wanted { builder.own_group() } else { builder };
        let Err(Error::Client(ClientError::Closed(closed))) = builder.start() else { panic!("it exits") };
        let said = closed.stderr.join(" ");
        let (id, group) = said.split_once(' ').expect("two ids");
        assert_eq!(id == group.trim(), wanted, "{said}");
    }
}
