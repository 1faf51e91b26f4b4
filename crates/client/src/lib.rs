//! A client for the Codex app-server: typed calls, approvals and events over any transport, async and
//! blocking.
//!
//! [`Client`] is for tokio, `blocking::Client` for threads; both have the same names and shapes. Connect one
//! with its builder to a child process, to a socket, or to any pair of streams. Every method of the protocol
//! is a method of it by the trait [`Methods`]:
//!
#![cfg_attr(feature = "async", doc = "```no_run")]
#![cfg_attr(not(feature = "async"), doc = "```ignore")]
//! use codex_appserver_client::protocol::*;
//! use codex_appserver_client::{Client, Error, Methods, Process};
//!
//! # async fn example() -> Result<(), Error> {
//! let client = Client::builder().client_info(ClientInfo::new("my_app", "1.0")).spawn(Process::new()).await?;
//! for thread in client.thread_list().limit(10_u32).await?.data {
//!     println!("{} {}", thread.id, thread.preview);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Calls
//!
//! A client is cheap to clone and shared by any number of tasks or threads. At most 64 calls are unanswered at
//! a time ([`ClientBuilder::window`]); more wait in the order in which they came. Each has a deadline, 60 s
//! unless set. Dropping the future of a call gives it up. Nothing is tried again unless asked for
//! ([`RetryPolicy`]).
//!
//! # What the server asks
//!
//! Handlers answer approvals, questions and tool calls, beside the connection, for as long as they take. A
//! request that nothing handles is declined, or left to the other clients of a shared server
//! ([`Unhandled`]). It is never accepted, and never left hanging: neither by a handler that panics nor by a
//! [`Responder`] that is dropped.
//!
//! # What the server tells
//!
//! Subscribe to everything, to a thread or to a turn, before the call that begins it. What must not be lost is
//! not: see [`Events`] for what that is, and [`EventSettings`] for what happens to a subscriber that does not
//! keep up. For a request that the server tells about until it answers, `begin` of the client does both: a
//! [`PendingCall`] has the events, and then the answer.
//!
//! # Bad peers
//!
//! A message that cannot be decoded is an event, or the error of the one call it answers. Late, duplicate and
//! unknown answers are counted ([`Stats`]). A line beyond the limit is passed over; of a WebSocket, which knows no
//! such thing, that is the end, and so is text that is not UTF-8. A server that stops reading delays no call
//! beyond its deadline.
//!
//! # The runtime
//!
//! A [`Client`] lives on the tokio runtime that connected it, which needs its time and IO drivers (`enable_all`)
//! and has to run: deadlines are minded there. When it is shut down the connection is closed, and a child process
//! killed; reaping that one is left to the next runtime or the end of the program.
//!
//! # Features
//!
//! `async` (default), `blocking`, `ws` for sockets, `tls` for `wss://`, and `experimental` for the experimental part of the
//! protocol, which the server wants to be asked for as well ([`ClientBuilder::experimental_api`]). Without
//! `async` there is no tokio in the tree.
//!
//! # When the server dies
//!
//! Everything ends with [`Error::Closed`]. A client that is [supervised](generic::ClientBuilder::supervised) connects again
//! instead, or starts the server again: subscriptions go on behind an [`Event::Reconnected`], and calls that were under way
//! fail with [`Error::ConnectionLost`].
//!
//! # A shared server
//!
//! `SharedServer` (Unix, feature `ws`) finds or starts an app-server that outlives the programs which use it, and is
//! stopped when none is left.
//!
//! # Platforms
//!
//! Developed and tested on Linux; meant for macOS as well. On Windows it compiles and is not tested: there are
//! no Unix sockets, and a process that does not end with its input is killed without being asked first.

// Without a client there is only half of a crate left, most of it unused.
#![cfg_attr(not(any(feature = "async", feature = "blocking")), allow(dead_code, unused_imports))]

mod address;
#[cfg(feature = "async")]
mod asynchronous;
#[cfg(feature = "blocking")]
pub mod blocking;
mod builder;
mod client;
mod conn;
#[cfg(feature = "ws")]
mod connect_error;
mod connect_error_kind;
mod core;
#[cfg(feature = "ws")]
mod dial;
mod error;
mod event;
mod events;
mod excerpt;
#[cfg(feature = "ws")]
mod frames;
mod introduction;
mod lines;
mod missed;
#[cfg(feature = "blocking")]
mod os_threads;
mod pending_call;
mod preamble;
mod process;
mod requests;
mod runtime;
mod server;
mod settings;
mod setup;
#[cfg(all(unix, feature = "ws"))]
mod shared_server;
mod stats;
mod status;
mod supervision;
#[cfg(feature = "ws")]
mod tls;
#[cfg(feature = "async")]
mod tokio;

/// What the two runtimes share: each type is written once, with the runtime as a parameter.
///
/// Programs use the names at the root of the crate, or those of `blocking`; these are for code that is written for both.
pub mod generic {
    pub use crate::builder::ClientBuilder;
    pub use crate::client::{Client, WeakClient};
    pub use crate::events::Events;
    pub use crate::pending_call::PendingCall;
    pub use crate::runtime::{Answer, Runtime};
    #[cfg(all(unix, feature = "ws"))]
    pub use crate::shared_server::{SharedServer, SharedServerBuilder};
    pub use crate::status::StatusChanges;
}

pub use crate::core::{Filter, Unreadable, Waits};
#[cfg(feature = "async")]
pub use crate::tokio::Tokio;
pub use address::{Address, AddressError};
#[cfg(feature = "async")]
pub use asynchronous::{
    Client, ClientBuilder, Context, Events, PendingCall, Responder, StatusChanges, WeakClient,
};
#[cfg(all(unix, feature = "async", feature = "ws"))]
pub use asynchronous::{SharedServer, SharedServerBuilder};
pub use connect_error_kind::ConnectErrorKind;
pub use error::{CloseReason, Closed, Error};
pub use event::Event;
pub use missed::{Missed, MissedRequest};
#[cfg(feature = "blocking")]
pub use os_threads::OsThreads;
pub use process::Process;
pub use requests::{RequestContext, RequestResponder};
pub use server::{ServerInfo, VersionMismatch};
pub use settings::{EventSettings, Overflow, RetryPolicy, Unhandled, VersionCheck};
#[cfg(all(unix, feature = "ws"))]
pub use shared_server::SharedServerError;
pub use stats::Stats;
pub use status::{ConnectionState, Status};
pub use supervision::{Restore, RestoreCall, Supervision};

pub use codex_appserver_methods::{
    BlockingServerRequestHandler, CODEX_VERSION, Methods, ServerRequestHandler, protocol,
};
pub use codex_appserver_notifications::{ServerNotification, method as notification_method};
pub use codex_appserver_requests::{ServerRequest, method};
#[doc(no_inline)]
pub use codex_appserver_wire as wire;
pub use codex_appserver_wire::{HandlerError, RpcError, RpcErrorKind};

/// The examples of the README are tests.
#[cfg(all(doctest, feature = "blocking"))]
#[doc = include_str!("../README.md")]
struct Readme;
