//! A scripted server within the process of the test.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::ReplayReport;
use super::core::Core;
use super::drive::{Pen, Shared};
use super::ends::{self, Hangup, ServerStdin, ServerStdout};
use super::log::{ClientAnswer, Ended, Report};
use super::plan;
use super::scenario::Scenario;
use super::step::Step;
use crate::NotReached;

/// A scripted server on threads of its own. Dropping it closes it.
///
/// ```
/// use std::io::{BufRead, BufReader, Write};
/// use std::time::Duration;
///
/// use codex_appserver_testkit::scripted::{Scenario, ScriptedServer};
///
/// let (server, stdout, mut stdin) = ScriptedServer::start(Scenario::new())?;
/// stdin.write_all(b"{\"id\":1,\"method\":\"model/list\"}\n")?;
/// let mut line = String::new();
/// BufReader::new(stdout).read_line(&mut line)?;
/// assert_eq!(line, "{\"id\":1,\"result\":{}}\n");
/// server.wait_for("model/list", 1, Duration::from_secs(10))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ScriptedServer {
    shared: Arc<Shared>,
    hangup: Option<Hangup>,
    threads: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for ScriptedServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ScriptedServer").field("report", &self.report()).finish_non_exhaustive()
    }
}

impl ScriptedServer {
    /// Starts a server, and gives the client's ends: what it reads from and what it writes to.
    pub fn start(scenario: Scenario) -> io::Result<(Self, ServerStdout, ServerStdin)> {
        let (input, stdin) = ends::to_server()?;
        let (stdout, output) = ends::to_client()?;
        let hangup = ends::hangup(&input, &output)?;
        let mut server = Self::spawn(scenario, input, (output, ends::has_room), io::sink(), hangup.clone())?;
        server.hangup = Some(hangup);
        Ok((server, stdout, stdin))
    }

    /// Starts a server for a tokio client; the first stream is to be read, the second to be written. Within a
    /// runtime that has its I/O enabled.
    #[cfg(unix)]
    pub fn start_async(
        scenario: Scenario,
    ) -> io::Result<(Self, tokio::net::UnixStream, tokio::net::UnixStream)> {
        let (server, stdout, stdin) = Self::start(scenario)?;
        Ok((server, stdout.into_tokio()?, stdin.into_tokio()?))
    }

    /// Starts a server on streams of yours. It cannot break off a read or a write on them that is under way:
    /// after [`close`](Self::close) its threads end when these do.
    pub fn start_on(
        scenario: Scenario,
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        Self::spawn(scenario, input, (output, |_| false), io::sink(), Hangup::default())
    }

