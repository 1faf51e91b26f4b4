//! Where a test plays: a mock of the model, a home, and the codex that runs in it.

use std::future::Future;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use codex_appserver_client::{Client, Error, Methods, Process};
use codex_appserver_testkit::{CodexHome, CodexHomeBuilder, Gate, MockModel};
use codex_appserver_tests::repo::real_codex;
use codex_appserver_types::{TextUserInput, Thread, Turn, UserInput};

use crate::side::{Side, Tasks};
use crate::story::Story;

/// How long a test waits for what must come: only to fail instead of hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where a test plays.
pub struct Stage {
    pub model: MockModel,
    pub home: CodexHome,
    codex: PathBuf,
}

impl Stage {
    /// The usual home; none where the real codex is missing.
    pub fn set() -> Option<Self> {
        Self::with(|home| home)
    }

    /// A home with something beyond the usual.
    pub fn with(home: impl FnOnce(CodexHomeBuilder) -> CodexHomeBuilder) -> Option<Self> {
        let thread = std::thread::current();
        let codex = real_codex(thread.name().unwrap_or("a test of the client"))?;
        let model = MockModel::start().expect("a mock of the model");
        let home = home(CodexHome::builder(&model)).build().expect("a home");
        Some(Self { model, home, codex })
    }

    /// `codex app-server` in the home, to be started by hand.
    pub fn command(&self) -> Command {
        self.home.command(&self.codex)
    }

    /// The same for a client to start.
    pub fn process(&self) -> Process {
        Process::from_command(&self.command()).env_clear()
    }

    /// A client with a server of its own and no handlers.
    pub async fn client(&self) -> Client {
        self.spawn::<Tasks>(Client::builder()).await
    }

    /// A client with a server of its own.
    pub async fn spawn<S: Side>(&self, builder: S::Builder) -> S::Client {
        S::spawn(builder, self.process()).await.expect("the server starts")
    }

    /// Starts a thread in the workspace that may write nothing without asking.
    pub async fn thread<S: Side>(&self, client: &S::Client) -> Thread {
        let call = client.thread_start().sandbox("read-only").cwd(self.path(""));
        S::send(call).await.expect("thread/start").thread
    }

    /// A path in the workspace, as the protocol has it.
    pub fn path(&self, name: &str) -> String {
        let path = self.home.workspace().join(name);
        path.to_str().expect("temporary folders have UTF-8 names").trim_end_matches('/').to_owned()
    }
}

/// Starts a turn with a text.
pub async fn start<S: Side>(client: &S::Client, thread: &Thread, said: &str) -> Turn {
    S::send(client.turn_start(&thread.id, input(said))).await.expect("turn/start").turn
}

/// Starts a turn and listens to its thread from before on.
pub async fn tell<S: Side>(client: &S::Client, thread: &Thread, said: &str) -> (Turn, Story<S>) {
    let story = Story::of_thread(client, thread);
    (start::<S>(client, thread, said).await, story)
}

/// What a user says.
pub fn input(said: &str) -> [UserInput; 1] {
    [UserInput::from(TextUserInput::new(said))]
}

/// Waits until so many replies stand at the gate.
pub fn arrive(gate: &Gate, count: usize) {
    gate.wait_for_arrivals(count, PATIENCE).expect("the model is asked");
}

/// What the future comes to; it is an error of the test if that takes forever.
pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it does not hang")
}

/// The message of an error that the server answered with.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> codex_appserver_client::RpcError {
    let error = answer.expect_err("the server refuses");
    error.rpc().unwrap_or_else(|| panic!("no answer of the server: {error}")).clone()
}
