//! The settings of a client, and its handlers. The ways to connect, and `handler`, are with each runtime.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use codex_appserver_requests::method;
use codex_appserver_types::{ClientInfo, InitializeCapabilities};
use codex_appserver_wire::{Request, UnknownMethod};

use crate::client::Client;
use crate::conn::Incoming;
use crate::core::Filter;
use crate::requests::{RequestContext, RequestResponder};
use crate::runtime::{Answer, Runtime};
use crate::settings::{EventSettings, RetryPolicy, Unhandled, VersionCheck};
use crate::setup::Setup;
use crate::supervision::{Restore, Supervision};

/// Everything that can be set about a client, and the ways to connect it.
#[must_use = "nothing happens until it is connected"]
pub struct ClientBuilder<R: Runtime> {
    pub(crate) setup: Setup,
    runtime: PhantomData<fn() -> R>,
}

type Params<M> = <M as Request>::Params;
type Response<M> = <M as Request>::Response;

/// Settings.
impl<R: Runtime> ClientBuilder<R> {
    /// What this client calls itself: its name goes into the user agent and into codex's own records.
    pub fn client_info(mut self, info: ClientInfo) -> Self {
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
    pub fn capabilities(mut self, capabilities: InitializeCapabilities) -> Self {
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

    /// How long a call may take, its time in the queue included; `None` for no limit. 60 s unless set.
    ///
    /// `command/exec` and `mcpServer/tool/call`, which answer when something of the user's has ended, have
    /// no deadline unless [`Client::with_timeout`] gives them one. Connecting and `initialize` have their own; see
    /// [`connect_timeout`](Self::connect_timeout) and [`initialize_timeout`](Self::initialize_timeout).
    pub fn default_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.setup.settings.timeout = timeout.into();
        self
    }

    /// How long connecting to a socket or through a command may take, with TLS and the WebSocket handshake; `None` for no
    /// limit.
    /// 10 s unless set. Beyond that it fails with [`Error::Connect`](crate::Error::Connect), and a command is killed.
    pub fn connect_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.setup.dialling.timeout = timeout.into();
        self
    }

    /// How long the server may take to answer `initialize`, the first call; `None` for no limit. 10 s unless set.
    ///
    /// Beyond that connecting fails with [`CloseReason::Unanswered`](crate::CloseReason::Unanswered) and what the server
    /// has written so far, and a child process is killed. With
    /// [`default_retry`](Self::default_retry) it holds for each attempt.
    pub fn initialize_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.setup.settings.initialize_timeout = timeout.into();
        self
    }

    /// How long the server may say nothing while a call or a subscription waits for it; `None` for no limit. 120 s unless
    /// set.
    ///
    /// After that time it is asked for a sign of life: by a ping on a WebSocket, else by a request that is cheap to
    /// answer. If nothing at all comes for the same time again, the connection ends with
    /// [`CloseReason::Silent`](crate::CloseReason::Silent), and a child process is killed. A server that was stopped
    /// (`SIGSTOP`), or is behind a network that lost it, is noticed by this alone: it does not end the stream.
    pub fn keep_alive(mut self, silence: impl Into<Option<Duration>>) -> Self {
        self.setup.settings.keep_alive = silence.into();
        self
    }

    /// When and how often calls are made again that the server is too busy for (code -32001), and only those.
    /// Never unless set.
    ///
    /// It holds for the call that introduces the client as well: where a hundred clients connect to one
    /// server at the same time, many are told to come back later.
    pub fn default_retry(mut self, policy: RetryPolicy) -> Self {
        self.setup.settings.retry = Some(policy);
        self
    }

    /// How many bytes a message of the server may have. 64 MiB unless set. A longer one is passed over, and the call that
    /// it answers fails.
    pub fn line_limit(mut self, bytes: usize) -> Self {
        self.setup.settings.line_limit = bytes;
        self
    }

    /// What happens to requests of the server that no handler answers.
    pub fn unhandled(mut self, unhandled: Unhandled) -> Self {
        self.setup.unhandled = Some(unhandled);
        self
    }

    /// What to do when the server's version is not the one the bindings were generated from.
    pub fn version_check(mut self, check: VersionCheck) -> Self {
        self.setup.settings.version_check = check;
        self
    }

    /// The token for a server that wants one on its WebSocket, sent as `Authorization: Bearer`.
    ///
    /// On `ws://` anybody on the way can read it: connecting to another machine like that is refused. Use `wss://`, or
    /// SSH ([`Address::command`](crate::Address::command)).
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.setup.dialling.bearer_token = Some(token.into());
        self
    }

    /// Sends the token to other machines on `ws://` as well. Use it on networks whose traffic no one else can read,
    /// such as a VPN or a network between containers.
    pub fn allow_insecure_token(mut self) -> Self {
        self.setup.dialling.allow_insecure_token = true;
        self
    }

    /// Certificates of authorities, as PEM, that are trusted on `wss://` besides those which the system trusts. What was
    /// given before is kept. A text without a certificate is an error when it connects.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        let roots = &mut self.setup.dialling.root_certificates;
        roots.extend_from_slice(pem.as_ref());
        roots.push(b'\n');
        self
    }

    /// Makes the connection again when it is lost: a child process is started again, a socket is connected to again, a
    /// shared server is looked for, or started. Off unless set: then everything ends with the connection.
    ///
    /// * Handles and subscriptions stay valid. A subscription yields [`Event::Reconnected`](crate::Event::Reconnected) at the
    ///   place where events are missing.
    /// * Calls that were sent fail with [`Error::ConnectionLost`](crate::Error::ConnectionLost), which says whether they may
    ///   have been executed. No call is ever sent twice. Calls that were not sent yet, and those that are begun
    ///   meanwhile, wait for the next connection, up to their deadlines.
    /// * Requests of the server that were not answered are over. A server that still runs asks again.
    /// * What the server has to be told again, such as which threads to send events of, is up to
    ///   [`restore`](Self::restore).
    ///
    /// A server that does not answer any more, but keeps the connection, is noticed by [`keep_alive`](Self::keep_alive). With
    /// `attach` there is no way to connect again, so that it fails.
    pub fn supervised(mut self, policy: Supervision) -> Self {
        self.setup.supervision = Some(policy);
        self
    }

    /// What to send over another connection of a client that is [`supervised`](Self::supervised), after `initialize` and
    /// before anything else.
    pub fn restore(mut self, restore: Arc<dyn Restore>) -> Self {
        self.setup.restore = Some(restore);
        self
    }

    /// Subscribes before anything is sent, so that what the server tells right after `initialize` is not
    /// missed; take the events with `early_events` of the client.
    pub fn early_events(mut self, filter: Filter, settings: EventSettings) -> Self {
        self.setup.early_events = Some((filter, settings));
        self
    }
}

