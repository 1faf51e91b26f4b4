//! The names of the client for tokio, which are those of the crate.

use crate::generic;
use crate::requests::{RequestContext, RequestResponder};
use crate::tokio::Tokio;

/// A connection to an app-server, cheap to clone and shared by any number of tasks; see [`generic::Client`].
pub type Client = generic::Client<Tokio>;

/// A client that does not keep the connection open, for handlers that outlive everything else.
pub type WeakClient = generic::WeakClient<Tokio>;

/// Everything that can be set about a client, and the ways to connect it; see [`generic::ClientBuilder`].
pub type ClientBuilder = generic::ClientBuilder<Tokio>;

/// The events of one [`Filter`](crate::Filter), as a stream; see [`generic::Events`].
pub type Events = generic::Events<Tokio>;

/// A call that has begun, with the events that come until its answer; see [`generic::PendingCall`].
pub type PendingCall<M> = generic::PendingCall<M, Tokio>;

/// The changes of a connection's status, as a stream; see [`generic::StatusChanges`].
pub type StatusChanges = generic::StatusChanges<Tokio>;

/// An app-server that the programs of one user share; see [`generic::SharedServer`].
#[cfg(all(unix, feature = "ws"))]
pub type SharedServer = generic::SharedServer<Tokio>;

/// How to find or start a [`SharedServer`]; see [`generic::SharedServerBuilder`].
#[cfg(all(unix, feature = "ws"))]
pub type SharedServerBuilder = generic::SharedServerBuilder<Tokio>;

/// Where a request of the server came from; see [`ClientBuilder::on`], and [`RequestContext`] for what it knows.
pub type Context = RequestContext<Client>;

/// Answers one request of the server; see [`ClientBuilder::on_responder`], and [`RequestResponder`] for what it can do.
pub type Responder<R> = RequestResponder<R, Client>;
