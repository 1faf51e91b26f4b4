//! What a client has to do to take part.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};

use crate::session::Delivered;

/// The server program, to be started as a child process with pipes.
#[derive(Clone, Debug)]
pub struct Server {
    /// The program.
    pub program: PathBuf,
    /// What it finds in its environment beside what this process has.
    pub env: Vec<(String, String)>,
}

impl Server {
    /// The arguments of codex, for clients that do not know them; the server needs none.
    pub const ARGUMENTS: [&str; 3] = ["app-server", "--listen", "stdio://"];
}

/// A client. It is made anew for every measurement and dropped after it, the server with it.
///
/// Only these three calls are timed. What an application has anyway, such as its runtime, is made before.
pub trait Contender {
    /// Starts the server and returns once it has answered `initialize`.
    fn connect(&mut self, server: &Server) -> Result<()>;

    /// Makes `n` calls of `turn/steer`, as many as `in_flight` of them at a time, and looks at each answer.
    fn calls(&mut self, n: usize, in_flight: usize) -> Result<()>;

    /// Subscribes, calls `turn/start`, and takes notifications until `turn/completed`.
    fn notifications(&mut self) -> Result<Delivered>;
}

/// A way to make a client.
pub struct Entry {
    /// The name in tables.
    pub name: &'static str,
    /// What the table has to say about it.
    pub role: Role,
    /// It can have more than one request in flight.
    pub is_concurrent: bool,
    /// Makes one; what is async runs on such a runtime.
    pub make: fn(Flavor) -> Result<Box<dyn Contender>>,
}

/// Which runtime the async contenders run on, all of them on the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Flavor {
    /// What `#[tokio::main]` makes.
    #[default]
    MultiThread,
    /// Everything in the thread that waits for it.
    CurrentThread,
}

impl Flavor {
    /// A new one.
    pub fn runtime(self) -> Result<Runtime> {
        let mut builder = match self {
            Self::MultiThread => Builder::new_multi_thread(),
            Self::CurrentThread => Builder::new_current_thread(),
        };
        builder.enable_all().build().context("cannot make a runtime")
    }
}

/// What a contender is in the race for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What can be reached without being a client at all.
    Limit,
    /// A client of somebody else.
    Peer,
    /// A client of this repository.
    Ours,
}
