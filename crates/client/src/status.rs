//! How a connection stands, and a subscription to changes of that.

use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::conn::Link;
use crate::error::{Closed, Error};
use crate::runtime::Runtime;

/// How a connection stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// Whether there is a connection.
    pub connection: ConnectionState,
    /// How many connections there were, this one included: 1 until the first one is lost.
    pub generation: u64,
    /// The version of the server that was connected to last, where it says that.
    pub server_version: Option<String>,
    /// The number of the server's process: of a child process, or of a shared server. None elsewhere, and while there is no
    /// connection.
    pub pid: Option<u32>,
}

/// Whether there is a connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectionState {
    /// There is one.
    Connected,
    /// There is none; the client is supervised and makes another one.
    Reconnecting {
        /// When the last one was lost.
        since: Instant,
        /// How it ended.
        closed: Arc<Closed>,
        /// How often it was tried in vain since then.
        failures: u32,
        /// Why the last attempt failed.
        failure: Option<Arc<Error>>,
    },
    /// There is none, and none follows.
    Closed(Arc<Closed>),
}

impl Status {
    /// Whether there is a connection.
    pub fn is_connected(&self) -> bool {
        matches!(self.connection, ConnectionState::Connected)
    }

    /// Whether there is no connection and another one is being made.
    pub fn is_reconnecting(&self) -> bool {
        matches!(self.connection, ConnectionState::Reconnecting { .. })
    }
}

/// The changes of a [`Status`], from when this was made: a `Stream` with tokio, an iterator that blocks on threads.
///
/// Each item is the status of now, so a reader that is slow gets the last one of several changes. The end of the connection
/// is the last item. This does not keep the connection open.
pub struct StatusChanges<R: Runtime> {
    pub(crate) link: Arc<Link>,
    watcher: u64,
    seen: u64,
    is_over: bool,
    runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> StatusChanges<R> {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        let (watcher, seen) = link.new_status_watcher();
        Self { link, watcher, seen, is_over: false, runtime: PhantomData }
    }

    pub(crate) fn poll_next(&mut self, context: &Context<'_>) -> Poll<Option<Status>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.link.poll_status(self.watcher, &mut self.seen, context).map(|status| {
            self.is_over = matches!(status.connection, ConnectionState::Closed(_));
            Some(status)
        })
    }
}

impl<R: Runtime> Drop for StatusChanges<R> {
    fn drop(&mut self) {
        self.link.unwatch(self.watcher);
    }
}

impl<R: Runtime> std::fmt::Debug for StatusChanges<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusChanges").finish_non_exhaustive()
    }
}
