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

use codex_appserver_client::OsThreads;

use crate::generic;
pub use crate::os_threads::{FrontEnd, NextEvent, retry_on_overload};
#[doc(no_inline)]
pub use crate::thread_call::ThreadCall;
#[doc(no_inline)]
pub use codex_appserver_client::blocking::StatusChanges;
#[cfg(all(unix, feature = "ws"))]
#[doc(no_inline)]
pub use codex_appserver_client::blocking::{SharedServer, SharedServerBuilder};

/// A codex app-server: the place where threads live; see [`generic::Codex`].
pub type Codex = generic::Codex<OsThreads>;

/// Everything that can be set about a [`Codex`], and the ways to connect it; see [`generic::CodexBuilder`].
pub type CodexBuilder = generic::CodexBuilder<OsThreads>;

/// A conversation with the agent; see [`generic::Thread`].
pub type Thread = generic::Thread<OsThreads>;

/// A turn: one input, and what the agent does about it; see [`generic::Turn`].
pub type Turn = generic::Turn<OsThreads>;

/// The events of a turn, to its end, as an iterator that blocks; see [`generic::TurnStream`].
pub type TurnStream = generic::TurnStream<OsThreads>;

/// The items of a thread, kept and new, as an iterator that blocks; see [`generic::ThreadView`].
pub type ThreadView = generic::ThreadView<OsThreads>;

/// Decides what the agent may do; see [`generic::Approvals`].
pub type Approvals = generic::Approvals<OsThreads>;

/// The terminal, for one question at a time; see [`generic::Terminal`].
pub type Terminal = generic::Terminal<OsThreads>;

/// A login with ChatGPT that the user completes in a browser; see [`generic::Login`].
pub type Login = generic::Login<OsThreads>;

/// Makes a [`Thread`] of a response.
pub type IntoThread = generic::IntoThread<OsThreads>;

/// Makes a [`Turn`] of a response.
pub type IntoTurn = generic::IntoTurn<OsThreads>;

/// A search that yields hits as they are found; see [`generic::ThreadSearchStream`].
#[cfg(feature = "experimental")]
pub type ThreadSearchStream = generic::ThreadSearchStream<OsThreads>;

/// A function of the program that the agent may call; see [`generic::Tool`].
#[cfg(all(feature = "experimental", feature = "structured"))]
pub type Tool = generic::Tool<OsThreads>;

/// The tools of a thread; see [`generic::Tools`].
#[cfg(all(feature = "experimental", feature = "structured"))]
pub type Tools = generic::Tools<OsThreads>;

/// One call of a tool; see [`generic::ToolCall`].
#[cfg(all(feature = "experimental", feature = "structured"))]
pub type ToolCall = generic::ToolCall<OsThreads>;
