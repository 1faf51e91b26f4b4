//! A stage for one session: a mock of the model, a home, a server and a client, and the steps that most
//! sessions share.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use codex_appserver_methods::{Call, Methods as _};
use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::{ServerRequest, method};
use codex_appserver_testkit::{CodexHome, MockModel};
use codex_appserver_types::{
    ClientInfo, InitializeCapabilities, TextUserInput, Thread, ThreadItem, Turn, UserInput,
};
use codex_appserver_wire::RequestId;

use super::client::Client;
use super::trace::Row;
use super::{Scenario, clean::Places};

/// Starts servers: which codex, and through which command.
#[derive(Clone, Debug)]
pub struct Launcher {
    codex: PathBuf,
    through: Vec<OsString>,
}

impl Launcher {
    /// Starts this codex.
    pub fn new(codex: impl Into<PathBuf>) -> Self {
        Self { codex: codex.into(), through: Vec::new() }
    }

    /// Starts it as the last arguments of another command, a recorder for example, which passes its standard
    /// input and output on. The command runs in the environment of the session: name it by its whole path.
    pub fn through<S: Into<OsString>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.through = command.into_iter().map(Into::into).collect();
        self
    }

    fn command(&self, home: &CodexHome) -> Command {
        let Some((program, arguments)) = self.through.split_first() else {
            return home.command(&self.codex);
        };
        let mut command = Command::new(program);
        command.args(arguments).arg(&self.codex).arg("app-server");
        home.set_environment(&mut command);
        command
    }
}

/// What a session left behind.
pub struct Recording {
    /// The version of the server, as it told it.
    pub codex: String,
    /// Every line, both ways.
    pub rows: Vec<Row>,
    /// Where it ran, for [`clean`](super::clean).
    pub places: Places,
}

/// Where a session plays.
pub struct Stage {
    /// The client, which all calls go through.
    pub client: Client,
    /// The model.
    pub model: MockModel,
    /// The folders.
    pub home: CodexHome,
    server: Server,
}

/// A child that does not outlive the session, whatever becomes of it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless the session failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a session against a server of its own.
pub fn play(scenario: &Scenario, launcher: &Launcher) -> Result<Recording> {
    let stage = Stage::set(scenario, launcher)?;
    let log = stage.home.root().join("server.log");
    let told = |error: anyhow::Error| {
        let log = std::fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        error.context(format!("session {} failed; the server's last log lines: {lines:#?}", scenario.name))
    };
    let codex = stage.begin(scenario).map_err(told)?;
    (scenario.play)(&stage).map_err(told)?;
    let unused = stage.model.unused();
    ensure!(unused == 0, "{}: {unused} replies of the model were not asked for", scenario.name);
    let (rows, places) = stage.end().map_err(told)?;
    Ok(Recording { codex, rows, places })
}

impl Stage {
    fn set(scenario: &Scenario, launcher: &Launcher) -> Result<Self> {
        let model = MockModel::start().context("cannot start the mock of the model")?;
        let home = (scenario.home)(CodexHome::builder(&model)).build().context("cannot make a home")?;
        let log = File::create(home.root().join("server.log"))?;
        let mut command = launcher.command(&home);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let mut server = Server(child);
        let pipes = server.0.stdin.take().zip(server.0.stdout.take());
        let (stdin, stdout) = pipes.context("the server has no pipes")?;
        Ok(Self { client: Client::new(stdin, stdout), model, home, server })
    }

    /// The handshake. The server's user agent is our name and then its own version.
    fn begin(&self, scenario: &Scenario) -> Result<String> {
        let me = ClientInfo::new("codex_appserver_tests", "0.1.0");
        let mut call = self.client.initialize(me);
        if scenario.experimental_api {
            call = call.capabilities(InitializeCapabilities::new().experimental_api(true));
        }
        let hello = call.call()?;
        // It comes right after the response, on its own; waited for so that it is always at the same place.
        self.client.expect("remoteControl/status/changed", |notification| {
            matches!(notification, ServerNotification::RemoteControlStatusChanged(_)).then_some(())
        })?;
        self.client.initialized().call()?;
        let version = hello.user_agent.split(['/', ' ']).nth(1);
        version.map(str::to_owned).with_context(|| format!("no version in {}", hello.user_agent))
    }

