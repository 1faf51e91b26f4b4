//! A client of the real codex that knows nothing but JSON, and never waits forever.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use codex_appserver_testkit::kill_points::KillPoints;
use codex_appserver_testkit::{CodexHome, MockModel, Reply};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

pub const PATIENCE: Duration = Duration::from_secs(30);
/// Long enough to see that nothing comes; nothing waits for it to succeed.
const MOMENT: Duration = Duration::from_millis(100);

pub const PROMPT: &str = "Make the file.";

/// Everything for turns of one command.
pub struct Stage {
    pub points: KillPoints,
    pub home: CodexHome,
    pub model: MockModel,
}

impl Stage {
    /// Without a codex there is no stage: the test is skipped, which CI does not take.
    pub fn set() -> Option<Self> {
        let codex = std::env::var_os("CODEX_APPSERVER_TEST_CODEX").filter(|path| !path.is_empty());
        let Some(codex) = codex.map(PathBuf::from) else {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "CODEX_APPSERVER_TEST_CODEX is not set");
            eprintln!("SKIPPED: CODEX_APPSERVER_TEST_CODEX is not set; `cargo xtask test` sets it");
            return None;
        };
        let model = MockModel::start().expect("a mock model");
        model.answer_with(|request| match request.follows_a_tool() {
            true => Reply::text_chunks(["It is ", "made."]),
            false => Reply::command_to_approve("touch made", "May I?"),
        });
        let home = CodexHome::builder(&model).build().expect("a home");
        let points = KillPoints::new(env!("CARGO_BIN_EXE_kill-points"), codex).expect("kill points");
        Some(Self { points, home, model })
    }

    pub fn command(&self) -> Command {
        self.home.command(self.points.program())
    }

    pub fn socket(&self) -> PathBuf {
        self.home.root().join("socket")
    }

    /// A server on standard input and output, and its client.
    pub fn stdio(&self) -> (Server, Peer) {
        let mut child = self.command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let (stdin, stdout) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let (sender, received) = channel();
        thread::spawn(move || {
            // What is cut off has no line break.
            let lines = BufReader::new(stdout).split(b'\n').map_while(Result::ok);
            lines.map_while(|line| sender.send(line).ok()).for_each(drop);
        });
        (Server(child), Peer { received, writer: Writer::Lines(Some(stdin)), next_id: 0 })
    }

    /// A server on the socket.
    pub fn listening(&self) -> Server {
        let mut command = self.command();
        command.arg("--listen").arg(format!("unix://{}", self.socket().display()));
        Server(command.stdin(Stdio::null()).spawn().expect("it runs"))
    }

    /// A client of the server on the socket, in the place of which a dead one may still be.
    pub fn connect(&self) -> Peer {
        let begun = Instant::now();
        // A socket that nothing listens on refuses.
        let stream = loop {
            match UnixStream::connect(self.socket()) {
                Ok(stream) => break stream,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        let copy = stream.try_clone().expect("a handle");
        let (socket, _) = tungstenite::client("ws://localhost/", stream).expect("a handshake");
        let role = tungstenite::protocol::Role::Client;
        let mut reader = WebSocket::from_raw_socket(copy, role, None);
        let (sender, received) = channel();
        thread::spawn(move || {
            while let Ok(message) = reader.read() {
                match message {
                    Message::Text(text) if sender.send(text.as_bytes().to_vec()).is_err() => return,
                    Message::Close(_) => drop(sender.send(b"\"closed\"".to_vec())),
                    Message::Pong(_) => drop(sender.send(b"\"pong\"".to_vec())),
                    _ => {}
                }
            }
        });
        Peer { received, writer: Writer::Socket(Box::new(socket)), next_id: 0 }
    }
}

/// The process that stands in for codex.
pub struct Server(Child);

impl Server {
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end.
    pub fn end(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("a state") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().expect("a state").is_none()
    }

    pub fn kill(&mut self) {
        self.0.kill().expect("it is killed");
    }
}

pub struct Peer {
    received: Receiver<Vec<u8>>,
    writer: Writer,
    next_id: u64,
}

enum Writer {
    Lines(Option<ChildStdin>),
    Socket(Box<WebSocket<UnixStream>>),
}

impl Peer {
    /// Writes a message; what the server does with it is seen elsewhere.
    pub fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let _ = match &mut self.writer {
            Writer::Lines(stdin) => {
                stdin.as_mut().expect("it is open").write_all(format!("{text}\n").as_bytes())
            }
            Writer::Socket(socket) => socket.send(Message::text(text)).map_err(std::io::Error::other),
        };
    }

    pub fn request(&mut self, method: &str, params: Value) -> u64 {
        self.next_id += 1;
        self.send(&json!({"id": self.next_id, "method": method, "params": params}));
        self.next_id
    }

    /// The next message; none at the end of the stream.
    pub fn next(&self) -> Option<Value> {
        match self.received.recv_timeout(PATIENCE) {
            Ok(message) => Some(serde_json::from_slice(&message).unwrap_or_else(|error| panic!("{error}"))),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing came in time"),
        }
    }

    pub fn is_silent(&self) -> bool {
        matches!(self.received.recv_timeout(MOMENT), Err(RecvTimeoutError::Timeout))
    }

    /// The answer to a request; none if the stream ends before.
    pub fn answer(&mut self, method: &str, params: Value) -> Option<Value> {
        let id = self.request(method, params);
        loop {
            let message = self.next()?;
            if message["id"] == id && message.get("method").is_none() {
                return Some(message);
            }
        }
    }

    pub fn initialize(&mut self) -> Option<()> {
        let client = json!({"name": "kill_points", "version": "1"});
        self.answer("initialize", json!({"clientInfo": client}))?;
        self.send(&json!({"method": "initialized"}));
        Some(())
    }

    /// Begins a turn; none if the server ends before.
    pub fn start_turn(&mut self) -> Option<()> {
        self.initialize()?;
        let thread = self.answer("thread/start", json!({}))?;
        let input = json!([{"type": "text", "text": PROMPT}]);
        self.request("turn/start", json!({"threadId": thread["result"]["thread"]["id"], "input": input}));
        Some(())
    }

    /// Runs a turn, and approves its command. Gives all that came since its start; it may be cut off.
    pub fn turn(&mut self) -> Vec<Value> {
        self.start_turn().map(|()| self.until("turn/completed")).unwrap_or_default()
    }

    /// Reads until this method comes or the server ends, and approves.
    pub fn until(&mut self, method: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        while let Some(message) = self.next() {
            self.approve(&message);
            seen.push(message);
            if seen.last().is_some_and(|last| last["method"] == method) {
                break;
            }
        }
        seen
    }

    /// Begins a turn, reads until this holds, and approves.
    pub fn turn_until(&mut self, is_met: impl Fn() -> bool) {
        self.start_turn().expect("it goes on");
        let begun = Instant::now();
        while !is_met() {
            assert!(begun.elapsed() < PATIENCE, "it is never met");
            if let Ok(message) = self.received.recv_timeout(Duration::from_millis(5)) {
                self.approve(&serde_json::from_slice(&message).expect("JSON"));
            }
        }
    }

    fn approve(&mut self, message: &Value) {
        if message["method"] == "item/commandExecution/requestApproval" {
            self.send(&json!({"id": message["id"], "result": {"decision": "accept"}}));
        }
    }

    /// Reads what has arrived.
    pub fn drain(&self) {
        while !self.is_silent() {}
    }

    pub fn ping(&mut self) {
        let Writer::Socket(socket) = &mut self.writer else { panic!("lines have no pings") };
        socket.send(Message::Ping("?".into())).expect("it is sent");
    }

    /// The end of what the client writes.
    pub fn close(&mut self) {
        match &mut self.writer {
            Writer::Lines(stdin) => *stdin = None,
            Writer::Socket(socket) => socket.close(None).expect("it is closed"),
        }
    }
}

pub fn methods(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["method"].as_str()).collect()
}
