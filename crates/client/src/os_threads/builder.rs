//! Ways to connect on threads.

use std::io::{Read, Write};
use std::sync::Arc;

use codex_appserver_methods::{BlockingServerRequestHandler, Methods};
use codex_appserver_wire::Request;

use super::child::Child;
use super::driver::{Transport, start};
use super::lines::{LineSink, LineSource};
use super::streams::Streams;
use super::supervisor::{lines, supervise};
use super::{OsThreads, handlers};
use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::conn::Link;
use crate::error::Error;
use crate::events::Events;
use crate::introduction::unanswered;
use crate::process::Process;
use crate::setup::Begun;
use crate::supervision::Way;

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
        let pid = Some(child.pid());
        self.run(Way::Spawn(process), Some(child), pid, |link| lines(stdin, stdout, link))
    }

    /// Connects to an app-server that listens, over TCP, a Unix socket or the pipes of a command.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] if no server listens there, or it refuses, or does not answer within
    /// [`connect_timeout`](Self::connect_timeout); [`Error::Start`] if a command does not start; or what
    /// [`attach`](Self::attach) says.
    #[cfg(feature = "ws")]
    pub fn connect(self, address: &crate::Address) -> Result<Client<OsThreads>, Error> {
        self.dial(address, None, Way::Connect(address.clone()))
    }

    #[cfg(feature = "ws")]
    fn dial(self, address: &crate::Address, pid: Option<u32>, way: Way) -> Result<Client<OsThreads>, Error> {
        use super::frames::Opened;

        let limit = self.setup.settings.line_limit;
        let dial = crate::dial::Dial::new(address, &self.setup.dialling, limit)?;
        match super::frames::connect(dial)? {
            Opened::Socket(connected) => self.run(way, None, pid, |link| connected.transport(link)),
            Opened::Process(child, connected) => {
                self.run(way, Some(child), pid, |link| connected.transport(link))
            }
        }
    }

    /// Connects to the app-server that listens on the default socket; see
    /// [`Address::DefaultSocket`](crate::Address::DefaultSocket).
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect). If no server listens there, none is started.
    #[cfg(feature = "ws")]
    pub fn connect_default(self) -> Result<Client<OsThreads>, Error> {
        self.connect(&crate::Address::DefaultSocket)
    }

    /// Connects to a shared server, which is kept as long as the connection.
    ///
    /// # Errors
    ///
    /// The server has ended meanwhile: `start` finds or starts another one. Or what [`connect`](Self::connect) says.
    #[cfg(all(unix, feature = "ws"))]
    pub fn connect_shared(
        mut self,
        server: &crate::generic::SharedServer<OsThreads>,
    ) -> Result<Client<OsThreads>, Error> {
        self.setup.guard = Some(server.guard());
        self.dial(server.address(), Some(server.pid()), Way::Shared(server.settings().clone()))
    }

    /// Speaks lines over any pair of streams. The reading thread lives until the reader ends: a read that
    /// waits cannot be given up from outside. For the same reason a call takes a little longer than with
    /// [`spawn`](Self::spawn) or `connect`, where the caller that waits reads the answer itself.
    ///
    /// # Errors
    ///
    /// The server does not answer `initialize` as it should, or not within
    /// [`initialize_timeout`](Self::initialize_timeout), or is of a version that the settings refuse.
    pub fn attach<R, W>(self, reader: R, writer: W) -> Result<Client<OsThreads>, Error>
    where
        R: Read + Send + 'static,
        W: Write + Send + 'static,
    {
        let transport =
            |link| Streams { source: LineSource::new(reader, link), sink: LineSink(writer), hang_up: || () };
        self.run(Way::Attached, None, None, transport)
    }

    /// Starts the connection and introduces the client.
    fn run<T: Transport>(
        self,
        way: Way,
        child: Option<Child>,
        pid: Option<u32>,
        transport: impl FnOnce(Arc<Link>) -> T,
    ) -> Result<Client<OsThreads>, Error> {
        let Begun { handle, early, introduction, plan } = self.setup.begin(way)?;
        handle.link.set_pid(pid);
        start(&handle.link, transport(handle.link.clone()), child).map_err(Error::Threads)?;
        let client = Client::new(handle.clone(), early.map(Events::new));
        let method = std::borrow::Cow::Borrowed(crate::method::Initialize::METHOD);
        let result = match client.call(method, introduction.params()?) {
            Err(Error::TimedOut { after, .. }) => {
                handle.link.abandon();
                return Err(unanswered(after, &client.wait_closed()));
            }
            called => called?,
        };
        if let Err(error) = introduction.accept(&handle.link, result) {
            client.shutdown();
            return Err(error);
        }
        client.initialized().call()?;
        if let Some(plan) = plan {
            handle.link.supervise()?;
            supervise(&handle.link, plan).map_err(Error::Threads)?;
        }
        Ok(client)
    }
}
