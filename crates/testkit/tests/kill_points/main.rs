//! Kill points on the real codex, whose client here knows nothing but JSON.

#![cfg(unix)]

mod peer;

use std::iter;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use codex_appserver_testkit::kill_points::{Direction, Hit, Kind, Moment};
use codex_appserver_testkit::{Gate, Reply};
use peer::{PATIENCE, PROMPT, Peer, Stage, methods};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

const APPROVAL: &str = "item/commandExecution/requestApproval";

/// What passes in a turn with one approval, whichever the transport. Other threads of the server send the rest.
const TURN: [&str; 21] = [
    "turn/start",
    "answer to turn/start",
    "thread/status/changed",
    "turn/started",
    "item/started",
    "item/completed",
    "thread/status/changed",
    "item/started",
    APPROVAL,
    "answer to item/commandExecution/requestApproval",
    "serverRequest/resolved",
    "thread/status/changed",
    "item/completed",
    "thread/tokenUsage/updated",
    "item/started",
    "item/agentMessage/delta",
    "item/agentMessage/delta",
    "item/completed",
    "thread/tokenUsage/updated",
    "thread/status/changed",
    "turn/completed",
];

fn names(stage: &Stage, run: usize) -> Vec<String> {
    let messages = stage.points.messages().into_iter().filter(|message| message.run == run);
    let names = messages.map(|message| message.name()).skip_while(|name| name != "turn/start");
    let of_turn = |name: &String| !["thread/started", "account/rateLimits/updated"].contains(&name.as_str());
    names.filter(of_turn).collect()
}

fn signal(pid: u32, signal: Signal) {
    let pid = pid.try_into().ok().and_then(Pid::from_raw).expect("a number");
    kill_process(pid, signal).expect("it is there");
}

/// Until no process is left; it may take a moment.
fn none_left(stage: &Stage) {
    let begun = Instant::now();
    while !stage.points.alive().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "{:?} are left", stage.points.alive());
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_turn_is_numbered_on_stdio() {
    let Some(stage) = Stage::set() else { return };
    let (mut server, mut peer) = stage.stdio();
    peer.turn();
    peer.close();
    assert_eq!(server.end().code(), Some(0));
    for message in stage.points.messages() {
        println!("{message}");
    }
    assert_eq!(names(&stage, 1), TURN);
    let messages = stage.points.messages();
    assert!(messages.iter().all(|message| message.delivered && message.connection == 1));
    assert!(messages.iter().zip(1..).all(|(message, number)| message.number == number));
    let asked = messages.iter().find(|message| message.name() == APPROVAL).expect("a request");
    assert_eq!((asked.direction, asked.kind), (Direction::ToClient, Kind::Request));
    assert_eq!(asked.id, Some(json!(0)));
    assert_eq!(stage.points.fired(), None);
    none_left(&stage);
    assert_eq!(stage.points.pids().len(), 3);
}

#[test]
fn a_turn_is_numbered_on_a_socket() {
    let Some(stage) = Stage::set() else { return };
    let mut server = stage.listening();
    let mut peer = stage.connect();
    peer.turn();
    assert_eq!(names(&stage, 1), TURN);
    let mode = stage.socket().metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // A second client has a connection of its own, and long messages, pings and goodbyes arrive.
    let mut second = stage.connect();
    second.initialize().expect("it goes on");
    let long = "x".repeat(9_000_000);
    let command = json!({"command": ["printf", "%s", "ok"], "env": {"LONG": "y".repeat(100_000)}});
    assert_eq!(second.answer("command/exec", command).expect("an answer")["result"]["stdout"], "ok");
    let file = stage.home.workspace().join("long");
    std::fs::write(&file, &long).expect("a file");
    let read = second.answer("fs/readFile", json!({"path": file})).expect("an answer");
    assert!(read["result"]["dataBase64"].as_str().expect("bytes").len() > long.len());
    second.ping();
    assert_eq!(second.next().expect("it goes on"), "pong");
    second.close();
    // codex answers a ping twice, and a goodbye not at all.
    assert!(iter::from_fn(|| second.next()).all(|message| message == "pong"));
    let seconds = stage.points.messages().into_iter().filter(|message| message.connection == 2);
    let last = seconds.map(|message| message.name()).next_back();
    assert_eq!(last.as_deref(), Some("answer to fs/readFile"));

    // The end is codex's own, and it removes the socket.
    signal(server.pid(), Signal::TERM);
    assert_eq!(server.end().code(), Some(0));
    assert!(!stage.socket().exists());
    none_left(&stage);
}