/// What the server asks of the client.
impl<R: Runtime> ClientBuilder<R> {
    /// Answers the server's requests of method `M`.
    ///
    /// Each request gets a task, or a thread, of its own, which may call the client and take hours. A task is dropped
    /// when the server is done with the request; of threads there are at most 1024 for each handler, and what comes beyond
    /// is declined. [`HandlerError::Unhandled`](crate::HandlerError::Unhandled) leaves the
    /// request to the setting [`unhandled`](Self::unhandled); a panic declines it. The last handler for a method counts.
    pub fn on<M, F, A>(mut self, handler: F) -> Self
    where
        M: Request + 'static,
        F: Fn(M::Params, RequestContext<Client<R>>) -> A + Send + Sync + 'static,
        A: Answer<M::Response, R>,
    {
        self.setup.handlers.on(
            M::METHOD,
            A::hook(move |incoming| {
                let (params, incoming) = incoming.accept::<M>()?;
                Some((handler(params, RequestContext::new(&incoming)), incoming))
            }),
        );
        self
    }

    /// Answers those of the server's requests of method `M` that `claims` takes, before any other handler looks at them;
    /// the rest goes to the handler of [`on`](Self::on), or of the trait.
    ///
    /// For what one method asks in several senses, such as an approval that arrives as a form. Requests whose params do
    /// not decode are not claimed. The last such handler for a method counts.
    pub fn on_if<M, C, F, A>(mut self, claims: C, handler: F) -> Self
    where
        M: Request + 'static,
        C: Fn(&M::Params) -> bool + Send + Sync + 'static,
        F: Fn(M::Params, RequestContext<Client<R>>) -> A + Send + Sync + 'static,
        A: Answer<M::Response, R>,
    {
        self.setup.handlers.claim(
            M::METHOD,
            A::hook(move |incoming| {
                let (params, incoming) = incoming.accept_if::<M>(&claims)?;
                Some((handler(params, RequestContext::new(&incoming)), incoming))
            }),
        );
        self
    }

