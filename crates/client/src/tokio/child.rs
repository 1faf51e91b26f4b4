//! The child process of a connection.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::conn::CHUNK;
use crate::error::Error;
use crate::process::{LAST_WORDS, Patience, Process, StderrLines, no_pipes, not_started};

/// A running app-server. It is killed when this is dropped, and reaped by the runtime.
pub(super) struct Child {
    process: tokio::process::Child,
    stderr: StderrLines,
    reading_stderr: JoinHandle<()>,
    patience: Patience,
}

impl Child {
    pub(super) fn start(settings: &Process) -> Result<(Self, ChildStdin, ChildStdout), Error> {
        let mut command = Command::from(settings.command()?);
        let mut process = match command.kill_on_drop(true).spawn() {
            Ok(process) => process,
            Err(reason) => return Err(not_started(command.as_std(), reason)),
        };
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take())
        else {
            return Err(not_started(command.as_std(), no_pipes()));
        };
        let lines = StderrLines::default();
        let reading_stderr = tokio::spawn(read_stderr(stderr, lines.clone()));
        let child = Self { process, stderr: lines, reading_stderr, patience: settings.patience };
        Ok((child, stdin, stdout))
    }

    /// Its number, while it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    /// Waits for the process to end by itself.
    pub(super) async fn exit(&mut self) {
        // It fails only for a process that is not there any more.
        let _ = self.process.wait().await;
    }

    /// Waits for the process, whose standard input is closed, and gets less patient with it.
    pub(super) async fn end(&mut self) {
        if timeout(self.patience.after_eof, self.process.wait()).await.is_ok() {
            return;
        }
        #[cfg(unix)]
        if let Some(id) = self.process.id() {
            tracing::warn!("the app-server does not end with its input: asking it to terminate");
            crate::process::terminate(id);
            if timeout(self.patience.after_term, self.process.wait()).await.is_ok() {
                return;
            }
        }
        tracing::warn!("the app-server does not end: killing it");
        // It fails only for a process that has ended, which is what is wanted.
        let _ = self.process.start_kill();
    }

    /// Waits this long for the process, kills it, and gives what it left behind.
    pub(super) async fn see_off(mut self, grace: Duration) -> (Option<ExitStatus>, Vec<String>) {
        let status = match timeout(grace, self.process.wait()).await {
            Ok(status) => status.ok(),
            Err(_) => {
                let _ = self.process.start_kill();
                self.process.wait().await.ok()
            }
        };
        let _ = timeout(LAST_WORDS, &mut self.reading_stderr).await;
        self.reading_stderr.abort();
        (status, self.stderr.last())
    }
}

async fn read_stderr(mut stderr: ChildStderr, mut lines: StderrLines) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(length) = stderr.read(&mut chunk).await {
        if length == 0 {
            break;
        }
        lines.push(&chunk[..length]);
    }
    lines.finish();
}
