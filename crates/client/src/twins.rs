//! What the client for tasks and the one for threads have in common, written once.

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

        /// When and how often calls are made again that the server is too busy for (code -32001), and only those.
        /// Never unless set.
        ///
        /// It holds for the call that introduces the client as well: where a hundred clients connect to one
        /// server at the same time, many are told to come back later.
        pub fn default_retry(mut self, policy: crate::RetryPolicy) -> Self {
            self.setup.settings.retry = Some(policy);
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
        crate::twins::common_handlers! { $answer, $bound:
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

/// What both clients have beside their ways to wait.
macro_rules! client_methods {
    () => {
        /// Everything that can be set, and the ways to connect.
        pub fn builder() -> ClientBuilder {
            ClientBuilder::default()
        }

        pub(super) fn new(handle: Handle, early_events: Option<Events>) -> Self {
            Self { handle, early_events: std::sync::Arc::new(std::sync::Mutex::new(early_events)) }
        }

        /// Sends a notification by its wire name.
        ///
        /// # Errors
        ///
        /// What cannot be sent.
        pub fn notify_raw(
            &self,
            method: &str,
            params: impl crate::wire::Serialize,
        ) -> Result<(), crate::Error> {
            self.handle.link.notify(method, crate::wire::encode_params(&params)?.as_deref())
        }

        /// A handle whose calls may take this long, or for ever.
        #[must_use]
        pub fn with_timeout(&self, timeout: impl Into<Option<std::time::Duration>>) -> Self {
            Self { handle: self.handle.with_timeout(timeout.into()), ..self.clone() }
        }

        /// A handle whose calls are made again when the server is overloaded (code -32001), and only then.
        #[must_use]
        pub fn with_retry(&self, policy: crate::RetryPolicy) -> Self {
            Self { handle: self.handle.with_retry(policy), ..self.clone() }
        }

        /// Subscribes to events, from now on.
        pub fn events(&self, filter: crate::Filter) -> Events {
            self.events_with(filter, crate::EventSettings::default())
        }

        /// Subscribes to events, with caps of one's own.
        pub fn events_with(&self, filter: crate::Filter, settings: crate::EventSettings) -> Events {
            Events::new(self.handle.subscribe(filter, settings))
        }

        /// The events since before `initialize`, where the builder was told to keep them; once.
        pub fn early_events(&self) -> Option<Events> {
            self.early_events.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
        }

        /// What the server said about itself.
        pub fn server(&self) -> &crate::ServerInfo {
            self.handle.link.server()
        }

        /// Whether the server has a request: `client.supports::<method::ThreadSearch>()`. `None` where the server's
        /// version is not known.
        ///
        /// See [`ServerInfo::supports`](crate::ServerInfo::supports), which takes the wire name of any method.
        pub fn supports<R: crate::wire::Request>(&self) -> Option<bool> {
            Some(self.server().release()? >= R::SINCE)
        }

        /// What the connection has seen so far.
        pub fn stats(&self) -> crate::Stats {
            self.handle.link.stats()
        }

        /// How the connection ended; none while it is open.
        pub fn closed(&self) -> Option<std::sync::Arc<crate::Closed>> {
            self.handle.link.closed()
        }

        /// A client that does not keep the connection open.
        pub fn downgrade(&self) -> WeakClient {
            WeakClient(self.handle.downgrade())
        }
    };
}

pub(crate) use client_methods;

/// What both clients are beside a transport.
macro_rules! client_traits {
    () => {
        impl WeakClient {
            /// The client, unless all others are gone.
            pub fn upgrade(&self) -> Option<Client> {
                self.0.upgrade().map(Client::from)
            }
        }

        impl From<Handle> for Client {
            fn from(handle: Handle) -> Self {
                Self::new(handle, None)
            }
        }

        impl crate::wire::Endpoint for Client {
            type Error = crate::Error;
        }

        impl std::fmt::Debug for Client {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("Client").field("server", self.server()).finish_non_exhaustive()
            }
        }

        impl std::fmt::Debug for WeakClient {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("WeakClient").finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use client_traits;

/// What both kinds of subscriptions have beside their ways to wait.
macro_rules! events_methods {
    () => {
        pub(super) fn new(subscription: Subscription) -> Self {
            Self { subscription }
        }

        /// Changes what the subscription is about, also for what waits in it: subscribe to all before a call,
        /// and to its thread or turn when the answer has told the id. Nothing is lost in between.
        pub fn narrow(&mut self, filter: crate::Filter) {
            self.subscription.narrow(filter);
        }

        /// What the subscription is about.
        pub fn filter(&self) -> &crate::Filter {
            self.subscription.filter()
        }

        /// The next event, if there is one already.
        ///
        /// # Errors
        ///
        /// As those of `next`.
        pub fn try_next(&mut self) -> Option<Result<crate::Event, crate::Error>> {
            match self.subscription.poll_next(&std::task::Context::from_waker(std::task::Waker::noop())) {
                std::task::Poll::Ready(event) => event,
                std::task::Poll::Pending => None,
            }
        }

        /// How many events were skipped so far.
        pub fn skipped(&self) -> u64 {
            self.subscription.skipped()
        }
    };
}

pub(crate) use events_methods;
