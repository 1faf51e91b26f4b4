//! Tests on tokio: what waits is awaited.

use std::future::Future;
use std::process::ExitStatus;
use std::sync::Arc;

use codex_appserver::FrontEnd;
use codex_appserver::blocking::FrontEnd as BlockingFrontEnd;
use codex_appserver::client::generic::Client;
use codex_appserver::client::wire::{Items, Paged, Request};
use codex_appserver::client::{Closed, Tokio};
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
    client::{HandlerError, ServerRequestHandler, generic::ClientBuilder},
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
impl Kit for Tokio {
    fn run(body: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(body);
    }

    fn spawn<T: Send + 'static>(
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        let task = tokio::spawn(work);
        async { task.await.expect("no panic") }
    }

    async fn try_attach(
        builder: CodexBuilder<Self>,
        scenario: Scenario,
    ) -> (ScriptedServer, Result<Codex<Self>, Error>) {
        let (server, stdout, stdin) = ScriptedServer::start_async(scenario).expect("it starts");
        (server, builder.attach(stdout, stdin).await)
    }

    fn ask(decide: impl Fn(ApprovalRequest) -> Decision + Send + Sync + 'static) -> Approvals<Self> {
        Approvals::<Self>::ask(move |request| std::future::ready(decide(request)))
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
        terminal.ask(question).await
    }

    async fn ask_secret(terminal: &Terminal<Self>, question: &str) -> Option<String> {
        terminal.ask_secret(question).await
    }

    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn tool<A, T>(name: &str, run: impl Fn(A, ToolCall<Self>) -> T + Send + Sync + 'static) -> Tool<Self>
    where
        A: DeserializeOwned + JsonSchema,
        T: IntoToolResult + Send + 'static,
    {
        Tool::<Self>::with_call(name, "A tool.", move |arguments, call| {
            std::future::ready(run(arguments, call))
        })
    }

    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn answering_tools(client: ClientBuilder<Self>, for_all: bool) -> ClientBuilder<Self> {
        struct Own;
        impl ServerRequestHandler for Own {
            async fn item_tool_call(
                &self,
                _: DynamicToolCallParams,
            ) -> Result<DynamicToolCallResponse, HandlerError> {
                Ok(DynamicToolCallResponse::new([], true))
            }
        }
        if for_all {
            client.handler(Own)
        } else {
            client.on_tool_call(|params, _| async move { Own.item_tool_call(params).await })
        }
    }

    async fn send<M: Request, F: MapResponse<M> + Send>(
        call: Call<'_, Client<Self>, M, F>,
    ) -> Result<F::Output, ClientError> {
        call.await
    }

    async fn collect<M: Paged>(mut items: Items<'_, Client<Self>, M>) -> Vec<Result<M::Item, ClientError>> {
        let mut all = Vec::new();
        while let Some(item) = items.next().await {
            all.push(item);
        }
        all
    }

    async fn next_item(view: &mut ThreadView<Self>) -> Option<Result<ViewItem, Error>> {
        view.next().await
    }

    async fn run_on(thread: &Thread<Self>, input: impl Into<Input>) -> Result<TurnResult, Error> {
        thread.run(input).await
    }

    #[cfg(feature = "structured")]
    async fn run_as<T: DeserializeOwned + JsonSchema>(
        thread: &Thread<Self>,
        input: impl Into<Input>,
    ) -> Result<Structured<T>, Error> {
        thread.run_as(input).await
    }

    async fn run_turn(turn: &Turn<Self>) -> Result<TurnResult, Error> {
        turn.run().await
    }

    async fn steer_turn(turn: &Turn<Self>, input: impl Into<Input>) -> Result<TurnSteerResponse, Error> {
        turn.steer(input).await
    }

    async fn interrupt_turn(turn: &Turn<Self>) -> Result<(), Error> {
        turn.interrupt().await
    }

    async fn next(stream: &mut TurnStream<Self>) -> Option<Result<Event, Error>> {
        stream.next().await
    }

    async fn login_chatgpt(codex: &Codex<Self>) -> Result<Login<Self>, Error> {
        codex.login_chatgpt().await
    }

    async fn login_chatgpt_device_code(codex: &Codex<Self>) -> Result<Login<Self>, Error> {
        codex.login_chatgpt_device_code().await
    }

    async fn wait_login(login: &mut Login<Self>) -> Result<AccountLoginCompletedNotification, Error> {
        login.wait().await
    }

    async fn cancel_login(login: &Login<Self>) -> Result<CancelLoginAccountResponse, Error> {
        login.cancel().await
    }

    #[cfg(feature = "experimental")]
    async fn next_hit(search: &mut ThreadSearchStream<Self>) -> Option<Result<ThreadSearchResult, Error>> {
        search.next().await
    }

    #[cfg(feature = "experimental")]
    async fn finish_search(search: ThreadSearchStream<Self>) -> Result<ThreadSearchResponse, Error> {
        search.finish().await
    }

    async fn retry_on_overload<T, E: Retryable, F: Future<Output = Result<T, E>>>(
        policy: RetryPolicy,
        operation: impl FnMut() -> F,
    ) -> Result<T, E> {
        codex_appserver::retry_on_overload(policy, operation).await
    }

    async fn wait_closed(client: &Client<Self>) -> Arc<Closed> {
        client.wait_closed().await
    }

    async fn close(codex: &Codex<Self>) -> Option<ExitStatus> {
        codex.close().await
    }
}
