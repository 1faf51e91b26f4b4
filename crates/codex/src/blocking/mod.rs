//! The same for threads: the same names and shapes, every wait blocks the calling thread.
//!
//! Calls are sent with `.call()` where the other ones are awaited:
//!
//! ```no_run
//! use codex_appserver::blocking::Codex;
//! use codex_appserver::protocol::SandboxMode;
//!
//! let codex = Codex::start()?;
//! let thread = codex.thread_start().sandbox(SandboxMode::ReadOnly).call()?;
//! println!("{}", thread.run("What is in this folder?")?.text());
//! # Ok::<(), codex_appserver::Error>(())
//! ```

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
