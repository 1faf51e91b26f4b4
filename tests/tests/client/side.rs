//! The two kinds of clients behind one trait, so that a test is written once and run on both.

use std::future::{Future, IntoFuture, ready};
use std::process::ExitStatus;
use std::sync::Arc;

use codex_appserver_client::wire::Request;
use codex_appserver_client::{
    Address, Client, ClientBuilder, Closed, Error, Event, Events, Filter, HandlerError, Methods, Process,
    Unhandled, blocking, method,
};
use codex_appserver_methods::Call;
use tokio::sync::oneshot;

use crate::stage::PATIENCE;

/// What a handler of method `R` comes to.
pub type Answered<R> = Result<<R as Request>::Response, HandlerError>;

/// What comes next in a subscription.
pub type Next = Option<Result<Event, Error>>;

/// Nothing came, and the test has waited long enough to call it a failure.
#[derive(Debug)]
pub struct TooLate;

/// A kind of client. What it does is a future here; those of the client for threads are ready at once.
pub trait Side: Send + Sync + Sized + 'static {
    type Client: Methods + Clone + Send + Sync + 'static;
    type Builder: Send;
    type Events: Send + 'static;

    fn builder() -> Self::Builder;
    fn spawn(
        builder: Self::Builder,
        process: Process,
    ) -> impl Future<Output = Result<Self::Client, Error>> + Send;
    fn connect(
        builder: Self::Builder,
        address: &Address,
    ) -> impl Future<Output = Result<Self::Client, Error>> + Send;
    fn unhandled(builder: Self::Builder, unhandled: Unhandled) -> Self::Builder;
    fn bearer_token(builder: Self::Builder, token: &str) -> Self::Builder;
    fn experimental(builder: Self::Builder) -> Self::Builder;

    /// Answers command approvals at once.
    fn on_command(
        builder: Self::Builder,
        answer: impl Fn(<Command as Request>::Params) -> Answered<Command> + Send + Sync + 'static,
    ) -> Self::Builder;

    /// Answers approvals of file changes at once.
    fn on_file_change(
        builder: Self::Builder,
        answer: impl Fn(<FileChange as Request>::Params) -> Answered<FileChange> + Send + Sync + 'static,
    ) -> Self::Builder;

    /// Hands requests of method `R` over with whatever answers them later.
    fn on_later<R: Request<Params: Send, Response: Send> + 'static>(
        builder: Self::Builder,
        take: impl Fn(R::Params, Later<R>) + Send + Sync + 'static,
    ) -> Self::Builder;

    fn send<'c, M: Request>(
        call: Call<'c, Self::Client, M>,
    ) -> impl Future<Output = Result<M::Response, Error>> + Send + 'c
    where
        M::Response: Send + 'static;
    fn events(client: &Self::Client, filter: Filter) -> Self::Events;
    /// The next event, or the end.
    fn next(events: &mut Self::Events) -> impl Future<Output = Result<Next, TooLate>> + Send;
    fn narrow(events: &mut Self::Events, filter: Filter);
    fn shutdown(client: &Self::Client) -> impl Future<Output = Option<ExitStatus>> + Send;
    fn wait_closed(client: &Self::Client) -> impl Future<Output = Arc<Closed>> + Send;

    /// Does something beside the test: in a task, or on a thread.
    fn go<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> oneshot::Receiver<T>;
    /// Runs a test.
    fn run(test: impl Future<Output = ()>);
}

/// Answers a request later.
pub struct Later<R: Request> {
    answer: Box<dyn FnOnce(R::Response) -> Result<(), Error> + Send>,
}

impl<R: Request> Later<R> {
    pub fn respond(self, response: R::Response) -> Result<(), Error> {
        (self.answer)(response)
    }
}

/// The client for tokio.
pub struct Tasks;

impl Side for Tasks {
    type Client = Client;
    type Builder = ClientBuilder;
    type Events = Events;

    fn builder() -> ClientBuilder {
        Client::builder()
    }

    async fn spawn(builder: ClientBuilder, process: Process) -> Result<Client, Error> {
        builder.spawn(process).await
    }

    async fn connect(builder: ClientBuilder, address: &Address) -> Result<Client, Error> {
        builder.connect(address).await
    }

    fn unhandled(builder: ClientBuilder, unhandled: Unhandled) -> ClientBuilder {
        builder.unhandled(unhandled)
    }

    fn bearer_token(builder: ClientBuilder, token: &str) -> ClientBuilder {
        builder.bearer_token(token)
    }

    fn experimental(builder: ClientBuilder) -> ClientBuilder {
        builder.experimental_api(true)
    }

    fn on_command(
        builder: ClientBuilder,
        answer: impl Fn(<Command as Request>::Params) -> Answered<Command> + Send + Sync + 'static,
    ) -> ClientBuilder {
        let answer = Arc::new(answer);
        builder.on_command_approval(move |params, _| {
            let answer = answer.clone();
            async move { answer(params) }
        })
    }

    fn on_file_change(
        builder: ClientBuilder,
        answer: impl Fn(<FileChange as Request>::Params) -> Answered<FileChange> + Send + Sync + 'static,
    ) -> ClientBuilder {
        let answer = Arc::new(answer);
        builder.on_file_change_approval(move |params, _| {
            let answer = answer.clone();
            async move { answer(params) }
        })
    }

