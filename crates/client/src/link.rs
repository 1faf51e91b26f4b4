//! One connection as its handles and its driver share it: the core behind a lock, and ways to wait on it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use codex_appserver_wire::{LineBuffer, LineError, RpcError, decode};
use serde::de::DeserializeOwned;

use crate::core::{Asked, Core, Failure, Output, Queue, Ticket, Wakes, scan};
use crate::error::{Closed, Error};
use crate::event::Filter;
use crate::requests::{Handlers, Incoming};
use crate::server::ServerInfo;
use crate::settings::{CallOptions, EventSettings, RetryPolicy, Settings, Timeout};
use crate::stats::Stats;
use crate::subscription::Subscription;

/// How much is read at once.
pub(crate) const CHUNK: usize = 64 << 10;

/// More than this is given back after a burst of output.
pub(crate) const KEPT_BUFFER: usize = 1 << 20;

/// How long the other half of a broken connection may take to find out.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// How long a stream may take to end after this side has closed it.
pub(crate) const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// A connection.
pub(crate) struct Link {
    core: Mutex<Core>,
    /// All handles are gone.
    abandoned: AtomicBool,
    settings: Settings,
    handlers: Mutex<Option<Arc<Handlers>>>,
    owner: OnceLock<Weak<Owner>>,
    server: OnceLock<ServerInfo>,
}

/// Ends the connection at once when the last handle is gone.
pub(crate) struct Owner(Arc<Link>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.abandoned.store(true, Ordering::Release);
        self.0.stop();
    }
}

/// What both kinds of clients are made of.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) link: Arc<Link>,
    owner: Arc<Owner>,
    options: CallOptions,
}

impl Handle {
    pub(crate) fn new(settings: Settings, handlers: Handlers) -> Self {
        let link = Arc::new(Link {
            core: Mutex::new(Core::new(&settings)),
            abandoned: AtomicBool::new(false),
            settings,
            handlers: Mutex::new(Some(Arc::new(handlers))),
            owner: OnceLock::new(),
            server: OnceLock::new(),
        });
        let owner = Arc::new(Owner(link.clone()));
        // The cell is new, so it is empty.
        let _ = link.owner.set(Arc::downgrade(&owner));
        Self { link, owner, options: CallOptions::default() }
    }

    pub(crate) fn with_timeout(&self, timeout: Option<Duration>) -> Self {
        let options = CallOptions { timeout: Timeout::Is(timeout), ..self.options };
        Self { options, ..self.clone() }
    }

    pub(crate) fn with_retry(&self, policy: RetryPolicy) -> Self {
        Self { options: CallOptions { retry: Some(policy), ..self.options }, ..self.clone() }
    }

    /// How long to wait before a call is made again; none where it is not.
    pub(crate) fn retry_delay(&self, error: &Error, attempts: u32) -> Option<Duration> {
        self.options.retry.filter(|_| error.is_retryable())?.delay_after(attempts)
    }

    /// Begins a call.
    pub(crate) fn begin(&self, method: Cow<'static, str>, params: Option<&str>) -> Result<Pending, Error> {
        let timeout = self.link.settings.timeout(&method, self.options.timeout);
        let now = Instant::now();
        let id = self.link.with(|core, wakes| core.begin(method.clone(), params, timeout, now, wakes))?;
        Ok(Pending {
            link: self.link.clone(),
            id,
            method,
            #[cfg(feature = "blocking")]
            deadline: timeout.and_then(|timeout| now.checked_add(timeout)),
            over: false,
        })
    }

    pub(crate) fn notify(&self, method: &str, params: Option<&str>) -> Result<(), Error> {
        self.link.with(|core, wakes| core.notify(method, params, wakes))
    }

    pub(crate) fn subscribe(&self, filter: Filter, settings: EventSettings) -> Subscription {
        let queue = Arc::new(Queue::new(settings));
        self.link.lock().subscribe(&filter, queue.clone());
        Subscription::new(self.link.clone(), filter, queue)
    }