    fn end(mut self) -> Result<(Vec<Row>, Places)> {
        let rows = self.client.finish()?;
        let status = self.server.0.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok((rows, Places::of(&self.home)))
    }

    /// Starts a thread in the workspace that may write nothing without asking.
    pub fn start_thread(&self) -> Result<Thread> {
        self.start_this_thread(self.client.thread_start().sandbox("read-only"))
    }

    /// Starts a thread in the workspace with these settings, and waits until the server has told so.
    pub fn start_this_thread(&self, call: Call<'_, Client, method::ThreadStart>) -> Result<Thread> {
        let thread = call.cwd(text(&self.home.workspace())?).call()?.thread;
        self.started(&thread)?;
        Ok(thread)
    }

    /// Waits until the server has told that a thread was started.
    pub fn started(&self, thread: &Thread) -> Result<()> {
        self.client.expect("thread/started", |notification| match notification {
            ServerNotification::ThreadStarted(started) => (started.thread.id == thread.id).then_some(()),
            _ => None,
        })
    }

    /// Starts a turn with a text.
    pub fn start_turn(&self, thread: &Thread, said: &str) -> Result<Turn> {
        Ok(self.client.turn_start(&thread.id, input(said)).call()?.turn)
    }

    /// Starts a turn and waits until the server says that it runs. Only then can it be interrupted or steered.
    pub fn start_turn_and_wait(&self, thread: &Thread, said: &str) -> Result<Turn> {
        let turn = self.start_turn(thread, said)?;
        self.client.expect("turn/started", |notification| match notification {
            ServerNotification::TurnStarted(started) => (started.turn.id == turn.id).then_some(()),
            _ => None,
        })?;
        Ok(turn)
    }

    /// Waits until a turn of the thread is over.
    pub fn completed(&self, thread: &Thread) -> Result<Turn> {
        self.client.expect("turn/completed", |notification| match notification {
            ServerNotification::TurnCompleted(done) => {
                (done.thread_id == thread.id).then(|| done.turn.clone())
            }
            _ => None,
        })
    }

    /// A whole turn: starts it and waits until it is over.
    pub fn turn(&self, thread: &Thread, said: &str) -> Result<Turn> {
        self.start_turn(thread, said)?;
        self.completed(thread)
    }

    /// Waits for an `item/completed` that `pick` turns into something.
    pub fn item<T>(&self, what: &str, mut pick: impl FnMut(&ThreadItem) -> Option<T>) -> Result<T> {
        self.client.expect(&format!("item/completed of {what}"), |notification| match notification {
            ServerNotification::ItemCompleted(done) => pick(&done.item),
            _ => None,
        })
    }

    /// Waits for a piece of an agent message on a thread.
    pub fn delta(&self, thread: &Thread) -> Result<String> {
        self.client.expect("item/agentMessage/delta", |notification| match notification {
            ServerNotification::ItemAgentMessageDelta(delta) => {
                (delta.thread_id == thread.id).then(|| delta.delta.clone())
            }
            _ => None,
        })
    }

    /// Waits until the server asks for leave to run a command, and gives the id of request and item.
    pub fn command_approval(&self) -> Result<(RequestId, String)> {
        self.client.expect_request("a command approval", |request| match request {
            ServerRequest::ItemCommandExecutionRequestApproval(asked) => Some(asked.item_id.clone()),
            _ => None,
        })
    }

    /// Waits until the server says that a request of its own is settled.
    pub fn resolved(&self, id: &RequestId) -> Result<()> {
        self.client.expect("serverRequest/resolved", |notification| match notification {
            ServerNotification::ServerRequestResolved(resolved) => (resolved.request_id == *id).then_some(()),
            _ => None,
        })
    }
}

/// What a user says.
pub fn input(said: &str) -> [UserInput; 1] {
    [UserInput::from(TextUserInput::new(said))]
}

/// A path as text, as the protocol has it.
pub fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).with_context(|| format!("{} is no UTF-8", path.display()))
}
