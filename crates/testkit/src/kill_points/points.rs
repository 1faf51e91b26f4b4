//! The side of the test.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::folder::Folder;
use super::journal::{Processes, Run};
use super::passed::Passed;
use super::point::{Hit, Moment, Order, Point};
use super::process::Seen;
use crate::NotReached;
use crate::model::lock;

/// How long killed processes may take to be gone.
const REAPING: Duration = Duration::from_secs(10);
const LOOKS: Duration = Duration::from_millis(2);

/// Writes its arguments into an executable file. Another process does that: while this one has the file open for writing,
/// a process that another thread starts may hold it open as well, and a file that is open for writing cannot be run.
const WRITE: &str = r#"umask 077 && printf '%s\n' '#!/bin/sh' "exec $2 \"\$@\"" >"$1" && chmod 700 "$1""#;

/// A stand-in for codex that hits the server at a kill point, and what it has seen.
///
/// All that it tells is on disk before the message is delivered, and so is known after the server was killed. Dropping it
/// kills what is left of its servers, and removes its files.
///
/// See [the module](super) for what it is for.
#[derive(Debug)]
pub struct KillPoints {
    // Dropped after the servers were killed.
    folder: Folder,
    program: PathBuf,
    orders: Mutex<usize>,
    _dir: TempDir,
}

impl KillPoints {
    /// Makes a stand-in for `codex`, the real binary. `program` is the program of this crate, `kill-points`, or one of your
    /// own that calls [`main`](super::main).
    pub fn new(program: impl AsRef<Path>, codex: impl AsRef<Path>) -> io::Result<Self> {
        // A short name: the path of a socket is limited, to 103 bytes on some systems.
        let dir = TempDir::with_prefix("kp-")?;
        let folder = Folder::at(dir.path());
        let script = folder.program();
        let words = [found(program.as_ref())?, dir.path().into(), found(codex.as_ref())?];
        let words = words.map(|word| quoted(&word));
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", WRITE, "sh"]).arg(&script).arg(std::ffi::OsStr::from_bytes(&words.join(&b' ')));
        let written = shell.stdin(Stdio::null()).status()?;
        if !written.success() {
            return Err(io::Error::other(format!("the shell that writes {} failed", script.display())));
        }
        Ok(Self { folder, program: script, orders: Mutex::new(0), _dir: dir })
    }

    /// The program to name where codex is wanted. It needs nothing of its environment.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Orders a hit. It takes the place of an earlier order, and counts at once, for servers that run as well. The server
    /// process that comes to the point first is hit, once; no other is, before the next order.
    pub fn hit(&self, point: impl Into<Point>, moment: Moment, hit: Hit) -> io::Result<()> {
        let mut orders = lock(&self.orders);
        *orders += 1;
        self.folder.order(&Order { number: *orders, point: point.into(), moment, hit })
    }

    /// All messages of all server processes so far, in the order of the processes and their numbers.
    pub fn messages(&self) -> Vec<Passed> {
        self.runs().into_iter().flat_map(|run| run.messages).collect()
    }

    /// The point where the hit that was ordered last was delivered. None: it was not.
    pub fn fired(&self) -> Option<Passed> {
        let fired = self.folder.fired(*lock(&self.orders))?;
        self.messages().into_iter().find(|seen| (seen.run, seen.number) == (fired.run, fired.number))
    }

    /// Blocks until the hit that was ordered last was delivered and its processes are [killed](Hit::Kill) or
    /// [stopped](Hit::Stop).
    pub fn wait_for_hit(&self, timeout: Duration) -> Result<Passed, NotReached> {
        let begun = Instant::now();
        loop {
            if let Some(fired) = self.fired() {
                let run = self.runs().into_iter().nth(fired.run - 1).and_then(|run| run.processes);
                if run.is_none_or(|run| run.stand_in.is_still() && run.codex.is_still()) {
                    return Ok(fired);
                }
            }
            if begun.elapsed() >= timeout {
                return Err(NotReached { what: "hits".into(), expected: 1, seen: 0, timeout });
            }
            std::thread::sleep(LOOKS);
        }
    }

    /// How many server processes were started.
    pub fn runs_started(&self) -> usize {
        self.runs().len()
    }

    /// The process ids of the real codex, of all runs.
    pub fn codex_pids(&self) -> Vec<u32> {
        self.processes().map(|run| run.codex.pid).collect()
    }

    /// The ids of all processes ever started: for each run the stand-in, the real codex, and its watcher.
    pub fn pids(&self) -> Vec<u32> {
        self.seen().into_iter().map(|seen| seen.pid).collect()
    }

    /// Those of [`pids`](Self::pids) that have not ended. A stopped process has not; a zombie, which only waits for its
    /// parent, has.
    pub fn alive(&self) -> Vec<u32> {
        self.seen().into_iter().filter(Seen::is_alive).map(|seen| seen.pid).collect()
    }

    /// Whether the process is stopped, as by SIGSTOP.
    pub fn is_stopped(&self, pid: u32) -> bool {
        self.seen().into_iter().any(|seen| seen.pid == pid && seen.is_stopped())
    }

    /// Kills what is left of all servers, stopped or not, and waits until they are gone.
    pub fn reap(&self) {
        let begun = Instant::now();
        while self.seen().iter().filter(|seen| seen.is_alive()).map(Seen::kill).count() > 0 {
            if begun.elapsed() >= REAPING {
                return;
            }
            std::thread::sleep(LOOKS);
        }
    }

    fn runs(&self) -> Vec<Run> {
        Run::all(&self.folder)
    }

    fn processes(&self) -> impl Iterator<Item = Processes> {
        self.runs().into_iter().filter_map(|run| run.processes)
    }

    fn seen(&self) -> Vec<Seen> {
        self.processes().flat_map(Processes::all).collect()
    }
}

impl Drop for KillPoints {
    fn drop(&mut self) {
        self.reap();
    }
}

/// A path that means the same in any folder. A bare name is looked up on the `PATH`.
fn found(program: &Path) -> io::Result<PathBuf> {
    match program.components().count() {
        1 => Ok(program.to_owned()),
        _ => std::path::absolute(program),
    }
}

/// A word for the shell.
fn quoted(path: &Path) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'\'' => quoted.extend_from_slice(br"'\''"),
            _ => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}
