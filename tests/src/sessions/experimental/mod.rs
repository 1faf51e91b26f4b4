//! The experimental part of the protocol, by a client that asks for it.

mod reads;
mod tools;

use anyhow::{Result, ensure};
use codex_appserver_methods::Methods as _;
use codex_appserver_notifications::ServerNotification;

use super::stage::text;
use super::{Scenario, Stage};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::experimental("experimental-tools", tools::tools).with_home(tools::home),
    Scenario::experimental("experimental-raw-events", tools::raw_events),
    Scenario::experimental("experimental-reads", reads::reads),
    Scenario::experimental("experimental-threads", reads::threads),
    Scenario::experimental("experimental-process", process),
    Scenario::experimental("experimental-search", search),
];

/// A process that is written to and ends by itself, and one that is killed.
///
/// Other than `command/exec`, the response comes at once and the end is a notification.
fn process(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    let cwd = text(&stage.home.workspace())?;
    let script = "echo ready; read line; echo got $line; exit 7";
    let spawn = client.process_spawn(["sh", "-c", script], cwd.as_str(), "talker");
    spawn.stream_stdin(true).stream_stdout_stderr(true).call()?;
    output(stage, "cmVhZHkK")?;
    client.process_write_stdin("talker").delta_base64("aGVsbG8K").close_stdin(true).call()?;
    output(stage, "Z290IGhlbGxvCg==")?;
    ensure!(exit_code(stage, "talker")? == 7);

    let spawn = client.process_spawn(["sh", "-c", "echo up; exec sleep 600"], cwd.as_str(), "sleeper");
    spawn.stream_stdout_stderr(true).call()?;
    output(stage, "dXAK")?;
    client.process_kill("sleeper").call()?;
    ensure!(exit_code(stage, "sleeper")? != 0);
    Ok(())
}

/// Waits for a piece of output, given as base64.
fn output(stage: &Stage, base64: &str) -> Result<()> {
    stage.client.expect("process/outputDelta", |notification| match notification {
        ServerNotification::ProcessOutputDelta(delta) => (delta.delta_base64 == base64).then_some(()),
        _ => None,
    })
}

fn exit_code(stage: &Stage, handle: &str) -> Result<i32> {
    stage.client.expect("process/exited", |notification| match notification {
        ServerNotification::ProcessExited(exited) => {
            (exited.process_handle == handle).then_some(exited.exit_code)
        }
        _ => None,
    })
}

/// A search for files that is told its query bit by bit.
fn search(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    for name in ["alpha.txt", "beta.txt"] {
        std::fs::write(stage.home.workspace().join(name), name)?;
    }
    client.fuzzy_file_search_session_start("search-1", [text(&stage.home.workspace())?]).call()?;
    client.fuzzy_file_search_session_update("search-1", "bet").call()?;
    client.expect("fuzzyFileSearch/sessionUpdated with the file", |notification| match notification {
        ServerNotification::FuzzyFileSearchSessionUpdated(updated) => {
            updated.files.iter().any(|file| file.path == "beta.txt").then_some(())
        }
        _ => None,
    })?;
    client.expect("fuzzyFileSearch/sessionCompleted", |notification| match notification {
        ServerNotification::FuzzyFileSearchSessionCompleted(done) => {
            (done.session_id == "search-1").then_some(())
        }
        _ => None,
    })?;
    client.fuzzy_file_search_session_stop("search-1").call()?;
    Ok(())
}
