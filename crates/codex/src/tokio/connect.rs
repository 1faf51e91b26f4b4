//! Ways to connect, and what a connection waits for.

use std::process::ExitStatus;

use codex_appserver_client::Tokio;
use codex_appserver_client::generic::Client;
use codex_appserver_methods::protocol::{ChatgptLoginAccountParams, LoginAccountParams};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::builder::{CodexBuilder, Opening};
use crate::codex::Codex;
use crate::error::Error;
use crate::login::Login;

/// On tokio.
impl CodexBuilder<Tokio> {
    /// Starts `codex app-server` as a child process. It ends with the last handle of the [`Codex`], closed or not.
    ///
    /// # Errors
    ///
    /// The binary is not found or does not start, or what it says is not what an app-server says.
    pub async fn start(self) -> Result<Codex<Tokio>, Error> {
        let (client, process, opening) = self.split();
        open(client.spawn(process).await?, opening).await
    }

    /// Connects to an app-server that listens: `ws://HOST:PORT` or `unix://PATH`.
    ///
    /// # Errors
    ///
    /// The address is none, no server listens there, or it refuses.
    #[cfg(feature = "ws")]
    pub async fn connect(self, address: &str) -> Result<Codex<Tokio>, Error> {
        let (client, _, opening) = self.split();
        open(client.connect(&address.parse()?).await?, opening).await
    }

    /// Speaks with an app-server over any pair of streams.
    ///
    /// # Errors
    ///
    /// What it says is not what an app-server says.
    pub async fn attach<R, W>(self, reader: R, writer: W) -> Result<Codex<Tokio>, Error>
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (client, _, opening) = self.split();
        open(client.attach(reader, writer).await?, opening).await
    }
}

async fn open(client: Client<Tokio>, opening: Opening<Tokio>) -> Result<Codex<Tokio>, Error> {
    let opened = opening.open(&client);
    if opened.is_err() {
        client.shutdown().await;
    }
    opened
}

/// On tokio.
impl Codex<Tokio> {
    /// Starts `codex app-server` as a child process, as everything is unless set.
    ///
    /// # Errors
    ///
    /// The binary is not found or does not start, or what it says is not what an app-server says.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Connects to an app-server that listens: `ws://HOST:PORT` or `unix://PATH`.
    ///
    /// # Errors
    ///
    /// The address is none, no server listens there, or it refuses.
    #[cfg(feature = "ws")]
    pub async fn connect(address: &str) -> Result<Self, Error> {
        Self::builder().connect(address).await
    }

    /// Starts a login with ChatGPT in a browser.
    ///
    /// # Errors
    ///
    /// What a call fails with.
    pub async fn login_chatgpt(&self) -> Result<Login<Tokio>, Error> {
        Login::start(&self.client, ChatgptLoginAccountParams::new().into()).await
    }

    /// Starts a login with ChatGPT by a code that the user types in elsewhere.
    ///
    /// # Errors
    ///
    /// What a call fails with.
    pub async fn login_chatgpt_device_code(&self) -> Result<Login<Tokio>, Error> {
        Login::start(&self.client, LoginAccountParams::ChatgptDeviceCode).await
    }

    /// Ends the connection, for all handles. A child process is asked to end, then made to. Yields how it ended.
    ///
    /// Turns that are running are ended at once.
    pub async fn close(&self) -> Option<ExitStatus> {
        self.client.shutdown().await
    }
}
