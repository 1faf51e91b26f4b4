//! A server that does as it is told, and the program before it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

/// How long anything may take that has to happen.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The largest frame that the app-server takes.
const LARGEST_FRAME: usize = 16 << 20;

pub const INITIALIZE: &str =
    r#"{"id":"i","method":"initialize","params":{"clientInfo":{"name":"test","version":"1"}}}"#;

pub type Peer = WebSocket<UnixStream>;

/// What a server does with one connection.
pub type Script = Box<dyn FnOnce(Peer) + Send>;

/// A server on a Unix socket in a folder of its own.
pub struct Server {
    folder: TempDir,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Does this with the one connection that it takes.
    pub fn once(script: impl FnOnce(Peer) + Send + 'static) -> Self {
        Self::each([Box::new(script) as Script])
    }

    /// Does these things, each with a connection. The socket is gone after the last one.
    pub fn each(scripts: impl IntoIterator<Item = Script> + Send + 'static) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = listen(&folder);
        let scripts: Vec<_> = scripts.into_iter().collect();
        let thread = thread::spawn(move || {
            for script in scripts {
                let (socket, _) = listener.accept().expect("a client");
                script(accept(socket));
            }
        });
        Self { folder, thread: Some(thread) }
    }

    pub fn path(&self) -> PathBuf {
        socket(&self.folder)
    }

    pub fn address(&self) -> String {
        format!("unix://{}", self.path().display())
    }

    /// Waits until all has been done.
    pub fn join(mut self) {
        self.thread.take().expect("it is joined once").join().expect("the server did all");
    }
}

pub fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("socket")
}

/// Listens as the app-server does, for the user alone.
pub fn listen(folder: &TempDir) -> UnixListener {
    use std::os::unix::fs::PermissionsExt;
    let path = socket(folder);
    let listener = UnixListener::bind(&path).expect("a socket");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    listener
}

pub fn accept(socket: UnixStream) -> Peer {
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let config = WebSocketConfig::default().max_frame_size(Some(LARGEST_FRAME)).max_message_size(None);
    tungstenite::accept_with_config(socket, Some(config)).expect("a handshake")
}

/// The next text message; `None` once the client has said goodbye.
pub fn next(peer: &mut Peer) -> Option<String> {
    loop {
        match peer.read() {
            Ok(Message::Text(text)) => return Some(text.to_string()),
            Ok(Message::Close(_)) | Err(tungstenite::Error::ConnectionClosed) => return None,
            Ok(_) => {}
            Err(error) => panic!("the client left without a goodbye: {error}"),
        }
    }
}

pub fn say(peer: &mut Peer, text: impl Into<String>) {
    peer.send(Message::text(text.into())).expect("the client is there");
}

/// Answers a request with its own params.
pub fn echo(peer: &mut Peer, request: &str) {
    let request: Value = serde_json::from_str(request).expect("JSON");
    say(peer, json!({"id": request["id"], "result": request["params"]}).to_string());
}

/// Answers every request with its own params until the client says goodbye.
pub fn echo_all(mut peer: Peer) {
    while let Some(text) = next(&mut peer) {
        if serde_json::from_str::<Value>(&text).is_ok_and(|message| !message["id"].is_null()) {
            echo(&mut peer, &text);
        }
    }
}

pub fn request(id: impl Into<Value>) -> String {
    json!({"id": id.into(), "method": "any", "params": {"x": 1}}).to_string()
}

/// The program, running.
pub struct Relay {
    pub child: Running,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: JoinHandle<String>,
}

/// A process that is killed when a test is done with it.
pub struct Running(Child);

impl std::ops::Deref for Running {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already, but for one that listens.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How it has ended.
pub struct Ended {
    pub status: ExitStatus,
    /// The lines that were not heard before.
    pub lines: Vec<String>,
    pub errors: String,
    /// How long that took from the end of its input on.
    pub took: Duration,
}

pub fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codex-relay"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Relay {
    pub fn start<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self::from(command(arguments))
    }

    pub fn from(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let input = child.stdin.take();
        let (told, lines) = channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).lines() {
                    // The test may not be interested.
                    let _ = told.send(line.expect("UTF-8"));
                }
            });
        }
        let mut stderr = child.stderr.take().expect("a pipe");
        let errors = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).expect("UTF-8");
            text
        });
        Self { child: Running(child), input, lines, errors }
    }

    /// Writes bytes as they are.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.input.as_mut().expect("an open input").write_all(bytes.as_ref()).expect("the program reads");
    }

    pub fn say(&mut self, line: impl AsRef<str>) {
        self.write(format!("{}\n", line.as_ref()));
    }

    /// The next line of its output.
    #[track_caller]
    pub fn hear(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    #[track_caller]
    pub fn hear_json(&self) -> Value {
        serde_json::from_str(&self.hear()).expect("JSON")
    }

    /// Waits for its end without closing its input.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            if begun.elapsed() > PATIENCE {
                self.child.kill().expect("a child");
                panic!("the program does not end");
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Closes its input and waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Ended {
        drop(self.input.take());
        let begun = Instant::now();
        let status = self.wait();
        let took = begun.elapsed();
        let errors = self.errors.join().expect("its errors");
        Ended { status, lines: self.lines.iter().collect(), errors, took }
    }

    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    }
}

impl Ended {
    /// It must have ended with this code, and within a second.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{:?}: {}", self.status.signal(), self.errors);
        assert!(self.took < Duration::from_secs(1), "it took {:?}", self.took);
        self
    }

    #[track_caller]
    pub fn expect_error(&self, text: &str) -> &Self {
        assert!(self.errors.contains(text), "{}", self.errors);
        self
    }
}
