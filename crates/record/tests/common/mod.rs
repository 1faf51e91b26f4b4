//! A recorder that runs, and what its trace holds.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use codex_appserver_record::{Content, Direction, Entry, Reader, Row};
use tempfile::TempDir;

/// The program under test.
pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_codex-appserver-record"))
}

/// A recorder with a folder of its own.
pub struct Recorder {
    pub child: Child,
    pub input: Option<ChildStdin>,
    pub output: Option<ChildStdout>,
    pub folder: TempDir,
    trace: PathBuf,
    _watchdog: Sender<()>,
}

/// How it ended.
pub struct Ended {
    pub code: Option<i32>,
    pub stderr: String,
    pub trace: PathBuf,
    _folder: TempDir,
}

impl Recorder {
    /// Records `sh -c SCRIPT`; the script finds its folder in `$1`.
    pub fn sh(script: &str) -> Self {
        Self::with(&[], script)
    }

    /// The same with options.
    pub fn with(options: &[&str], script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let trace = folder.path().join("trace.jsonl");
        let mut command = program();
        command.arg("--out").arg(&trace).args(options);
        command.args(["--", "sh", "-c", script, "sh"]).arg(folder.path());
        Self::run(command, folder, trace)
    }

    pub fn run(mut command: Command, folder: TempDir, trace: PathBuf) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the recorder starts");
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let watchdog = watchdog(child.id());
        Self { child, input, output, folder, trace, _watchdog: watchdog }
    }

    /// Reads the output up to and with `end`.
    pub fn read_until(&mut self, end: &str) -> String {
        let mut seen = Vec::new();
        let output = self.output.as_mut().expect("the output is open");
        let mut byte = [0];
        while !seen.ends_with(end.as_bytes()) {
            output.read_exact(&mut byte).expect("more output");
            seen.push(byte[0]);
        }
        String::from_utf8(seen).expect("text")
    }

    /// Reads the output to its end.
    pub fn read_all(&mut self) -> Vec<u8> {
        let mut seen = Vec::new();
        self.output.take().expect("the output is open").read_to_end(&mut seen).expect("output reads");
        seen
    }

    pub fn write(&mut self, bytes: &[u8]) {
        self.input.as_mut().expect("the input is open").write_all(bytes).expect("the recorder takes it");
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn trace(&self) -> &PathBuf {
        &self.trace
    }

    /// Waits for the end; closes neither side.
    pub fn wait(mut self) -> Ended {
        let mut stderr = String::new();
        // First the end: a process that is left behind may hold the standard error.
        let code = self.child.wait().expect("the recorder ends").code();
        self.child.stderr.take().expect("stderr").read_to_string(&mut stderr).expect("stderr reads");
        Ended { code, stderr, trace: self.trace, _folder: self.folder }
    }
}

impl Ended {
    pub fn rows(&self) -> Vec<Row> {
        rows(&self.trace)
    }

    /// What a side sent, put together again from the trace.
    pub fn sent(&self, direction: Direction) -> Vec<u8> {
        let text = fs::read_to_string(&self.trace).expect("the trace reads");
        let lines = text.lines().skip(1);
        let mut sent = Vec::new();
        for (row, line) in self.rows().into_iter().zip(lines).filter(|(row, _)| row.dir == direction) {
            match row.content {
                Content::Line(line) => sent.extend(line.into_bytes()),
                Content::Bytes(bytes) => sent.extend(bytes),
            }
            if !line.ends_with(",\"eol\":false}") {
                sent.push(b'\n');
            }
        }
        sent
    }
}

/// Kills a recorder that hangs, so that its test fails instead of hanging as well.
fn watchdog(pid: u32) -> Sender<()> {
    let (alive, over) = mpsc::channel();
    thread::spawn(move || {
        if over.recv_timeout(Duration::from_secs(300)) == Err(RecvTimeoutError::Timeout) {
            let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a process");
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    });
    alive
}

/// The rows of a trace that has a header and nothing else.
pub fn rows(trace: &PathBuf) -> Vec<Row> {
    let mut entries = Reader::new(BufReader::new(File::open(trace).expect("a trace")));
    let header = entries.next().expect("a header").1.expect("a header that reads");
    assert!(matches!(header, Entry::Header(_)), "{header:?}");
    let row = |(number, entry)| match entry {
        Ok(Entry::Row(row)) => row,
        other => panic!("line {number}: {other:?}"),
    };
    entries.map(row).collect()
}

/// The lines that a side sent.
pub fn lines(rows: &[Row], direction: Direction) -> Vec<String> {
    let line = |row: &Row| match &row.content {
        Content::Line(line) => line.clone(),
        Content::Bytes(bytes) => panic!("{bytes:?} is no text"),
    };
    rows.iter().filter(|row| row.dir == direction).map(line).collect()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Numbers without a pattern, the same in every run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// Lines of any bytes, some of them no UTF-8, the last one without `\n`.
    pub fn traffic(&mut self, length: usize) -> Vec<u8> {
        let mut traffic = Vec::with_capacity(length);
        while traffic.len() < length {
            let line = self.below(400);
            match self.below(4) {
                0 => traffic.extend((0..line).map(|_| self.below(256) as u8)),
                1 => traffic.extend("{\"text\":\"häh\"}\r".bytes()),
                _ => traffic.extend((0..line).map(|_| b' ' + self.below(90) as u8)),
            }
            traffic.push(b'\n');
        }
        traffic.extend(b"{\"method\":");
        traffic
    }
}
