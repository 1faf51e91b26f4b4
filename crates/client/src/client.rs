//! The handle that tasks, or threads, share.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use codex_appserver_wire::{Endpoint, Request, Serialize, encode_params};

use crate::builder::ClientBuilder;
use crate::conn::{Handle, WeakHandle};
use crate::core::{Filter, Waits};
use crate::error::{Closed, Error};
use crate::events::Events;
use crate::pending_call::PendingCall;
use crate::runtime::Runtime;
use crate::server::ServerInfo;
use crate::settings::{EventSettings, RetryPolicy};
use crate::stats::Stats;
use crate::status::{Status, StatusChanges};

/// A connection to an app-server, cheap to clone and shared by any number of tasks or threads.
///
/// Every method of the protocol is a method of it by the trait [`Methods`](crate::Methods): awaited with tokio, sent by
/// `.call()` on threads. When the last clone is dropped the connection is closed, and a child process that does not end
/// at once is killed; `shutdown` is the polite way.
pub struct Client<R: Runtime> {
    pub(crate) handle: Handle,
    early_events: Arc<Mutex<Option<Events<R>>>>,
}

/// A client that does not keep the connection open, for handlers that outlive everything else.
pub struct WeakClient<R: Runtime> {
    handle: WeakHandle,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> Client<R> {
    /// Everything that can be set, and the ways to connect.
    pub fn builder() -> ClientBuilder<R> {
        ClientBuilder::default()
    }

    pub(crate) fn new(handle: Handle, early_events: Option<Events<R>>) -> Self {
        Self { handle, early_events: Arc::new(Mutex::new(early_events)) }
    }

    /// Sends a notification by its wire name.
    ///
    /// # Errors
    ///
    /// The params do not encode, or the connection is closed or takes no more.
    pub fn notify_raw(&self, method: &str, params: impl Serialize) -> Result<(), Error> {
        self.handle.link.notify(method, encode_params(&params)?.as_deref())
    }

    /// A handle whose calls may take this long, or forever.
    #[must_use]
    pub fn with_timeout(&self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { handle: self.handle.with_timeout(timeout.into()), ..self.clone() }
    }

    /// A handle whose calls are made again when the server is overloaded (code -32001), and only then.
    #[must_use]
    pub fn with_retry(&self, policy: RetryPolicy) -> Self {
        Self { handle: self.handle.with_retry(policy), ..self.clone() }
    }

    /// Begins a call by its marker type, with a subscription from before it is sent: for requests about which the server
    /// sends notifications until it answers. Narrow them down with [`EventSettings::methods`].
    ///
    /// The call has the deadline of this handle. It is not made again when the server is overloaded.
    ///
    /// # Errors
    ///
    /// The params do not encode, or the connection is closed or takes no more. How the call ends is told by what is
    /// returned.
    pub fn begin<M: Request>(
        &self,
        params: M::Params,
        filter: Filter,
        settings: EventSettings,
    ) -> Result<PendingCall<M, R>, Error> {
        let params = encode_params(&params)?;
        let events = self.handle.subscribe(filter, settings);
        let pending = self.handle.begin(Cow::Borrowed(M::METHOD), params.as_deref())?;
        Ok(PendingCall::new(pending, events))
    }

    /// Subscribes to events, from now on.
    pub fn events(&self, filter: Filter) -> Events<R> {
        self.events_with(filter, EventSettings::default())
    }

    /// Subscribes to events, with caps of one's own.
    pub fn events_with(&self, filter: Filter, settings: EventSettings) -> Events<R> {
        Events::new(self.handle.subscribe(filter, settings))
    }

    /// The events since before `initialize`, where the builder was told to keep them; once.
    pub fn early_events(&self) -> Option<Events<R>> {
        self.early_events.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What the server said about itself: the last one, if there was more than one connection.
    pub fn server(&self) -> Arc<ServerInfo> {
        self.handle.link.server()
    }

    /// Whether this client has asked the server for its experimental API.
    pub fn experimental_api(&self) -> bool {
        self.handle.link.settings().experimental_api
    }

    /// Whether the server has a request: `client.supports::<method::ThreadSearch>()`. `None` where the server's
    /// version is not known.
    ///
    /// See [`ServerInfo::supports`], which takes the wire name of any method.
    pub fn supports<M: Request>(&self) -> Option<bool> {
        Some(self.server().release()? >= M::SINCE)
    }

    /// What the connection has seen so far.
    pub fn stats(&self) -> Stats {
        self.handle.link.stats()
    }

    /// How long the server has waited for answers of this client about these threads, since then: for approvals, answers
    /// to questions, results of dynamic tools. A request counts from when it came until it was answered here or
    /// elsewhere, or was left to other clients. The latest 1024 requests of the connection are known.
    pub fn waits(&self, thread_ids: &[&str], since: Instant) -> Waits {
        self.handle.link.waits(thread_ids, since)
    }

    /// Hands the requests of the server that were left to other clients to the handlers again, if they are not resolved:
    /// for a handler that can answer now what it could not before. It happens soon, not at once.
    pub fn offer_left_requests(&self) {
        self.handle.link.offer_left();
    }

    /// How the connection stands.
    pub fn status(&self) -> Status {
        self.handle.link.status()
    }

    /// The number of the connection over which this client has started a turn, if it is supervised: an
    /// [`Event::Reconnected`](crate::Event::Reconnected) of this number, or of a lower one, says nothing about the turn. The
    /// latest 1024 turns are known.
    pub fn started_in(&self, turn_id: &str) -> Option<u64> {
        self.handle.link.started_in(turn_id)
    }

    /// Subscribes to changes of [`status`](Self::status), from now on.
    pub fn status_changes(&self) -> StatusChanges<R> {
        StatusChanges::new(self.handle.link.clone())
    }

    /// How the connection ended; none while it is open, or is being made again.
    pub fn closed(&self) -> Option<Arc<Closed>> {
        self.handle.link.closed()
    }

    /// A client that does not keep the connection open.
    pub fn downgrade(&self) -> WeakClient<R> {
        WeakClient { handle: self.handle.downgrade(), runtime: PhantomData }
    }
}

impl<R: Runtime> WeakClient<R> {
    /// The client, unless all others are gone. It has no early events.
    pub fn upgrade(&self) -> Option<Client<R>> {
        self.handle.upgrade().map(Client::from)
    }
}

impl<R: Runtime> From<Handle> for Client<R> {
    fn from(handle: Handle) -> Self {
        Self::new(handle, None)
    }
}

impl<R: Runtime> Endpoint for Client<R> {
    type Error = Error;
}

impl<R: Runtime> Clone for Client<R> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), early_events: self.early_events.clone() }
    }
}

impl<R: Runtime> Clone for WeakClient<R> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), runtime: PhantomData }
    }
}

impl<R: Runtime> std::fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("server", &*self.server()).finish_non_exhaustive()
    }
}

impl<R: Runtime> std::fmt::Debug for WeakClient<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeakClient").finish_non_exhaustive()
    }
}
