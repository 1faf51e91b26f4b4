//! The client for threads: the same names and shapes, every wait blocks the calling thread.
//!
//! A connection has a thread that reads, one that writes, one that waits for its end and, with a child process, one
//! for its standard error; and one for each request of the server that a handler is at work on.

mod builder;
mod child;
mod client;
mod driver;
mod events;
#[cfg(feature = "ws")]
mod frames;
mod handlers;
mod lines;

pub use builder::ClientBuilder;
pub use client::{Client, WeakClient};
pub use events::Events;
pub use handlers::Answer;

/// Where a request of the server came from; see [`ClientBuilder::on`], and
/// [`RequestContext`](crate::RequestContext) for what it knows.
pub type Context = crate::requests::RequestContext<Client>;

/// Answers one request of the server; see [`ClientBuilder::on_responder`], and
/// [`RequestResponder`](crate::RequestResponder) for what it can do.
pub type Responder<R> = crate::requests::RequestResponder<R, Client>;