    /// Hands the server's requests of method `M` over with a responder, to be answered some time, from anywhere. The
    /// handler runs in a task or on a thread of its own and should return soon.
    pub fn on_responder<M, F>(mut self, handler: F) -> Self
    where
        M: Request + 'static,
        F: Fn(M::Params, RequestResponder<M, Client<R>>) + Send + Sync + 'static,
    {
        let serve = move |incoming: Incoming| {
            if let Some((params, incoming)) = incoming.accept::<M>() {
                handler(params, RequestResponder::new(incoming));
            }
        };
        self.setup.handlers.on(M::METHOD, R::hook(serve));
        self
    }

    /// Answers whether the agent may run a command (`item/commandExecution/requestApproval`).
    ///
    /// The same as [`on`](Self::on) with this method.
    pub fn on_command_approval<F, A>(self, handler: F) -> Self
    where
        F: Fn(Params<method::ItemCommandExecutionRequestApproval>, RequestContext<Client<R>>) -> A
            + Send
            + Sync
            + 'static,
        A: Answer<Response<method::ItemCommandExecutionRequestApproval>, R>,
    {
        self.on::<method::ItemCommandExecutionRequestApproval, F, A>(handler)
    }

    /// Answers whether the agent may change files (`item/fileChange/requestApproval`).
    ///
    /// The same as [`on`](Self::on) with this method.
    pub fn on_file_change_approval<F, A>(self, handler: F) -> Self
    where
        F: Fn(Params<method::ItemFileChangeRequestApproval>, RequestContext<Client<R>>) -> A
            + Send
            + Sync
            + 'static,
        A: Answer<Response<method::ItemFileChangeRequestApproval>, R>,
    {
        self.on::<method::ItemFileChangeRequestApproval, F, A>(handler)
    }

    /// Answers which further permissions the agent gets (`item/permissions/requestApproval`).
    ///
    /// The same as [`on`](Self::on) with this method.
    pub fn on_permissions_approval<F, A>(self, handler: F) -> Self
    where
        F: Fn(Params<method::ItemPermissionsRequestApproval>, RequestContext<Client<R>>) -> A
            + Send
            + Sync
            + 'static,
        A: Answer<Response<method::ItemPermissionsRequestApproval>, R>,
    {
        self.on::<method::ItemPermissionsRequestApproval, F, A>(handler)
    }

    /// Puts questions of a tool to the user (`item/tool/requestUserInput`).
    ///
    /// The same as [`on`](Self::on) with this method.
    pub fn on_user_input<F, A>(self, handler: F) -> Self
    where
        F: Fn(Params<method::ItemToolRequestUserInput>, RequestContext<Client<R>>) -> A
            + Send
            + Sync
            + 'static,
        A: Answer<Response<method::ItemToolRequestUserInput>, R>,
    {
        self.on::<method::ItemToolRequestUserInput, F, A>(handler)
    }

    /// Gets an MCP server what it asks for (`mcpServer/elicitation/request`).
    ///
    /// The same as [`on`](Self::on) with this method.
    pub fn on_elicitation<F, A>(self, handler: F) -> Self
    where
        F: Fn(Params<method::McpServerElicitationRequest>, RequestContext<Client<R>>) -> A
            + Send
            + Sync
            + 'static,
        A: Answer<Response<method::McpServerElicitationRequest>, R>,
    {
        self.on::<method::McpServerElicitationRequest, F, A>(handler)
    }

    /// Runs a dynamic tool (`item/tool/call`). No answer is wanted any more when the turn has completed: a task is dropped
    /// then, and [`RequestContext::is_open`] turns false. A call that nothing handles is declined with a failed result.
    ///
    /// The same as [`on`](Self::on) with this method.
    pub fn on_tool_call<F, A>(self, handler: F) -> Self
    where
        F: Fn(Params<method::ItemToolCall>, RequestContext<Client<R>>) -> A + Send + Sync + 'static,
        A: Answer<Response<method::ItemToolCall>, R>,
    {
        self.on::<method::ItemToolCall, F, A>(handler)
    }

    /// Answers the server's requests that these bindings do not know.
    pub fn on_unknown<F, A>(mut self, handler: F) -> Self
    where
        F: Fn(UnknownMethod, RequestContext<Client<R>>) -> A + Send + Sync + 'static,
        A: Answer<serde_json::Value, R>,
    {
        self.setup.handlers.on_unknown(A::hook(move |incoming| {
            let (request, incoming) = incoming.accept_untyped()?;
            Some((handler(request, RequestContext::new(&incoming)), incoming))
        }));
        self
    }
}

impl<R: Runtime> Default for ClientBuilder<R> {
    fn default() -> Self {
        Self { setup: Setup::default(), runtime: PhantomData }
    }
}
