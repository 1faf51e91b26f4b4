//! Tests on threads: what waits blocks the thread that polls.

use std::future::Future;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use codex_appserver::FrontEnd;
use codex_appserver::blocking::FrontEnd as BlockingFrontEnd;
use codex_appserver::client::generic::Client;
use codex_appserver::client::wire::{Items, Paged, Request};
use codex_appserver::client::{Closed, OsThreads};
#[cfg(feature = "experimental")]
use codex_appserver::generic::ThreadSearchStream;
use codex_appserver::generic::{
    Approvals, Codex, CodexBuilder, Login, Terminal, Thread, ThreadView, Turn, TurnStream,
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
    client::{BlockingServerRequestHandler, HandlerError, generic::ClientBuilder},
    generic::{Tool, ToolCall},
    protocol::{DynamicToolCallParams, DynamicToolCallResponse},
};
#[cfg(feature = "structured")]
use codex_appserver::{Structured, schemars::JsonSchema};
use codex_appserver_methods::MapResponse;
use codex_appserver_testkit::scripted::{Scenario, ScriptedServer};
#[cfg(feature = "structured")]
use serde::de::DeserializeOwned;

use super::Kit;
impl Kit for OsThreads {
    fn run(body: impl Future<Output = ()>) {
        block_on(body);
    }

    fn spawn<T: Send + 'static>(
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        let thread = thread::spawn(move || block_on(work));
        async { thread.join().expect("no panic") }
    }

    async fn try_attach(
        builder: CodexBuilder<Self>,
        scenario: Scenario,
    ) -> (ScriptedServer, Result<Codex<Self>, Error>) {
        let (server, stdout, stdin) = ScriptedServer::start(scenario).expect("it starts");
        (server, builder.attach(stdout, stdin))
    }

    fn ask(decide: impl Fn(ApprovalRequest) -> Decision + Send + Sync + 'static) -> Approvals<Self> {
        Approvals::<Self>::ask(decide)
    }

    fn front_end(
        builder: CodexBuilder<Self>,
        front_end: impl FrontEnd + BlockingFrontEnd + 'static,
    ) -> CodexBuilder<Self> {
        builder.front_end(front_end)
    }

    fn in_terminal(terminal: Terminal<Self>) -> Approvals<Self> {
        Approvals::<Self>::in_terminal(terminal)
    }

    async fn ask_terminal(terminal: &Terminal<Self>, question: &str) -> Option<String> {
        terminal.ask(question)
    }

    async fn ask_secret(terminal: &Terminal<Self>, question: &str) -> Option<String> {
        terminal.ask_secret(question)
    }

    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn tool<A, T>(name: &str, run: impl Fn(A, ToolCall<Self>) -> T + Send + Sync + 'static) -> Tool<Self>
    where
        A: DeserializeOwned + JsonSchema,
        T: IntoToolResult + Send + 'static,
    {
        Tool::<Self>::with_call(name, "A tool.", run)
    }

    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn answering_tools(client: ClientBuilder<Self>, for_all: bool) -> ClientBuilder<Self> {
        struct Own;
        impl BlockingServerRequestHandler for Own {
            fn item_tool_call(
                &self,
                _: DynamicToolCallParams,
            ) -> Result<DynamicToolCallResponse, HandlerError> {
                Ok(DynamicToolCallResponse::new([], true))
            }
        }
        if for_all {
            client.handler(Own)
        } else {
            client.on_tool_call(|params, _| Own.item_tool_call(params))
        }
    }

    async fn send<M: Request, F: MapResponse<M> + Send>(
        call: Call<'_, Client<Self>, M, F>,
    ) -> Result<F::Output, ClientError> {
        call.call()
    }

    async fn collect<M: Paged>(items: Items<'_, Client<Self>, M>) -> Vec<Result<M::Item, ClientError>> {
        items.collect()
    }

    async fn next_item(view: &mut ThreadView<Self>) -> Option<Result<ViewItem, Error>> {
        view.next()
    }

    async fn run_on(thread: &Thread<Self>, input: impl Into<Input>) -> Result<TurnResult, Error> {
        thread.run(input)
    }

    #[cfg(feature = "structured")]
    async fn run_as<T: DeserializeOwned + JsonSchema>(
        thread: &Thread<Self>,
        input: impl Into<Input>,
    ) -> Result<Structured<T>, Error> {
        thread.run_as(input)
    }

    async fn run_turn(turn: &Turn<Self>) -> Result<TurnResult, Error> {
        turn.run()
    }

    async fn steer_turn(turn: &Turn<Self>, input: impl Into<Input>) -> Result<TurnSteerResponse, Error> {
        turn.steer(input)
    }

    async fn interrupt_turn(turn: &Turn<Self>) -> Result<(), Error> {
        turn.interrupt()
    }

    async fn next(stream: &mut TurnStream<Self>) -> Option<Result<Event, Error>> {
        stream.next()
    }

    async fn login_chatgpt(codex: &Codex<Self>) -> Result<Login<Self>, Error> {
        codex.login_chatgpt()
    }

    async fn login_chatgpt_device_code(codex: &Codex<Self>) -> Result<Login<Self>, Error> {
        codex.login_chatgpt_device_code()
    }

    async fn wait_login(login: &mut Login<Self>) -> Result<AccountLoginCompletedNotification, Error> {
        login.wait()
    }

    async fn cancel_login(login: &Login<Self>) -> Result<CancelLoginAccountResponse, Error> {
        login.cancel()
    }

    #[cfg(feature = "experimental")]
    async fn next_hit(search: &mut ThreadSearchStream<Self>) -> Option<Result<ThreadSearchResult, Error>> {
        search.next()
    }

    #[cfg(feature = "experimental")]
    async fn finish_search(search: ThreadSearchStream<Self>) -> Result<ThreadSearchResponse, Error> {
        search.finish()
    }

    async fn retry_on_overload<T, E: Retryable, F: Future<Output = Result<T, E>>>(
        policy: RetryPolicy,
        mut operation: impl FnMut() -> F,
    ) -> Result<T, E> {
        codex_appserver::blocking::retry_on_overload(policy, || block_on(operation()))
    }

    async fn wait_closed(client: &Client<Self>) -> Arc<Closed> {
        client.wait_closed()
    }

    async fn close(codex: &Codex<Self>) -> Option<ExitStatus> {
        codex.close()
    }
}

/// Polls on this thread until the future is ready.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
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
