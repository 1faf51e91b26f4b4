//! A client that knows nothing but lines, and never waits forever.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use codex_appserver_testkit::scripted::{Scenario, ScriptedServer};
use serde_json::{Value, json};

pub const PATIENCE: Duration = Duration::from_secs(30);
/// Long enough to see that nothing comes; nothing waits for it to succeed.
pub const MOMENT: Duration = Duration::from_millis(60);

pub struct Client {
    lines: Receiver<Vec<u8>>,
    stdin: Option<Box<dyn Write + Send>>,
}

/// A server in this process and a client of it.
pub fn start(scenario: Scenario) -> (ScriptedServer, Client) {
    let (server, stdout, stdin) = ScriptedServer::start(scenario).expect("it starts");
    (server, Client::new(stdout, stdin))
}

impl Client {
    pub fn new(stdout: impl Read + Send + 'static, stdin: impl Write + Send + 'static) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            loop {
                let mut line = Vec::new();
                match stdout.read_until(b'\n', &mut line) {
                    Ok(length) if length > 0 => drop(sender.send(line)),
                    _ => return,
                }
            }
        });
        Self { lines, stdin: Some(Box::new(stdin)) }
    }

    pub fn write(&mut self, text: &str) {
        self.try_write(text).expect("the server reads");
    }

    pub fn try_write(&mut self, text: &str) -> std::io::Result<()> {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush())
    }

    /// Sends requests in one write, with ids from `first`.
    pub fn requests(&mut self, first: u64, methods: &[&str]) {
        let lines = methods.iter().zip(first..);
        self.write(&lines.map(|(method, id)| request(id, method, &json!({}))).collect::<String>());
    }

    pub fn request(&mut self, id: u64, method: &str, params: Value) {
        self.write(&request(id, method, &params));
    }

    /// The next line with its break; none at the end of the output.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line came in time"),
        }
    }

    pub fn line(&self) -> String {
        let line = String::from_utf8(self.bytes().expect("the output goes on")).expect("it is text");
        line.strip_suffix('\n').expect("the line is whole").to_owned()
    }

    pub fn json(&self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    pub fn jsons(&self, count: usize) -> Vec<Value> {
        (0..count).map(|_| self.json()).collect()
    }

    pub fn ids(&self, count: usize) -> Vec<u64> {
        self.jsons(count).iter().map(|line| line["id"].as_u64().expect("an answer")).collect()
    }

    pub fn is_silent(&self) -> bool {
        matches!(self.lines.recv_timeout(MOMENT), Err(RecvTimeoutError::Timeout))
    }

    pub fn close(&mut self) {
        self.stdin = None;
    }
}

pub fn request(id: u64, method: &str, params: &Value) -> String {
    format!("{}\n", json!({"method": method, "id": id, "params": params}))
}
