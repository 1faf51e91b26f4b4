//! Ways to connect on tokio.

use codex_appserver_methods::{Methods, ServerRequestHandler};
use codex_appserver_wire::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::Instrument;

use super::child::Child;
use super::driver::{Sink, Source, drive};
use super::lines::{LineSink, LineSource};
use super::{Tokio, handlers};
use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::error::Error;
use crate::events::Events;
use crate::process::Process;
use crate::settings::Unhandled;

/// On tokio: handlers for the rest, and the ways to connect.
impl ClientBuilder<Tokio> {
    /// Answers the server's requests for which there is no closure.
    pub fn handler(mut self, handler: impl ServerRequestHandler + 'static) -> Self {
        self.setup.handlers.rest(handlers::all(handler));
        self
    }

    /// Starts an app-server as a child process and connects to its standard input and output.
    ///
    /// # Errors
    ///
    /// The binary is not found or does not start, or what [`attach`](Self::attach) says.
    pub async fn spawn(self, process: Process) -> Result<Client<Tokio>, Error> {
        let (child, stdin, stdout) = Child::start(&process)?;
        self.run(LineSource(stdout), LineSink(stdin), Some(child), Unhandled::Decline).await
    }

    /// Connects to an app-server that listens on a WebSocket, over TCP or a Unix socket.
    ///
    /// # Errors
    ///
    /// No server listens there, or it refuses; or what [`attach`](Self::attach) says.
    #[cfg(feature = "ws")]
    pub async fn connect(self, address: &crate::Address) -> Result<Client<Tokio>, Error> {
        let (token, limit) = (self.setup.bearer_token.as_deref(), self.setup.settings.line_limit);
        let connecting = super::frames::connect(address, token, limit);
        let (source, sink) = match self.setup.settings.timeout {
            None => connecting.await?,
            Some(patience) => tokio::time::timeout(patience, connecting)
                .await
                .map_err(|_| crate::frames::silent(address, patience))??,
        };
        self.run(source, sink, None, Unhandled::LeaveToOthers).await
    }

    /// Speaks lines over any pair of streams.
    ///
    /// # Errors
    ///
    /// The server does not answer `initialize` as it should, or is of a version that the settings refuse.
    pub async fn attach<R, W>(self, reader: R, writer: W) -> Result<Client<Tokio>, Error>
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        self.run(LineSource(reader), LineSink(writer), None, Unhandled::Decline).await
    }

    /// Starts the connection and introduces the client.
    async fn run(
        self,
        source: impl Source,
        sink: impl Sink,
        child: Option<Child>,
        unhandled: Unhandled,
    ) -> Result<Client<Tokio>, Error> {
        let (handle, early, introduction) = self.setup.begin(unhandled);
        let driver = drive(handle.link.clone(), source, sink, child);
        tokio::spawn(driver.instrument(handle.link.span().clone()));
        let client = Client::new(handle.clone(), early.map(Events::new));
        let method = std::borrow::Cow::Borrowed(crate::method::Initialize::METHOD);
        let result = client.call(method, introduction.params()?).await?;
        if let Err(error) = introduction.accept(&handle, result) {
            client.shutdown().await;
            return Err(error);
        }
        client.initialized().await?;
        Ok(client)
    }
}
