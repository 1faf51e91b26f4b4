//! Runs a command to its end, with a time limit if wanted and a call every second.

use std::env;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// How often to look whether the command has ended.
const POLL: Duration = Duration::from_millis(20);
/// How often to tell that it has not.
const TICK: Duration = Duration::from_secs(1);
/// How long a command may take to end after being asked to.
const GRACE: Duration = Duration::from_secs(1);
/// How many lines of stderr an error shows.
const STDERR_LINES: usize = 20;

/// A command that has ended, well or not.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    /// The last lines only.
    pub(crate) stderr: String,
}

/// Runs `command` without input; `tick` is called at once and then every second until it ends.
///
/// Its output goes to nameless temporary files: unlike pipes they neither fill up nor stay open for
/// as long as some grandchild lives.
pub(crate) fn run(
    command: &mut Command,
    limit: Option<Duration>,
    mut tick: impl FnMut(Duration),
) -> Result<Finished, Error> {
    let line = command_line(command);
    let failed = |reason| Error::Start { command: line.clone(), reason };
    let mut stdout = output_file()?;
    let mut stderr = output_file()?;
    let started = Instant::now();
    hide_window(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(stdout.try_clone().map_err(failed)?)
        .stderr(stderr.try_clone().map_err(failed)?)
        .spawn()
        .map_err(failed)?;

    let mut ticks = 0;
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(Finished {
                status,
                stdout: read(&mut stdout),
                stderr: last_lines(&read(&mut stderr)),
            });
        }
        let elapsed = started.elapsed();
        if let Some(limit) = limit.filter(|limit| elapsed >= *limit) {
            stop(&mut child);
            return Err(Error::TimedOut { command: line, limit, stderr: last_lines(&read(&mut stderr)) });
        }
        if elapsed >= TICK * ticks {
            ticks = u32::try_from(elapsed.as_secs()).map_or(u32::MAX, |seconds| seconds.saturating_add(1));
            tick(elapsed);
        }
        thread::sleep(POLL);
    }
}

/// A program without a console would see a window flash up for the command.
#[cfg(windows)]
fn hide_window(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
fn hide_window(_: &mut Command) {}

fn output_file() -> Result<File, Error> {
    tempfile::tempfile().map_err(Error::io("create a temporary file in", &env::temp_dir()))
}

/// Ends a command. On Unix it is asked first: the `codex` that npm puts into PATH is a script which
/// passes this on to the binary it started, while a kill would leave that binary behind.
fn stop(child: &mut Child) {
    if cfg!(unix) {
        let asked = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &child.id().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let asked_at = Instant::now();
        while asked.as_ref().is_ok_and(ExitStatus::success) && asked_at.elapsed() < GRACE {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(POLL);
        }
    }
    // The only way for these to fail is that the command has just ended.
    let _ = child.kill();
    let _ = child.wait();
}

/// What was written so far; output is shown to people and searched for a version, so broken UTF-8
/// does not matter.
fn read(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let _: io::Result<usize> = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(STDERR_LINES)..].join("\n")
}

/// The command as one would type it.
pub(crate) fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| {
            let word = word.to_string_lossy();
            if word.is_empty() || word.contains(char::is_whitespace) {
                format!("'{word}'")
            } else {
                word.into_owned()
            }
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_lines() {
        let text: String = (1..=100).map(|number| format!("line {number}\n")).collect();
        let kept = last_lines(&text);
        assert_eq!(kept.lines().count(), STDERR_LINES);
        assert!(kept.starts_with("line 81\n") && kept.ends_with("line 100"), "{kept}");
        assert_eq!(last_lines("\n\n"), "");
    }

    #[test]
    fn writes_the_command_as_typed() {
        let mut command = Command::new("codex");
        command.args(["--out", "my folder"]).env("CODEX_HOME", "x");
        assert_eq!(command_line(&command), "codex --out 'my folder'");
    }
}
