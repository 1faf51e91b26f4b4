//! Ways to connect, and what a connection waits for.

use std::io::{Read, Write};
use std::process::ExitStatus;

use codex_appserver_client::OsThreads;
use codex_appserver_client::generic::Client;
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

    /// Connects to an app-server that listens: `ws://HOST:PORT` or `unix://PATH`.
    ///
    /// # Errors
    ///
    /// The address is none, no server listens there, or it refuses.
    #[cfg(feature = "ws")]
    pub fn connect(self, address: &str) -> Result<Codex<OsThreads>, Error> {
        let (client, _, opening) = self.split();
        open(client.connect(&address.parse()?)?, opening)
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

    /// Connects to an app-server that listens: `ws://HOST:PORT` or `unix://PATH`.
    ///
    /// # Errors
    ///
    /// The address is none, no server listens there, or it refuses.
    #[cfg(feature = "ws")]
    pub fn connect(address: &str) -> Result<Self, Error> {
        Self::builder().connect(address)
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
