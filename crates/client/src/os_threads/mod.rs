//! What waits, on threads of the operating system.

#[cfg(unix)]
mod bell;
mod builder;
mod child;
mod client;
mod driver;
mod events;
#[cfg(feature = "ws")]
mod frames;
mod handlers;
mod lines;
mod pending_call;
#[cfg(unix)]
mod polled;
#[cfg(unix)]
mod reading;
mod status;
mod streams;
mod supervisor;
mod wait;
#[cfg(feature = "ws")]
pub(crate) mod websocket;
#[cfg(unix)]
mod writing;

use crate::runtime::Runtime;

#[cfg(unix)]
pub(crate) use reading::Reading;
use wait::block_on;
pub(crate) use wait::{block_until, wait, wait_until};

/// Pipes and sockets, which can be polled where the system has `poll`.
#[cfg(unix)]
use polled::Polled as SystemStreams;
#[cfg(not(unix))]
use streams::Streams as SystemStreams;

/// Waits on threads of the operating system; see [`Runtime`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OsThreads;

impl Runtime for OsThreads {}