    /// What the server said about itself; known once `initialize` was answered.
    pub(crate) fn server(&self) -> &ServerInfo {
        self.link.server.get_or_init(ServerInfo::default)
    }

    pub(crate) fn set_server(&self, server: ServerInfo) {
        // Set once, by the one who connects, before anyone else has the handle.
        let _ = self.link.server.set(server);
    }

    /// A handle that does not keep the connection open.
    pub(crate) fn downgrade(&self) -> WeakHandle {
        WeakHandle { owner: Arc::downgrade(&self.owner), options: self.options }
    }
}

/// A handle that does not keep the connection open.
#[derive(Clone)]
pub(crate) struct WeakHandle {
    owner: Weak<Owner>,
    options: CallOptions,
}

impl WeakHandle {
    pub(crate) fn upgrade(&self) -> Option<Handle> {
        let owner = self.owner.upgrade()?;
        Some(Handle { link: owner.0.clone(), owner, options: self.options })
    }
}

impl Link {
    /// Takes in a line of the server.
    pub(crate) fn receive(self: &Arc<Self>, line: Result<&str, &LineError>, wakes: &mut Wakes) {
        let asked = match line {
            Ok(line) => match scan(line) {
                Ok(head) => self.lock().receive(line, head, wakes),
                Err(error) => {
                    self.lock().receive_broken(line, &error, wakes);
                    None
                }
            },
            Err(error) => {
                self.lock().receive_refused(error, wakes);
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

    /// A handle to this connection, while there is any.
    pub(crate) fn handle(&self) -> Option<Handle> {
        let owner = self.owner.get()?.upgrade()?;
        Some(Handle { link: owner.0.clone(), owner, options: CallOptions::default() })
    }

    pub(crate) fn answer(&self, ticket: &Ticket, answer: &Result<String, RpcError>) -> bool {
        self.with(|core, wakes| core.answer(ticket, answer, wakes))
    }

    pub(crate) fn leave(&self, ticket: &Ticket) {
        self.with(|core, wakes| core.leave(ticket, wakes));
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

    /// See [`Core::poll_clock`].
    #[cfg(feature = "async")]
    pub(crate) fn poll_clock(&self, context: &Context<'_>) -> Option<Instant> {
        self.with(|core, wakes| core.poll_clock(Instant::now(), context.waker(), wakes))
    }

    pub(crate) fn unsubscribe(&self, filter: &Filter, queue: &Arc<Queue>) {
        self.lock().unsubscribe(filter, queue);
    }

    pub(crate) fn narrow(&self, old: &Filter, new: &Filter, queue: &Arc<Queue>) {
        self.lock().narrow(old, new, queue);
    }

    /// See [`Core::stop`].
    pub(crate) fn stop(&self) {
        self.with(Core::stop);
    }

    /// See [`Core::close`]. The handlers go as well: they may hold on to the connection.
    pub(crate) fn close(&self, closed: Closed) {
        self.with(|core, wakes| core.close(&Arc::new(closed), wakes));
        let handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(handlers);
    }

    pub(crate) fn closed(&self) -> Option<Arc<Closed>> {
        self.lock().closed()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.lock().is_stopping()
    }

    /// Ready once the connection is closed.
    pub(crate) fn poll_closed(&self, context: &Context<'_>) -> Poll<Arc<Closed>> {
        let mut core = self.lock();
        match core.closed() {
            Some(closed) => Poll::Ready(closed),
            None => {
                core.watch(context.waker());
                Poll::Pending
            }
        }
    }

    /// Whether all handles are gone, so that nobody minds how the connection ends.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Ready once the connection is to end, or has ended.
    pub(crate) fn poll_stopping(&self, context: &Context<'_>) -> Poll<()> {
        let mut core = self.lock();
        if core.is_stopping() {
            return Poll::Ready(());
        }
        core.watch(context.waker());
        Poll::Pending
    }

    /// Wakes those who wait for a change of the connection itself, to look at what their driver sees.
    #[cfg(feature = "blocking")]
    pub(crate) fn wake_watchers(&self) {
        self.with(Core::wake_watchers);
    }

    /// Ready once all handles are gone.
    pub(crate) fn poll_abandoned(&self, context: &Context<'_>) -> Poll<()> {
        self.lock().watch(context.waker());
        if self.is_abandoned() { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.lock().stats()
    }

    /// Does something to the core, and wakes whom it concerns once the lock is free.
    fn with<T>(&self, act: impl FnOnce(&mut Core, &mut Wakes) -> T) -> T {
        let mut wakes = Wakes::new();
        let result = act(&mut self.lock(), &mut wakes);
        wake_all(&mut wakes);
        result
    }

    /// The core is plain state, changed by code that does not panic half way.
    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake_all(wakes: &mut Wakes) {
    for waker in wakes.drain(..) {
        waker.wake();
    }
}

/// A call that is under way; dropping it gives it up.
pub(crate) struct Pending {
    link: Arc<Link>,
    id: i64,
    method: Cow<'static, str>,
    #[cfg(feature = "blocking")]
    deadline: Option<Instant>,
    over: bool,
}

impl Pending {
    /// The JSON text of the `result`.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Result<String, Failure>> {
        let polled = self.link.lock().poll_call(self.id, context.waker());
        self.over = polled.is_ready();
        polled
    }

    /// Waits on this thread, which minds the deadline itself.
    #[cfg(feature = "blocking")]
    pub(crate) fn wait(&mut self) -> Result<String, Failure> {
        let deadline = self.deadline;
        if let Poll::Ready(outcome) = crate::wait::block_until(deadline, |context| self.poll(context)) {
            return outcome;
        }
        self.link.with(|core, wakes| core.expire(Instant::now(), wakes));
        crate::wait::block_on(|context| self.poll(context))
    }

    /// The error that stands for a failure of this call, the so-manieth attempt.
    pub(crate) fn error(&self, failure: Failure, attempts: u32) -> Error {
        let method = &*self.method;
        match failure {
            Failure::Rpc(error) => Error::answered(method, error, attempts),
            Failure::Unreadable(error) => Error::Decode(error.with_method(method)),
            Failure::TimedOut(after) => Error::TimedOut { method: method.to_owned(), after },
            Failure::Cancelled => Error::Cancelled { method: method.to_owned() },
            Failure::Closed => match self.link.closed() {
                Some(closed) => Error::Closed(closed),
                None => Error::Cancelled { method: method.to_owned() },
            },
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.over {
            self.link.with(|core, wakes| core.give_up(self.id, wakes));
        }
    }
}

/// Makes lines of what is read, and hands them to the link.
pub(crate) struct LineReader {
    link: Arc<Link>,
    lines: LineBuffer,
    wakes: Wakes,
}

impl LineReader {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        let lines = LineBuffer::new(link.settings.line_limit);
        Self { link, lines, wakes: Wakes::new() }
    }

    /// Takes in what was read.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.lines.push(chunk);
        while let Some(line) = self.lines.next_line() {
            self.link.receive(line.as_ref().map(|line| *line), &mut self.wakes);
        }
    }

    /// The stream is over: half a line may be left.
    pub(crate) fn finish(mut self) {
        if let Some(line) = self.lines.finish() {
            self.link.receive(line.as_ref().map(|line| *line), &mut self.wakes);
        }
    }
}

/// Decodes a result; an error carries its text.
pub(crate) fn decoded<T: DeserializeOwned>(method: &str, result: String) -> Result<T, Error> {
    let decoded = decode(&result);
    decoded.map_err(|error| error.within("result").with_method(method).with_raw(result).into())
}
