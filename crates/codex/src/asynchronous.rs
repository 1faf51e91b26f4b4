//! The names of the SDK for tokio, which are those of the crate.

use codex_appserver_client::Tokio;

use crate::generic;
pub use crate::tokio::{FrontEnd, retry_on_overload};

/// A codex app-server: the place where threads live; see [`generic::Codex`].
pub type Codex = generic::Codex<Tokio>;

/// Everything that can be set about a [`Codex`], and the ways to connect it; see [`generic::CodexBuilder`].
pub type CodexBuilder = generic::CodexBuilder<Tokio>;

/// A conversation with the agent; see [`generic::Thread`].
pub type Thread = generic::Thread<Tokio>;

/// A turn: one input, and what the agent does about it; see [`generic::Turn`].
pub type Turn = generic::Turn<Tokio>;

/// The events of a turn, to its end, as a stream; see [`generic::TurnStream`].
pub type TurnStream = generic::TurnStream<Tokio>;

/// The items of a thread, kept and new, as a stream; see [`generic::ThreadView`].
pub type ThreadView = generic::ThreadView<Tokio>;

/// Decides what the agent may do; see [`generic::Approvals`].
pub type Approvals = generic::Approvals<Tokio>;

/// The terminal, for one question at a time; see [`generic::Terminal`].
pub type Terminal = generic::Terminal<Tokio>;

/// A login with ChatGPT that the user completes in a browser; see [`generic::Login`].
pub type Login = generic::Login<Tokio>;

/// Makes a [`Thread`] of a response.
pub type IntoThread = generic::IntoThread<Tokio>;

/// Makes a [`Turn`] of a response.
pub type IntoTurn = generic::IntoTurn<Tokio>;

/// A search that yields hits as they are found; see [`generic::ThreadSearchStream`].
#[cfg(feature = "experimental")]
pub type ThreadSearchStream = generic::ThreadSearchStream<Tokio>;

/// A function of the program that the agent may call; see [`generic::Tool`].
#[cfg(all(feature = "experimental", feature = "structured"))]
pub type Tool = generic::Tool<Tokio>;

/// The tools of a thread; see [`generic::Tools`].
#[cfg(all(feature = "experimental", feature = "structured"))]
pub type Tools = generic::Tools<Tokio>;

/// One call of a tool; see [`generic::ToolCall`].
#[cfg(all(feature = "experimental", feature = "structured"))]
pub type ToolCall = generic::ToolCall<Tokio>;
