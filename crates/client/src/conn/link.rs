//! One connection as its handles and its driver share it: the core behind a lock.

mod ending;
mod supervised;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use codex_appserver_wire::{LineError, RpcError};
use tracing::Span;

use super::handlers::Handlers;
use super::incoming::Incoming;
use crate::core::Filter;
use crate::core::{
    Asked, CallTerms, Core, Item, NoMessage, Outcome, Output, QueueId, Ticket, Waits, Wakes, read,
};
use crate::error::Error;
use crate::server::ServerInfo;
use crate::settings::{EventSettings, Settings};
use crate::stats::Stats;

pub(crate) use ending::GRACE;
pub(crate) use supervised::StreamEnd;

/// How much is read at once.
pub(crate) const CHUNK: usize = 64 << 10;

/// More than this is given back after a burst of output.
pub(crate) const KEPT_BUFFER: usize = 1 << 20;

/// How long a stream may take to end after this side has closed it.
pub(crate) const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Writes a ping.
type Ping = Arc<dyn Fn() + Send + Sync>;

/// A connection.
pub(crate) struct Link {
    core: Mutex<Core>,
    /// What is logged about the connection stands in this span.
    span: Span,
    number: u64,
    /// All handles are gone.
    abandoned: AtomicBool,
    /// Something has come since the last look.
    heard: AtomicBool,
    /// The server has answered `initialize`.
    is_introduced: AtomicBool,
    /// How the transport asks for a sign of life, where it has a way of its own.
    ping: Mutex<Option<Ping>>,
    #[cfg(feature = "blocking")]
    waits: AtomicBool,
    settings: Settings,
    handlers: Mutex<Option<Arc<Handlers>>>,
    owner: OnceLock<Weak<Owner>>,
    server: Mutex<Arc<ServerInfo>>,
    /// Keeps a shared server from being stopped.
    #[cfg(all(unix, feature = "ws"))]
    guard: Mutex<Option<crate::supervision::Guard>>,
    /// Lets callers that wait read for themselves, where the stream can be polled.
    #[cfg(all(feature = "blocking", unix))]
    reading: Mutex<Option<Arc<crate::os_threads::Reading>>>,
}

