//! The handle that tasks share.

use std::borrow::Cow;
use std::future::poll_fn;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_appserver_wire::{Endpoint, Request, Serialize, Transport, encode_params};
use serde_json::Value;

use super::{ClientBuilder, Events};
use crate::error::{Closed, Error};
use crate::event::Filter;
use crate::link::{Handle, WeakHandle, decoded};
use crate::server::ServerInfo;
use crate::settings::{EventSettings, RetryPolicy};
use crate::stats::Stats;

/// A connection to an app-server, cheap to clone and shared by any number of tasks.
///
/// Every method of the protocol is a method of it by the trait [`Methods`](crate::Methods). When the last
/// clone is dropped the connection is closed, and a child process killed; [`shutdown`](Self::shutdown) is the
/// polite way.
#[derive(Clone)]
pub struct Client {
    handle: Handle,
    early_events: Arc<Mutex<Option<Events>>>,
}

/// A client that does not keep the connection open, for handlers that outlive everything else.
#[derive(Clone)]
pub struct WeakClient(WeakHandle);

impl Client {
    /// Everything that can be set, and the ways to connect.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    pub(super) fn new(handle: Handle, early_events: Option<Events>) -> Self {
        Self { handle, early_events: Arc::new(Mutex::new(early_events)) }
    }

    /// Calls a method by its marker type.
    ///
    /// # Errors
    ///
    /// What [`Error`] says of calls.
    pub async fn request<R: Request>(&self, params: R::Params) -> Result<R::Response, Error> {
        let params = encode_params(&params)?;
        decoded(R::METHOD, self.call(Cow::Borrowed(R::METHOD), params).await?)
    }

    /// Calls a method by its wire name, for what the bindings do not know.
    ///
    /// # Errors
    ///
    /// What [`Error`] says of calls.
    pub async fn request_raw(&self, method: &str, params: impl Serialize) -> Result<Value, Error> {
        let params = encode_params(&params)?;
        decoded(method, self.call(Cow::Owned(method.to_owned()), params).await?)
    }

    /// Sends a notification by its wire name.
    ///
    /// # Errors
    ///
    /// What cannot be sent.
    pub fn notify_raw(&self, method: &str, params: impl Serialize) -> Result<(), Error> {
        self.handle.notify(method, encode_params(&params)?.as_deref())
    }

    /// A handle whose calls may take this long, or for ever.
    #[must_use]
    pub fn with_timeout(&self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { handle: self.handle.with_timeout(timeout.into()), ..self.clone() }
    }

    /// A handle whose calls are made again when the server is overloaded (code -32001), and only then.
    #[must_use]
    pub fn with_retry(&self, policy: RetryPolicy) -> Self {
        Self { handle: self.handle.with_retry(policy), ..self.clone() }
    }

    /// Subscribes to events, from now on.
    pub fn events(&self, filter: Filter) -> Events {
        self.events_with(filter, EventSettings::default())
    }

    /// Subscribes to events, with caps of one's own.
    pub fn events_with(&self, filter: Filter, settings: EventSettings) -> Events {
        Events::new(self.handle.subscribe(filter, settings))
    }

    /// The events since before `initialize`, where the builder was told to keep them; once.
    pub fn early_events(&self) -> Option<Events> {
        self.early_events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What the server said about itself.
    pub fn server(&self) -> &ServerInfo {
        self.handle.server()
    }

    /// What the connection has seen so far.
    pub fn stats(&self) -> Stats {
        self.handle.link.stats()
    }

    /// How the connection ended; none while it is open.
    pub fn closed(&self) -> Option<Arc<Closed>> {
        self.handle.link.closed()
    }

    /// Waits for the end of the connection.
    pub async fn wait_closed(&self) -> Arc<Closed> {
        poll_fn(|context| self.handle.link.poll_closed(context)).await
    }

    /// Ends the connection for all clones: calls that wait are cancelled, what is written goes out, and the
    /// stream is closed. A child process is waited for, then told to terminate, then killed; see
    /// [`Process::patience`](crate::Process::patience). Yields how it ended.
    ///
    /// The server ends running turns at once when its input closes; interrupt them first, or wait.
    pub async fn shutdown(&self) -> Option<ExitStatus> {
        self.handle.link.stop();
        self.wait_closed().await.status
    }

    /// A client that does not keep the connection open.
    pub fn downgrade(&self) -> WeakClient {
        WeakClient(self.handle.downgrade())
    }

    async fn call(&self, method: Cow<'static, str>, params: Option<String>) -> Result<String, Error> {
        let mut attempts = 1;
        loop {
            let mut pending = self.handle.begin(method.clone(), params.as_deref())?;
            let failure = match poll_fn(|context| pending.poll(context)).await {
                Ok(result) => return Ok(result),
                Err(failure) => pending.error(failure, attempts),
            };
            let Some(delay) = self.handle.retry_delay(&failure, attempts) else { return Err(failure) };
            tokio::time::sleep(delay).await;
            attempts += 1;
        }
    }
}

impl WeakClient {
    /// The client, unless all others are gone.
    pub fn upgrade(&self) -> Option<Client> {
        self.0.upgrade().map(Client::from)
    }
}

impl From<Handle> for Client {
    fn from(handle: Handle) -> Self {
        Self::new(handle, None)
    }
}

impl Endpoint for Client {
    type Error = Error;
}

impl Transport for Client {
    async fn send(&self, method: &'static str, params: Option<String>) -> Result<String, Error> {
        self.call(Cow::Borrowed(method), params).await
    }

    async fn notify(&self, method: &'static str, params: Option<String>) -> Result<(), Error> {
        self.handle.notify(method, params.as_deref())
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("server", self.server()).finish_non_exhaustive()
    }
}