/// The message is withheld, and the next server runs untouched.
#[test]
fn killed_before_a_message_on_stdio() {
    let Some(stage) = Stage::set() else { return };
    stage.points.hit(APPROVAL, Moment::Before, Hit::Kill).expect("an order");
    let (mut server, mut peer) = stage.stdio();
    let seen = peer.turn();
    assert_eq!(server.end().signal(), Some(9));
    assert_eq!(methods(&seen).last(), Some(&"item/started"));
    let fired = stage.points.fired().expect("it was hit");
    assert_eq!((fired.name().as_str(), fired.delivered), (APPROVAL, false));
    assert_eq!(stage.points.messages().last(), Some(&fired));
    // The watcher needs a moment, codex itself is gone.
    assert!(!stage.points.alive().contains(&stage.points.codex_pids()[0]));
    none_left(&stage);

    let thread = seen[0]["params"]["thread"]["id"].clone();
    let (mut server, mut peer) = stage.stdio();
    peer.initialize().expect("it goes on");
    let resumed = peer.answer("thread/resume", json!({"threadId": thread})).expect("an answer");
    assert_eq!(resumed["result"]["thread"]["turns"][0]["status"], "interrupted");
    // What is history was not sent twice.
    let input = json!([{"type": "text", "text": "Go on."}]);
    peer.answer("turn/start", json!({"threadId": thread, "input": input})).expect("an answer");
    stage.model.wait_for_requests(2, PATIENCE).expect("the model is asked again");
    assert_eq!([PROMPT, "Go on.", "Never."].map(|text| stage.model.times_sent(text)), [1, 1, 0]);
    assert_eq!([PROMPT, "Go on."].map(|text| stage.model.requests_about(text).len()), [1, 1]);
    peer.close();
    server.end();
    none_left(&stage);
    assert_eq!(stage.points.runs_started(), 2);
    assert_eq!(stage.points.fired(), Some(fired));
}

/// The message is delivered, and nothing after it. The point is a number here, that of a turn which was recorded.
#[test]
fn killed_after_a_message_on_a_socket() {
    let Some(stage) = Stage::set() else { return };
    let mut server = stage.listening();
    stage.connect().turn();
    let recorded = stage.points.messages();
    let started =
        recorded.iter().find(|message| message.name() == "item/agentMessage/delta").expect("a delta");
    signal(server.pid(), Signal::TERM);
    server.end();

    stage.points.hit(started.number, Moment::After, Hit::Kill).expect("an order");
    let mut server = stage.listening();
    let mut peer = stage.connect();
    let seen = peer.turn();
    assert_eq!(server.end().signal(), Some(9));
    let fired = stage.points.wait_for_hit(PATIENCE).expect("it was hit");
    assert_eq!((fired.run, fired.number, fired.delivered), (2, started.number, true));
    assert_eq!(methods(&seen).last(), fired.method.as_deref().as_ref());
    // A killed server leaves its socket; the next one takes its place.
    assert!(stage.socket().exists());
    let mut server = stage.listening();
    let mut peer = stage.connect();
    assert_eq!(methods(&peer.turn()).last(), Some(&"turn/completed"));
    server.kill();
    server.end();
    none_left(&stage);
    assert_eq!(stage.model.times_sent(PROMPT), 3);
}

