//! What waits, on threads of the operating system.

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
mod wait;

use crate::runtime::Runtime;

pub(crate) use wait::{block_on, block_until};

/// Waits on threads of the operating system; see [`Runtime`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OsThreads;

impl Runtime for OsThreads {}
