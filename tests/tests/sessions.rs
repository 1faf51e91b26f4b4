//! Every session, live against the real codex, through the recorder and then the trace checker.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use codex_appserver_record::Reader;
use codex_appserver_tests::repo::real_codex;
use codex_appserver_tests::sessions::{self, Launcher, Scenario, trace};
use codex_appserver_trace::{Checker, Report};

/// What a client of a session gets wrong on purpose, by session: how many messages.
fn wrong_on_purpose(session: &str) -> u64 {
    BTreeMap::from([("invalid-params", 2)]).get(session).copied().unwrap_or_default()
}

#[test]
fn every_session_plays_is_recorded_and_round_trips() {
    let Some(codex) = real_codex("every_session_plays_is_recorded_and_round_trips") else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut failed = Vec::new();
    for scenario in sessions::all() {
        let out = folder.path().join(scenario.name);
        if let Err(error) = play(&scenario, &codex, &out) {
            failed.push(format!("{}: {error:#}", scenario.name));
        }
    }
    assert!(failed.is_empty(), "{} sessions failed:\n{}", failed.len(), failed.join("\n\n"));
}

fn play(scenario: &Scenario, codex: &Path, out: &Path) -> Result<()> {
    let through =
        [OsStr::new(env!("CARGO_BIN_EXE_recorder")), OsStr::new("--out"), out.as_os_str(), OsStr::new("--")];
    let recording = sessions::play(scenario, &Launcher::new(codex).through(through))?;

    // The recorder saw what the client saw; which side came first may look different from the middle.
    let text = fs::read_to_string(out)?;
    let recorded = trace::read(&text)?.1;
    for direction in [trace::Direction::ClientToServer, trace::Direction::ServerToClient] {
        let lines = |rows: &[trace::Row]| -> Vec<String> {
            rows.iter().filter(|row| row.direction == direction).map(|row| row.line.clone()).collect()
        };
        let (seen, recorded) = (lines(&recording.rows), lines(&recorded));
        ensure!(!seen.is_empty() && seen == recorded, "{direction}: the recorder saw something else");
    }

    let mut report = Report::new(10);
    report.file(scenario.name);
    let mut checker = Checker::new();
    for (number, entry) in Reader::new(text.as_bytes()) {
        report.line(number, checker.entry(&entry.context("the trace reads")?));
    }
    let problems = report.totals.failed + report.totals.changed + report.totals.unmatched;
    ensure!(problems == wrong_on_purpose(scenario.name), "{report}");
    Ok(())
}