/// Ends the connection at once when the last handle is gone.
pub(crate) struct Owner(pub(super) Arc<Link>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Link {
    pub(crate) fn new(settings: Settings, handlers: Handlers) -> Self {
        // Connections are told apart in the log by their number in this process.
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Self {
            core: Mutex::new(Core::new(&settings)),
            span: tracing::info_span!(parent: None, "connection", connection = number),
            number,
            abandoned: AtomicBool::new(false),
            heard: AtomicBool::new(false),
            is_introduced: AtomicBool::new(false),
            ping: Mutex::default(),
            #[cfg(feature = "blocking")]
            waits: AtomicBool::new(false),
            settings,
            handlers: Mutex::new(Some(Arc::new(handlers))),
            owner: OnceLock::new(),
            server: Mutex::default(),
            #[cfg(all(unix, feature = "ws"))]
            guard: Mutex::default(),
            #[cfg(all(feature = "blocking", unix))]
            reading: Mutex::default(),
        }
    }

    /// Says who reads the stream, when that begins.
    #[cfg(all(feature = "blocking", unix))]
    pub(crate) fn set_reading(&self, reading: Arc<crate::os_threads::Reading>) {
        *self.reading.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
    }

    #[cfg(all(feature = "blocking", unix))]
    pub(crate) fn reading(&self) -> Option<Arc<crate::os_threads::Reading>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The span of the connection, for its driver.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// The span of a call.
    pub(crate) fn call_span(&self, method: &str, id: i64) -> Span {
        tracing::debug_span!("call", connection = self.number, method, id)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Says who owns the connection; once, by whoever made it.
    pub(crate) fn set_owner(&self, owner: Weak<Owner>) {
        let _ = self.owner.set(owner);
    }

    /// What the server said about itself; known once `initialize` was answered.
    pub(crate) fn server(&self) -> Arc<ServerInfo> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says who the server is, when it has introduced itself.
    pub(crate) fn set_server(&self, server: ServerInfo) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(server);
        self.is_introduced.store(true, Ordering::Relaxed);
    }

    /// Begins a call and gives its id; see [`Core::begin`].
    pub(crate) fn begin(
        &self,
        method: Cow<'static, str>,
        params: Option<&str>,
        terms: CallTerms,
        now: Instant,
    ) -> Result<i64, Error> {
        self.with(|core, wakes| core.begin(method, params, terms, now, wakes))
    }

    pub(crate) fn poll_call(&self, id: i64, context: &Context<'_>) -> Poll<Outcome> {
        let (polled, stale) = {
            let mut core = self.lock();
            (core.poll_call(id, context.waker()), core.take_stale())
        };
        drop(stale);
        polled
    }

    /// See [`Core::give_up`].
    pub(crate) fn give_up(&self, id: i64) -> bool {
        self.with(|core, wakes| core.give_up(id, wakes))
    }

    /// Begins a call whose answer is dropped.
    pub(crate) fn begin_detached(
        &self,
        method: &'static str,
        params: Option<&str>,
        timeout: Duration,
    ) -> Result<(), Error> {
        self.with(|core, wakes| {
            let terms = CallTerms { timeout: Some(timeout), urgent: false };
            let id = core.begin(Cow::Borrowed(method), params, terms, Instant::now(), wakes)?;
            core.detach(id);
            Ok(())
        })
    }

    /// See [`Core::expire`].
    #[cfg(feature = "blocking")]
    pub(crate) fn expire(&self) {
        self.with(|core, wakes| core.expire(Instant::now(), wakes));
    }

    pub(crate) fn notify(&self, method: &str, params: Option<&str>) -> Result<(), Error> {
        self.with(|core, wakes| core.notify(method, params, wakes))
    }

    pub(crate) fn subscribe(&self, filter: &Filter, settings: EventSettings) -> QueueId {
        self.lock().subscribe(filter, settings)
    }

    /// See [`Core::poll_event`].
    pub(crate) fn poll_event(&self, id: QueueId, context: &Context<'_>) -> Poll<Option<Result<Item, Error>>> {
        let mut stale = None;
        let polled = self.lock().poll_event(id, context.waker(), &mut stale);
        drop(stale);
        polled
    }

    /// See [`Core::end_events`].
    pub(crate) fn end_events(&self, id: QueueId) {
        self.lock().end_events(id);
    }

    pub(crate) fn skipped(&self, id: QueueId) -> u64 {
        self.lock().skipped(id)
    }

    /// Takes in a line of the server. Whatever others may have a part in, such as logs, is done without the lock.
    pub(crate) fn receive(self: &Arc<Self>, line: Result<&str, &LineError>, wakes: &mut Wakes) {
        let asked = match read(line) {
            Ok((line, head)) => self.lock().receive(line, head, Instant::now, wakes),
            Err(NoMessage { line, why }) => {
                tracing::warn!(why, "the server sent a line that cannot be read");
                self.lock().receive_unreadable(line, why, wakes);
                None
            }
        };
        wake_all(wakes);
        if let Some(asked) = asked {
            self.dispatch(asked);
        }
    }

    /// Hands a request of the server to whoever handles it.
    fn dispatch(self: &Arc<Self>, asked: Asked) {
        let handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(handlers) = handlers {
            handlers.dispatch(Incoming::new(self.clone(), asked));
        }
    }

    /// Hands a request that was not claimed to the other handlers.
    pub(crate) fn dispatch_unclaimed(&self, incoming: Incoming) {
        let handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match handlers {
            Some(handlers) => handlers.dispatch_unclaimed(incoming),
            None => incoming.unhandled(),
        }
    }

    /// Who owns this connection, while anyone does.
    pub(crate) fn owner(&self) -> Option<Arc<Owner>> {
        self.owner.get()?.upgrade()
    }

    pub(crate) fn answer(&self, ticket: &Ticket, answer: &Result<String, RpcError>) -> bool {
        self.with(|core, wakes| core.answer(ticket, answer, Instant::now(), wakes))
    }

    pub(crate) fn leave(&self, asked: &Asked) {
        self.with(|core, wakes| core.leave(asked, Instant::now(), wakes));
    }

    /// See [`Core::offer_left`].
    pub(crate) fn offer_left(&self) {
        self.with(Core::offer_left);
    }

    /// Hands the requests on that were left, if that is wanted: on the driver, where handlers can be started.
    pub(crate) fn dispatch_offered(self: &Arc<Self>) {
        let offered = self.lock().take_offered(Instant::now());
        offered.into_iter().for_each(|asked| self.dispatch(asked));
    }

    /// How long requests about these threads were open, since then.
    pub(crate) fn waits(&self, threads: &[&str], since: Instant) -> Waits {
        self.lock().waits(threads, since, Instant::now())
    }

    pub(crate) fn is_open(&self, ticket: &Ticket) -> bool {
        self.lock().is_open(ticket)
    }

    pub(crate) fn poll_resolved(&self, ticket: &Ticket, context: &Context<'_>) -> Poll<()> {
        self.lock().poll_resolved(ticket, context.waker())
    }

    /// See [`Core::poll_output`].
    pub(crate) fn poll_output(&self, buffer: &mut Vec<u8>, context: &Context<'_>) -> Poll<Output> {
        self.lock().poll_output(buffer, context.waker())
    }

    /// Has the writer look whether its transport has something of its own to write.
    #[cfg(feature = "ws")]
    pub(crate) fn nudge_writer(&self) {
        self.with(Core::nudge_writer);
    }

    /// See [`Core::set_unended`].
    pub(crate) fn set_unended(&self, line: &[u8]) {
        self.lock().set_unended(line);
    }

    /// See [`Core::poll_clock`].
    #[cfg(feature = "async")]
    pub(crate) fn poll_clock(&self, now: Instant, context: &Context<'_>) -> Option<Instant> {
        self.with(|core, wakes| core.poll_clock(now, context.waker(), wakes))
    }

    pub(crate) fn unsubscribe(&self, filter: &Filter, id: QueueId) {
        let queue = self.lock().unsubscribe(filter, id);
        drop(queue);
    }

    pub(crate) fn narrow(&self, old: &Filter, new: &Filter, id: QueueId) {
        self.lock().narrow(old, new, id);
    }

    /// See [`Core::set_agent_methods`].
    pub(crate) fn set_agent_methods(&self, id: QueueId, methods: Option<&'static [&'static str]>) {
        self.lock().set_agent_methods(id, methods);
    }

    pub(crate) fn stats(&self) -> Stats {
        self.lock().stats()
    }

    /// Does something to the core, and wakes whom it concerns once the lock is free.
    fn with<T>(&self, act: impl FnOnce(&mut Core, &mut Wakes) -> T) -> T {
        let mut wakes = Wakes::new();
        let (result, stale) = {
            let mut core = self.lock();
            (act(&mut core, &mut wakes), core.take_stale())
        };
        drop(stale);
        wake_all(&mut wakes);
        result
    }

    /// The core is plain state, changed by code that does not panic half way.
    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake_all(wakes: &mut Wakes) {
    for waker in wakes.drain(..) {
        waker.wake();
    }
}
