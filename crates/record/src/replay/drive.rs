//! Plays a session over streams: one OS thread reads, the caller's writes and waits.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use super::player::Player;
use super::report::Report;
use super::script::Session;
use crate::trace::Content;

/// How a session is played.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Keeps the recorded times between messages. By default there is no waiting.
    pub timing: bool,
    /// Refuses requests whose params differ from those of the trace. By default the report notes them.
    pub exact: bool,
    /// How long a request that came too early waits for what comes before it in the trace; 10 seconds. Then
    /// it is answered with an error. Zero: forever.
    pub patience: Duration,
    /// The longest line of the client, in bytes; 256 MiB. A longer one ends the session.
    pub line_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { timing: false, exact: false, patience: Duration::from_secs(10), line_limit: 256 << 20 }
    }
}

/// How many lines of the client wait to be taken before it has to wait.
const QUEUE: usize = 1024;

/// Plays a session to a client that speaks a message per line, to the end of its input.
pub fn play(
    session: Session,
    options: &Options,
    input: impl Read + Send + 'static,
    mut output: impl Write,
) -> io::Result<Report> {
    let (lines, received) = mpsc::sync_channel(QUEUE);
    let limit = options.line_limit;
    thread::Builder::new().name("replay-reader".into()).spawn(move || read_lines(input, limit, &lines))?;
    Ok(serve(session, options, &received, |content| {
        match content {
            Some(Content::Line(line)) => output.write_all(line.as_bytes())?,
            Some(Content::Bytes(bytes)) => output.write_all(bytes)?,
            None => return output.flush(),
        }
        output.write_all(b"\n")
    }))
}

/// Sends each line; the end of the channel is the end of the input.
fn read_lines(input: impl Read, limit: usize, lines: &SyncSender<Vec<u8>>) {
    let mut input = BufReader::with_capacity(1 << 16, input);
    loop {
        let mut line = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        match input.by_ref().take(most).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.ends_with(b"\n") {
            line.pop();
        } else if line.len() > limit {
            return;
        }
        if lines.send(line).is_err() {
            return;
        }
    }
}

/// Plays a session: `lines` are the client's, until the channel is closed; `write` writes a message, or hands
/// on what was written where it is given none. A client that does not read any more is still listened to.
pub(super) fn serve(
    session: Session,
    options: &Options,
    lines: &Receiver<Vec<u8>>,
    mut write: impl FnMut(Option<&Content>) -> io::Result<()>,
) -> Report {
    let mut player = Player::new(session).exact(options.exact);
    let mut writes = true;
    let mut last = Instant::now();
    loop {
        while let Some(next) = player.next() {
            if options.timing {
                // What was written before must not wait as well.
                writes = writes && write(None).is_ok();
                thread::sleep((last + next.gap).saturating_duration_since(Instant::now()));
                last = Instant::now();
            }
            writes = writes && write(Some(&next.content)).is_ok();
        }
        writes = writes && write(None).is_ok();
        let patient = options.patience.is_zero() || !player.holds_back();
        let line = match patient {
            true => lines.recv().map_err(RecvTimeoutError::from),
            false => lines.recv_timeout(options.patience),
        };
        match line {
            Ok(line) => player.line(&line),
            Err(RecvTimeoutError::Timeout) => player.give_up(),
            Err(RecvTimeoutError::Disconnected) => return player.report(),
        }
        last = Instant::now();
    }
}
