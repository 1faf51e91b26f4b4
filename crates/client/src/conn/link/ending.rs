//! How a connection ends: because that is wanted, because all handles are gone, or because the server is silent.

use std::io;
use std::process::ExitStatus;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::Link;
use crate::core::{Core, DRIVER, Listener, Silence};
use crate::error::{CloseReason, Closed};

/// How long the other half of a broken connection may take to find out.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// How long a process may take to end with its input once all handles are gone. It needs a few hundredths of a
/// second to end what it has started itself, which a kill at once would leave behind.
const LAST_GRACE: Duration = Duration::from_millis(250);

impl Link {
    /// Has whoever drops the last handle wait for the end of the child process: the threads that see to it end
    /// with the program.
    #[cfg(feature = "blocking")]
    pub(crate) fn wait_when_abandoned(&self) {
        self.waits.store(true, Ordering::Release);
    }

    /// All handles are gone: how the connection ends does not matter any more.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.stop();
        #[cfg(feature = "blocking")]
        if self.waits.load(Ordering::Acquire) {
            let mut watch = crate::conn::Watch::new(self);
            let deadline = Instant::now().checked_add(GRACE);
            let _ = crate::os_threads::block_until(deadline, |context| watch.poll(context));
        }
    }

    /// Whether all handles are gone, so that how the connection ends does not matter any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    /// Ready once all handles are gone.
    pub(crate) fn poll_abandoned(&self, context: &Context<'_>) -> Poll<()> {
        self.lock().watch(DRIVER, context.waker());
        if self.is_abandoned() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// See [`Core::stop`]. Where there is no connection, this is the end.
    pub(crate) fn stop(&self) {
        let was_lost = self.with(|core, wakes| {
            let was_lost = core.is_lost();
            core.stop(wakes);
            was_lost
        });
        if was_lost {
            self.close(CloseReason::Shutdown, None, Vec::new());
        }
    }

    /// See [`Core::hang_up`].
    #[cfg(feature = "blocking")]
    pub(crate) fn hang_up(&self) {
        self.with(Core::hang_up);
    }

    /// The stream of the connection has ended like this. That is the end of the connection, unless another one is to follow.
    pub(crate) fn end_stream(&self, reason: CloseReason, status: Option<ExitStatus>, stderr: Vec<String>) {
        // Before the supervisor can make another one.
        self.forget_stream();
        let lost = self.with(|core, wakes| {
            if !core.is_supervised() {
                return false;
            }
            let unreadable = core.unreadable_lines();
            let closed = Closed { reason: reason.clone(), status, stderr: stderr.clone(), unreadable };
            core.lose(&Arc::new(closed), Instant::now(), wakes);
            true
        });
        if !lost {
            self.close(reason, status, stderr);
        }
    }

    /// See [`Core::close`]. The handlers go as well: they may hold on to the connection.
    pub(crate) fn close(&self, reason: CloseReason, status: Option<ExitStatus>, stderr: Vec<String>) {
        self.with(|core, wakes| {
            let unreadable = core.unreadable_lines();
            core.close(&Arc::new(Closed { reason, status, stderr, unreadable }), wakes);
        });
        let handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(handlers);
        #[cfg(all(unix, feature = "ws"))]
        self.set_guard(None);
    }

    pub(crate) fn closed(&self) -> Option<Arc<Closed>> {
        self.lock().closed()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.lock().is_stopping()
    }

    /// Ready once the connection is to end: because that is wanted, or because of this error.
    pub(crate) fn poll_stopping(&self, context: &Context<'_>) -> Poll<Result<(), io::Error>> {
        let mut core = self.lock();
        if core.is_stopping() {
            return Poll::Ready(Ok(()));
        }
        if let Some(failure) = core.failure() {
            return Poll::Ready(Err(io::Error::other(failure)));
        }
        core.watch(DRIVER, context.waker());
        Poll::Pending
    }

    /// Wakes those who wait for a change of the connection itself, to look at what their driver sees.
    #[cfg(feature = "blocking")]
    pub(crate) fn wake_watchers(&self) {
        self.with(Core::wake_watchers);
    }

    /// How long a process may take to end by itself.
    pub(crate) fn grace(&self) -> Duration {
        if self.is_abandoned() { LAST_GRACE } else { GRACE }
    }

    /// Bytes have come, whatever they mean.
    pub(crate) fn on_bytes(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Says how the transport asks for a sign of life, when it begins.
    #[cfg(feature = "ws")]
    pub(crate) fn set_ping(&self, ping: impl Fn() + Send + Sync + 'static) {
        *self.ping.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(ping));
    }

    /// Looks whether the server is still there, and asks it for a sign of life. Tells for how long nothing was heard
    /// once that is too long.
    pub(crate) fn listen(&self, listener: &mut Listener, now: Instant) -> Option<Duration> {
        let heard = self.heard.swap(false, Ordering::Relaxed);
        // A server that has not answered `initialize` has a deadline of its own.
        let is_awaited = self.is_introduced.load(Ordering::Relaxed) && self.lock().is_awaited();
        match listener.look(heard, is_awaited, now) {
            Silence::Short => None,
            Silence::Gone(silence) => Some(silence),
            Silence::Probe => {
                let ping = self.ping.lock().unwrap_or_else(PoisonError::into_inner).clone();
                match ping {
                    Some(ping) => {
                        ping();
                        self.with(Core::nudge_writer);
                    }
                    None => self.with(Core::probe),
                }
                None
            }
        }
    }
}
