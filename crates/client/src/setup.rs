//! The settings that a builder collects, and the introduction of the client.

use std::sync::Arc;
use std::time::Duration;

use codex_appserver_requests::InitializeParams;
use codex_appserver_types::{ClientInfo, InitializeCapabilities};
use codex_appserver_wire::encode_params;

use crate::conn::Handle;
use crate::conn::Handlers;
use crate::conn::Subscription;
use crate::core::Filter;
use crate::error::{CloseReason, Closed, Error};
use crate::server::ServerInfo;
use crate::settings::{Dialling, EventSettings, Settings, Unhandled, VersionCheck};

/// The settings of a client that is about to connect.
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    /// What is asked for; else the transport decides.
    pub(crate) unhandled: Option<Unhandled>,
    pub(crate) handlers: Handlers,
    pub(crate) client_info: ClientInfo,
    pub(crate) capabilities: InitializeCapabilities,
    pub(crate) dialling: Dialling,
    pub(crate) early_events: Option<(Filter, EventSettings)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            unhandled: None,
            handlers: Handlers::default(),
            client_info: ClientInfo::new("codex_appserver_client", env!("CARGO_PKG_VERSION")),
            capabilities: InitializeCapabilities::new(),
            dialling: Dialling::default(),
            early_events: None,
        }
    }
}

impl Setup {
    /// The connection's state, what is subscribed to from the start, and how the client introduces itself.
    pub(crate) fn begin(mut self, unhandled: Unhandled) -> (Handle, Option<Subscription>, Introduction) {
        self.settings.unhandled = self.unhandled.unwrap_or(unhandled);
        self.settings.experimental_api = self.capabilities.experimental_api.unwrap_or_default();
        let check = self.settings.version_check;
        let handle = Handle::new(self.settings, self.handlers);
        let early = self.early_events.map(|(filter, settings)| handle.subscribe(filter, settings));
        let params = InitializeParams::new(self.client_info).capabilities(self.capabilities);
        (handle, early, Introduction { params, check })
    }
}

/// What is said first, and what is expected of the answer.
pub(crate) struct Introduction {
    params: InitializeParams,
    check: VersionCheck,
}

impl Introduction {
    pub(crate) fn params(&self) -> Result<Option<String>, Error> {
        Ok(encode_params(&self.params)?)
    }

    /// Takes note of who the server is, unless the settings refuse it.
    pub(crate) fn accept(&self, handle: &Handle, result: String) -> Result<(), Error> {
        handle.link.set_server(ServerInfo::read(result, &self.params.client_info.name, self.check)?);
        Ok(())
    }
}

/// What a connection ended with that was given up since `initialize` was not answered in time.
pub(crate) fn unanswered(after: Duration, closed: &Closed) -> Error {
    // If there was a process, it was killed: how it ended says nothing.
    let closed = Closed { reason: CloseReason::Unanswered(after), status: None, ..closed.clone() };
    Error::Closed(Arc::new(closed))
}
