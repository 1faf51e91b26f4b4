//! However one of the three ends, the others learn it, and the trace is complete.
#![cfg(unix)]

mod common;

use std::fs::File;
use std::io::Write;
use std::process::Command;

use codex_appserver_record::Direction;
use common::{Recorder, lines};
use rustix::process::{Pid, Signal, kill_process};

fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).expect("a process");
    kill_process(pid, signal).expect("it takes the signal");
}

#[test]
fn the_client_closes_its_side() {
    let mut recorder = Recorder::sh("cat >/dev/null; echo end of input; exit 6");
    recorder.write(b"one\n");
    drop(recorder.input.take());
    assert_eq!(recorder.read_all(), b"end of input\n");
    let ended = recorder.wait();
    assert_eq!(ended.code, Some(6));
    assert_eq!(lines(&ended.rows(), Direction::ClientToServer), ["one"]);
    assert_eq!(lines(&ended.rows(), Direction::ServerToClient), ["end of input"]);
}

#[test]
fn the_child_exits_while_the_client_is_still_there() {
    let mut recorder = Recorder::sh("head -c 1000000 /dev/zero; echo bye; exit 7");
    let input = recorder.input.take();
    assert_eq!(recorder.read_all().len(), 1_000_004);
    let ended = recorder.wait();
    drop(input);
    assert_eq!(ended.code, Some(7));
    assert!(lines(&ended.rows(), Direction::ServerToClient)[0].ends_with("bye"));
}

/// A process that the child leaves behind holds the pipe; the recorder must not wait for it.
#[test]
fn the_child_exits_and_leaves_a_process_behind() {
    let mut recorder = Recorder::sh("sleep 300 2>/dev/null & echo $!; exit 4");
    let left: u32 = recorder.read_until("\n").trim().parse().expect("a process id");
    let input = recorder.input.take();
    let ended = recorder.wait();
    drop(input);
    kill(left, Signal::KILL);
    assert_eq!(ended.code, Some(4));
}

#[test]
fn the_child_is_killed() {
    let mut recorder = Recorder::sh("echo so long; kill -9 $$");
    let input = recorder.input.take();
    assert_eq!(recorder.read_all(), b"so long\n");
    let ended = recorder.wait();
    drop(input);
    assert_eq!(ended.code, Some(128 + 9));
}

#[test]
fn the_client_stops_reading() {
    let mut recorder = Recorder::sh("exec yes");
    recorder.read_until("y\n");
    drop(recorder.output.take());
    let input = recorder.input.take();
    let ended = recorder.wait();
    drop(input);
    assert_eq!(ended.code, Some(128 + 13), "the child got no broken pipe");
}

#[test]
fn the_child_closes_its_output_and_goes_on() {
    let mut recorder = Recorder::sh("echo last words; exec >&-; cat >/dev/null; exit 5");
    assert_eq!(recorder.read_all(), b"last words\n");
    // It still reads.
    recorder.write(b"are you there?\n");
    drop(recorder.input.take());
    let ended = recorder.wait();
    assert_eq!(ended.code, Some(5));
    assert_eq!(lines(&ended.rows(), Direction::ClientToServer), ["are you there?"]);
}

#[test]
fn the_child_closes_its_input_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let script = format!("exec <&-; echo closed; cat '{}'", fifo.display());
    let mut recorder = Recorder::sh(&script);
    recorder.read_until("closed\n");
    // As without a recorder, the client learns it by a broken pipe.
    let mut input = recorder.input.take().unwrap();
    while input.write_all(b"anybody?\n").is_ok() {}
    File::options().write(true).open(&fifo).unwrap().write_all(b"still here\n").unwrap();
    assert_eq!(recorder.read_all(), b"still here\n");
    let ended = recorder.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// A shell cannot trap what was ignored when it started, under `nohup` for one.
fn can_be_trapped(signal: &str) -> bool {
    let script = format!("trap 'exit 3' {signal}; kill -{signal} $$; exit 0");
    let code = Command::new("sh").args(["-c", &script]).status().expect("sh runs").code();
    if code != Some(3) {
        eprintln!("SKIPPED {signal}: it is ignored here");
    }
    code == Some(3)
}

#[test]
fn signals_reach_the_child_and_the_trace_is_complete() {
    for (name, signal) in [("TERM", Signal::TERM), ("HUP", Signal::HUP), ("INT", Signal::INT)] {
        if !can_be_trapped(name) {
            continue;
        }
        let script = format!(
            "exec 3<&0; trap 'echo caught {name}; printf unfinished; exit 3' {name}; cat <&3 & echo ready; wait"
        );
        let mut recorder = Recorder::sh(&script);
        recorder.read_until("ready\n");
        kill(recorder.pid(), signal);
        let input = recorder.input.take();
        assert_eq!(recorder.read_all(), format!("caught {name}\nunfinished").into_bytes());
        let ended = recorder.wait();
        drop(input);
        assert_eq!(ended.code, Some(3), "{name}");
        let said = lines(&ended.rows(), Direction::ServerToClient);
        assert_eq!(said, ["ready", &format!("caught {name}"), "unfinished"]);
    }
}

#[test]
fn a_child_that_a_signal_ends() {
    let mut recorder = Recorder::sh("echo ready; exec cat");
    recorder.read_until("ready\n");
    kill(recorder.pid(), Signal::TERM);
    let ended = recorder.wait();
    assert_eq!(ended.code, Some(128 + 15));
}

/// It waits for the recorder, which must not wait for it to read.
#[test]
fn a_client_that_sends_a_signal_and_reads_no_more() {
    let mut recorder = Recorder::sh("exec yes");
    recorder.read_until("y\n");
    kill(recorder.pid(), Signal::TERM);
    let (input, output) = (recorder.input.take(), recorder.output.take());
    let ended = recorder.wait();
    drop((input, output));
    assert_eq!(ended.code, Some(128 + 15));
    assert!(!ended.rows().is_empty());
}

#[test]
fn a_recorder_that_is_killed_leaves_what_passed() {
    let mut recorder = Recorder::sh("cat");
    recorder.write(b"kept\n");
    recorder.read_until("kept\n");
    // It is written when nothing else is to be done, so at last it is there.
    while std::fs::read_to_string(recorder.trace()).expect("a trace").lines().count() < 3 {
        std::thread::yield_now();
    }
    kill(recorder.pid(), Signal::KILL);
    let ended = recorder.wait();
    assert_eq!(ended.code, None);
    assert_eq!(lines(&ended.rows(), Direction::ServerToClient), ["kept"]);
}
