//! What both kinds of builders collect.

use codex_appserver_requests::{InitializeParams, InitializeResponse};
use codex_appserver_types::{ClientInfo, InitializeCapabilities};

use crate::error::Error;
use crate::event::Filter;
use crate::link::Handle;
use crate::requests::Handlers;
use crate::server::ServerInfo;
use crate::settings::{EventSettings, Settings, Unhandled, VersionCheck};
use crate::subscription::Subscription;

/// The settings of a client that is about to connect.
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    /// What is asked for; else the transport decides.
    pub(crate) unhandled: Option<Unhandled>,
    pub(crate) handlers: Handlers,
    pub(crate) client_info: ClientInfo,
    pub(crate) capabilities: InitializeCapabilities,
    pub(crate) bearer_token: Option<String>,
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
            bearer_token: None,
            early_events: None,
        }
    }
}

impl Setup {
    /// The connection's state, what is subscribed to from the start, and how the client introduces itself.
    pub(crate) fn begin(mut self, unhandled: Unhandled) -> (Handle, Option<Subscription>, Introduction) {
        self.settings.unhandled = self.unhandled.unwrap_or(unhandled);
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
    pub(crate) fn params(&self) -> InitializeParams {
        self.params.clone()
    }

    /// Takes note of who the server is, unless the settings refuse it.
    pub(crate) fn accept(&self, handle: &Handle, response: InitializeResponse) -> Result<(), Error> {
        let server = ServerInfo::new(response, &self.params.client_info.name);
        server.check(self.check)?;
        handle.set_server(server);
        Ok(())
    }
}

/// The setters that both builders have.
macro_rules! setters {
    () => {
        /// What this client calls itself: its name goes into the user agent and into codex's own records.
        pub fn client_info(mut self, info: codex_appserver_types::ClientInfo) -> Self {
            self.setup.client_info = info;
            self
        }

        /// Asks the server for its experimental API (`capabilities.experimentalApi`). Off unless set.
        pub fn experimental_api(mut self, wanted: bool) -> Self {
            self.setup.capabilities = self.setup.capabilities.experimental_api(wanted);
            self
        }

        /// Notifications, by their wire names, that the server shall not send on this connection.
        pub fn opt_out<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
            let methods: Vec<String> = methods.into_iter().map(Into::into).collect();
            self.setup.capabilities = self.setup.capabilities.opt_out_notification_methods(methods);
            self
        }

        /// All capabilities at once; replaces what `experimental_api` and `opt_out` have set.
        pub fn capabilities(mut self, capabilities: codex_appserver_types::InitializeCapabilities) -> Self {
            self.setup.capabilities = capabilities;
            self
        }

        /// How many calls may be unanswered at once. 64 unless set, which a codex app-server always takes; far
        /// more, and it starts to refuse calls and to forget some. 0 counts as 1.
        pub fn window(mut self, calls: usize) -> Self {
            self.setup.settings.window = calls;
            self
        }

        /// How many calls may wait for a place in the window, first come, first served; beyond that they fail
        /// with [`Error::QueueFull`](crate::Error::QueueFull). 65 536 unless set.
        pub fn queue_limit(mut self, calls: usize) -> Self {
            self.setup.settings.queue_limit = calls;
            self
        }

        /// How long a call may take, its time in the queue included; none for ever. 60 s unless set.
        ///
        /// `command/exec` and `mcpServer/tool/call`, which answer when something of the user's has ended, have
        /// no deadline unless a handle gives them one.
        pub fn default_timeout(mut self, timeout: impl Into<Option<std::time::Duration>>) -> Self {
            self.setup.settings.timeout = timeout.into();
            self
        }

        /// How many bytes a message of the server may have. 64 MiB unless set. On a pipe a longer line is
        /// passed over, and the call that it answers fails; a WebSocket is closed.
        pub fn line_limit(mut self, bytes: usize) -> Self {
            self.setup.settings.line_limit = bytes;
            self
        }

        /// What happens to requests of the server that no handler answers.
        pub fn unhandled(mut self, unhandled: crate::Unhandled) -> Self {
            self.setup.unhandled = Some(unhandled);
            self
        }

        /// What to do when the server's version is not the one the bindings were generated from.
        pub fn version_check(mut self, check: crate::VersionCheck) -> Self {
            self.setup.settings.version_check = check;
            self
        }

        /// The token for a server that wants one on its WebSocket, sent as `Authorization: Bearer`.
        pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
            self.setup.bearer_token = Some(token.into());
            self
        }

        /// Subscribes before anything is sent, so that what the server tells right after `initialize` is not
        /// missed; take the events with `early_events` of the client.
        pub fn early_events(mut self, filter: crate::Filter, settings: crate::EventSettings) -> Self {
            self.setup.early_events = Some((filter, settings));
            self
        }
    };
}

pub(crate) use setters;

/// The closures for the requests that most front ends answer. `$answer` is what the closure yields, bounded by
/// `$bound` of the method.
macro_rules! common_handlers {
    ($answer:ident, $bound:ident) => {
        crate::builder::common_handlers! { $answer, $bound:
            /// Answers whether the agent may run a command (`item/commandExecution/requestApproval`).
            on_command_approval: ItemCommandExecutionRequestApproval,
            /// Answers whether the agent may change files (`item/fileChange/requestApproval`).
            on_file_change_approval: ItemFileChangeRequestApproval,
            /// Answers which further permissions the agent gets (`item/permissions/requestApproval`).
            on_permissions_approval: ItemPermissionsRequestApproval,
            /// Puts questions of a tool to the user (`item/tool/requestUserInput`).
            on_user_input: ItemToolRequestUserInput,
            /// Gets an MCP server what it asks for (`mcpServer/elicitation/request`).
            on_elicitation: McpServerElicitationRequest,
            /// Runs a dynamic tool (`item/tool/call`).
            on_tool_call: ItemToolCall,
        }
    };
    ($answer:ident, $bound:ident: $($(#[$doc:meta])* $name:ident: $method:ident,)*) => {$(
        $(#[$doc])*
        ///
        /// The same as `on` with this method.
        pub fn $name<F, $answer>(self, handler: F) -> Self
        where
            F: Fn(<crate::method::$method as crate::wire::Request>::Params, Context) -> $answer
                + Send + Sync + 'static,
            $answer: $bound<crate::method::$method>,
        {
            self.on::<crate::method::$method, F, $answer>(handler)
        }
    )*};
}

pub(crate) use common_handlers;
