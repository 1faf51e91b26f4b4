//! Ways to connect on threads.

use std::io::{Read, Write};

use codex_appserver_methods::{BlockingServerRequestHandler, Methods};
use codex_appserver_wire::Request;

use super::child::Child;
use super::driver::{Sink, Source, start};
use super::lines::{LineSink, LineSource};
use super::{OsThreads, handlers};
use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::error::Error;
use crate::events::Events;
use crate::process::Process;
use crate::settings::Unhandled;

/// On threads: handlers for the rest, and the ways to connect.
impl ClientBuilder<OsThreads> {
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
    pub fn spawn(self, process: Process) -> Result<Client<OsThreads>, Error> {
        let (child, stdin, stdout) = Child::start(&process)?;
        self.run(LineSource(stdout), LineSink(stdin), Some(child), Unhandled::Decline, || ())
    }

    /// Connects to an app-server that listens on a WebSocket, over TCP or a Unix socket.
    ///
    /// # Errors
    ///
    /// No server listens there, or it refuses; or what [`attach`](Self::attach) says.
    #[cfg(feature = "ws")]
    pub fn connect(self, address: &crate::Address) -> Result<Client<OsThreads>, Error> {
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
    pub fn attach<R, W>(self, reader: R, writer: W) -> Result<Client<OsThreads>, Error>
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
    ) -> Result<Client<OsThreads>, Error> {
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
