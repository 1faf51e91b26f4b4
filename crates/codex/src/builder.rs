//! The settings of a [`Codex`]. The ways to connect are with each runtime.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "ws")]
use codex_appserver_client::Address;
use codex_appserver_client::generic::{Client, ClientBuilder};
use codex_appserver_client::{EventSettings, Filter, Process, RetryPolicy, Supervision};
use codex_appserver_methods::protocol::ClientInfo;

use crate::approvals::{Approvals, Registry, decide_with};
use crate::codex::{Codex, Shared};
use crate::error::Error;
use crate::ledger::Ledger;
use crate::metadata::Metadata;
use crate::open_threads::{OpenThreads, Resume};
use crate::runtime::Runtime;
use crate::settings::Settings;
use crate::turns::MaxDuration;

/// Everything that can be set about a [`Codex`], and the ways to connect it.
#[must_use = "nothing happens until it is connected"]
pub struct CodexBuilder<R: Runtime> {
    pub(crate) client: ClientBuilder<R>,
    pub(crate) process: Process,
    settings: Settings,
    approvals: Arc<Registry<Approvals<R>>>,
    ledger: Arc<Ledger>,
    threads: Option<Arc<OpenThreads>>,
    #[cfg(all(feature = "experimental", feature = "structured"))]
    tools: Arc<crate::tools::ToolRegistry<R>>,
}

impl<R: Runtime> CodexBuilder<R> {
    /// The codex binary, instead of the one that `CODEX_BIN`, `PATH` or npm's caches have.
    pub fn codex_bin(mut self, path: impl Into<PathBuf>) -> Self {
        self.process = self.process.program(path);
        self
    }

    /// The folder that the app-server runs in, and threads unless told otherwise.
    pub fn cwd(mut self, folder: impl Into<PathBuf>) -> Self {
        self.process = self.process.current_dir(folder);
        self
    }

    /// Sets a variable of the app-server's environment.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.process = self.process.env(name, value);
        self
    }

    /// The folder with codex's configuration, login and threads; `~/.codex` unless set. The default socket is there as well.
    pub fn codex_home(mut self, folder: impl Into<OsString>) -> Self {
        self.process = self.process.codex_home(folder);
        self
    }

    /// Overrides a value of codex's configuration, the value as TOML: `config("model", "\"gpt-5.5\"")`.
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.process = self.process.config(key, value);
        self
    }

    /// Keeps Ctrl-C away from the app-server, which ends at once by it: the process gets a group of its own. Terminal
    /// programs that mean something else by Ctrl-C, such as to interrupt a turn, need this. Without effect on a server that
    /// runs already.
    pub fn own_group(mut self) -> Self {
        self.process = self.process.own_group();
        self
    }

    /// All else about the process, after what was set before: arguments, environment, how long its end may take, as in
    /// `builder.process(|process| process.env_remove("OPENAI_API_KEY"))`.
    pub fn process(mut self, change: impl FnOnce(Process) -> Process) -> Self {
        self.process = change(self.process);
        self
    }

    /// All else about the connection: its window, retries, limits, and handlers of what the server asks
    /// besides approvals, as in `builder.client(|client| client.window(16).on_user_input(ask_the_user))`.
    pub fn client(mut self, change: impl FnOnce(ClientBuilder<R>) -> ClientBuilder<R>) -> Self {
        self.client = change(self.client);
        self
    }

    /// What this program calls itself: its name goes into the user agent and into codex's own records.
    pub fn client_info(self, info: ClientInfo) -> Self {
        self.client(|client| client.client_info(info))
    }

    /// Asks the server for its experimental API. Off unless set.
    pub fn experimental_api(self, wanted: bool) -> Self {
        self.client(|client| client.experimental_api(wanted))
    }

    /// The token for a server that wants one on its WebSocket. It is not sent to another machine on `ws://`; use `wss://`,
    /// SSH, or [`allow_insecure_token`](Self::allow_insecure_token).
    pub fn bearer_token(self, token: impl Into<String>) -> Self {
        self.client(|client| client.bearer_token(token))
    }

    /// Sends the token to other machines on `ws://` as well, where anybody on the way can read it.
    pub fn allow_insecure_token(self) -> Self {
        self.client(ClientBuilder::allow_insecure_token)
    }

    /// Certificates of authorities, as PEM, that are trusted on `wss://` besides those which the system trusts.
    #[cfg(feature = "tls")]
    pub fn root_certificates(self, pem: impl AsRef<[u8]>) -> Self {
        self.client(|client| client.root_certificates(pem))
    }

    /// How long connecting to a socket or through a command may take, with TLS and the WebSocket handshake; `None` for no
    /// limit.
    /// 10 s unless set.
    pub fn connect_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        self.client(|client| client.connect_timeout(timeout))
    }

    /// How long the server may take to answer `initialize`, the first call; `None` for no limit. 10 s unless set.
    pub fn initialize_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        self.client(|client| client.initialize_timeout(timeout))
    }

    /// How long a call may take; `None` for no limit. 60 s unless set. Turns are not calls: see
    /// [`watchdog`](Self::watchdog).
    pub fn default_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        self.client(|client| client.default_timeout(timeout))
    }

    /// When and how often calls are made again that the server is too busy for. Never unless set.
    pub fn default_retry(self, policy: RetryPolicy) -> Self {
        self.client(|client| client.default_retry(policy))
    }

    /// The approvals of the connection: they decide what the agent may do. Unless set, everything is declined, and on a
    /// shared server what other clients started is left to them.
    pub fn approvals(self, approvals: Approvals<R>) -> Self {
        self.approvals.set_default(approvals);
        self
    }

    /// Makes the connection again when it or the server dies: a child process is started again, a socket is connected to
    /// again, a shared server is looked for, or started. Off unless set: then everything ends with the connection.
    ///
    /// * Handles stay valid. Threads that have handles are resumed. Approvals and tools stay as they are.
    /// * A stream of a turn yields [`Event::Reconnected`](crate::Event::Reconnected) with the items that it missed, and goes
    ///   on if the turn does. Otherwise it ends as the server's records say, or with [`Error::Lost`] if they do not say.
    ///   `run` does the same and returns the result.
    /// * Calls that were sent fail with `ConnectionLost`, which says whether they may have been executed. No call is
    ///   ever sent twice. Calls that are begun meanwhile wait, up to their deadlines.
    /// * Approvals that were not answered are asked for once more if the server still runs. If it was started anew,
    ///   its turns were interrupted, and [`Missed::requests`](crate::Missed) has what is lost.
    ///
    /// [`Codex::status`] says how the connection stands. A server that does not answer any more, but keeps the connection, is
    /// noticed by `keep_alive` of the client. A thread that has no turn yet, or is ephemeral, is gone with its server.
    pub fn supervised(mut self, policy: Supervision) -> Self {
        let threads = self.threads.get_or_insert_default().clone();
        let resume = Arc::new(Resume { threads, ledger: self.ledger.clone() });
        self.client(|client| client.supervised(policy).restore(resume))
    }

    /// How many bytes of events may wait for a slow reader, per turn and per subscription. 16 MiB unless set.
    /// Beyond that progress is skipped, and then the stream fails with an error that says so; the turn can
    /// be followed again.
    pub fn event_capacity(mut self, bytes: usize) -> Self {
        self.settings.events = EventSettings::default().byte_cap(bytes);
        self
    }

    /// How long a turn may be silent before the server is asked about it, 10 ms at least. Never unless set.
    /// Repeats every such interval. What its sub-agents do counts as a sign of life. While the server waits for an answer
    /// of this client (an approval, an answer to a question, the result of a dynamic tool) to the turn or one of its
    /// sub-agents, that is not silence.
    pub fn watchdog(mut self, silence: Duration) -> Self {
        self.settings.watchdog = Some(silence.max(Duration::from_millis(10)));
        self
    }

    /// How long each turn may take before it is interrupted; see
    /// [`Turn::max_duration`](crate::generic::Turn::max_duration), which sets it for one turn. No limit unless set.
    pub fn max_duration(mut self, limit: impl Into<MaxDuration>) -> Self {
        self.settings.max_duration = Some(limit.into());
        self
    }

    /// Where to connect to: the default socket is that of the process that would be started.
    #[cfg(feature = "ws")]
    pub(crate) fn address(&self, address: &Address) -> Address {
        match address {
            Address::DefaultSocket => self.process.default_socket(),
            other => other.clone(),
        }
    }

    /// Splits off what is connected.
    pub(crate) fn split(self) -> (ClientBuilder<R>, Process, Opening<R>) {
        let opening = Opening {
            settings: self.settings,
            approvals: self.approvals,
            ledger: self.ledger,
            threads: self.threads,
            #[cfg(all(feature = "experimental", feature = "structured"))]
            tools: self.tools,
        };
        (self.client, self.process, opening)
    }
}

