//! The client side of a session: sends, waits for what the session expects, and keeps every line.
//!
//! A reader thread decodes each line with the generated types as it comes; what does not decode fails the
//! session. Everything the server says of its own accord goes into one list, from which a session takes
//! what it waits for: an expectation never swallows what another one is about.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::ServerRequest;
use codex_appserver_wire::{
    BlockingTransport, Endpoint, JsonRpcMessage, RequestEnvelope, RequestId, ResponseEnvelope, Serialize,
    decode, encode,
};

use super::trace::{Direction, Row};

/// How long a session waits for one thing. Far more than codex needs: it ends what hangs, and measures nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many lines an error shows.
const LINES_IN_ERRORS: usize = 8;

/// A connection to a running app-server over a pair of pipes.
pub struct Client {
    output: Mutex<Output>,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

struct Output {
    pipe: Option<Box<dyn Write + Send>>,
    next_id: i64,
}

struct Shared {
    start: Instant,
    patience: Duration,
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    rows: Vec<Row>,
    answers: BTreeMap<RequestId, JsonRpcMessage>,
    notifications: Vec<Told>,
    requests: Vec<RequestEnvelope<ServerRequest>>,
    problem: Option<String>,
    ended: bool,
}

/// A notification, and whether a session waited for it already.
struct Told {
    taken: bool,
    notification: ServerNotification,
}

impl Client {
    /// Speaks over these pipes: `to_server` is the server's standard input, `from_server` its output.
    pub fn new(to_server: impl Write + Send + 'static, from_server: impl Read + Send + 'static) -> Self {
        Self::with_patience(to_server, from_server, PATIENCE)
    }

    fn with_patience(
        to_server: impl Write + Send + 'static,
        from_server: impl Read + Send + 'static,
        patience: Duration,
    ) -> Self {
        let shared = Arc::new(Shared {
            start: Instant::now(),
            patience,
            seen: Mutex::default(),
            changed: Condvar::new(),
        });
        let reading = shared.clone();
        let reader = std::thread::spawn(move || reading.read(BufReader::new(from_server)));
        let output = Mutex::new(Output { pipe: Some(Box::new(to_server)), next_id: 0 });
        Self { output, shared, reader: Some(reader) }
    }

    /// Waits for a notification that `pick` turns into something, and takes it. `what` names it in errors.
    pub fn expect<T>(&self, what: &str, mut pick: impl FnMut(&ServerNotification) -> Option<T>) -> Result<T> {
        self.shared.wait(what, |seen| {
            seen.notifications.iter_mut().filter(|told| !told.taken).find_map(|told| {
                let picked = pick(&told.notification)?;
                told.taken = true;
                Some(picked)
            })
        })
    }

    /// Waits for a request of the server that `pick` turns into something, and takes it.
    pub fn expect_request<T>(
        &self,
        what: &str,
        mut pick: impl FnMut(&ServerRequest) -> Option<T>,
    ) -> Result<(RequestId, T)> {
        self.shared.wait(what, |seen| {
            let mut requests = seen.requests.iter().enumerate();
            let (index, picked) = requests.find_map(|(index, r)| Some((index, pick(&r.request)?)))?;
            Some((seen.requests.remove(index).id, picked))
        })
    }

    /// Answers a request of the server.
    pub fn answer(&self, id: RequestId, response: impl Serialize) -> Result<()> {
        let line = encode(&ResponseEnvelope { id, result: response })?;
        let mut output = lock(&self.output);
        self.write(&mut output, line)
    }

    /// Everything the server has told so far that `pick` turns into something, taken or not.
    pub fn told<T>(&self, pick: impl FnMut(&ServerNotification) -> Option<T>) -> Vec<T> {
        let seen = lock(&self.shared.seen);
        seen.notifications.iter().map(|told| &told.notification).filter_map(pick).collect()
    }

    /// Ends the session: closes the server's input, waits for the end of its output and gives all lines.
    /// A request of the server that nobody took is an error.
    pub fn finish(mut self) -> Result<Vec<Row>> {
        lock(&self.output).pipe = None;
        self.shared.wait_with("the end of the server's output", true, |seen| seen.ended.then_some(()))?;
        if let Some(reader) = self.reader.take() {
            reader.join().map_err(|_| anyhow!("the reader panicked"))?;
        }
        let mut seen = lock(&self.shared.seen);
        if let Some(open) = seen.requests.first() {
            bail!("the server asked `{}` and nobody answered", open.request.method());
        }
        Ok(std::mem::take(&mut seen.rows))
    }

