//! Tests on tokio: what waits is awaited.

use std::future::Future;
use std::process::ExitStatus;
use std::sync::Arc;

use codex_appserver_client::generic::{Answer, Client, ClientBuilder, Events, PendingCall, StatusChanges};
use codex_appserver_client::wire::{Request, Serialize};
use codex_appserver_client::{
    BlockingServerRequestHandler, Closed, Error, Event, HandlerError, Process, ServerRequestHandler, Status,
    Tokio,
};
use codex_appserver_testkit::scripted::{Scenario, ScriptedServer};
use serde_json::Value;

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
        builder: ClientBuilder<Self>,
        scenario: Scenario,
    ) -> (ScriptedServer, Result<Client<Self>, Error>) {
        let (server, stdout, stdin) = ScriptedServer::start_async(scenario).expect("it starts");
        (server, builder.attach(stdout, stdin).await)
    }

    async fn spawn_process(builder: ClientBuilder<Self>, process: Process) -> Result<Client<Self>, Error> {
        builder.spawn(process).await
    }

    #[cfg(feature = "ws")]
    async fn connect(
        builder: ClientBuilder<Self>,
        address: &codex_appserver_client::Address,
    ) -> Result<Client<Self>, Error> {
        builder.connect(address).await
    }

    fn answer<T: Serialize>(
        answer: impl Future<Output = Result<T, HandlerError>> + Send + 'static,
    ) -> impl Answer<T, Self> {
        answer
    }

    fn handler(
        builder: ClientBuilder<Self>,
        handler: impl ServerRequestHandler + BlockingServerRequestHandler + 'static,
    ) -> ClientBuilder<Self> {
        builder.handler(handler)
    }

    async fn call(client: &Client<Self>, method: &str, params: Value) -> Result<Value, Error> {
        client.request_raw(method, params).await
    }

    async fn request<M: Request>(client: &Client<Self>, params: M::Params) -> Result<M::Response, Error> {
        client.request::<M>(params).await
    }

    async fn wait_closed(client: &Client<Self>) -> Arc<Closed> {
        client.wait_closed().await
    }

    async fn shutdown(client: &Client<Self>) -> Option<ExitStatus> {
        client.shutdown().await
    }

    async fn next(events: &mut Events<Self>) -> Option<Result<Event, Error>> {
        events.next().await
    }

    async fn next_status(changes: &mut StatusChanges<Self>) -> Option<Status> {
        changes.next().await
    }

    async fn next_of<M: Request>(call: &mut PendingCall<M, Self>) -> Option<Result<Event, Error>> {
        call.next().await
    }

    async fn finish<M: Request>(call: PendingCall<M, Self>) -> Result<M::Response, Error> {
        call.finish().await
    }
}
