//! From the client to the server.

use std::io::{self, Read};

use codex_appserver_client::blocking::websocket::Sender;

use super::{Event, Session};
use crate::exchange::{self, Fate};
use crate::lines::{Line, Lines};
use crate::outcome::{Outcome, report};
use crate::upstream::lock;

const CHUNK: usize = 64 << 10;

/// The connection failed while it was written to. Why is told by whoever reads it.
struct Broken;

impl Session {
    /// Reads lines of the client until there are no more.
    pub(super) fn read_client(&self, mut input: impl Read, unread: Option<Box<dyn FnOnce() + Send>>) {
        let mut lines = Lines::new(self.settings.max_line);
        let mut chunk = vec![0; CHUNK];
        loop {
            match input.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => lines.push(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    return self.end(Outcome::OutputGone);
                }
                Err(error) => return self.end(Outcome::Failed { what: "read from the client", error }),
            }
            if !self.send(&mut lines) {
                return;
            }
        }
        // Without a last line there is no need to wait for a connection.
        if lines.has_rest() && !self.send_rest(&mut lines) {
            return;
        }
        // The session may be over already.
        let _ = self.events.send(Event::InputEnded);
        // Answers are for those who read them.
        if let Some(unread) = unread {
            unread();
            self.end(Outcome::OutputGone);
        }
    }

    /// Sends a last line without a line break; tells whether there was a connection for it.
    fn send_rest(&self, lines: &mut Lines) -> bool {
        let sent = self.upstream.write(|sender| {
            let sent = lines.finish(|number, line| self.send_line(sender, number, &line));
            sent.unwrap_or(Ok(()))?;
            sender.flush().map_err(|_| Broken)
        });
        sent.is_some()
    }

    /// Sends all lines that are whole; tells whether there may be a connection for more.
    fn send(&self, lines: &mut Lines) -> bool {
        loop {
            let sent = self.upstream.write(|sender| {
                while let Some(sent) = lines.next(|number, line| self.send_line(sender, number, &line)) {
                    sent?;
                }
                sender.flush().map_err(|_| Broken)
            });
            match sent {
                None => return false,
                Some(Ok(())) => return true,
                // The rest is for the next connection, if there is one.
                Some(Err(Broken)) => {}
            }
        }
    }

    fn send_line(&self, sender: &mut Sender, number: u64, line: &Line<'_>) -> Result<(), Broken> {
        let text = match line {
            Line::Text(text) if text.trim_ascii().is_empty() => return Ok(()),
            Line::Text(text) => text,
            Line::Refused { problem, head } => {
                report(format_args!("line {number} {problem}"));
                if let Some(mut answer) = exchange::refusal(number, problem, head) {
                    answer.push('\n');
                    // A failure ends the session.
                    let _ = self.write_client(answer.as_bytes());
                }
                return Ok(());
            }
        };
        let fate = lock(&self.exchange).client_says(text);
        let sent = match fate {
            Fate::PassAs(text) => sender.send(&text),
            Fate::Drop => {
                report(format_args!("line {number} answers a server that is gone; it is not sent"));
                Ok(())
            }
            _ => sender.send(text),
        };
        sent.map_err(|_| Broken)
    }
}
