//! One app-server for many programs: started by the first, stopped when none is left.

mod error;
mod folder;
mod health;
mod instance;
mod start;

use std::fs::File;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use error::SharedServerError;

use crate::address::Address;
use crate::error::Error;
use crate::process::Process;
use crate::runtime::Runtime;
pub(crate) use start::Settings;
use start::{Found, find_or_start};

/// An app-server that the programs of one user share: one for each `CODEX_HOME` and version of codex.
///
/// The first program starts it, others find it there. Turns and approvals go on when a program ends. When there was no
/// client for the idle time, it is stopped. No program has to see to that, and a program that is killed counts as gone.
///
/// Connect with `connect_shared` of a builder. The server is kept as long as there is this value, a clone of it, or such a
/// connection. It knows nothing of those who connect to its [`address`](Self::address) otherwise.
///
#[cfg_attr(feature = "async", doc = "```no_run")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// use codex_appserver_client::{Client, Error, SharedServer};
///
/// # async fn example() -> Result<(), Error> {
/// let server = SharedServer::for_home("/home/me/.codex").start().await?;
/// let client = Client::builder().connect_shared(&server).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Who may use it
///
/// Socket, lock and log are in `CODEX_HOME/app-server-shared/VERSION`, which has mode 0700 and has to belong to the user.
/// Where that makes the path of the socket too long for the system (more than 103 bytes), they are in a folder of `/tmp`
/// with the same mode, whose name comes of the user, the home and the version. A folder that others could use is refused.
///
/// # What it costs
///
/// A shell script of some lines watches over the server, and has up to four small processes.
///
/// # Platforms
///
/// This type is there on Unix, with the feature `ws`. Windows has no such server: start a process for each program there.
pub struct SharedServer<R: Runtime> {
    address: Address,
    version: String,
    pid: u32,
    log: PathBuf,
    guard: Arc<File>,
    /// What it was found or started with.
    settings: Settings,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> Clone for SharedServer<R> {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            version: self.version.clone(),
            pid: self.pid,
            log: self.log.clone(),
            guard: self.guard.clone(),
            settings: self.settings.clone(),
            runtime: PhantomData,
        }
    }
}

impl<R: Runtime> std::fmt::Debug for SharedServer<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedServer")
            .field("address", &self.address)
            .field("version", &self.version)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl<R: Runtime> SharedServer<R> {
    /// The server of this `CODEX_HOME`, which has to be there.
    pub fn for_home(codex_home: impl Into<PathBuf>) -> SharedServerBuilder<R> {
        let home = codex_home.into();
        let settings = Settings {
            process: Process::new().current_dir(&home),
            home,
            idle_time: Duration::from_secs(300),
            start_timeout: Duration::from_secs(60),
            answer_timeout: Duration::from_secs(10),
            log_limit: 16 << 20,
        };
        SharedServerBuilder { settings, runtime: PhantomData }
    }

    /// Where it listens: a Unix socket.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The version of codex, as in `0.150.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What it writes to its standard error. The file is emptied by the next start, and when it is longer than
    /// [`log_limit`](SharedServerBuilder::log_limit).
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// What a connection holds for as long as it needs the server.
    pub(crate) fn guard(&self) -> Arc<File> {
        self.guard.clone()
    }

    /// What it takes to find or start it again.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn new(found: Found, settings: Settings) -> Self {
        let Found { socket, version, pid, log, guard } = found;
        let (address, guard) = (Address::Unix(socket), Arc::new(guard));
        Self { address, version, pid, log, guard, settings, runtime: PhantomData }
    }
}

/// How to find or start a [`SharedServer`].
///
/// All but the timeouts matters for the program that starts the server: one that is there stays as it is.
#[must_use = "nothing happens until it is started"]
pub struct SharedServerBuilder<R: Runtime> {
    settings: Settings,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> std::fmt::Debug for SharedServerBuilder<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.settings.fmt(f)
    }
}

impl<R: Runtime> SharedServerBuilder<R> {
    /// The codex binary, instead of the one that `CODEX_BIN`, `PATH` or npm's caches have. Its version decides which
    /// server is found.
    pub fn codex_bin(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.process = self.settings.process.program(path);
        self
    }

    /// All else about the process: its arguments, its environment, its folder. The environment is this program's unless
    /// set, the folder is `CODEX_HOME`.
    pub fn process(mut self, change: impl FnOnce(Process) -> Process) -> Self {
        self.settings.process = change(self.settings.process);
        self
    }

    /// How long the server stays without a client, in whole seconds, rounded up: it is stopped between one and two such
    /// times after the last one. 5 minutes unless set.
    ///
    /// A turn is no client. One that is at work when its server is stopped is interrupted: choose a longer time than
    /// turns take that are left alone.
    pub fn idle_time(mut self, time: Duration) -> Self {
        self.settings.idle_time = time;
        self
    }

    /// How long to wait for other programs that look for the server or start it, how long the binary may take to say its
    /// version, and how long a new server may take until it answers. 60 s each unless set.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.settings.start_timeout = timeout;
        self
    }

    /// How long a server that is there may take to answer. 10 s unless set. One that takes longer, such as one that was
    /// stopped (`SIGSTOP`), is killed with all its turns, and another is started.
    pub fn answer_timeout(mut self, timeout: Duration) -> Self {
        self.settings.answer_timeout = timeout;
        self
    }

    /// How long the log may become, in bytes. 16 MiB unless set. A longer one is copied to a file of the same name with
    /// `.old` at its end, in the place of an earlier copy, and emptied. The keeper looks every five seconds, and what the
    /// server writes between the two steps is lost.
    pub fn log_limit(mut self, bytes: u64) -> Self {
        self.settings.log_limit = bytes;
        self
    }
}

/// On tokio.
#[cfg(feature = "async")]
impl SharedServerBuilder<crate::Tokio> {
    /// Finds the server, or starts it, and waits until it has answered a request.
    ///
    /// # Errors
    ///
    /// The binary is not found, or a [`SharedServerError`].
    pub async fn start(self) -> Result<SharedServer<crate::Tokio>, Error> {
        SharedServer::<crate::Tokio>::find(self.settings).await
    }
}

#[cfg(feature = "async")]
impl SharedServer<crate::Tokio> {
    pub(crate) async fn find(settings: Settings) -> Result<Self, Error> {
        // It is a matter of files and processes, for which there is nothing to wait on but time. A runtime that is shut
        // down would wait for its own threads.
        let (tell, told) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().name("codex shared server".into());
        let work = move || {
            let found = find_or_start(&settings).map(|found| Self::new(found, settings));
            // Whoever waited may have given up.
            drop(tell.send(found));
        };
        thread.spawn(work).map_err(Error::Threads)?;
        told.await.unwrap_or_else(|_| Err(Error::Threads(std::io::Error::other("the thread panicked"))))
    }
}

/// On threads.
#[cfg(feature = "blocking")]
impl SharedServerBuilder<crate::OsThreads> {
    /// Finds the server, or starts it, and waits until it has answered a request.
    ///
    /// # Errors
    ///
    /// The binary is not found, or a [`SharedServerError`].
    pub fn start(self) -> Result<SharedServer<crate::OsThreads>, Error> {
        SharedServer::<crate::OsThreads>::find(&self.settings)
    }
}

#[cfg(feature = "blocking")]
impl SharedServer<crate::OsThreads> {
    pub(crate) fn find(settings: &Settings) -> Result<Self, Error> {
        find_or_start(settings).map(|found| Self::new(found, settings.clone()))
    }
}
