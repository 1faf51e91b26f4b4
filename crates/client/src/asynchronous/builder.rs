//! Settings and ways to connect, for tasks.

use std::future::Future;

use codex_appserver_methods::{Methods, ServerRequestHandler};
use codex_appserver_wire::{HandlerError, Request, UnknownMethod};
use tokio::io::{AsyncRead, AsyncWrite};

use super::child::Child;
use super::driver::{Sink, Source, drive};
use super::lines::{LineSink, LineSource};
use super::{Answer, Client, Context, Events, Responder, handlers};
use crate::builder::Setup;
use crate::error::Error;
use crate::process::Process;
use crate::settings::Unhandled;
use crate::twins::{common_handlers, setters};

/// Everything that can be set about a client, and the ways to connect it.
#[derive(Default)]
#[must_use = "nothing happens until it is connected"]
pub struct ClientBuilder {
    setup: Setup,
}

impl ClientBuilder {
    setters!();

    /// Answers the server's requests of method `R`.
    ///
    /// Each request gets a task of its own, which may call the client and take hours; it is dropped when the
    /// server is done with the request. [`HandlerError::Unhandled`] leaves the request to the setting
    /// [`unhandled`](Self::unhandled); a panic declines it. The last handler for a method counts.
    pub fn on<R, F, A>(mut self, handler: F) -> Self
    where
        R: Request<Params: Send> + 'static,
        F: Fn(R::Params, Context) -> A + Send + Sync + 'static,
        A: Answer<R>,
    {
        self.setup.handlers.on(R::METHOD, handlers::typed::<R, F, A>(handler));
        self
    }

    /// Hands the server's requests of method `R` over with a responder, to be answered some time, from
    /// anywhere. The handler runs in a task of its own and should return soon.
    pub fn on_responder<R, F>(mut self, handler: F) -> Self
    where
        R: Request<Params: Send> + 'static,
        F: Fn(R::Params, Responder<R>) + Send + Sync + 'static,
    {
        self.setup.handlers.on(R::METHOD, handlers::responder::<R, F>(handler));
        self
    }

    common_handlers!(A, Answer);

    /// Answers the server's requests that these bindings do not know.
    pub fn on_unknown<F, A>(mut self, handler: F) -> Self
    where
        F: Fn(UnknownMethod, Context) -> A + Send + Sync + 'static,
        A: Future<Output = Result<serde_json::Value, HandlerError>> + Send + 'static,
    {
        self.setup.handlers.on_unknown(handlers::unknown(handler));
        self
    }

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
    pub async fn spawn(self, process: Process) -> Result<Client, Error> {
        let (child, stdin, stdout) = Child::start(&process)?;
        self.run(LineSource(stdout), LineSink(stdin), Some(child), Unhandled::Decline).await
    }

    /// Connects to an app-server that listens on a WebSocket, over TCP or a Unix socket.
    ///
    /// # Errors
    ///
    /// There is nobody, or they refuse; or what [`attach`](Self::attach) says.
    #[cfg(feature = "ws")]
    pub async fn connect(self, address: &crate::Address) -> Result<Client, Error> {
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
    pub async fn attach<R, W>(self, reader: R, writer: W) -> Result<Client, Error>
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
    ) -> Result<Client, Error> {
        let (handle, early, introduction) = self.setup.begin(unhandled);
        tokio::spawn(drive(handle.link.clone(), source, sink, child));
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
