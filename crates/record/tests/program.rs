//! The program: its trace file, its exit codes, its words.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use common::{Recorder, program, stderr};

#[test]
fn help_has_an_example() {
    let output = program().arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(help.contains("Example: cargo xtask record --redact -- codex app-server"), "{help}");
}

#[test]
fn a_command_is_required() {
    let output = program().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_trace_is_not_overwritten_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        program().args(arguments).current_dir(&folder).stdin(Stdio::null()).output().unwrap()
    };
    let trace = folder.path().join("trace.jsonl");
    assert!(run(&["--", "echo", "first"]).status.success());
    let first = fs::read_to_string(&trace).unwrap();
    assert!(first.contains("first"), "{first}");
    assert_eq!(fs::metadata(&trace).unwrap().permissions().mode() & 0o077, 0, "others can read it");

    let refused = run(&["--", "echo", "second"]);
    assert_eq!((refused.status.code(), &refused.stdout[..]), (Some(2), &b""[..]));
    assert!(stderr(&refused).contains("trace.jsonl: it exists already"), "{}", stderr(&refused));
    // Not even when the command turns out not to run.
    assert_eq!(run(&["--force", "--", "no-such-program-here"]).status.code(), Some(2));
    assert_eq!(fs::read_to_string(&trace).unwrap(), first);

    assert!(run(&["--force", "--", "true"]).status.success());
    assert_eq!(fs::read_to_string(&trace).unwrap(), "{\"v\":1}\n");
}

#[test]
fn a_command_that_does_not_start_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let output = program().args(["--", "no-such-program-here"]).current_dir(&folder).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("failed to start `no-such-program-here`"), "{}", stderr(&output));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn a_folder_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let output = program().args(["--out", "no/trace", "--", "true"]).current_dir(&folder).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no/trace"), "{}", stderr(&output));
}

/// The client would read the trace in the middle of the answers.
#[test]
fn a_trace_on_standard_output_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    let refused = |name: &str, stdout: Stdio| {
        let mut command = program();
        command
            .args(["--force", "--out", name, "--", "touch", "started"])
            .current_dir(&folder)
            .stdout(stdout);
        let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(2), &b""[..]), "{name}");
        let said = stderr(&output);
        assert!(said.contains("standard output, which carries the traffic"), "{name}: {said}");
    };
    refused("-", Stdio::piped());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    refused("/dev/stdout", Stdio::piped());
    let mut answers = fs::File::create(&shared).unwrap();
    answers.write_all(b"before\n").unwrap();
    refused("/dev/stdout", answers.try_clone().unwrap().into());
    refused("shared", answers.into());
    assert_eq!(fs::read_to_string(&shared).unwrap(), "before\n");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);

    // What is named so by its folder is a file like others.
    let output = program().args(["--out", "./-", "--", "true"]).current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(folder.path().join("-").exists());
}

/// `/dev/full` takes no byte.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_does_not_stop_the_traffic() {
    for (exit, code) in [("0", 2), ("9", 9)] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = program();
        command.args(["--out", "/dev/full", "--", "sh", "-c"]).arg(format!("cat; exit {exit}"));
        let mut recorder = Recorder::run(command, folder, "/dev/full".into());
        for _ in 0..1000 {
            recorder.write(b"{\"id\":1}\n");
            recorder.read_until("{\"id\":1}\n");
        }
        drop(recorder.input.take());
        let ended = recorder.wait();
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert_eq!(ended.stderr.matches("warning: the trace is not complete").count(), 1, "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

/// Neither may a closed standard error.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_nobody_to_tell() {
    let script = r#""$0" --out /dev/full -- echo passed 2>&-"#;
    let output = std::process::Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_codex-appserver-record")])
        .output()
        .unwrap();
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(2), &b"passed\n"[..]));
}

#[test]
fn the_home_of_the_command_is_masked() {
    let script = r#"printf '{"a":"%s/x","b":"/nowhere/else/y"}\n' "$HOME""#;
    let mut command = program();
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.jsonl");
    command.arg("--redact").arg("--out").arg(&trace).env("HOME", folder.path());
    command.args(["--", "env", "USERPROFILE=/nowhere/else", "sh", "-c", script]);
    let mut recorder = Recorder::run(command, folder, trace);
    recorder.read_until("\n");
    let ended = recorder.wait();
    let lines = common::lines(&ended.rows(), codex_appserver_record::Direction::ServerToClient);
    assert_eq!(lines, [r#"{"a":"/home/user/x","b":"/home/user/y"}"#]);
}
