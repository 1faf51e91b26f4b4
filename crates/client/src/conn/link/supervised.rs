//! What a supervisor does with a connection: it waits for the loss of the stream, and begins, introduces and opens the
//! next one.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use super::Link;
use crate::conn::Pending;
use crate::core::{CallTerms, Core};
use crate::error::{CloseReason, Closed, Error};
use crate::settings::Timeout;
use crate::status::{ConnectionState, Status};

/// What a supervisor waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamEnd {
    /// The connection is lost.
    Lost,
    /// The connection has ended, or is to end: there is nothing left to supervise.
    Over,
}

impl Link {
    /// See [`Core::supervise`].
    pub(crate) fn supervise(&self) -> Result<(), Error> {
        self.lock().supervise().map_err(Error::Closed)
    }

    #[cfg(feature = "blocking")]
    pub(crate) fn is_supervised(&self) -> bool {
        self.lock().is_supervised()
    }

    /// Says which process the server is.
    pub(crate) fn set_pid(&self, pid: Option<u32>) {
        self.lock().set_pid(pid);
    }

    /// The key of one who waits for a change of the connection; to be given back to [`unwatch`](Self::unwatch).
    pub(crate) fn new_watcher(&self) -> u64 {
        self.lock().new_watcher()
    }

    pub(crate) fn unwatch(&self, watcher: u64) {
        // Dropped after the lock: it may be the last of its task.
        let waker = self.lock().unwatch(watcher);
        drop(waker);
    }

    /// Ready once there is no connection.
    pub(crate) fn poll_stream_end(&self, watcher: u64, context: &Context<'_>) -> Poll<StreamEnd> {
        let mut core = self.lock();
        if core.is_lost() {
            return Poll::Ready(StreamEnd::Lost);
        }
        if core.closed().is_some() {
            return Poll::Ready(StreamEnd::Over);
        }
        core.watch(watcher, context.waker());
        Poll::Pending
    }

    /// See [`Core::begin_connection`].
    pub(crate) fn begin_connection(&self, pid: Option<u32>) -> bool {
        self.is_introduced.store(false, Ordering::Relaxed);
        self.with(|core, wakes| core.begin_connection(pid, wakes))
    }

    /// Begins a call that goes out before all others, also while the connection is being restored. The first one over a
    /// connection has to be the one that introduces the client.
    pub(crate) fn begin_urgent(
        self: &Arc<Self>,
        method: &'static str,
        params: Option<&str>,
    ) -> Result<Pending, Error> {
        let timeout = self.settings().timeout(method, Timeout::Default);
        let now = Instant::now();
        let id = self.begin(Cow::Borrowed(method), params, CallTerms { timeout, urgent: true }, now)?;
        let deadline = timeout.and_then(|timeout| now.checked_add(timeout));
        Ok(Pending::new(self.clone(), id, Cow::Borrowed(method), deadline))
    }

    /// See [`Core::notify_urgently`].
    pub(crate) fn notify_urgently(&self, method: &str) {
        self.with(|core, wakes| core.notify_urgently(method, wakes));
    }

    /// See [`Core::open`].
    pub(crate) fn open(&self) {
        self.with(Core::open);
    }

    /// Has the driver end the stream.
    pub(crate) fn break_off(&self, why: &'static str) {
        self.with(|core, wakes| {
            if !core.is_lost() {
                core.fail(why, wakes);
            }
        });
    }

    /// An attempt to make another connection has failed.
    pub(crate) fn note_failure(&self, error: Error) {
        tracing::warn!(%error, "failed to connect again");
        self.with(|core, wakes| core.note_failure(Arc::new(error), wakes));
    }

    /// No other connection is made: this is the end.
    pub(crate) fn end_supervision(&self, attempts: u32) {
        let loss = self.lock().loss().cloned();
        let Some(loss) = loss else { return };
        let Closed { reason, status, stderr, .. } = (*loss.closed).clone();
        let reason = CloseReason::GaveUp { attempts, failure: loss.failure, lost: Box::new(reason) };
        self.close(reason, status, stderr);
    }

    /// Keeps a shared server from being stopped, instead of what did so before.
    #[cfg(all(unix, feature = "ws"))]
    pub(crate) fn set_guard(&self, guard: Option<crate::supervision::Guard>) {
        let mut kept = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *kept, guard);
        drop(kept);
        drop(old);
    }

    /// Forgets what belongs to a stream that has ended.
    pub(super) fn forget_stream(&self) {
        *self.ping.lock().unwrap_or_else(PoisonError::into_inner) = None;
        #[cfg(all(feature = "blocking", unix))]
        {
            let reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(reading);
        }
    }

    /// See [`Core::started_in`].
    pub(crate) fn started_in(&self, turn_id: &str) -> Option<u64> {
        self.lock().started_in(turn_id)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.lock().generation()
    }

    /// How the connection stands.
    pub(crate) fn status(&self) -> Status {
        let version = self.server().version.clone();
        status(&self.lock(), version)
    }

    /// A new watcher of the status, and how often that has changed so far.
    pub(crate) fn new_status_watcher(&self) -> (u64, u64) {
        let mut core = self.lock();
        (core.new_watcher(), core.changes())
    }

    /// The status, once it has changed since it was `seen`.
    pub(crate) fn poll_status(&self, watcher: u64, seen: &mut u64, context: &Context<'_>) -> Poll<Status> {
        let version = self.server().version.clone();
        let mut core = self.lock();
        if core.changes() == *seen {
            core.watch(watcher, context.waker());
            return Poll::Pending;
        }
        *seen = core.changes();
        Poll::Ready(status(&core, version))
    }
}

fn status(core: &Core, server_version: Option<String>) -> Status {
    let connection = match (core.closed(), core.loss()) {
        (Some(closed), _) => ConnectionState::Closed(closed),
        (None, Some(loss)) => ConnectionState::Reconnecting {
            since: loss.since,
            closed: loss.closed.clone(),
            failures: loss.failures,
            failure: loss.failure.clone(),
        },
        (None, None) => ConnectionState::Connected,
    };
    Status { connection, generation: core.generation(), server_version, pid: core.pid() }
}
