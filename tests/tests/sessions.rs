//! Every session, live against the real codex.

use codex_appserver_tests::repo::real_codex;
use codex_appserver_tests::sessions::{self, Launcher};

#[test]
fn every_session_plays_as_it_is_written() {
    let Some(codex) = real_codex("every_session_plays_as_it_is_written") else { return };
    let launcher = Launcher::new(codex);
    let mut failed = Vec::new();
    for scenario in sessions::all() {
        match sessions::play(&scenario, &launcher) {
            Ok(recording) => assert!(!recording.rows.is_empty(), "{}: nothing was said", scenario.name),
            Err(error) => failed.push(format!("{}: {error:#}", scenario.name)),
        }
    }
    assert!(failed.is_empty(), "{} sessions failed:\n{}", failed.len(), failed.join("\n\n"));
}

/// A recorder, say, can stand between the client and the server.
#[cfg(unix)]
#[test]
fn a_session_plays_through_another_command() {
    let Some(codex) = real_codex("a_session_plays_through_another_command") else { return };
    let launcher = Launcher::new(codex).through(["/usr/bin/env", "RUST_LOG=error"]);
    let recording = sessions::play(&sessions::all()[0], &launcher).expect("the session plays");
    assert!(!recording.rows.is_empty());
}
