//! Ways to connect on tokio.

use codex_appserver_methods::{Methods, ServerRequestHandler};
use codex_appserver_wire::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::Instrument;

use super::child::Child;
use super::driver::{Sink, Source, drive};
use super::lines::{LineSink, LineSource};
use super::supervisor::supervise;
use super::{Tokio, handlers};
use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::error::Error;
use crate::events::Events;
use crate::introduction::unanswered;
use crate::process::Process;
use crate::setup::Begun;
use crate::supervision::Way;

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
        let pid = child.pid();
        self.run(LineSource(stdout), LineSink(stdin), Some(child), pid, Way::Spawn(process)).await
    }

    /// Connects to an app-server that listens, over TCP, a Unix socket or the pipes of a command.
    ///
    /// # Errors
    ///
    /// [`Error::Connect`] if no server listens there, or it refuses, or does not answer within
    /// [`connect_timeout`](Self::connect_timeout); [`Error::Start`] if a command does not start; or what
    /// [`attach`](Self::attach) says.
    #[cfg(feature = "ws")]
    pub async fn connect(self, address: &crate::Address) -> Result<Client<Tokio>, Error> {
        self.dial(address, None, Way::Connect(address.clone())).await
    }

    #[cfg(feature = "ws")]
    async fn dial(
        self,
        address: &crate::Address,
        pid: Option<u32>,
        way: Way,
    ) -> Result<Client<Tokio>, Error> {
        let limit = self.setup.settings.line_limit;
        let dial = crate::dial::Dial::new(address, &self.setup.dialling, limit)?;
        let super::frames::Connected { source, sink, child } = super::frames::connect(dial).await?;
        self.run(source, sink, child, pid, way).await
    }

    /// Connects to the app-server that listens on the default socket; see
    /// [`Address::DefaultSocket`](crate::Address::DefaultSocket).
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect). If no server listens there, none is started.
    #[cfg(feature = "ws")]
    pub async fn connect_default(self) -> Result<Client<Tokio>, Error> {
        self.connect(&crate::Address::DefaultSocket).await
    }

    /// Connects to a shared server, which is kept as long as the connection.
    ///
    /// # Errors
    ///
    /// The server has ended meanwhile: `start` finds or starts another one. Or what [`connect`](Self::connect) says.
    #[cfg(all(unix, feature = "ws"))]
    pub async fn connect_shared(
        mut self,
        server: &crate::generic::SharedServer<Tokio>,
    ) -> Result<Client<Tokio>, Error> {
        self.setup.guard = Some(server.guard());
        self.dial(server.address(), Some(server.pid()), Way::Shared(server.settings().clone())).await
    }

    /// Speaks lines over any pair of streams.
    ///
    /// # Errors
    ///
    /// The server does not answer `initialize` as it should, or not within
    /// [`initialize_timeout`](Self::initialize_timeout), or is of a version that the settings refuse.
    pub async fn attach<R, W>(self, reader: R, writer: W) -> Result<Client<Tokio>, Error>
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        self.run(LineSource(reader), LineSink(writer), None, None, Way::Attached).await
    }

    /// Starts the connection and introduces the client.
    async fn run(
        self,
        source: impl Source,
        sink: impl Sink,
        child: Option<Child>,
        pid: Option<u32>,
        way: Way,
    ) -> Result<Client<Tokio>, Error> {
        let Begun { handle, early, introduction, plan } = self.setup.begin(way)?;
        handle.link.set_pid(pid);
        let driver = drive(handle.link.clone(), source, sink, child);
        tokio::spawn(driver.instrument(handle.link.span().clone()));
        let client = Client::new(handle.clone(), early.map(Events::new));
        let method = std::borrow::Cow::Borrowed(crate::method::Initialize::METHOD);
        let result = match client.call(method, introduction.params()?).await {
            Err(Error::TimedOut { after, .. }) => {
                handle.link.abandon();
                return Err(unanswered(after, &*client.wait_closed().await));
            }
            called => called?,
        };
        if let Err(error) = introduction.accept(&handle.link, result) {
            client.shutdown().await;
            return Err(error);
        }
        client.initialized().await?;
        if let Some(plan) = plan {
            handle.link.supervise()?;
            let supervisor = supervise(handle.link.clone(), plan);
            tokio::spawn(supervisor.instrument(handle.link.span().clone()));
        }
        Ok(client)
    }
}