/// A stopped server is silent and stays; continued it goes on where it was.
#[test]
fn stopped_before_a_message_on_stdio() {
    let Some(stage) = Stage::set() else { return };
    stage.points.hit(("item/completed", 2), Moment::Before, Hit::Stop).expect("an order");
    let (mut server, peer) = stage.stdio();
    let mut peer = stopped(&stage, peer);
    let fired = stage.points.fired().expect("it was hit");
    assert!(!fired.delivered, "{fired}");
    let seen = stage.points.messages();
    assert!(server.is_running());
    // Neither SIGTERM nor the end of its input is noticed.
    peer.drain();
    peer.request("thread/list", json!({}));
    assert!(peer.is_silent());
    assert_eq!(stage.points.messages(), seen);

    signal(server.pid(), Signal::CONT);
    let rest = peer.until("turn/completed");
    assert_eq!(methods(&rest).first(), Some(&"item/completed"));
    assert_eq!(names(&stage, 1).iter().filter(|name| *name != "thread/list").count(), TURN.len() + 1);
    // A second order is another hit.
    stage.points.hit("answer to thread/read", Moment::After, Hit::Kill).expect("an order");
    peer.request("thread/read", json!({"threadId": "none"}));
    assert!(peer.next().expect("it was delivered").get("error").is_some());
    assert_eq!(server.end().signal(), Some(9));
    none_left(&stage);
}

/// A stopped server takes connections and says nothing; killing the stand-in is enough.
#[test]
fn stopped_after_a_message_on_a_socket() {
    let Some(stage) = Stage::set() else { return };
    let answer = "answer to item/commandExecution/requestApproval";
    stage.points.hit(answer, Moment::After, Hit::Stop).expect("an order");
    let mut server = stage.listening();
    let peer = stage.connect();
    let mut peer = stopped(&stage, peer);
    let fired = stage.points.fired().expect("it was hit");
    assert!(fired.delivered, "{fired}");
    assert_eq!(stage.points.messages().last(), Some(&fired));
    let late = std::os::unix::net::UnixStream::connect(stage.socket()).expect("the kernel takes it");
    peer.drain();
    peer.ping();
    assert!(peer.is_silent());
    signal(server.pid(), Signal::TERM);
    std::thread::sleep(Duration::from_millis(50));
    assert!(server.is_running());
    server.kill();
    assert_eq!(server.end().signal(), Some(9));
    assert_eq!(peer.next(), None);
    drop(late);
    none_left(&stage);
}

/// Runs a turn until the server is stopped.
fn stopped(stage: &Stage, mut peer: Peer) -> Peer {
    peer.turn_until(|| stage.points.fired().is_some());
    stage.points.wait_for_hit(PATIENCE).expect("it is hit");
    for pid in [stage.points.pids()[0], stage.points.codex_pids()[0]] {
        assert!(stage.points.is_stopped(pid));
    }
    peer
}

/// What a client's driver does, and a test that fails.
#[test]
fn no_process_outlives_the_stand_in() {
    let Some(stage) = Stage::set() else { return };
    let gate = Gate::new();
    stage.model.push(Reply::hold(&gate));
    let (mut server, mut peer) = stage.stdio();
    peer.start_turn();
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    server.kill();
    server.end();
    none_left(&stage);

    // Stopped by hand, and left to the test's end.
    let mut server = stage.listening();
    stage.connect().initialize().expect("it goes on");
    for pid in [server.pid(), stage.points.codex_pids()[1]] {
        signal(pid, Signal::STOP);
    }
    assert_eq!(stage.points.alive().len(), 3);
    stage.points.reap();
    assert!(stage.points.alive().is_empty());
    server.end();
}

#[test]
fn it_is_called_as_codex_is() {
    let Some(stage) = Stage::set() else { return };
    let output = |arguments: &[&str]| {
        let mut command = std::process::Command::new(stage.points.program());
        stage.home.set_environment(&mut command);
        command.args(arguments).stdin(Stdio::null()).output().expect("it runs")
    };
    let version = output(&["--version"]);
    assert!(version.status.success() && version.stdout.starts_with(b"codex"), "{version:?}");
    let help = output(&["app-server", "--help"]);
    assert!(String::from_utf8_lossy(&help.stdout).contains("--listen"), "{help:?}");
    // codex's own complaint, and its exit code.
    let wrong = output(&["app-server", "--no-such-option"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--no-such-option"), "{wrong:?}");
    let refused = output(&["app-server", "--listen", "ws://127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(
        said.trim_end(),
        "error: failed to listen on `ws://127.0.0.1:0`: kill points are for stdio:// and unix:// alone; choose one of these"
    );
    // Its input has ended at once.
    assert_eq!(output(&["app-server"]).status.code(), Some(0));
    none_left(&stage);
}
