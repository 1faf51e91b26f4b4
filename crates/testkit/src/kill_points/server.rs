//! The real codex: how it is started, hit, and how its end is taken over.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};

use rustix::process::{Signal, WaitId, WaitIdOptions, getpid, kill_process, waitid};

use super::journal::Processes;
use super::process::{Seen, number, send};
use crate::model::lock;

/// Reads the number of a process, and kills it unless a second line comes before the end of its input, which is the end
/// of the stand-in.
const WATCHER: &str = r#"read -r pid && { read -r ended || kill -s KILL "$pid"; }"#;

/// The real codex, as the threads of the stand-in see it.
pub(super) struct Server {
    pid: u32,
    watcher: Mutex<ChildStdin>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ended: bool,
    stopped: bool,
}

impl Server {
    /// Starts the real codex and its watcher.
    pub(super) fn start(
        codex: &Path,
        arguments: &[OsString],
        streams: fn() -> Stdio,
    ) -> io::Result<(Self, Child, Processes)> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", WATCHER]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut watcher = shell.spawn()?;
        let mut told = watcher.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let child = Command::new(codex).args(arguments).stdin(streams()).stdout(streams()).spawn()?;
        let pid = child.id();
        told.write_all(format!("{pid}\n").as_bytes())?;
        let stand_in = Seen::new(std::process::id());
        let processes = Processes { stand_in, codex: Seen::new(pid), watcher: Seen::new(watcher.id()) };
        let server =
            Self { pid, watcher: Mutex::new(told), state: Mutex::default(), changed: Condvar::new() };
        Ok((server, child, processes))
    }

    /// Waits for the end of codex. From then on its number may be given to another process.
    pub(super) fn wait(&self, child: &mut Child) -> io::Result<ExitStatus> {
        let status = child.wait();
        let mut state = lock(&self.state);
        state.ended = true;
        // The watcher may have been killed.
        let _ = lock(&self.watcher).write_all(b"ended\n");
        self.changed.notify_all();
        status
    }

    pub(super) fn has_ended(&self) -> bool {
        lock(&self.state).ended
    }

    /// Passes a signal on.
    pub(super) fn signal(&self, signal: Signal) {
        let state = lock(&self.state);
        if !state.ended {
            send(self.pid, signal);
        }
    }

    /// Kills codex, waits for its end, and kills this process.
    pub(super) fn kill(&self) -> ! {
        self.signal(Signal::KILL);
        self.wait_until(|state| state.ended);
        kill_this()
    }

    /// Stops codex, waits until it has stopped, and stops this process; returns when this process is continued.
    pub(super) fn stop(&self) {
        self.signal(Signal::STOP);
        if let Some(pid) = number(self.pid) {
            // Another thread may have waited for it.
            let _ = waitid(
                WaitId::Pid(pid),
                WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
            );
        }
        lock(&self.state).stopped = true;
        // The system may take its time to stop this thread: only SIGCONT says that it is over.
        let _ = kill_process(getpid(), Signal::STOP);
        self.wait_until(|state| !state.stopped);
    }

    /// This process was continued: so is codex.
    pub(super) fn resume(&self) {
        let stopped = std::mem::take(&mut lock(&self.state).stopped);
        if stopped {
            self.signal(Signal::CONT);
            self.changed.notify_all();
        }
    }

    fn wait_until(&self, met: impl Fn(&State) -> bool) {
        let state = lock(&self.state);
        let waited = self.changed.wait_while(state, |state| !met(state));
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// Ends this process as codex has ended.
pub(super) fn end_like(status: ExitStatus) -> ! {
    match (status.code(), status.signal()) {
        (Some(code), _) => std::process::exit(code),
        (None, Some(signal)) if signal == Signal::KILL.as_raw() => kill_this(),
        (None, signal) => {
            // It returns for a signal that does not end a process.
            let _ = signal.map(signal_hook::low_level::emulate_default_handler);
            std::process::exit(1)
        }
    }
}

fn kill_this() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    loop {
        std::thread::park();
    }
}
