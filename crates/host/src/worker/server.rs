//! The server that a runner works with: how it is reached, and what is stored when it is gone.

use std::sync::{Arc, Mutex};

#[cfg(unix)]
use codex_appserver::SharedServer;
use codex_appserver::client::Closed;
use codex_appserver::{Address, Codex, CodexBuilder, Error as CodexError};
use tokio::sync::watch;

use super::desk::{self, Desk};
use super::instance::{Instances, Place};
use super::{Runner, RunnerSettings, Shared, insist};
use crate::error::Error;
use crate::host::Host;
use crate::ids::ServerInstance;

/// The server that turns run on.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "there is one for each worker")]
pub enum Server {
    /// One that all workers of a machine share: turns go on without their worker. It is the one to choose. If it is gone
    /// it is started again.
    #[cfg(unix)]
    Shared(SharedServer),
    /// A child process, which ends with the worker; its turns are lost then.
    Child,
    /// One that listens at an address. Turns go on without their worker. Since nothing is known of its process, requests
    /// that were open when the connection was lost are asked as new ones.
    At(Address),
}

/// Why a [`Runner`] cannot work, or has stopped to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunnerError {
    /// The store is broken.
    #[error(transparent)]
    Store(#[from] Error),
    /// The app-server cannot be connected to.
    #[error("connect to the app-server that runs the turns")]
    Connect(#[source] Box<CodexError>),
    /// The connection is over, and was not made again.
    #[error("work on tasks: the connection to the app-server is over: {0}; start the worker again")]
    Closed(Arc<Closed>),
}

impl Runner {
    /// Connects a worker to a server. The connection is made again whenever it is lost.
    ///
    /// # Errors
    ///
    /// [`RunnerError::Connect`] if the server cannot be reached or started.
    pub async fn connect(host: &Host, settings: RunnerSettings, server: Server) -> Result<Self, RunnerError> {
        Self::connect_with(host, settings, server, Codex::builder()).await
    }

    /// The same with settings of the SDK: for a child process its binary and environment, for an address its token.
    /// Approvals and handlers in it are replaced.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_with(
        host: &Host,
        settings: RunnerSettings,
        server: Server,
        builder: CodexBuilder,
    ) -> Result<Self, RunnerError> {
        let place = match &server {
            #[cfg(unix)]
            Server::Shared(_) => Place::Shared,
            Server::Child => Place::Child,
            Server::At(_) => Place::Elsewhere,
        };
        let instances = Arc::new(Instances::new(place));
        let desk = Desk::new(Arc::clone(&instances));
        let builder = desk::serve(builder.supervised(settings.supervision), &desk);
        let codex = match server {
            #[cfg(unix)]
            Server::Shared(server) => builder.connect_shared(&server).await,
            // A signal from the terminal is for the worker, which then ends its server.
            Server::Child => builder.own_group().start().await,
            Server::At(address) => builder.connect_to(&address).await,
        };
        let codex = codex.map_err(|error| RunnerError::Connect(Box::new(error)))?;
        let (host, worker, running) = (host.clone(), Mutex::new(None), Mutex::default());
        let stop = watch::Sender::new(false);
        Ok(Self {
            shared: Arc::new(Shared { host, codex, desk, instances, settings, worker, running, stop }),
        })
    }
}

impl Shared {
    /// Closes the connection. A child process is gone then.
    pub(super) async fn leave(&self) {
        let last = self.instances.of(&self.codex.status());
        self.codex.close().await;
        if let Some(server) = last.filter(|_| !self.instances.place.outlives()) {
            self.gone(&server).await;
        }
    }

    async fn gone(&self, server: &ServerInstance) {
        if let Err(error) = insist(|| self.host.server_gone(server)).await {
            tracing::warn!(%error, "the end of a server could not be stored");
        }
    }
}

/// Stores the end of each run of the server that is followed by another one.
pub(super) async fn watch(shared: Arc<Shared>) {
    let mut changes = shared.codex.status_changes();
    let mut last = shared.instances.of(&shared.codex.status());
    while let Some(status) = changes.next().await {
        let Some(server) = shared.instances.of(&status) else { continue };
        if let Some(gone) = last.replace(server.clone()).filter(|last| *last != server) {
            shared.gone(&gone).await;
        }
    }
}
