//! A real app-server in an empty home, which is asked one method.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use codex_appserver_runtime::Codex;
use serde_json::{Value, json};

/// How long the server may take for an answer.
const LIMIT: Duration = Duration::from_secs(20);

/// What the server answered to one request.
pub(super) enum Answer {
    /// A result.
    Result(Value),
    /// A JSON-RPC error.
    Error(String),
}

/// Starts an app-server in an empty home of its own, with the experimental API, and sends one request. The server is
/// stopped afterwards.
pub(super) fn ask(codex: &Codex, method: &str, params: &Value) -> Result<Answer> {
    let home = tempfile::tempdir().context("cannot create a temporary folder")?;
    let mut server = Server::start(codex, home.path())?;
    let hello = json!({
        "clientInfo": {"name": "codex_appserver_tools", "version": env!("CARGO_PKG_VERSION")},
        "capabilities": {"experimentalApi": true},
    });
    server.send(&json!({"id": 0, "method": "initialize", "params": hello}))?;
    if let Answer::Error(message) = server.answer(0)? {
        bail!("initialize failed: {message}");
    }
    server.send(&json!({"method": "initialized"}))?;
    server.send(&json!({"id": 1, "method": method, "params": params}))?;
    server.answer(1)
}

struct Server {
    process: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Server {
    fn start(codex: &Codex, home: &std::path::Path) -> Result<Self> {
        let mut process = Command::new(codex.path())
            .arg("app-server")
            .env("CODEX_HOME", home)
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", codex.path().display()))?;
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
        let (stdin, stdout) = stdin.zip(stdout).context("the server has no pipes")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self { process, stdin, lines })
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        writeln!(self.stdin, "{message}").context("the server does not read")
    }

    /// The answer with this id; whatever else the server says is skipped.
    fn answer(&self, id: u64) -> Result<Answer> {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).map_err(|_| {
                anyhow!("the server gave no answer within {} seconds, or ended", LIMIT.as_secs())
            })?;
            let message: Value = serde_json::from_str(&line).context("the server wrote no JSON")?;
            if message["id"] == id && message.get("method").is_none() {
                return Ok(match message.get("result") {
                    Some(result) => Answer::Result(result.clone()),
                    None => {
                        Answer::Error(message["error"]["message"].as_str().unwrap_or("no message").to_owned())
                    }
                });
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
