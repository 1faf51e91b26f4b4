//! One test for both runtimes: its body is an `async fn` that is generic over a [`Kit`], and `both!` lists its name.
//!
//! On threads each future of a kit waits inside, so that it is ready when it is polled first.

#[cfg(feature = "blocking")]
mod os_threads;
#[cfg(all(feature = "async", unix))]
mod tokio;

use std::future::Future;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use codex_appserver::FrontEnd;
use codex_appserver::blocking::FrontEnd as BlockingFrontEnd;
use codex_appserver::client::Closed;
use codex_appserver::client::generic::Client;
#[cfg(all(feature = "experimental", feature = "structured"))]
use codex_appserver::client::generic::ClientBuilder;
use codex_appserver::client::wire::{Items, Paged, Request};
#[cfg(feature = "experimental")]
use codex_appserver::generic::ThreadSearchStream;
use codex_appserver::generic::{
    Approvals, Codex, CodexBuilder, Login, Runtime, Terminal, Thread, ThreadView, Turn, TurnStream,
};
use codex_appserver::protocol::{
    AccountLoginCompletedNotification, CancelLoginAccountResponse, TurnSteerResponse,
};
#[cfg(feature = "experimental")]
use codex_appserver::protocol::{ThreadSearchResponse, ThreadSearchResult};
use codex_appserver::{
    ApprovalRequest, Call, ClientError, Decision, Error, Event, Input, RetryPolicy, Retryable, TurnResult,
    ViewItem,
};
#[cfg(all(feature = "experimental", feature = "structured"))]
use codex_appserver::{
    IntoToolResult,
    generic::{Tool, ToolCall},
};
#[cfg(feature = "structured")]
use codex_appserver::{Structured, schemars::JsonSchema};
use codex_appserver_methods::MapResponse;
use codex_appserver_testkit::scripted::{Scenario, ScriptedServer};
#[cfg(feature = "structured")]
use serde::de::DeserializeOwned;

