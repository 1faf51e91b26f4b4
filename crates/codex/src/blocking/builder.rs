//! What can be set, and the ways to connect.

use std::io::{Read, Write};
use std::sync::Arc;

use codex_appserver_client::blocking::{Client, ClientBuilder};
use codex_appserver_client::{Filter, Process};

use super::approvals::wire;
use super::{Approvals, Codex};
use crate::approvals::Registry;
use crate::error::Error;
use crate::metadata::Metadata;
use crate::settings::{Settings, Shared};
use crate::twins::builder_settings;

/// Everything that can be set about a [`Codex`], and the ways to connect it.
#[must_use = "nothing happens until it is connected"]
pub struct CodexBuilder {
    client: ClientBuilder,
    process: Process,
    settings: Settings,
    approvals: Arc<Registry<Approvals>>,
}

impl Default for CodexBuilder {
    fn default() -> Self {
        let approvals = Arc::new(Registry::new(Approvals::decline_all()));
        let client = Client::builder().client_info(crate::client_info());
        Self {
            client: wire(client, &approvals),
            process: Process::new(),
            settings: Settings::default(),
            approvals,
        }
    }
}

impl CodexBuilder {
    builder_settings!();

    /// Starts `codex app-server` as a child process. It ends with the last handle of the [`Codex`], closed or
    /// not.
    ///
    /// # Errors
    ///
    /// The binary is not found or does not start, or what it says is not what an app-server says.
    pub fn start(self) -> Result<Codex, Error> {
        let client = self.client.spawn(self.process)?;
        open(client, self.settings, self.approvals)
    }

    /// Connects to an app-server that listens: `ws://HOST:PORT` or `unix://PATH`.
    ///
    /// # Errors
    ///
    /// The address is none, there is nobody, or they refuse.
    #[cfg(feature = "ws")]
    pub fn connect(self, address: &str) -> Result<Codex, Error> {
        let client = self.client.connect(&address.parse()?)?;
        open(client, self.settings, self.approvals)
    }

    /// Speaks with an app-server over any pair of streams.
    ///
    /// # Errors
    ///
    /// What it says is not what an app-server says.
    pub fn attach<R, W>(self, reader: R, writer: W) -> Result<Codex, Error>
    where
        R: Read + Send + 'static,
        W: Write + Send + 'static,
    {
        let client = self.client.attach(reader, writer)?;
        open(client, self.settings, self.approvals)
    }
}

fn open(client: Client, settings: Settings, approvals: Arc<Registry<Approvals>>) -> Result<Codex, Error> {
    let metadata = match Metadata::of(client.server()) {
        Ok(metadata) => metadata,
        Err(error) => {
            client.shutdown();
            return Err(error);
        }
    };
    approvals.listen(client.events_with(Filter::All, Registry::<Approvals>::event_settings()));
    Ok(Codex { client, shared: Arc::new(Shared { metadata, settings, approvals }) })
}
