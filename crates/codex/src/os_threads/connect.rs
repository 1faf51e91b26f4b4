//! Ways to connect, and what a connection waits for.

use std::io::{Read, Write};
use std::process::ExitStatus;

#[cfg(feature = "ws")]
use codex_appserver_client::Address;
use codex_appserver_client::OsThreads;
use codex_appserver_client::generic::Client;
#[cfg(all(unix, feature = "ws"))]
use codex_appserver_client::generic::SharedServer;
use codex_appserver_methods::protocol::{ChatgptLoginAccountParams, LoginAccountParams};

use crate::builder::{CodexBuilder, Opening};
use crate::codex::Codex;
use crate::error::Error;
use crate::login::Login;

/// On threads.
impl CodexBuilder<OsThreads> {
    /// Starts `codex app-server` as a child process. It ends with the last handle of the [`Codex`], closed or not.
    ///
    /// # Errors
    ///
    /// The binary is not found or does not start, or what it says is not what an app-server says.
    pub fn start(self) -> Result<Codex<OsThreads>, Error> {
        let (client, process, opening) = self.split();
        open(client.spawn(process)?, opening)
    }

    /// Connects to an app-server that listens: `unix://PATH`, `ws://HOST:PORT`, or `wss://HOST` with the feature `tls`.
    /// `unix://` alone is the default socket, as of [`connect_default`](Self::connect_default).
    ///
    /// # Errors
    ///
    /// The address is none, no server listens there, or it refuses, or does not answer within
    /// [`connect_timeout`](Self::connect_timeout) and [`initialize_timeout`](Self::initialize_timeout).
    #[cfg(feature = "ws")]
    pub fn connect(self, address: &str) -> Result<Codex<OsThreads>, Error> {
        self.connect_to(&address.parse()?)
    }

    /// Connects to an app-server that listens, where the address is no text: through a command, for one, as in
    /// `connect_to(&Address::command(["ssh", "build-host", "codex", "app-server", "proxy"]))`.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), or the command does not start. What it said to standard error is in the error.
    #[cfg(feature = "ws")]
    pub fn connect_to(self, address: &Address) -> Result<Codex<OsThreads>, Error> {
        let address = self.address(address);
        let (client, _, opening) = self.split();
        open(client.connect(&address)?, opening)
    }

    /// Connects to the app-server that listens on the default socket, that of `codex app-server --listen unix://`:
    /// `app-server-control/app-server-control.sock` in [`codex_home`](Self::codex_home), else in the folder that the variable
    /// `CODEX_HOME` names, else in `~/.codex`.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect). If no server listens there, none is started.
    #[cfg(feature = "ws")]
    pub fn connect_default(self) -> Result<Codex<OsThreads>, Error> {
        self.connect_to(&Address::DefaultSocket)
    }

    /// Connects to a shared server, which is kept as long as the connection. What was set about a process does not matter
    /// here: the server has settings of its own.
    ///
    /// # Errors
    ///
    /// The server has ended meanwhile: `start` finds or starts another one.
    #[cfg(all(unix, feature = "ws"))]
    pub fn connect_shared(self, server: &SharedServer<OsThreads>) -> Result<Codex<OsThreads>, Error> {
        let (client, _, opening) = self.split();
        open(client.connect_shared(server)?, opening)
    }

    /// Speaks with an app-server over any pair of streams.
    ///
    /// # Errors
    ///
    /// What it says is not what an app-server says.
    pub fn attach<R, W>(self, reader: R, writer: W) -> Result<Codex<OsThreads>, Error>
    where
        R: Read + Send + 'static,
        W: Write + Send + 'static,
    {
        let (client, _, opening) = self.split();
        open(client.attach(reader, writer)?, opening)
    }
}

fn open(client: Client<OsThreads>, opening: Opening<OsThreads>) -> Result<Codex<OsThreads>, Error> {
    let opened = opening.open(&client);
    if opened.is_err() {
        client.shutdown();
    }
    opened
}

/// On threads.
impl Codex<OsThreads> {
    /// Starts `codex app-server` as a child process, as everything is unless set.
    ///
    /// # Errors
    ///
    /// The binary is not found or does not start, or what it says is not what an app-server says.
    pub fn start() -> Result<Self, Error> {
        Self::builder().start()
    }

    /// Connects to an app-server that listens: `unix://`, `unix://PATH`, `ws://HOST:PORT`, or `wss://HOST` with the feature
    /// `tls`.
    ///
    /// # Errors
    ///
    /// The address is none, no server listens there, or it refuses, or does not answer in time.
    #[cfg(feature = "ws")]
    pub fn connect(address: &str) -> Result<Self, Error> {
        Self::builder().connect(address)
    }

    /// Connects to the app-server that listens on the default socket; see
    /// [`connect_default`](CodexBuilder::connect_default) of the builder.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect). If no server listens there, none is started.
    #[cfg(feature = "ws")]
    pub fn connect_default() -> Result<Self, Error> {
        Self::builder().connect_default()
    }

    /// Starts a login with ChatGPT in a browser.
    ///
    /// # Errors
    ///
    /// What a call fails with.
    pub fn login_chatgpt(&self) -> Result<Login<OsThreads>, Error> {
        Login::start(&self.client, ChatgptLoginAccountParams::new().into())
    }

    /// Starts a login with ChatGPT by a code that the user types in elsewhere.
    ///
    /// # Errors
    ///
    /// What a call fails with.
    pub fn login_chatgpt_device_code(&self) -> Result<Login<OsThreads>, Error> {
        Login::start(&self.client, LoginAccountParams::ChatgptDeviceCode)
    }

    /// Ends the connection, for all handles. A child process is asked to end, then made to. Yields how it ended.
    ///
    /// Turns that are running are ended at once.
    pub fn close(&self) -> Option<ExitStatus> {
        self.client.shutdown()
    }
}
