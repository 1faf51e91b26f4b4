//! A client for the Codex app-server.
#![doc = ""]

#[cfg(feature = "async")]
mod asynchronous;
mod address;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(any(feature = "async", feature = "blocking"))]
mod builder;
mod core;
mod error;
mod event;
#[cfg(feature = "ws")]
mod frames;
mod link;
mod process;
mod requests;
mod server;
mod settings;
mod stats;
mod subscription;
#[cfg(feature = "blocking")]
mod wait;

pub use address::{Address, AddressError};
#[cfg(feature = "async")]
pub use asynchronous::{Answer, Client, ClientBuilder, Context, Events, Responder, WeakClient};
pub use error::{CloseReason, Closed, Error};
pub use event::{Event, Filter, Unreadable};
pub use process::Process;
pub use requests::RequestContext;
pub use server::ServerInfo;
pub use settings::{EventSettings, Overflow, RetryPolicy, Unhandled, VersionCheck};
pub use stats::Stats;

pub use codex_appserver_methods::{BlockingServerRequestHandler, CODEX_VERSION, Methods, ServerRequestHandler};
pub use codex_appserver_notifications::ServerNotification;
pub use codex_appserver_requests::{ServerRequest, method};
pub use codex_appserver_wire::{HandlerError, RpcError, RpcErrorKind};
#[doc(no_inline)]
pub use codex_appserver_wire as wire;
