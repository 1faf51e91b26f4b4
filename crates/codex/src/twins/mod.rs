//! What the SDK for tasks and the one for threads have in common, written once.
//!
//! Each macro is expanded in both modules, where `Client`, `Codex`, `Thread`, `Turn` and `Approvals` are the
//! module's own.

mod builder;
mod codex;
#[cfg(feature = "experimental")]
mod search;
mod thread;
mod turn;

pub(crate) use builder::builder_settings;
pub(crate) use codex::{codex_methods, login_methods};
#[cfg(feature = "experimental")]
pub(crate) use search::{search_method, search_stream_debug, search_stream_methods};
pub(crate) use thread::{mappers, thread_methods};
pub(crate) use turn::{stream_methods, turn_methods};
