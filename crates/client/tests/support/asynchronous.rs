//! Tests with tasks.

use std::future::Future;
use std::process::ExitStatus;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use codex_appserver_client::wire::{Request, UnknownMethod};
use codex_appserver_client::{
    Closed, Error, Event, EventSettings, Filter, HandlerError, Process, RequestContext, RetryPolicy,
    RpcError, ServerInfo, ServerRequestHandler, Stats, Unhandled, VersionCheck,
};
use codex_appserver_enums::FileChangeApprovalDecision;
use codex_appserver_requests::{FileChangeRequestApprovalParams, FileChangeRequestApprovalResponse};

crate::adapt!(codex_appserver_client; .await);

/// On tokio.
pub struct Tasks;

#[cfg(unix)]
impl super::Kit for Tasks {
    type Client = codex_appserver_client::Client;
    type Builder = codex_appserver_client::ClientBuilder;

    fn builder() -> Self::Builder {
        Self::Client::builder()
    }

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
        builder: Self::Builder,
        scenario: super::Scenario,
    ) -> (super::ScriptedServer, Result<Self::Client, Error>) {
        let (server, stdout, stdin) = super::ScriptedServer::start_async(scenario).expect("it starts");
        (server, builder.attach(stdout, stdin).await)
    }
}

impl super::Listen for codex_appserver_client::Events {
    fn next(&mut self) -> impl Future<Output = Option<Result<Event, Error>>> + Send {
        Self::next(self)
    }

    fn narrow(&mut self, filter: Filter) {
        Self::narrow(self, filter);
    }

    fn skipped(&self) -> u64 {
        Self::skipped(self)
    }
}

fn answer<F: Future>(answer: F) -> F {
    answer
}

impl ServerRequestHandler for Fine {
    async fn item_file_change_request_approval(
        &self,
        params: FileChangeRequestApprovalParams,
    ) -> Result<FileChangeRequestApprovalResponse, HandlerError> {
        accept_if_fine(&params)
    }
}
