//! The client of this repository, async and blocking.

use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use codex_appserver_client::{
    Client, Event, EventSettings, Events, Filter, Methods, Process, ServerNotification, VersionCheck,
    blocking,
};
use codex_appserver_requests::TurnSteerResponse;
use codex_appserver_types::{ClientInfo, TextUserInput, UserInput};
use tokio::runtime::Runtime;

use crate::contender::{Contender, Server};
use crate::session::{CLIENT, Delivered, TEXT, THREAD, TURN, expect_turn};

/// With tokio.
pub struct Async {
    // Before the runtime: the last handle kills the server.
    client: Option<Client>,
    runtime: Runtime,
}

impl Async {
    /// On that runtime.
    pub fn new(runtime: Runtime) -> Self {
        Self { client: None, runtime }
    }
}

impl Contender for Async {
    fn connect(&mut self, server: &Server) -> Result<()> {
        let builder = Client::builder().client_info(info()).version_check(VersionCheck::Ignore);
        self.client = Some(self.runtime.block_on(builder.spawn(process(server)))?);
        Ok(())
    }

    fn calls(&mut self, n: usize, in_flight: usize) -> Result<()> {
        let client = self.client.as_ref().context("not connected")?;
        self.runtime.block_on(async {
            let mut tasks = Vec::new();
            for part in parts(n, in_flight) {
                let client = client.clone();
                tasks.push(tokio::spawn(async move {
                    for _ in 0..part {
                        check(&client.turn_steer(THREAD, TURN, input()).await?)?;
                    }
                    anyhow::Ok(())
                }));
            }
            for task in tasks {
                task.await??;
            }
            Ok(())
        })
    }

    fn notifications(&mut self) -> Result<Delivered> {
        let client = self.client.as_ref().context("not connected")?;
        self.runtime.block_on(async {
            let mut events: Events = client.events_with(Filter::thread(THREAD), all());
            client.turn_start(THREAD, input()).await?;
            let mut delivered = Delivered::default();
            while let Some(event) = events.next().await {
                if count(event?, &mut delivered) {
                    return Ok(delivered);
                }
            }
            bail!("the events ended before the turn")
        })
    }
}

/// With threads: the caller that waits reads the pipe itself.
#[derive(Default)]
pub struct Blocking {
    client: Option<blocking::Client>,
}

/// With threads over streams that cannot be polled, so that a thread of their own reads and another one writes.
#[derive(Default)]
pub struct BlockingStreams {
    // Before the process, which ends with its input.
    blocking: Blocking,
    process: Option<Child>,
}

impl Drop for BlockingStreams {
    fn drop(&mut self) {
        self.blocking.client = None;
        if let Some(process) = &mut self.process {
            // It may have ended by itself, which is no error here.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Contender for BlockingStreams {
    fn connect(&mut self, server: &Server) -> Result<()> {
        let mut command = Command::new(&server.program);
        command.args(Server::ARGUMENTS).envs(server.env.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().context("cannot start the server")?;
        let reader = process.stdout.take().context("no standard output")?;
        let writer = process.stdin.take().context("no standard input")?;
        self.process = Some(process);
        self.blocking.client = Some(blocking_builder().attach(reader, writer)?);
        Ok(())
    }

    fn calls(&mut self, n: usize, in_flight: usize) -> Result<()> {
        self.blocking.calls(n, in_flight)
    }

    fn notifications(&mut self) -> Result<Delivered> {
        self.blocking.notifications()
    }
}

fn blocking_builder() -> blocking::ClientBuilder {
    blocking::Client::builder().client_info(info()).version_check(VersionCheck::Ignore)
}

impl Contender for Blocking {
    fn connect(&mut self, server: &Server) -> Result<()> {
        self.client = Some(blocking_builder().spawn(process(server))?);
        Ok(())
    }

    fn calls(&mut self, n: usize, in_flight: usize) -> Result<()> {
        let client = self.client.as_ref().context("not connected")?;
        thread::scope(|scope| {
            let call = |count: usize| {
                for _ in 0..count {
                    check(&client.turn_steer(THREAD, TURN, input()).call()?)?;
                }
                anyhow::Ok(())
            };
            let threads: Vec<_> = parts(n, in_flight).map(|part| scope.spawn(move || call(part))).collect();
            for thread in threads {
                thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
            }
            Ok(())
        })
    }

    fn notifications(&mut self) -> Result<Delivered> {
        let client = self.client.as_ref().context("not connected")?;
        let events = client.events_with(Filter::thread(THREAD), all());
        client.turn_start(THREAD, input()).call()?;
        let mut delivered = Delivered::default();
        for event in events {
            if count(event?, &mut delivered) {
                return Ok(delivered);
            }
        }
        bail!("the events ended before the turn")
    }
}

/// Room for the whole flood, 25 MB: it is a race, and the server may be ahead of a subscriber by more than the cap.
fn all() -> EventSettings {
    EventSettings::default().byte_cap(64 << 20)
}

fn info() -> ClientInfo {
    ClientInfo::new(CLIENT, "0")
}

fn process(server: &Server) -> Process {
    let process = Process::new().program(&server.program);
    server.env.iter().fold(process, |process, (name, value)| process.env(name, value))
}

fn input() -> Vec<UserInput> {
    vec![UserInput::Text(TextUserInput::new(TEXT))]
}

/// So many calls for each of those who make them.
fn parts(n: usize, in_flight: usize) -> impl Iterator<Item = usize> {
    (0..in_flight).map(move |part| n / in_flight + usize::from(part < n % in_flight))
}

fn check(response: &TurnSteerResponse) -> Result<()> {
    expect_turn(&response.turn_id)
}

/// Counts an event, and tells whether it was the last.
fn count(event: Event, delivered: &mut Delivered) -> bool {
    match event.notification() {
        Some(ServerNotification::ItemAgentMessageDelta(delta)) => delivered.add(&delta.delta),
        Some(ServerNotification::TurnCompleted(_)) => return true,
        _ => {}
    }
    false
}