    fn on_later<R: Request<Params: Send, Response: Send> + 'static>(
        builder: ClientBuilder,
        take: impl Fn(R::Params, Later<R>) + Send + Sync + 'static,
    ) -> ClientBuilder {
        builder.on_responder::<R, _>(move |params, responder| {
            take(params, Later { answer: Box::new(move |response| responder.respond(response)) });
        })
    }

    fn send<'c, M: Request>(
        call: Call<'c, Client, M>,
    ) -> impl Future<Output = Result<M::Response, Error>> + Send + 'c
    where
        M::Response: Send + 'static,
    {
        call.into_future()
    }

    fn events(client: &Client, filter: Filter) -> Events {
        client.events(filter)
    }

    async fn next(events: &mut Events) -> Result<Next, TooLate> {
        tokio::time::timeout(PATIENCE, events.next()).await.map_err(|_| TooLate)
    }

    fn narrow(events: &mut Events, filter: Filter) {
        events.narrow(filter);
    }

    async fn shutdown(client: &Client) -> Option<ExitStatus> {
        client.shutdown().await
    }

    async fn wait_closed(client: &Client) -> Arc<Closed> {
        tokio::time::timeout(PATIENCE, client.wait_closed()).await.expect("the end in time")
    }

    fn go<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> oneshot::Receiver<T> {
        let (done, outcome) = oneshot::channel();
        // Whoever asked may have gone.
        tokio::spawn(async move { drop(done.send(future.await)) });
        outcome
    }

    fn run(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(2).enable_all().build().expect("a runtime").block_on(test);
    }
}

/// The client for threads.
pub struct Threads;

impl Side for Threads {
    type Client = blocking::Client;
    type Builder = blocking::ClientBuilder;
    type Events = blocking::Events;

    fn builder() -> blocking::ClientBuilder {
        blocking::Client::builder()
    }

    async fn spawn(builder: blocking::ClientBuilder, process: Process) -> Result<blocking::Client, Error> {
        builder.spawn(process)
    }

    async fn connect(builder: blocking::ClientBuilder, address: &Address) -> Result<blocking::Client, Error> {
        builder.connect(address)
    }

    fn unhandled(builder: blocking::ClientBuilder, unhandled: Unhandled) -> blocking::ClientBuilder {
        builder.unhandled(unhandled)
    }

    fn bearer_token(builder: blocking::ClientBuilder, token: &str) -> blocking::ClientBuilder {
        builder.bearer_token(token)
    }

    fn experimental(builder: blocking::ClientBuilder) -> blocking::ClientBuilder {
        builder.experimental_api(true)
    }

    fn on_command(
        builder: blocking::ClientBuilder,
        answer: impl Fn(<Command as Request>::Params) -> Answered<Command> + Send + Sync + 'static,
    ) -> blocking::ClientBuilder {
        builder.on_command_approval(move |params, _| answer(params))
    }

    fn on_file_change(
        builder: blocking::ClientBuilder,
        answer: impl Fn(<FileChange as Request>::Params) -> Answered<FileChange> + Send + Sync + 'static,
    ) -> blocking::ClientBuilder {
        builder.on_file_change_approval(move |params, _| answer(params))
    }

    fn on_later<R: Request<Params: Send, Response: Send> + 'static>(
        builder: blocking::ClientBuilder,
        take: impl Fn(R::Params, Later<R>) + Send + Sync + 'static,
    ) -> blocking::ClientBuilder {
        builder.on_responder::<R, _>(move |params, responder| {
            take(params, Later { answer: Box::new(move |response| responder.respond(response)) });
        })
    }

    fn send<'c, M: Request>(
        call: Call<'c, blocking::Client, M>,
    ) -> impl Future<Output = Result<M::Response, Error>> + Send + 'c
    where
        M::Response: Send + 'static,
    {
        ready(call.call())
    }

    fn events(client: &blocking::Client, filter: Filter) -> blocking::Events {
        client.events(filter)
    }

    async fn next(events: &mut blocking::Events) -> Result<Next, TooLate> {
        match events.next_timeout(PATIENCE) {
            Ok(Some(event)) => Ok(Some(Ok(event))),
            Ok(None) => Err(TooLate),
            // Where the iterator would say that there is no more.
            Err(Error::Closed(closed)) if closed.is_shutdown() => Ok(None),
            Err(error) => Ok(Some(Err(error))),
        }
    }

    fn narrow(events: &mut blocking::Events, filter: Filter) {
        events.narrow(filter);
    }

    async fn shutdown(client: &blocking::Client) -> Option<ExitStatus> {
        client.shutdown()
    }

    async fn wait_closed(client: &blocking::Client) -> Arc<Closed> {
        client.wait_closed()
    }

    fn go<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> oneshot::Receiver<T> {
        let (done, outcome) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // Whoever asked may have gone.
            drop(done.send(runtime.expect("a runtime").block_on(future)));
        });
        outcome
    }

    fn run(test: impl Future<Output = ()>) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().expect("a runtime").block_on(test);
    }
}

/// Makes a test of each function for each kind of client.
macro_rules! both {
    ($($name:ident),* $(,)?) => {
        mod tasks { $(
            #[test]
            fn $name() {
                <$crate::side::Tasks as $crate::side::Side>::run(super::$name::<$crate::side::Tasks>());
            }
        )* }
        mod threads { $(
            #[test]
            fn $name() {
                <$crate::side::Threads as $crate::side::Side>::run(super::$name::<$crate::side::Threads>());
            }
        )* }
    };
}
pub(crate) use both;

/// The requests that most tests answer.
pub type Command = method::ItemCommandExecutionRequestApproval;
/// See [`Command`].
pub type FileChange = method::ItemFileChangeRequestApproval;
