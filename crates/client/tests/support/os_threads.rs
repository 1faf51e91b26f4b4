//! Tests on threads: what waits blocks the thread that polls.

use std::future::Future;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use codex_appserver_client::generic::{Answer, Client, ClientBuilder, Events, PendingCall, StatusChanges};
use codex_appserver_client::wire::{Request, Serialize};
use codex_appserver_client::{
    BlockingServerRequestHandler, Closed, Error, Event, HandlerError, OsThreads, Process,
    ServerRequestHandler, Status,
};
use codex_appserver_testkit::scripted::{Scenario, ScriptedServer};
use serde_json::Value;

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
        builder: ClientBuilder<Self>,
        scenario: Scenario,
    ) -> (ScriptedServer, Result<Client<Self>, Error>) {
        let (server, stdout, stdin) = ScriptedServer::start(scenario).expect("it starts");
        (server, builder.attach(stdout, stdin))
    }

    async fn spawn_process(builder: ClientBuilder<Self>, process: Process) -> Result<Client<Self>, Error> {
        builder.spawn(process)
    }

    #[cfg(feature = "ws")]
    async fn connect(
        builder: ClientBuilder<Self>,
        address: &codex_appserver_client::Address,
    ) -> Result<Client<Self>, Error> {
        builder.connect(address)
    }

    fn answer<T: Serialize>(
        answer: impl Future<Output = Result<T, HandlerError>> + Send + 'static,
    ) -> impl Answer<T, Self> {
        block_on(answer)
    }

    fn handler(
        builder: ClientBuilder<Self>,
        handler: impl ServerRequestHandler + BlockingServerRequestHandler + 'static,
    ) -> ClientBuilder<Self> {
        builder.handler(handler)
    }

    async fn call(client: &Client<Self>, method: &str, params: Value) -> Result<Value, Error> {
        client.request_raw(method, params)
    }

    async fn request<M: Request>(client: &Client<Self>, params: M::Params) -> Result<M::Response, Error> {
        client.request::<M>(params)
    }

    async fn wait_closed(client: &Client<Self>) -> Arc<Closed> {
        client.wait_closed()
    }

    async fn shutdown(client: &Client<Self>) -> Option<ExitStatus> {
        client.shutdown()
    }

    async fn next(events: &mut Events<Self>) -> Option<Result<Event, Error>> {
        events.next()
    }

    async fn next_status(changes: &mut StatusChanges<Self>) -> Option<Status> {
        changes.next()
    }

    async fn next_of<M: Request>(call: &mut PendingCall<M, Self>) -> Option<Result<Event, Error>> {
        call.next()
    }

    async fn finish<M: Request>(call: PendingCall<M, Self>) -> Result<M::Response, Error> {
        call.finish()
    }
}

/// Polls on this thread until the future is ready.
fn block_on<T>(future: impl Future<Output = T>) -> T {
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