    /// With the output comes what tells whether it [has room](ends::has_room).
    pub(super) fn spawn<O: Write + Send + 'static>(
        scenario: Scenario,
        input: impl Read + Send + 'static,
        (output, has_room): (O, fn(&O) -> bool),
        stderr: impl Write + Send + 'static,
        hangup: Hangup,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(Core::new(&scenario)));
        let (reads, writes) = (shared.clone(), shared.clone());
        let line_limit = scenario.line_limit;
        let pen = Arc::new(Mutex::new(Pen::new(output, has_room, stderr, &scenario.faults)));
        // The output closes when the thread that writes ends, even while the other still reads.
        let weak = Arc::downgrade(&pen);
        let thread = |name: &str| std::thread::Builder::new().name(format!("scripted-{name}"));
        let reader = thread("reader").spawn(move || reads.read(input, line_limit, &weak))?;
        let writer = thread("writer").spawn(move || {
            writes.write(&pen);
            drop(pen);
            // The reader may be waiting for a client that waits for us.
            hangup.hang_up();
        })?;
        Ok(Self { shared, hangup: None, threads: vec![reader, writer] })
    }

    /// The last lines received, oldest first: as many as [`Scenario::keep`] says. What is no JSON is a string.
    pub fn received(&self) -> Vec<Value> {
        self.shared.lock().log.values()
    }

    /// The params of the requests and notifications of a method, among the lines kept.
    pub fn params(&self, method: &str) -> Vec<Value> {
        let sent = self.received().into_iter().filter(|line| line["method"] == method);
        sent.map(|mut line| line["params"].take()).collect()
    }

    /// How often the client sent a method, as a request or a notification.
    pub fn count(&self, method: &str) -> u64 {
        self.shared.lock().methods.get(method).map_or(0, |state| state.count)
    }

    /// What the client answered to requests of the server, oldest first.
    pub fn answers(&self) -> Vec<ClientAnswer> {
        self.shared.lock().log.answers.clone()
    }

    /// The highest number of requests that were unanswered at once. One that is never answered, or only under
    /// another id, stays unanswered. Never more than what the client saw.
    pub fn max_pending(&self) -> u64 {
        self.shared.lock().log.max_pending
    }

    /// All that was seen, in numbers.
    pub fn report(&self) -> Report {
        self.shared.lock().report()
    }

    /// How the replay of a [trace](Scenario::from_trace) went; what the client has not sent by now is missing.
    /// None where the scenario has no trace. Wait for the [end](Self::wait_for_end) first, so that the server has
    /// read all that the client sent.
    pub fn replay_report(&self) -> Option<ReplayReport> {
        self.shared.lock().replay.as_ref().map(|replay| replay.player.report())
    }

    /// Blocks until the client has sent this method so many times in all.
    pub fn wait_for(&self, method: &str, count: u64, timeout: Duration) -> Result<(), NotReached> {
        let seen = |core: &Core| core.methods.get(method).map_or(0, |state| state.count);
        self.reach(count, timeout, format!("messages `{method}`"), seen)
    }

    /// Blocks until the client has answered so many requests of the server in all.
    pub fn wait_for_answers(&self, count: u64, timeout: Duration) -> Result<(), NotReached> {
        self.reach(count, timeout, "answers".to_owned(), |core| core.log.answers.len() as u64)
    }

    /// Blocks until the server has ended, and tells why.
    pub fn wait_for_end(&self, timeout: Duration) -> Result<Ended, NotReached> {
        self.reach(1, timeout, "ends of the server".to_owned(), |core| core.ended.is_some().into())?;
        Ok(self.shared.lock().ended.unwrap_or(Ended::Closed))
    }

    /// Plays these steps now, whatever else is under way.
    pub fn play(&self, steps: impl IntoIterator<Item = Step>) {
        let steps: Vec<Step> = steps.into_iter().collect();
        self.shared.change(|core| core.play(plan::acts(&steps)));
    }

    /// Ends at once, as a process that is killed: the client's read ends, its writes fail.
    pub fn close(&self) {
        self.shared.end(Ended::Closed);
        if let Some(hangup) = &self.hangup {
            hangup.hang_up();
        }
    }

    /// Waits for the end of a server that ends by itself.
    pub(super) fn join(&self) -> Ended {
        self.shared.wait_for_end()
    }

    /// A handle that tells the server to terminate.
    pub(super) fn terminator(&self) -> impl Fn() + Send + 'static {
        let shared = self.shared.clone();
        move || shared.change(|core| core.close(Ended::Sigterm, std::time::Instant::now()))
    }

    fn reach(
        &self,
        expected: u64,
        timeout: Duration,
        what: String,
        seen: impl Fn(&Core) -> u64,
    ) -> Result<(), NotReached> {
        if self.shared.wait(timeout, |core| seen(core) >= expected) {
            return Ok(());
        }
        let seen = seen(&self.shared.lock());
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Err(NotReached { what: what.into(), expected: count(expected), seen: count(seen), timeout })
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.close();
        if self.hangup.is_some() {
            // A panic of a thread was reported where it happened.
            self.threads.drain(..).for_each(|thread| drop(thread.join()));
        }
    }
}
