//! One client and its app-server: a thread reads the client, one reads the server, and the caller waits for the end.

mod client;
mod server;

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver as Inbox, RecvTimeoutError, Sender as Events};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use codex_appserver_client::Address;
use codex_appserver_client::blocking::websocket::{self, Connection};

use crate::exchange::Exchange;
use crate::outcome::Outcome;
use crate::upstream::{Upstream, lock};

/// How long answers are waited for once the program is told to end.
const DRAIN: Duration = Duration::from_secs(2);

/// How long the server may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(500);

/// Where a session connects to, and how.
#[derive(Clone)]
pub struct Settings {
    pub address: Address,
    pub options: websocket::Options,
    /// Use a socket that others own or can replace.
    pub insecure: bool,
    /// How many bytes a line of the client may have.
    pub max_line: usize,
    /// How long answers are waited for after the end of the input.
    pub wait: Duration,
    /// How long a server that was found again may take to answer `initialize`.
    pub connect_timeout: Duration,
    /// For how long to look for a server that is gone.
    pub reconnect: Option<Duration>,
}

/// What happens to a session.
#[derive(Debug)]
pub enum Event {
    /// The client has closed its input.
    InputEnded,
    /// The last open request is answered.
    Answered,
    /// The program is told to end.
    #[cfg_attr(not(unix), expect(dead_code))]
    Terminate,
    /// There is nothing more to do, for this reason.
    Ended(Outcome),
    /// The server was told that this side is done.
    SaidGoodbye,
}

/// What the threads of a session share.
struct Session {
    settings: Settings,
    exchange: Mutex<Exchange>,
    upstream: Arc<Upstream>,
    output: Mutex<Box<dyn Write + Send>>,
    events: Events<Event>,
    /// The input has ended: what is answered is told.
    draining: AtomicBool,
    /// Requests that were lost with a connection that has not been replaced.
    lost: AtomicUsize,
    /// This side has said goodbye: the end of the connection is what is wanted.
    closing: AtomicBool,
}

/// The two ends of a client.
pub struct Ends {
    pub input: Box<dyn Read + Send>,
    pub output: Box<dyn Write + Send>,
    /// Waits until no one reads the output any more, where that can be told.
    pub unread: Option<Box<dyn FnOnce() + Send>>,
}

/// Passes messages on until the client, the server or the program is at its end.
///
/// Whoever ends it sends events into the inbox. A thread may still wait for input afterwards.
pub fn run(
    settings: Settings,
    connection: Connection,
    ends: Ends,
    events: Events<Event>,
    inbox: &Inbox<Event>,
) -> Outcome {
    let Connection { receiver, sender, hang_up, .. } = connection;
    let upstream = Arc::new(Upstream::default());
    upstream.connected(hang_up);
    upstream.open(sender);
    let session = Arc::new(Session {
        settings,
        exchange: Mutex::default(),
        upstream,
        output: Mutex::new(ends.output),
        events,
        draining: AtomicBool::new(false),
        lost: AtomicUsize::new(0),
        closing: AtomicBool::new(false),
    });
    let reading = session.clone();
    let started = start("server", move || reading.read_server(receiver)).and_then(|()| {
        let reading = session.clone();
        start("client", move || reading.read_client(ends.input, ends.unread))
    });
    if let Err(error) = started {
        session.upstream.hang_up();
        return Outcome::Failed { what: "start a thread", error };
    }
    let outcome = session.wait(inbox);
    match outcome {
        // There is no server left to say goodbye to.
        Outcome::Gone { .. } | Outcome::Refused(_) => session.upstream.close(),
        _ => session.close(inbox, !matches!(outcome, Outcome::OutputGone)),
    }
    outcome
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(work).map(drop)
}

impl Session {
    /// Waits for what ends the session.
    fn wait(&self, inbox: &Inbox<Event>) -> Outcome {
        let mut ends: Option<Instant> = None;
        let mut is_terminated = false;
        loop {
            let event = match ends {
                Some(ends) => inbox.recv_timeout(ends.saturating_duration_since(Instant::now())),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let patience = match event {
                Ok(Event::Ended(outcome)) => return outcome,
                Ok(Event::Answered) | Err(RecvTimeoutError::Disconnected) => Duration::ZERO,
                Ok(Event::SaidGoodbye) => continue,
                Ok(Event::InputEnded) => self.settings.wait,
                Ok(Event::Terminate) => {
                    is_terminated = true;
                    DRAIN
                }
                Err(RecvTimeoutError::Timeout) => match self.open() {
                    0 => return self.done(),
                    requests if is_terminated => return Outcome::Terminated { requests },
                    requests => return Outcome::Unanswered { requests, after: self.settings.wait },
                },
            };
            self.draining.store(true, Ordering::SeqCst);
            if self.open() == 0 {
                return self.done();
            }
            let latest = Instant::now() + patience;
            ends = Some(ends.map_or(latest, |ends| ends.min(latest)));
        }
    }

    /// Closes the connection. If the client still reads, what the server sends until its own close is passed on.
    fn close(self: &Arc<Self>, inbox: &Inbox<Event>, is_read: bool) {
        self.closing.store(true, Ordering::SeqCst);
        let closing = self.clone();
        let ends = Instant::now() + GOODBYE;
        // The server may not read.
        let started = start("goodbye", move || {
            closing.upstream.close();
            let _ = closing.events.send(Event::SaidGoodbye);
        });
        let (mut is_said, mut has_ended) = (started.is_err(), !is_read);
        while !(is_said && has_ended) {
            match inbox.recv_timeout(ends.saturating_duration_since(Instant::now())) {
                Ok(Event::Ended(_)) => has_ended = true,
                Ok(Event::SaidGoodbye) => is_said = true,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        self.upstream.hang_up();
    }

    /// How it ends if nothing is open: an answer that the relay has given is none of the server.
    fn done(&self) -> Outcome {
        match self.lost.load(Ordering::SeqCst) {
            0 => Outcome::Done,
            requests => Outcome::Gone { why: "it has not come back".to_owned(), requests },
        }
    }

    /// How many requests of the client have no answer.
    fn open(&self) -> usize {
        lock(&self.exchange).open()
    }

    /// Tells the end of the session; nothing is wrong with it if the session is over already.
    fn end(&self, outcome: Outcome) {
        let _ = self.events.send(Event::Ended(outcome));
    }

    /// Writes whole lines to the client. Once that fails, there is nothing more to do.
    fn write_client(&self, lines: &[u8]) -> io::Result<()> {
        let mut output = lock(&self.output);
        let written = output.write_all(lines).and_then(|()| output.flush());
        drop(output);
        if let Err(error) = &written {
            self.end(match error.kind() {
                io::ErrorKind::BrokenPipe => Outcome::OutputGone,
                kind => Outcome::Failed { what: "write to the client", error: kind.into() },
            });
        }
        written
    }
}
