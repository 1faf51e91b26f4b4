//! Recorded sessions of the real codex, turn by turn: what the store makes of them.

use std::fmt::Write;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use codex_appserver_host::{
    Answer, EventWriter, Host, Lease, NewRequest, PendingRequest, RequestStatus, ServerInstance, Settings,
    TaskFilter,
};
use codex_appserver_notifications::ServerNotification;
use codex_appserver_record::{Content, Direction, Entry, Reader, Row};
use serde_json::Value;

use crate::support::{Kind, Stage, claim, run};

/// Sessions with turns of every kind.
const SESSIONS: &[&str] = &[
    "approval-accept",
    "approval-accept-for-session",
    "approval-cancel",
    "approval-decline",
    "approval-interrupted",
    "chat",
    "failed-turn",
    "file-change",
    "interrupt",
    "long-stream",
    "steer",
    "two-threads",
];

/// The turn that a task is at.
struct Running {
    lease: Lease,
    writer: EventWriter,
    thread: String,
    requests: Vec<PendingRequest>,
}

/// Plays a session to a host, as a worker that has one task for each turn.
struct Player<'a> {
    stage: &'a Stage,
    host: Host,
    server: ServerInstance,
    running: Vec<Running>,
}

impl Player<'_> {
    async fn server_sent(&mut self, message: &Value) -> Result<()> {
        let Some(method) = message["method"].as_str() else { return Ok(()) };
        let params = &message["params"];
        if let Some(id) = message.get("id") {
            return self.asked(id, method, params).await;
        }
        if method == "turn/started" && params["turn"]["id"].is_string() {
            self.begin(params).await?;
        }
        let notification: ServerNotification = serde_json::from_value(message.clone())?;
        for running in &mut self.running {
            running.writer.notification(&notification);
            if params.get("delta").is_none() {
                running.writer.flush().await?;
            }
            if let ServerNotification::ServerRequestResolved(resolved) = &notification
                && resolved.thread_id == running.thread
            {
                self.host.resolved(&running.lease, &self.server, &resolved.request_id).await?;
            }
        }
        Ok(())
    }

    async fn begin(&mut self, params: &Value) -> Result<()> {
        let thread = params["threadId"].as_str().context("a thread")?.to_owned();
        let turn = params["turn"]["id"].as_str().context("a turn")?;
        self.running.retain(|running| running.thread != thread);
        self.host.create(&self.stage.new_task("A recorded turn.")).await?;
        let worker = self.host.register("player").await?;
        let lease = claim(&self.host, &worker).await?.lease;
        self.host.intend(&lease, &self.server, &thread).await?;
        self.host.acknowledge(&lease, &self.server, turn).await?;
        let writer = self.host.writer(&lease, &thread);
        writer.turn(turn);
        self.running.push(Running { lease, writer, thread, requests: Vec::new() });
        Ok(())
    }

    async fn asked(&mut self, id: &Value, method: &str, params: &Value) -> Result<()> {
        let thread = params["threadId"].as_str().context("a thread")?;
        let running = self.running.iter_mut().find(|running| running.thread == thread).context("a turn")?;
        running.writer.flush().await?;
        let new = NewRequest {
            server: self.server.clone(),
            id: serde_json::from_value(id.clone())?,
            method: method.to_owned(),
            params: params.clone(),
        };
        running.requests.push(self.host.open_request(&running.lease, &new).await?);
        Ok(())
    }

    /// What the recorded client answered is what the user answers.
    async fn client_sent(&mut self, message: &Value) -> Result<()> {
        let (Some(id), Some(result)) = (message.get("id"), message.get("result")) else { return Ok(()) };
        let id = id.to_string();
        for running in &self.running {
            let asked = running.requests.iter().filter(|request| request.request_id == id);
            for request in asked {
                let open = self.host.request(request.id).await?;
                if open.status == RequestStatus::Open {
                    self.host.answer(request.id, &Answer::Result(result.clone()), "ann", true).await?;
                    for answered in self.host.answers_to_send(&running.lease, &self.server).await? {
                        self.host.answer_sent(&running.lease, answered.id).await?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// One paragraph for each task: how it stood over time, and what is left of it.
async fn report(host: &Host) -> Result<String> {
    let mut text = String::new();
    let mut tasks = host.tasks(&TaskFilter { limit: 100, ..TaskFilter::default() }).await?.tasks;
    tasks.reverse();
    for task in tasks {
        let page = host.events(task.id, Some("0-0".parse()?), 1000).await?;
        let moves = page.events.iter().filter(|event| event.method == "host/status");
        let statuses: Vec<&str> = moves.filter_map(|event| event.summary.split(" -> ").last()).collect();
        writeln!(text, "  {}", statuses.join(", "))?;
        for (name, value) in [
            ("final text", task.final_text.map(|text| codex_appserver_host::clip(&text, 60))),
            ("progress", task.last_progress.map(|text| codex_appserver_host::clip(&text, 60))),
            ("error", task.error.map(|text| codex_appserver_host::clip(&text, 60))),
            ("ended by", task.ended_by),
        ] {
            if let Some(value) = value {
                writeln!(text, "    {name}: {value}")?;
            }
        }
    }
    Ok(text)
}

async fn play(stage: &Stage, session: &str) -> Result<String> {
    let mut settings = Settings::default();
    settings.batch_delay = Duration::from_secs(60);
    let host = stage.host_with(settings).await?;
    let server = ServerInstance::new(session);
    let mut player = Player { stage, host: host.clone(), server, running: Vec::new() };
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/recorded");
    let file = File::open(recorded.join(format!("{session}.jsonl")))?;
    for (_, entry) in Reader::new(BufReader::new(file)) {
        let Entry::Row(Row { dir, content: Content::Line(line), .. }) = entry? else { continue };
        let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
        match dir {
            Direction::ServerToClient => player.server_sent(&message).await,
            Direction::ClientToServer => player.client_sent(&message).await,
        }
        .with_context(|| format!("{session}: {line}"))?;
    }
    for running in player.running {
        running.writer.close().await?;
    }
    report(&host).await
}

#[tokio::test]
async fn recorded_turns_end_as_they_did() -> Result<()> {
    let mut text = String::new();
    for session in SESSIONS {
        run(Kind::Sqlite, async |stage: &Stage| {
            write!(text, "{session}\n{}", play(stage, session).await?)?;
            Ok(())
        })
        .await?;
    }
    insta::assert_snapshot!(text);
    Ok(())
}
