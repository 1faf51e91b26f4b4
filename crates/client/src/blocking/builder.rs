//! Settings and ways to connect, for threads.

use std::io::{Read, Write};

use codex_appserver_methods::{BlockingServerRequestHandler, Methods};
use codex_appserver_wire::{HandlerError, Request, UnknownMethod};

use super::child::Child;
use super::driver::{Sink, Source, start};
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
    /// Each request gets a thread of its own, which may call the client and take hours. The context tells
    /// whether the answer is still wanted. [`HandlerError::Unhandled`] leaves the request to the setting
    /// [`unhandled`](Self::unhandled); a panic declines it. The last handler for a method counts.
    pub fn on<R, F, A>(mut self, handler: F) -> Self
    where
        R: Request + 'static,
        F: Fn(R::Params, Context) -> A + Send + Sync + 'static,
        A: Answer<R>,
    {
        self.setup.handlers.on(R::METHOD, handlers::typed::<R, F, A>(handler));
        self
    }

    /// Hands the server's requests of method `R` over with a responder, to be answered some time, from
    /// anywhere. The handler runs on a thread of its own.
    pub fn on_responder<R, F>(mut self, handler: F) -> Self
    where
        R: Request + 'static,
        F: Fn(R::Params, Responder<R>) + Send + Sync + 'static,
    {
        self.setup.handlers.on(R::METHOD, handlers::responder::<R, F>(handler));
        self
    }

    common_handlers!(A, Answer);

    /// Answers the server's requests that these bindings do not know.
    pub fn on_unknown<F>(mut self, handler: F) -> Self
    where
        F: Fn(UnknownMethod, Context) -> Result<serde_json::Value, HandlerError> + Send + Sync + 'static,
    {
        self.setup.handlers.on_unknown(handlers::unknown(handler));
        self
    }

    /// Answers the server's requests for which there is no closure.
    pub fn handler(mut self, handler: impl BlockingServerRequestHandler + 'static) -> Self {
        self.setup.handlers.rest(handlers::all(handler));
        self
    }

    /// Starts an app-server as a child process and connects to its standard input and output.
    ///
    /// # Errors
    ///
    /// The binary is not found or does not start, or what [`attach`](Self::attach) says.
    pub fn spawn(self, process: Process) -> Result<Client, Error> {
        let (child, stdin, stdout) = Child::start(&process)?;
        self.run(LineSource(stdout), LineSink(stdin), Some(child), Unhandled::Decline, || ())
    }

    /// Connects to an app-server that listens on a WebSocket, over TCP or a Unix socket.
    ///
    /// # Errors
    ///
    /// There is nobody, or they refuse; or what [`attach`](Self::attach) says.
    #[cfg(feature = "ws")]
    pub fn connect(self, address: &crate::Address) -> Result<Client, Error> {
        let (token, limit) = (self.setup.bearer_token.as_deref(), self.setup.settings.line_limit);
        let patience = self.setup.settings.timeout;
        let connected = super::frames::connect(address, token, limit, patience)?;
        let hang_up = connected.hang_up;
        self.run(connected.source, connected.sink, None, Unhandled::LeaveToOthers, || hang_up.hang_up())
    }

    /// Speaks lines over any pair of streams. The reading thread lives until the reader ends: a read that
    /// waits cannot be given up from outside.
    ///
    /// # Errors
    ///
    /// The server does not answer `initialize` as it should, or is of a version that the settings refuse.
    pub fn attach<R, W>(self, reader: R, writer: W) -> Result<Client, Error>
    where
        R: Read + Send + 'static,
        W: Write + Send + 'static,
    {
        self.run(LineSource(reader), LineSink(writer), None, Unhandled::Decline, || ())
    }

    /// Starts the connection and introduces the client.
    fn run(
        self,
        source: impl Source,
        sink: impl Sink,
        child: Option<Child>,
        unhandled: Unhandled,
        hang_up: impl FnOnce() + Send + 'static,
    ) -> Result<Client, Error> {
        let (handle, early, introduction) = self.setup.begin(unhandled);
        start(&handle.link, source, sink, child, hang_up).map_err(Error::Threads)?;
        let client = Client::new(handle.clone(), early.map(Events::new));
        let method = std::borrow::Cow::Borrowed(crate::method::Initialize::METHOD);
        let result = client.call(method, introduction.params()?)?;
        if let Err(error) = introduction.accept(&handle, result) {
            client.shutdown();
            return Err(error);
        }
        client.initialized().call()?;
        Ok(client)
    }
}