/// Long enough for anything that is to come; nothing waits that long unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A runtime, with the verbs that wait as futures, and approvals that are made of functions.
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
        builder: CodexBuilder<Self>,
        scenario: Scenario,
    ) -> (ScriptedServer, Result<Codex<Self>, Error>);

    /// Starts a scripted server in this process and connects to it.
    async fn attach(builder: CodexBuilder<Self>, scenario: Scenario) -> (ScriptedServer, Codex<Self>) {
        let (server, codex) = Self::try_attach(builder, scenario).await;
        (server, codex.expect("it connects"))
    }

    /// Starts a scripted server in this process and connects to it with no settings.
    async fn start(scenario: Scenario) -> (ScriptedServer, Codex<Self>) {
        Self::attach(Codex::builder(), scenario).await
    }

    /// Asks a function, which decides at once.
    fn ask(decide: impl Fn(ApprovalRequest) -> Decision + Send + Sync + 'static) -> Approvals<Self>;

    /// Has a front end answer what the server asks.
    fn front_end(
        builder: CodexBuilder<Self>,
        front_end: impl FrontEnd + BlockingFrontEnd + 'static,
    ) -> CodexBuilder<Self>;

    /// Asks in a terminal.
    fn in_terminal(terminal: Terminal<Self>) -> Approvals<Self>;

    /// Waits for a line of a terminal.
    fn ask_terminal(terminal: &Terminal<Self>, question: &str)
    -> impl Future<Output = Option<String>> + Send;

    /// Waits for a line of a terminal that is not to be seen.
    fn ask_secret(terminal: &Terminal<Self>, question: &str) -> impl Future<Output = Option<String>> + Send;

    /// A tool that returns at once.
    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn tool<A, T>(name: &str, run: impl Fn(A, ToolCall<Self>) -> T + Send + Sync + 'static) -> Tool<Self>
    where
        A: DeserializeOwned + JsonSchema,
        T: IntoToolResult + Send + 'static;

    /// A client that answers calls of tools with no content, by a handler for all requests or by one for these.
    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn answering_tools(client: ClientBuilder<Self>, for_all: bool) -> ClientBuilder<Self>;

    /// Sends a call and waits for its response.
    async fn send<M: Request, F: MapResponse<M> + Send>(
        call: Call<'_, Client<Self>, M, F>,
    ) -> Result<F::Output, ClientError>;

    /// The items of a call that answers in pages, up to the end.
    async fn collect<M: Paged>(items: Items<'_, Client<Self>, M>) -> Vec<Result<M::Item, ClientError>>;

    /// The next item of a thread, kept or new.
    async fn next_item(view: &mut ThreadView<Self>) -> Option<Result<ViewItem, Error>>;

    /// Starts a turn on a thread and waits for its end.
    async fn run_on(thread: &Thread<Self>, input: impl Into<Input>) -> Result<TurnResult, Error>;

    /// Asks on a thread for an answer of a Rust type.
    #[cfg(feature = "structured")]
    async fn run_as<T: DeserializeOwned + JsonSchema>(
        thread: &Thread<Self>,
        input: impl Into<Input>,
    ) -> Result<Structured<T>, Error>;

    /// Waits for the end of a turn.
    fn run_turn(turn: &Turn<Self>) -> impl Future<Output = Result<TurnResult, Error>> + Send;

    /// Sends more input while the agent works.
    async fn steer_turn(turn: &Turn<Self>, input: impl Into<Input>) -> Result<TurnSteerResponse, Error>;

    /// Stops the agent.
    async fn interrupt_turn(turn: &Turn<Self>) -> Result<(), Error>;

    /// What comes next: an event, an error, or nothing any more.
    fn next(stream: &mut TurnStream<Self>) -> impl Future<Output = Option<Result<Event, Error>>> + Send;

    /// Starts a login in a browser.
    async fn login_chatgpt(codex: &Codex<Self>) -> Result<Login<Self>, Error>;

    /// Starts a login by a code.
    async fn login_chatgpt_device_code(codex: &Codex<Self>) -> Result<Login<Self>, Error>;

    /// Waits for the end of a login.
    async fn wait_login(login: &mut Login<Self>) -> Result<AccountLoginCompletedNotification, Error>;

    /// Gives up a login.
    async fn cancel_login(login: &Login<Self>) -> Result<CancelLoginAccountResponse, Error>;

    /// The next hit of a search, its error, or nothing any more.
    #[cfg(feature = "experimental")]
    async fn next_hit(search: &mut ThreadSearchStream<Self>) -> Option<Result<ThreadSearchResult, Error>>;

    /// Waits for the answer of a search.
    #[cfg(feature = "experimental")]
    async fn finish_search(search: ThreadSearchStream<Self>) -> Result<ThreadSearchResponse, Error>;

    /// Does something again while the server is too busy.
    async fn retry_on_overload<T, E: Retryable, F: Future<Output = Result<T, E>>>(
        policy: RetryPolicy,
        operation: impl FnMut() -> F,
    ) -> Result<T, E>;

    /// Waits for the end of the connection.
    async fn wait_closed(client: &Client<Self>) -> Arc<Closed>;

    /// Ends the connection.
    async fn close(codex: &Codex<Self>) -> Option<ExitStatus>;
}

/// Makes two tests of each body that is listed: `NAME::tasks` and `NAME::threads`. Attributes of a name are for both.
#[macro_export]
macro_rules! both {
    ($($(#[$attribute:meta])* $name:ident),+ $(,)?) => {$(
        mod $name {
            #[cfg(all(feature = "async", unix))]
            #[test]
            $(#[$attribute])*
            fn tasks() {
                use codex_appserver::client::Tokio;
                <Tokio as $crate::support::Kit>::run(super::$name::<Tokio>());
            }

            #[cfg(feature = "blocking")]
            #[test]
            $(#[$attribute])*
            fn threads() {
                use codex_appserver::client::OsThreads;
                <OsThreads as $crate::support::Kit>::run(super::$name::<OsThreads>());
            }
        }
    )+};
}

/// A thread that alone holds its connection open.
pub async fn thread<R: Kit>(builder: CodexBuilder<R>, scenario: Scenario) -> (ScriptedServer, Thread<R>) {
    let (server, codex) = R::attach(builder, scenario).await;
    (server, R::send(codex.thread_start()).await.expect("a thread"))
}
