//! The settings that a builder collects, and the connection that begins with them.

use std::sync::Arc;

use codex_appserver_requests::InitializeParams;
use codex_appserver_types::{ClientInfo, InitializeCapabilities};

use crate::conn::Handle;
use crate::conn::Handlers;
use crate::conn::Subscription;
use crate::core::Filter;
use crate::error::Error;
use crate::introduction::Introduction;
use crate::settings::{Dialling, EventSettings, Settings, Unhandled};
use crate::supervision::{Plan, Restore, Supervision, Way, not_supervised};

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
    /// What keeps a shared server from being stopped.
    #[cfg(all(unix, feature = "ws"))]
    pub(crate) guard: Option<crate::supervision::Guard>,
    pub(crate) supervision: Option<Supervision>,
    pub(crate) restore: Option<Arc<dyn Restore>>,
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
            #[cfg(all(unix, feature = "ws"))]
            guard: None,
            supervision: None,
            restore: None,
        }
    }
}

impl Setup {
    /// The connection's state, what is subscribed to from the start, and how the client introduces itself.
    ///
    /// # Errors
    ///
    /// The client is to be supervised, and there is no way to connect again.
    pub(crate) fn begin(mut self, way: Way) -> Result<Begun, Error> {
        self.settings.unhandled = self.unhandled.unwrap_or_else(|| way.unhandled());
        self.settings.experimental_api = self.capabilities.experimental_api.unwrap_or_default();
        let check = self.settings.version_check;
        let handle = Handle::new(self.settings, self.handlers);
        #[cfg(all(unix, feature = "ws"))]
        handle.link.set_guard(self.guard);
        let early = self.early_events.map(|(filter, settings)| handle.subscribe(filter, settings));
        let params = InitializeParams::new(self.client_info).capabilities(self.capabilities);
        let introduction = Introduction { params, check };
        let plan = match self.supervision {
            None => None,
            Some(_) if matches!(way, Way::Attached) => return Err(not_supervised()),
            Some(policy) => {
                let (introduction, restore) = (introduction.clone(), self.restore);
                Some(Plan { way, policy, introduction, restore, dialling: self.dialling })
            }
        };
        Ok(Begun { handle, early, introduction, plan })
    }
}

/// A connection that has just begun.
pub(crate) struct Begun {
    pub(crate) handle: Handle,
    pub(crate) early: Option<Subscription>,
    pub(crate) introduction: Introduction,
    /// How it is made again, if it is supervised.
    pub(crate) plan: Option<Plan>,
}
