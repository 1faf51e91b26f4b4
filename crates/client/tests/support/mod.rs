//! What the tests share: one body runs on tokio and on threads.
//!
//! A body is generic over a [`Kit`]. For the blocking client its futures are ready at once, as all waiting is
//! done inside.

#![allow(dead_code, reason = "each test file uses some of it")]

#[cfg(feature = "async")]
pub mod asynchronous;
#[cfg(feature = "blocking")]
pub mod blocking;
mod both;

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use codex_appserver_client::wire::{Request, UnknownMethod};
use codex_appserver_client::{
    Closed, Error, Event, EventSettings, Filter, HandlerError, Process, RequestContext, RetryPolicy,
    RpcError, ServerInfo, Stats, Unhandled, VersionCheck,
};
use codex_appserver_testkit::scripted::{Scenario, ScriptedServer};
use serde_json::Value;

/// Long enough for anything that is to come; nothing waits that long unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A client and what it runs on.
pub trait Kit: Sized + Send + Sync + 'static {
    type Client: Api;
    type Builder: Build<Client = Self::Client>;

    fn builder() -> Self::Builder;

    /// Runs a whole test.
    fn run(body: impl Future<Output = ()>);

    /// Runs something beside.
    fn spawn<T: Send + 'static>(
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send;

    /// A scripted server in this process, and what came of connecting to it.
    fn try_attach(
        builder: Self::Builder,
        scenario: Scenario,
    ) -> impl Future<Output = (ScriptedServer, Result<Self::Client, Error>)> + Send;

    fn attach(
        builder: Self::Builder,
        scenario: Scenario,
    ) -> impl Future<Output = (ScriptedServer, Self::Client)> + Send {
        async {
            let (server, client) = Self::try_attach(builder, scenario).await;
            (server, client.expect("it connects"))
        }
    }

    fn start(scenario: Scenario) -> impl Future<Output = (ScriptedServer, Self::Client)> + Send {
        Self::attach(Self::builder(), scenario)
    }
}

/// A client of either kind.
pub trait Api: Clone + Debug + Send + Sync + 'static {
    type Events: Listen;

    fn call(&self, method: &str, params: Value) -> impl Future<Output = Result<Value, Error>> + Send;
    fn typed<R: Request<Params: Send>>(
        &self,
        params: R::Params,
    ) -> impl Future<Output = Result<R::Response, Error>> + Send;
    fn notify(&self, method: &str, params: Value) -> Result<(), Error>;
    fn with_timeout(&self, timeout: Option<Duration>) -> Self;
    fn with_retry(&self, policy: RetryPolicy) -> Self;
    fn events_with(&self, filter: Filter, settings: EventSettings) -> Self::Events;
    fn early_events(&self) -> Option<Self::Events>;
    fn server(&self) -> &ServerInfo;
    fn stats(&self) -> Stats;
    fn closed(&self) -> Option<Arc<Closed>>;
    fn wait_closed(&self) -> impl Future<Output = Arc<Closed>> + Send;
    fn shutdown(&self) -> impl Future<Output = Option<ExitStatus>> + Send;
    /// Upgrades a weak client made of this one.
    fn weak(&self) -> Box<dyn Fn() -> Option<Self> + Send + Sync>;
    /// The client that a request came to.
    fn of(context: &RequestContext<Self>) -> Option<Self>;

    fn events(&self, filter: Filter) -> Self::Events {
        self.events_with(filter, EventSettings::default())
    }
}

/// Events of either kind.
pub trait Listen: Debug + Send + 'static {
    fn next(&mut self) -> impl Future<Output = Option<Result<Event, Error>>> + Send;
    fn narrow(&mut self, filter: Filter);
    fn skipped(&self) -> u64;

    /// The next event, which comes.
    fn event(&mut self) -> impl Future<Output = Event> + Send {
        async { self.next().await.expect("not the end").expect("an event") }
    }

    /// Reads on until an event says this method, and gives the methods of all, this one included.
    fn methods_until(&mut self, last: &str) -> impl Future<Output = Vec<String>> + Send {
        async move {
            let mut methods = Vec::new();
            while methods.last().is_none_or(|method| method != last) {
                methods.push(method_of(&self.event().await));
            }
            methods
        }
    }
}

/// A builder of either kind.
pub trait Build: Sized + Send {
    type Client: Api;

    fn window(self, calls: usize) -> Self;
    fn queue_limit(self, calls: usize) -> Self;
    fn default_timeout(self, timeout: Option<Duration>) -> Self;
    fn default_retry(self, policy: RetryPolicy) -> Self;
    fn line_limit(self, bytes: usize) -> Self;
    fn unhandled(self, unhandled: Unhandled) -> Self;
    fn version_check(self, check: VersionCheck) -> Self;
    fn bearer_token(self, token: &str) -> Self;
    fn experimental_api(self, wanted: bool) -> Self;
    fn opt_out(self, methods: &[&str]) -> Self;
    fn early_events(self, filter: Filter, settings: EventSettings) -> Self;
    fn spawn(self, process: Process) -> impl Future<Output = Result<Self::Client, Error>> + Send;

    fn on<R, F, A>(self, handler: F) -> Self
    where
        R: Request<Params: Send> + 'static,
        F: Fn(R::Params, RequestContext<Self::Client>) -> A + Send + Sync + 'static,
        A: Future<Output = Result<R::Response, HandlerError>> + Send + 'static;

    fn on_held<R, F>(self, handler: F) -> Self
    where
        R: Request<Params: Send> + 'static,
        F: Fn(R::Params, Box<dyn Held<R>>) + Send + Sync + 'static;

    fn on_unknown<F>(self, handler: F) -> Self
    where
        F: Fn(UnknownMethod) -> Result<Value, HandlerError> + Send + Sync + 'static;

    /// A handler by the trait, which accepts the file changes of the reason `fine` and passes on the others.
    fn trait_handler(self) -> Self;
}

/// A responder of either kind.
pub trait Held<R: Request>: Send {
    fn respond(self: Box<Self>, response: R::Response) -> Result<(), Error>;
    fn reject(self: Box<Self>, error: RpcError) -> Result<(), Error>;
    fn decline(self: Box<Self>) -> Result<(), Error>;
    fn pass(self: Box<Self>);
    fn is_open(&self) -> bool;
    fn poll_resolved(&self, context: &mut Context<'_>) -> Poll<()>;
    fn thread_id(&self) -> Option<String>;
}

/// Waits on this thread.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Makes tests of generic bodies, a module of two for each.
#[macro_export]
macro_rules! both {
    ($($(#[$attribute:meta])* $name:ident),+ $(,)?) => {$(
        mod $name {
            #[cfg(all(feature = "async", unix))]
            #[test]
            $(#[$attribute])*
            fn tasks() {
                use $crate::support::Kit;
                $crate::support::asynchronous::Tasks::run(
                    super::bodies::$name::<$crate::support::asynchronous::Tasks>(),
                );
            }

            #[cfg(feature = "blocking")]
            #[test]
            $(#[$attribute])*
            fn threads() {
                use $crate::support::Kit;
                $crate::support::blocking::Threads::run(
                    super::bodies::$name::<$crate::support::blocking::Threads>(),
                );
            }
        }
    )+};
}

/// What an event is about, in a word.
pub fn method_of(event: &Event) -> String {
    match event {
        Event::Notification(envelope) => envelope.notification.method().to_owned(),
        Event::Request(envelope) => envelope.request.method().to_owned(),
        Event::Unreadable(_) => "unreadable".to_owned(),
        Event::Lagged { .. } => "lagged".to_owned(),
        other => format!("{other:?}"),
    }
}
