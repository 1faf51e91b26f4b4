//! The client for threads: the same names and shapes, every wait blocks the calling thread.
//!
//! A connection has a thread that reads, one that writes, one that waits for its end and, with a child process, one
//! for its standard error; and one for each request of the server that a handler is at work on.

use crate::generic;
use crate::os_threads::OsThreads;
use crate::requests::{RequestContext, RequestResponder};

/// A connection to an app-server, cheap to clone and shared by any number of threads; see [`generic::Client`].
pub type Client = generic::Client<OsThreads>;

/// A client that does not keep the connection open, for handlers that outlive everything else.
pub type WeakClient = generic::WeakClient<OsThreads>;

/// Everything that can be set about a client, and the ways to connect it; see [`generic::ClientBuilder`].
pub type ClientBuilder = generic::ClientBuilder<OsThreads>;

/// The events of one [`Filter`](crate::Filter), as an iterator that blocks; see [`generic::Events`].
pub type Events = generic::Events<OsThreads>;

/// A call that has begun, with the events that come until its answer; see [`generic::PendingCall`].
pub type PendingCall<M> = generic::PendingCall<M, OsThreads>;

/// The changes of a connection's status, as an iterator that blocks; see [`generic::StatusChanges`].
pub type StatusChanges = generic::StatusChanges<OsThreads>;

/// An app-server that the programs of one user share; see [`generic::SharedServer`].
#[cfg(all(unix, feature = "ws"))]
pub type SharedServer = generic::SharedServer<OsThreads>;

/// How to find or start a [`SharedServer`]; see [`generic::SharedServerBuilder`].
#[cfg(all(unix, feature = "ws"))]
pub type SharedServerBuilder = generic::SharedServerBuilder<OsThreads>;

/// Where a request of the server came from; see [`ClientBuilder::on`], and [`RequestContext`] for what it knows.
pub type Context = RequestContext<Client>;

/// Answers one request of the server; see [`ClientBuilder::on_responder`], and [`RequestResponder`] for what it can do.
pub type Responder<R> = RequestResponder<R, Client>;

/// A WebSocket to an app-server without a client around it, for programs that pass messages on: whole messages in and
/// out, long ones in parts.
///
/// [`connect`](websocket::connect) gives a half that reads, one that writes, and a third that ends both whatever they
/// are at. No message is looked into.
#[cfg(feature = "ws")]
pub mod websocket {
    pub use crate::os_threads::websocket::{
        Connection, HangUp, Options, Received, Receiver, Sender, connect,
    };
}
