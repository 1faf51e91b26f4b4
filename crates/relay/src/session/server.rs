//! From the server to the client.

use std::io;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use codex_appserver_client::blocking::websocket::{Connection, Received, Receiver, Sender};
use codex_appserver_wire::{LineError, RequestId};

use super::{Event, Session};
use crate::exchange::Fate;
use crate::outcome::{Outcome, report};
use crate::upstream::lock;

/// How many bytes are collected before they are written.
const ENOUGH: usize = 64 << 10;

/// The pause before the first attempt to reach a server that is gone; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Messages on their way to the client.
#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    /// The requests that they answer.
    settled: Vec<RequestId>,
    /// What the server has answered to the relay's own `initialize`.
    introduced: Option<Result<(), String>>,
    /// Messages that were read, whatever became of them.
    heard: u64,
}

/// The search for a server that is gone.
struct Search {
    begun: Instant,
    pause: Duration,
}

/// Why no more is read.
enum End {
    /// The connection is gone.
    Lost(String),
    /// The server does not take the client any more.
    Unwanted(String),
    /// The client is gone, which is told already.
    NoClient,
}

impl Session {
    /// Reads messages of the server until there are no more, on the next connection as well if there is one.
    pub(super) fn read_server(&self, mut receiver: Receiver) {
        let mut heard = 0;
        // The half that writes, while the server has not answered the relay's `initialize`.
        let mut fresh: Option<Sender> = None;
        let mut search = Search::new();
        loop {
            let before = heard;
            let end = self.read_connection(&mut receiver, &mut fresh, &mut heard);
            // A server that does not answer `initialize` was not found, whatever else it says.
            let was_there = fresh.take().is_none() && heard > before;
            let (why, may_return) = match end {
                End::NoClient => return,
                End::Lost(why) => (why, heard > 0 && !self.is_over()),
                End::Unwanted(why) => (why, false),
            };
            self.upstream.lose();
            let requests = self.open();
            let Some(patience) = self.settings.reconnect.filter(|_| may_return) else {
                return self.end(match heard {
                    0 => Outcome::Refused(why),
                    _ => Outcome::Gone { why, requests },
                });
            };
            if was_there {
                report(format_args!("the server is gone: {why}; looking for it"));
                search = Search::new();
            } else if search.begun.elapsed() >= patience {
                // It hangs up without a word, or does not answer, every time.
                return self.end(Outcome::Gone { why, requests });
            }
            match self.connect_again(&mut search, patience) {
                Ok(Some((next, sender))) => (receiver, fresh) = (next, sender),
                Ok(None) => return,
                Err(error) => return self.end(Outcome::Gone { why: format!("{why}; {error}"), requests }),
            }
        }
    }

    /// Whether the end of the connection is what is wanted, or as good.
    fn is_over(&self) -> bool {
        self.closing.load(Ordering::SeqCst) || self.draining.load(Ordering::SeqCst)
    }

    /// Passes on what a connection brings.
    fn read_connection(&self, receiver: &mut Receiver, fresh: &mut Option<Sender>, heard: &mut u64) -> End {
        let mut batch = Batch::default();
        let begun = Instant::now();
        loop {
            if fresh.is_some() {
                let patience = self.settings.connect_timeout;
                let left = patience.saturating_sub(begun.elapsed());
                if left.is_zero() {
                    return End::Lost(format!("it did not answer `initialize` within {patience:?}"));
                }
                if let Err(error) = receiver.set_timeout(Some(left)) {
                    return End::Lost(error.to_string());
                }
            }
            let mut is_writable = true;
            let received = receiver.receive(|message| {
                self.take(message, &mut batch);
                if batch.lines.len() >= ENOUGH {
                    is_writable &= self.pass_on(&mut batch);
                }
            });
            is_writable &= self.pass_on(&mut batch);
            *heard += std::mem::take(&mut batch.heard);
            if !is_writable {
                return End::NoClient;
            }
            let lost = match received {
                Ok(Received::Closed) => match receiver.goodbye() {
                    Some((code, "")) => format!("close code {code}"),
                    Some((code, reason)) => format!("close code {code}, `{reason}`"),
                    None => "the connection was closed".to_owned(),
                },
                // It was waited for the answer to `initialize`.
                Err(error) if fresh.is_some() && is_late(&error) => continue,
                Err(error) => error.to_string(),
                Ok(received) => {
                    if let Some(Err(answer)) = &batch.introduced {
                        return End::Unwanted(format!("it refused `initialize`: {answer}"));
                    }
                    let was_fresh = fresh.is_some();
                    let went_on = self.go_on(received, &mut batch, fresh).and_then(|()| {
                        // From here on it may be silent.
                        if was_fresh && fresh.is_none() { receiver.set_timeout(None) } else { Ok(()) }
                    });
                    match went_on {
                        Ok(()) => continue,
                        Err(error) => error.to_string(),
                    }
                }
            };
            return End::Lost(lost);
        }
    }