/// What is left to do once a client is connected.
pub(crate) struct Opening<R: Runtime> {
    settings: Settings,
    approvals: Arc<Registry<Approvals<R>>>,
    ledger: Arc<Ledger>,
    threads: Option<Arc<OpenThreads>>,
    #[cfg(all(feature = "experimental", feature = "structured"))]
    tools: Arc<crate::tools::ToolRegistry<R>>,
}

impl<R: Runtime> Opening<R> {
    /// The handle of a connection. If this fails, the client is to be shut down.
    pub(crate) fn open(self, client: &Client<R>) -> Result<Codex<R>, Error> {
        let metadata = Metadata::of(&client.server())?;
        self.approvals.listen(client.events_with(Filter::All, Registry::<Approvals<R>>::event_settings()));
        self.ledger.listen(client.events_with(Filter::All, Ledger::event_settings()));
        let shared = Arc::new(Shared {
            metadata,
            settings: self.settings,
            approvals: self.approvals,
            ledger: self.ledger,
            threads: self.threads,
            #[cfg(all(feature = "experimental", feature = "structured"))]
            tools: Arc::downgrade(&self.tools),
        });
        #[cfg(all(feature = "experimental", feature = "structured"))]
        self.tools.open(&shared);
        Ok(Codex { client: client.clone(), home: R::home(), shared })
    }
}

impl<R: Runtime> Default for CodexBuilder<R> {
    fn default() -> Self {
        let approvals = Arc::new(Registry::new(Approvals::decline_all()));
        let client = decide_with(Client::builder().client_info(crate::client_info()), &approvals);
        #[cfg(all(feature = "experimental", feature = "structured"))]
        let tools = Arc::new(crate::tools::ToolRegistry::new());
        #[cfg(all(feature = "experimental", feature = "structured"))]
        let client = crate::tools::serve(client, &tools);
        Self {
            client,
            process: Process::new(),
            settings: Settings::default(),
            approvals,
            ledger: Arc::default(),
            threads: None,
            #[cfg(all(feature = "experimental", feature = "structured"))]
            tools,
        }
    }
}
