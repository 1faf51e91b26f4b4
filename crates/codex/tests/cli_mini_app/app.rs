//! The example at work, and its user.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use codex_appserver_testkit::CodexHome;
use rustix::process::{Pid, Signal, kill_process_group};

use crate::codex::codex;
use crate::example::example;

/// Long enough for anything that is to come; nothing waits that long unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The example at work, in a group of its own.
pub struct App {
    child: Child,
    stdin: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    /// What it has printed that no test has seen yet.
    unseen: String,
}

impl App {
    /// Starts it with the mock, unless there is no codex.
    pub fn start() -> Option<Self> {
        let mut command = Command::new(example("cli_mini_app"));
        command.arg("--offline").env("CODEX_BIN", codex()?);
        Some(Self::run(command))
    }

    /// Starts it with a codex in this home.
    pub fn in_home(home: &CodexHome, codex: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(example("cli_mini_app"));
        home.set_environment(&mut command);
        command.args(arguments).env("CODEX_BIN", codex);
        Self::run(command)
    }

    fn run(mut command: Command) -> Self {
        command.process_group(0);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the example starts");
        let stdin = child.stdin.take();
        let output = read(child.stdout.take().expect("it is piped"));
        Self { child, stdin, output, unseen: String::new() }
    }

    pub fn type_in(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("the input has not ended");
        stdin.write_all(text.as_bytes()).expect("it reads");
    }

    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    pub fn press_ctrl_c(&self) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("it has an id");
        kill_process_group(group, Signal::INT).expect("it is there");
    }

    /// Waits until it has printed this, and passes over what comes before, which is returned.
    pub fn see(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some((before, rest)) = self.unseen.split_once(text) {
                let (before, rest) = (before.to_owned(), rest.to_owned());
                self.unseen = rest;
                return before;
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.unseen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(why) => panic!("{text:?} does not come ({why}) in {:?}", self.unseen),
            }
        }
    }

    /// Waits for its end, which ends its output.
    pub fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return self.child.wait().expect("it ends"),
                Err(RecvTimeoutError::Timeout) => panic!("it does not end"),
            }
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        // Its server ends with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(mut output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, chunks) = channel();
    std::thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut chunk) {
            if send.send(chunk[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    chunks
}