    /// Answers pings, and gives a connection that is introduced to those who write.
    fn go_on(&self, received: Received, batch: &mut Batch, fresh: &mut Option<Sender>) -> io::Result<()> {
        let Some(sender) = fresh else {
            if received == Received::Pinged {
                self.upstream.answer_ping();
            }
            return Ok(());
        };
        if received == Received::Pinged {
            sender.flush()?;
        }
        if batch.introduced.take().is_some() {
            if let Some(initialized) = lock(&self.exchange).initialized() {
                sender.send(initialized)?;
                sender.flush()?;
            }
            self.give(fresh);
        }
        Ok(())
    }

    /// Has those who wait for a connection write to this one.
    fn give(&self, fresh: &mut Option<Sender>) {
        if let Some(sender) = fresh.take() {
            report("the connection is there again; threads have to be resumed");
            self.lost.store(0, Ordering::SeqCst);
            self.upstream.open(sender);
        }
    }

    /// Takes in one message.
    fn take(&self, message: Result<&str, LineError>, batch: &mut Batch) {
        batch.heard += 1;
        let text = match message {
            Ok(text) => text,
            Err(error) => {
                let (head, problem) = match &error {
                    LineError::TooLong { limit, head } => {
                        (head, format!("it has more than {limit} bytes; raise the limit with --max-message"))
                    }
                    LineError::NotUtf8 { source, head } => (head, format!("it is not UTF-8: {source}")),
                    _ => return report(format_args!("a message of the server is lost: {error}")),
                };
                report(format_args!("a message of the server is lost: {problem}"));
                let answer = lock(&self.exchange).unreadable(&problem, head);
                if let Some((id, answer)) = answer {
                    batch.line(&answer);
                    batch.settled.push(id);
                }
                return;
            }
        };
        match lock(&self.exchange).server_says(text) {
            Fate::Pass => batch.line(text),
            Fate::PassAs(text) => batch.line(&text),
            Fate::Settle(id) => {
                batch.line(text);
                batch.settled.push(id);
            }
            Fate::Drop => {}
            Fate::Introduced(outcome) => batch.introduced = Some(outcome),
        }
    }

    /// Writes what has been collected; tells whether the client takes more.
    fn pass_on(&self, batch: &mut Batch) -> bool {
        if batch.lines.is_empty() {
            return true;
        }
        let written = self.write_client(&batch.lines);
        batch.lines.clear();
        batch.lines.shrink_to(2 * ENOUGH);
        let mut exchange = lock(&self.exchange);
        for id in batch.settled.drain(..) {
            exchange.settle(&id);
        }
        let is_last = exchange.open() == 0;
        drop(exchange);
        if is_last && self.draining.load(Ordering::SeqCst) {
            // The session may be over already.
            let _ = self.events.send(Event::Answered);
        }
        written.is_ok()
    }

    /// Tells the client what is lost, and connects anew. The half that writes is kept back while the server does not know
    /// the client. `None`: the client is gone.
    fn connect_again(
        &self,
        search: &mut Search,
        patience: Duration,
    ) -> Result<Option<(Receiver, Option<Sender>)>, String> {
        let lost = {
            let mut exchange = lock(&self.exchange);
            let lost = exchange.lose();
            // Under the lock: whoever sees that nothing is open sees why.
            self.lost.fetch_add(lost.len(), Ordering::SeqCst);
            lost
        };
        let lost: String = lost.into_iter().map(|answer| answer + "\n").collect();
        if self.write_client(lost.as_bytes()).is_err() {
            return Ok(None);
        }
        loop {
            thread::sleep(search.pause);
            search.pause = LONGEST_PAUSE.min(search.pause * 2);
            let is_last = self.is_over() || search.begun.elapsed() >= patience;
            let connected = crate::connect(&self.settings).map_err(|error| format!("{error:#}"));
            match connected
                .and_then(|connection| self.introduce(connection).map_err(|error| error.to_string()))
            {
                Ok(connected) => return Ok(Some(connected)),
                Err(error) if is_last => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// Introduces the client to a server that was found again. The half that writes is kept back until the answer to the
    /// relay's own `initialize`.
    fn introduce(&self, connection: Connection) -> io::Result<(Receiver, Option<Sender>)> {
        let Connection { receiver, mut sender, hang_up, .. } = connection;
        self.upstream.connected(hang_up);
        let mut exchange = lock(&self.exchange);
        let introduction = exchange.introduction();
        let waits = exchange.is_introducing();
        drop(exchange);
        if let Some(introduction) = introduction {
            sender.send(&introduction)?;
            sender.flush()?;
        }
        let mut fresh = Some(sender);
        if !waits {
            self.give(&mut fresh);
        }
        Ok((receiver, fresh))
    }
}

/// Whether a read took as long as it may.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Search {
    fn new() -> Self {
        Self { begun: Instant::now(), pause: FIRST_PAUSE }
    }
}

impl Batch {
    fn line(&mut self, text: &str) {
        self.lines.extend_from_slice(text.as_bytes());
        self.lines.push(b'\n');
    }
}
