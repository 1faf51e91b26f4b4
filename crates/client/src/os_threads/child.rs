//! The child process of a connection.

use std::io::Read;
use std::process::{ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::conn::CHUNK;
use crate::error::Error;
use crate::process::{LAST_WORDS, Patience, Process, StderrLines, no_pipes, not_started};

/// How often to look whether something has ended: soon at first, then less often.
const FIRST_LOOK: Duration = Duration::from_millis(1);
const LOOKS: Duration = Duration::from_millis(20);

/// A running app-server, shared by the threads that may end it.
#[derive(Clone)]
pub(super) struct Child {
    process: Arc<Mutex<std::process::Child>>,
    stderr: StderrLines,
    reading_stderr: Arc<Mutex<Option<JoinHandle<()>>>>,
    patience: Patience,
}

impl Child {
    pub(super) fn start(settings: &Process) -> Result<(Self, ChildStdin, ChildStdout), Error> {
        let mut command = settings.command()?;
        let mut process = match command.spawn() {
            Ok(process) => process,
            Err(reason) => return Err(not_started(&command, reason)),
        };
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take())
        else {
            return Err(not_started(&command, no_pipes()));
        };
        let lines = StderrLines::default();
        let reading = lines.clone();
        let reader = thread::Builder::new().name("codex stderr".into());
        let reading_stderr = match reader.spawn(move || read_stderr(stderr, reading)) {
            Ok(reading) => reading,
            Err(reason) => {
                // It has not been told anything yet; its end is of no interest.
                let _ = process.kill().and_then(|()| process.wait());
                return Err(Error::Threads(reason));
            }
        };
        let child = Self {
            process: Arc::new(Mutex::new(process)),
            stderr: lines,
            reading_stderr: Arc::new(Mutex::new(Some(reading_stderr))),
            patience: settings.patience,
        };
        Ok((child, stdin, stdout))
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.lock().id()
    }

    /// Whether the process has ended by itself.
    pub(super) fn has_exited(&self) -> bool {
        !matches!(self.lock().try_wait(), Ok(None))
    }

    /// Waits for the process, whose standard input is closed, and gets less patient with it. Stops when there is
    /// need to hurry.
    pub(super) fn end(&self, hurry: impl Fn() -> bool) {
        if self.wait(self.patience.after_eof, &hurry).is_some() {
            return;
        }
        #[cfg(unix)]
        if !hurry() {
            tracing::warn!("the app-server does not end with its input: asking it to terminate");
            crate::process::terminate(self.lock().id());
            if self.wait(self.patience.after_term, &hurry).is_some() {
                return;
            }
        }
        if !hurry() {
            tracing::warn!("the app-server does not end: killing it");
            self.kill();
        }
    }

    /// Kills the process. It fails only for one that has ended, which is what is wanted.
    pub(super) fn kill(&self) {
        let _ = self.lock().kill();
    }

    /// Waits this long for the process, kills it, and gives what it left behind.
    pub(super) fn see_off(&self, grace: Duration) -> (Option<ExitStatus>, Vec<String>) {
        let status = self.wait(grace, || false).or_else(|| {
            self.kill();
            self.lock().wait().ok()
        });
        let reading = self.reading_stderr.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reading) = reading {
            look_until(LAST_WORDS, || reading.is_finished().then_some(()));
        }
        (status, self.stderr.last())
    }

    /// How the process ended, if it does so in this time, or before there is need to hurry.
    fn wait(&self, patience: Duration, hurry: impl Fn() -> bool) -> Option<ExitStatus> {
        look_until(patience, || match self.lock().try_wait() {
            Ok(Some(status)) => Some(Some(status)),
            Ok(None) if hurry() => Some(None),
            Ok(None) => None,
            Err(_) => Some(None),
        })
        .flatten()
    }

    fn lock(&self) -> MutexGuard<'_, std::process::Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks again and again, at least once. The standard library cannot wait for a process with a time limit.
fn look_until<T>(patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now().checked_add(patience);
    let mut pause = FIRST_LOOK;
    loop {
        if let Some(seen) = look() {
            return Some(seen);
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LOOKS);
    }
}

fn read_stderr(mut stderr: ChildStderr, mut lines: StderrLines) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(length) = stderr.read(&mut chunk) {
        if length == 0 {
            break;
        }
        lines.push(&chunk[..length]);
    }
    lines.finish();
}
