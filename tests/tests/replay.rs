//! Recordings are played back: those of the fixtures to a client that follows them, and a fresh one of the SDK and the
//! real codex to the same program of the SDK.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use codex_appserver::{Approvals, Codex, CodexBuilder, Decision, Process};
use codex_appserver_record::replay::{Options, Trace, play};
use codex_appserver_testkit::scripted::{Ended, Scenario, ScriptedServer};
use codex_appserver_testkit::{CodexHome, MockModel, Reply};
use codex_appserver_tests::repo::{fixture, real_codex};
use codex_appserver_tests::sessions::trace::{self, Direction, Row};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

fn replayer(trace: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replayer"));
    command.arg(trace).arg("--exact");
    command
}

fn recordings() -> Vec<PathBuf> {
    let folder = fs::read_dir(fixture("recorded")).expect("the folder is there");
    let mut paths: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(paths.len() > 20, "{paths:?}");
    paths
}

/// A client that sends what the recorded one sent, under ids of its own, each message when it has read what stands
/// before it, and reads what the recorded one read.
fn follow(rows: &[Row], server: impl Read, mut client: impl Write) -> Result<()> {
    let own_id = |message: &mut Value| {
        let id = &mut message["id"];
        *id = Value::from(format!("own {id}"));
    };
    let mut server = BufReader::new(server).lines();
    for row in rows {
        let mut message: Value = serde_json::from_str(&row.line)?;
        let has_method = message["method"].is_string();
        match row.direction {
            Direction::ClientToServer => {
                if has_method && !message["id"].is_null() {
                    own_id(&mut message);
                }
                writeln!(client, "{message}")?;
            }
            Direction::ServerToClient => {
                if !has_method {
                    own_id(&mut message);
                }
                let line = server.next().context("the server ended")??;
                ensure!(serde_json::from_str::<Value>(&line)? == message, "{line}\ninstead of\n{message}");
            }
        }
    }
    drop(client);
    let more = server.next().transpose()?;
    ensure!(more.is_none(), "the server goes on: {more:?}");
    Ok(())
}

/// Plays every recording to a client that follows it.
fn each(play: impl Fn(&Path, &[Row]) -> Result<()>) {
    let mut failed = Vec::new();
    for path in recordings() {
        let text = fs::read_to_string(&path).expect("it reads");
        let (_, rows) = trace::read(&text).expect("it is a trace");
        if let Err(error) = play(&path, &rows) {
            failed.push(format!("{}: {error:#}", path.display()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn every_recording_replays_over_streams() {
    each(|path, rows| {
        let session = Trace::open(path)?.into_session()?;
        let (server, output) = std::io::pipe()?;
        let (input, client) = std::io::pipe()?;
        let mut options = Options::default();
        options.exact = true;
        let playing = std::thread::spawn(move || play(session, &options, input, output));
        follow(rows, server, client)?;
        let report = playing.join().expect("it does not panic")?;
        ensure!(report.is_clean() && report.notes.is_empty(), "{report}");
        ensure!((report.matched, report.sent) == (report.expected, report.server_messages), "{report}");
        Ok(())
    });
}

#[test]
fn every_recording_replays_as_a_scenario() {
    each(|path, rows| {
        let scenario = Scenario::from_trace(path)?.exact();
        // A scenario that was written down is the same.
        let scenario = Scenario::from_json(&scenario.to_json())?;
        let (server, stdout, stdin) = ScriptedServer::start(scenario)?;
        follow(rows, stdout, stdin)?;
        ensure!(server.wait_for_end(PATIENCE)? == Ended::Eof);
        let report = server.replay_report().context("there is a trace")?;
        ensure!(report.is_clean() && report.notes.is_empty(), "{report}");
        ensure!(report.trace == path.display().to_string(), "{report}");
        ensure!(server.report().pending == 0, "{:?}", server.report());
        Ok(())
    });
}

#[test]
fn every_recording_replays_by_the_program() {
    each(|path, rows| {
        let mut command = replayer(path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = pipes.context("it has pipes")?;
        follow(rows, stdout, stdin)?;
        let output = child.wait_with_output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {told}", output.status);
        ensure!(
            told.starts_with(&format!("replay of {}: ", path.display())) && told.lines().count() == 1,
            "{told}"
        );
        Ok(())
    });
}

/// A program of the SDK; what it sees, line by line.
async fn program(codex: Codex) -> Result<Vec<String>> {
    let mut seen = vec![format!("{:?}", codex.client().server())];
    let thread = codex.thread_start().await?;
    for prompt in ["Run it.", "Well done."] {
        let turn = thread.turn(prompt).await?;
        let mut stream = turn.stream();
        while let Some(event) = stream.next().await {
            seen.push(format!("{:?}", event?.notification()));
        }
        let result = stream.into_result().context("the turn ended")?;
        seen.push(format!("{:?} {:?} {}", result.status, result.usage, result.text()));
    }
    seen.push(format!("{:?}", codex.models().await?));
    let refused = codex.thread_resume("00000000-0000-7000-8000-00000000beef").await;
    seen.push(format!("{:?}", refused.map(drop).map_err(|error| error.to_string())));
    if let Some(status) = codex.close().await {
        ensure!(status.success(), "{status}");
    }
    Ok(seen)
}

/// A client that accepts what it is asked for.
fn builder() -> CodexBuilder {
    Codex::builder().approvals(Approvals::ask(|_| async { Decision::Accept }))
}

fn connected(command: &Command) -> CodexBuilder {
    let process = Process::from_command(command).env_clear();
    builder().process(|_| process)
}

/// Records the program with the real codex.
async fn record(codex: &Path, trace: &Path) -> Result<Vec<String>> {
    let model = MockModel::scripted([
        Reply::command_to_approve("echo approved", "To see."),
        Reply::text_chunks(["So ", "be ", "it."]),
        Reply::text("Thank you."),
    ])?;
    let home = CodexHome::builder(&model).build()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_recorder"));
    command.arg("--out").arg(trace).arg("--").arg(codex).arg("app-server");
    home.set_environment(&mut command);
    program(connected(&command).start().await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_sdk_replays_to_the_same_program() {
    let Some(codex) = real_codex("a_session_of_the_sdk_replays_to_the_same_program") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trace.jsonl");
    let recorded = record(&codex, &path).await.expect("it is recorded");
    let has = |text: &str| recorded.iter().any(|line| line.contains(text));
    assert!(has("approved") && has("So be it.") && has("no rollout found"), "{recorded:#?}");

    let scenario = Scenario::from_trace(&path).expect("it is a trace").exact();
    let (server, reader, writer) = ScriptedServer::start_async(scenario).expect("it starts");
    let attached = builder().attach(reader, writer).await.expect("it connects");
    assert_eq!(program(attached).await.expect("it plays in process"), recorded);
    server.wait_for_end(PATIENCE).expect("the client closed");
    let report = server.replay_report().expect("there is a trace");
    assert!(report.is_clean(), "{report}");

    let spawned = connected(replayer(&path).arg("app-server")).start().await.expect("it starts");
    assert_eq!(program(spawned).await.expect("it plays over a pipe"), recorded);

    let socket = format!("unix://{}", folder.path().join("socket").display());
    let mut listening = replayer(&path).args(["--listen", &socket]).spawn().expect("it starts");
    let begun = Instant::now();
    while !folder.path().join("socket").exists() && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let connected = builder().connect(&socket).await.expect("it connects");
    assert_eq!(program(connected).await.expect("it plays over a socket"), recorded);
    assert!(listening.wait().expect("it ends").success());
}
