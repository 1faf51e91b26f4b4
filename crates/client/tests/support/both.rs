//! The same words for both kinds of clients.

/// Implements the traits for the types of one module; `$wait` is `.await` or nothing.
#[macro_export]
macro_rules! adapt {
    ($($module:ident)::+; $($wait:tt)*) => {
        impl $crate::support::Api for $($module)::+::Client {
            type Events = $($module)::+::Events;

            fn call(
                &self,
                method: &str,
                params: serde_json::Value,
            ) -> impl Future<Output = Result<serde_json::Value, Error>> + Send {
                let (client, method) = (self.clone(), method.to_owned());
                async move { client.request_raw(&method, params)$($wait)* }
            }

            fn typed<R: Request<Params: Send>>(
                &self,
                params: R::Params,
            ) -> impl Future<Output = Result<R::Response, Error>> + Send {
                let client = self.clone();
                async move { client.request::<R>(params)$($wait)* }
            }

            fn notify(&self, method: &str, params: serde_json::Value) -> Result<(), Error> {
                self.notify_raw(method, params)
            }

            fn with_timeout(&self, timeout: Option<Duration>) -> Self {
                Self::with_timeout(self, timeout)
            }

            fn with_retry(&self, policy: RetryPolicy) -> Self {
                Self::with_retry(self, policy)
            }

            fn events_with(&self, filter: Filter, settings: EventSettings) -> Self::Events {
                Self::events_with(self, filter, settings)
            }

            fn early_events(&self) -> Option<Self::Events> {
                Self::early_events(self)
            }

            fn server(&self) -> &ServerInfo {
                Self::server(self)
            }

            fn stats(&self) -> Stats {
                Self::stats(self)
            }

            fn closed(&self) -> Option<Arc<Closed>> {
                Self::closed(self)
            }

            fn wait_closed(&self) -> impl Future<Output = Arc<Closed>> + Send {
                async move { Self::wait_closed(self)$($wait)* }
            }

            fn shutdown(&self) -> impl Future<Output = Option<ExitStatus>> + Send {
                async move { Self::shutdown(self)$($wait)* }
            }

            fn weak(&self) -> Box<dyn Fn() -> Option<Self> + Send + Sync> {
                let weak = self.downgrade();
                Box::new(move || weak.upgrade())
            }

            fn of(context: &RequestContext<Self>) -> Option<Self> {
                context.client()
            }
        }

        impl<R: Request> $crate::support::Held<R> for $($module)::+::Responder<R> {
            fn respond(self: Box<Self>, response: R::Response) -> Result<(), Error> {
                Self::respond(*self, response)
            }

            fn reject(self: Box<Self>, error: RpcError) -> Result<(), Error> {
                Self::reject(*self, error)
            }

            fn decline(self: Box<Self>) -> Result<(), Error> {
                Self::decline(*self)
            }

            fn pass(self: Box<Self>) {
                Self::pass(*self);
            }

            fn is_open(&self) -> bool {
                Self::is_open(self)
            }

            fn poll_resolved(&self, context: &mut TaskContext<'_>) -> Poll<()> {
                Self::poll_resolved(self, context)
            }

            fn thread_id(&self) -> Option<String> {
                self.context().thread_id().map(str::to_owned)
            }
        }

        impl $crate::support::Build for $($module)::+::ClientBuilder {
            type Client = $($module)::+::Client;

            fn window(self, calls: usize) -> Self {
                Self::window(self, calls)
            }

            fn queue_limit(self, calls: usize) -> Self {
                Self::queue_limit(self, calls)
            }

            fn default_timeout(self, timeout: Option<Duration>) -> Self {
                Self::default_timeout(self, timeout)
            }

            fn default_retry(self, policy: RetryPolicy) -> Self {
                Self::default_retry(self, policy)
            }

            fn line_limit(self, bytes: usize) -> Self {
                Self::line_limit(self, bytes)
            }

            fn unhandled(self, unhandled: Unhandled) -> Self {
                Self::unhandled(self, unhandled)
            }

            fn version_check(self, check: VersionCheck) -> Self {
                Self::version_check(self, check)
            }

            fn bearer_token(self, token: &str) -> Self {
                Self::bearer_token(self, token)
            }

            fn experimental_api(self, wanted: bool) -> Self {
                Self::experimental_api(self, wanted)
            }

            fn opt_out(self, methods: &[&str]) -> Self {
                Self::opt_out(self, methods.iter().copied())
            }

            fn early_events(self, filter: Filter, settings: EventSettings) -> Self {
                Self::early_events(self, filter, settings)
            }

            fn spawn(self, process: Process) -> impl Future<Output = Result<Self::Client, Error>> + Send {
                async move { Self::spawn(self, process)$($wait)* }
            }

            fn on<R, F, A>(self, handler: F) -> Self
            where
                R: Request<Params: Send> + 'static,
                F: Fn(R::Params, RequestContext<Self::Client>) -> A + Send + Sync + 'static,
                A: Future<Output = Result<R::Response, HandlerError>> + Send + 'static,
            {
                Self::on::<R, _, _>(self, move |params, context| answer(handler(params, context)))
            }

            fn on_held<R, F>(self, handler: F) -> Self
            where
                R: Request<Params: Send> + 'static,
                F: Fn(R::Params, Box<dyn $crate::support::Held<R>>) + Send + Sync + 'static,
            {
                self.on_responder::<R, _>(move |params, responder| handler(params, Box::new(responder)))
            }

            fn on_unknown<F>(self, handler: F) -> Self
            where
                F: Fn(UnknownMethod) -> Result<serde_json::Value, HandlerError> + Send + Sync + 'static,
            {
                Self::on_unknown(self, move |request, _| {
                    let made = handler(request);
                    answer(async move { made })
                })
            }

            fn trait_handler(self) -> Self {
                self.handler(Fine)
            }
        }

        fn accept_if_fine(params: &FileChangeRequestApprovalParams) -> Result<FileChangeRequestApprovalResponse, HandlerError> {
            match params.reason.as_deref() {
                Some("fine") => Ok(FileChangeRequestApprovalResponse::new(FileChangeApprovalDecision::Accept)),
                _ => Err(HandlerError::Unhandled),
            }
        }

        /// The handler by the trait.
        struct Fine;
    };
}
