//! What waits, on tokio.

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
mod status;
mod supervisor;

use crate::runtime::Runtime;

/// Waits on tasks of tokio; see [`Runtime`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Tokio;

impl Runtime for Tokio {}
