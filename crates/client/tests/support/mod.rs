//! One test for both runtimes: its body is an `async fn` that is generic over a [`Kit`], and `both!` lists its name.
//!
//! On threads each future of a kit waits inside, so that it is ready when it is polled first.

#![allow(dead_code, reason = "each test file uses some of it")]

#[cfg(feature = "blocking")]
mod os_threads;
#[cfg(all(feature = "async", unix))]
mod tokio;

use std::future::Future;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_appserver_client::generic::{
    Answer, Client, ClientBuilder, Events, PendingCall, Runtime, StatusChanges,
};
use codex_appserver_client::wire::{Request, Serialize};
use codex_appserver_client::{
    BlockingServerRequestHandler, Closed, Error, Event, HandlerError, Process, ServerRequestHandler, Status,
};
use codex_appserver_testkit::scripted::{Scenario, ScriptedServer};
use serde_json::Value;

/// Long enough for anything that is to come; nothing waits that long unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A runtime, with the verbs that wait as futures, and handlers that are made of futures.
///
/// All else is the same on both runtimes, and tests call it directly.
pub trait Kit: Runtime {
    /// Runs a whole test.
    fn run(body: impl Future<Output = ()>);

    /// Runs work beside the test, in a task or on a thread.
    fn spawn<T: Send + 'static>(
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send;

    /// Starts a scripted server in this process and connects to it, which may fail.
    async fn try_attach(
        builder: ClientBuilder<Self>,
        scenario: Scenario,
    ) -> (ScriptedServer, Result<Client<Self>, Error>);

    /// Starts a scripted server in this process and connects to it.
    async fn attach(builder: ClientBuilder<Self>, scenario: Scenario) -> (ScriptedServer, Client<Self>) {
        let (server, client) = Self::try_attach(builder, scenario).await;
        (server, client.expect("it connects"))
    }

    /// Starts a scripted server in this process and connects to it with a client that has no settings.
    async fn start(scenario: Scenario) -> (ScriptedServer, Client<Self>) {
        Self::attach(Client::builder(), scenario).await
    }

    /// Starts a child process and connects to it.
    async fn spawn_process(builder: ClientBuilder<Self>, process: Process) -> Result<Client<Self>, Error>;

    /// Connects to a server that listens.
    #[cfg(feature = "ws")]
    async fn connect(
        builder: ClientBuilder<Self>,
        address: &codex_appserver_client::Address,
    ) -> Result<Client<Self>, Error>;

    /// The future that a handler answers with, as the runtime wants it.
    fn answer<T: Serialize>(
        answer: impl Future<Output = Result<T, HandlerError>> + Send + 'static,
    ) -> impl Answer<T, Self>;

    /// Answers by the trait what no closure does.
    fn handler(
        builder: ClientBuilder<Self>,
        handler: impl ServerRequestHandler + BlockingServerRequestHandler + 'static,
    ) -> ClientBuilder<Self>;

    /// Calls a method by its wire name.
    fn call(
        client: &Client<Self>,
        method: &str,
        params: Value,
    ) -> impl Future<Output = Result<Value, Error>> + Send;

    /// Calls a method by its marker type.
    async fn request<M: Request>(client: &Client<Self>, params: M::Params) -> Result<M::Response, Error>;

    /// Waits for the end of the connection.
    async fn wait_closed(client: &Client<Self>) -> Arc<Closed>;

    /// Ends the connection.
    async fn shutdown(client: &Client<Self>) -> Option<ExitStatus>;

    /// What comes next: an event, the error at the end, or nothing any more.
    fn next(events: &mut Events<Self>) -> impl Future<Output = Option<Result<Event, Error>>> + Send;

    /// What the status changes to; none after the end.
    async fn next_status(changes: &mut StatusChanges<Self>) -> Option<Status>;

    /// The same of a call that has begun.
    async fn next_of<M: Request>(call: &mut PendingCall<M, Self>) -> Option<Result<Event, Error>>;

    /// Waits for the answer of a call that has begun.
    async fn finish<M: Request>(call: PendingCall<M, Self>) -> Result<M::Response, Error>;
}

/// Makes two tests of each body that is listed: `NAME::tasks` and `NAME::threads`.
#[macro_export]
macro_rules! both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[cfg(all(feature = "async", unix))]
            #[test]
            fn tasks() {
                use codex_appserver_client::Tokio;
                <Tokio as $crate::support::Kit>::run(super::$name::<Tokio>());
            }

            #[cfg(feature = "blocking")]
            #[test]
            fn threads() {
                use codex_appserver_client::OsThreads;
                <OsThreads as $crate::support::Kit>::run(super::$name::<OsThreads>());
            }
        }
    )+};
}

/// Waits until it is so, and blocks the thread: what has to happen happens on others.
pub fn until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it is never so");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The next event, which has to come.
pub async fn event<R: Kit>(events: &mut Events<R>) -> Event {
    R::next(events).await.expect("not the end").expect("an event")
}

/// Reads on until an event says this method, and gives the methods of all, this one included.
pub async fn methods_until<R: Kit>(events: &mut Events<R>, last: &str) -> Vec<String> {
    let mut methods = Vec::new();
    while methods.last().is_none_or(|method| method != last) {
        methods.push(method_of(&event(events).await));
    }
    methods
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
