//! The real codex through the recorder: it answers as it does without one.
#![cfg(unix)]

mod common;

use std::fs;
use std::path::PathBuf;

use codex_appserver_record::Direction;
use common::{Recorder, lines, program};

/// The binary that `cargo xtask test` installs and names. Where it is missing the test says so and is
/// skipped; in CI that is a failure.
fn real_codex(test: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CODEX_APPSERVER_TEST_CODEX") {
        return Some(path.into());
    }
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "{test} needs the real codex: run it through `cargo xtask test`");
    eprintln!("SKIPPED {test}: it needs the real codex; run it through `cargo xtask test`");
    None
}

#[test]
fn initialize() {
    let Some(codex) = real_codex("initialize") else { return };
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().canonicalize().unwrap().join("home");
    fs::create_dir(&home).unwrap();
    let config = "check_for_update_on_startup = false\n[analytics]\nenabled = false\n";
    fs::write(home.join("config.toml"), config).unwrap();
    let trace = folder.path().join("trace.jsonl");
    let mut command = program();
    command.args(["--redact", "--out"]).arg(&trace).env("CODEX_HOME", &home).env("HOME", &home);
    command.arg("--").arg(codex).arg("app-server");
    let mut recorder = Recorder::run(command, folder, trace);

    let params = r#"{"clientInfo":{"name":"recorder_test","title":null,"version":"0"}}"#;
    let request = format!(r#"{{"method":"initialize","id":1,"params":{params}}}"#);
    recorder.write(format!("{request}\n{{\"method\":\"initialized\"}}\n").as_bytes());
    let answer = recorder.read_until("\n");
    assert!(answer.starts_with(r#"{"id":1,"result":"#), "{answer}");
    let home = home.to_str().unwrap();
    assert!(answer.contains(home), "{answer}");
    drop(recorder.input.take());
    let rest = String::from_utf8(recorder.read_all()).unwrap();

    let ended = recorder.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let rows = ended.rows();
    assert_eq!(lines(&rows, Direction::ClientToServer), [&request, r#"{"method":"initialized"}"#]);
    let passed: Vec<String> = (answer + &rest).lines().map(|line| line.replace(home, "/home/user")).collect();
    assert_eq!(lines(&rows, Direction::ServerToClient), passed);
}
