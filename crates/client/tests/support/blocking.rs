//! Tests with threads.

use std::future::{Future, ready};
use std::process::ExitStatus;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use codex_appserver_client::blocking;
use codex_appserver_client::wire::{Request, UnknownMethod};
use codex_appserver_client::{
    BlockingServerRequestHandler, Closed, Error, Event, EventSettings, Filter, HandlerError, Process,
    RequestContext, RetryPolicy, RpcError, ServerInfo, Stats, Unhandled, VersionCheck,
};
use codex_appserver_enums::FileChangeApprovalDecision;
use codex_appserver_requests::{FileChangeRequestApprovalParams, FileChangeRequestApprovalResponse};

crate::adapt!(blocking;);

/// On threads of the system.
pub struct Threads;

impl super::Kit for Threads {
    type Client = blocking::Client;
    type Builder = blocking::ClientBuilder;

    fn builder() -> Self::Builder {
        Self::Client::builder()
    }

    fn run(body: impl Future<Output = ()>) {
        super::block_on(body);
    }

    fn spawn<T: Send + 'static>(
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send {
        let thread = std::thread::spawn(move || super::block_on(work));
        async { thread.join().expect("no panic") }
    }

    async fn try_attach(
        builder: Self::Builder,
        scenario: super::Scenario,
    ) -> (super::ScriptedServer, Result<Self::Client, Error>) {
        let (server, stdout, stdin) = super::ScriptedServer::start(scenario).expect("it starts");
        (server, builder.attach(stdout, stdin))
    }
}

impl super::Listen for blocking::Events {
    fn next(&mut self) -> impl Future<Output = Option<Result<Event, Error>>> + Send {
        ready(Iterator::next(self))
    }

    fn narrow(&mut self, filter: Filter) {
        Self::narrow(self, filter);
    }

    fn skipped(&self) -> u64 {
        Self::skipped(self)
    }
}

fn answer<T>(answer: impl Future<Output = T>) -> T {
    super::block_on(answer)
}

impl BlockingServerRequestHandler for Fine {
    fn item_file_change_request_approval(
        &self,
        params: FileChangeRequestApprovalParams,
    ) -> Result<FileChangeRequestApprovalResponse, HandlerError> {
        accept_if_fine(&params)
    }
}
