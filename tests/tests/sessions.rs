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