    /// Writes a line. It is kept before it is sent, so that no answer is kept before it.
    fn write(&self, output: &mut Output, line: String) -> Result<()> {
        let pipe = output.pipe.as_mut().context("the session is over")?;
        self.shared.keep(Direction::ClientToServer, &line);
        writeln!(pipe, "{line}").and_then(|()| pipe.flush()).with_context(|| self.shared.told_last(&line))
    }
}

impl Endpoint for Client {
    type Error = anyhow::Error;
}

impl BlockingTransport for Client {
    fn send(&self, method: &'static str, params: Option<String>) -> Result<String> {
        let id = {
            let mut output = lock(&self.output);
            output.next_id += 1;
            let id = output.next_id;
            let params = params.map(|params| format!(",\"params\":{params}")).unwrap_or_default();
            self.write(&mut output, format!("{{\"method\":\"{method}\",\"id\":{id}{params}}}"))?;
            RequestId::from(id)
        };
        let answer = self.shared.wait(&format!("the answer to {method}"), |seen| seen.answers.remove(&id))?;
        match answer {
            JsonRpcMessage::Response(response) => Ok(response.result.to_string()),
            JsonRpcMessage::Error(error) => Err(anyhow::Error::new(error.error)),
            other => bail!("{method} was answered by {other:?}"),
        }
    }

    fn notify(&self, method: &'static str, params: Option<String>) -> Result<()> {
        let params = params.map(|params| format!(",\"params\":{params}")).unwrap_or_default();
        let mut output = lock(&self.output);
        self.write(&mut output, format!("{{\"method\":\"{method}\"{params}}}"))
    }
}

impl Shared {
    fn read(&self, pipe: impl BufRead) {
        for line in pipe.lines() {
            match line {
                Ok(line) => self.take_in(&line),
                Err(error) => lock(&self.seen).problem = Some(format!("the pipe broke: {error}")),
            }
            self.changed.notify_all();
        }
        lock(&self.seen).ended = true;
        self.changed.notify_all();
    }

    fn keep(&self, direction: Direction, line: &str) {
        let seconds = self.start.elapsed().as_secs_f64();
        lock(&self.seen).rows.push(Row { seconds, direction, line: line.to_owned() });
    }

    /// Decodes a line of the server, first as any message and then as the one it is.
    fn take_in(&self, line: &str) {
        self.keep(Direction::ServerToClient, line);
        let mut seen = lock(&self.seen);
        let decoded = decode::<JsonRpcMessage>(line).and_then(|message| {
            match &message {
                JsonRpcMessage::Request { .. } => seen.requests.push(ServerRequest::decode(line)?),
                JsonRpcMessage::Notification { .. } => {
                    let notification = ServerNotification::decode(line)?.notification;
                    seen.notifications.push(Told { taken: false, notification });
                }
                JsonRpcMessage::Response(ResponseEnvelope { id, .. }) => {
                    seen.answers.insert(id.clone(), message);
                }
                JsonRpcMessage::Error(error) => {
                    seen.answers.insert(error.id.clone(), message);
                }
            }
            Ok(())
        });
        if let Err(error) = decoded {
            seen.problem = Some(format!("a line does not decode: {error}\n{line}"));
        }
    }

    fn wait<T>(&self, what: &str, pick: impl FnMut(&mut Seen) -> Option<T>) -> Result<T> {
        self.wait_with(what, false, pick)
    }

    fn wait_with<T>(
        &self,
        what: &str,
        end_is_fine: bool,
        mut pick: impl FnMut(&mut Seen) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + self.patience;
        let mut seen = lock(&self.seen);
        loop {
            if let Some(problem) = &seen.problem {
                bail!("{problem}");
            }
            if let Some(picked) = pick(&mut seen) {
                return Ok(picked);
            }
            if seen.ended && !end_is_fine {
                bail!("the server ended before {what}; {}", last_lines(&seen.rows));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("{what} did not come within {:?}; {}", self.patience, last_lines(&seen.rows));
            }
            seen = self.changed.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn told_last(&self, line: &str) -> String {
        format!("cannot send {line}; {}", last_lines(&lock(&self.seen).rows))
    }
}

fn last_lines(rows: &[Row]) -> String {
    let mut text = format!("the last of {} lines:", rows.len());
    for row in &rows[rows.len().saturating_sub(LINES_IN_ERRORS)..] {
        let arrow = if row.direction == Direction::ClientToServer { "->" } else { "<-" };
        let line: String = row.line.chars().take(300).collect();
        text.push_str(&format!("\n{arrow} {line}"));
    }
    text
}

/// What these locks guard is in order even if a thread panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
