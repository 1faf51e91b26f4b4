//! The SDK for tokio.

mod approvals;
mod builder;
mod codex;
mod login;
mod retry;
#[cfg(feature = "experimental")]
mod search;
mod stream;
mod thread;
mod turn;

pub use approvals::Approvals;
pub use builder::CodexBuilder;
pub use codex::Codex;
pub use login::Login;
pub use retry::retry_on_overload;
#[cfg(feature = "experimental")]
pub use search::ThreadSearchStream;
pub use stream::TurnStream;
pub use thread::{IntoThread, IntoTurn, Thread};
pub use turn::Turn;
