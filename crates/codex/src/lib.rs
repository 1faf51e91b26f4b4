//! Drive the Codex agent from Rust: threads, streaming turns, approvals and structured output.
//!
//! [`Codex`] is a `codex app-server`, a child process unless you connect to one that listens. It has any number of
//! [`Thread`]s, and each runs [`Turn`]s: one input, and what the agent does about it.
//!
#![cfg_attr(feature = "async", doc = "```no_run")]
#![cfg_attr(not(feature = "async"), doc = "```ignore")]
//! use codex_appserver::Codex;
//! use codex_appserver::protocol::SandboxMode;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let codex = Codex::start().await?;
//! let thread = codex.thread_start().sandbox(SandboxMode::ReadOnly).await?;
//! let result = thread.run("What is in this folder?").await?.into_result()?;
//! println!("{}", result.text());
//! codex.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! [`blocking`] is the same for threads, with the same names. All of the protocol is behind [`Codex::client`], and
//! all of its types are in [`protocol`].
//!
//! # Turns
//!
//! [`Turn::run`] waits for the end of a turn and yields a [`TurnResult`]; [`Turn::stream`] yields what happens
//! meanwhile. Any number of turns may run at a time, on any number of threads. A turn that fails or is interrupted is a
//! value; [`TurnResult::into_result`] makes an error of it.
//!
//! # Approvals
//!
//! What the agent may not do by itself it asks for. [`Approvals`] decide: for all, for a thread or for a turn. Nothing
//! is ever accepted unless you say so. A [`FrontEnd`] answers all other questions too, such as forms of MCP servers.
//!
//! # Tools
//!
//! A thread may have tools: functions of your program that the agent calls, with arguments of a Rust type. See
//! `ThreadCall::tools`, with the features `experimental` and `structured`.
//!
//! # A shared server
//!
//! `SharedServer` (Unix, feature `ws`) finds or starts an app-server for many programs, on which turns go on without them.
//!
//! # Features
//!
//! `async` (default), `blocking`, `ws` (default) for servers that listen, `structured` (default) for answers as Rust
//! types, and `experimental` for the experimental part of the protocol, which the server wants to be asked for as well
//! ([`CodexBuilder::experimental_api`]). Without `async` there is no tokio in the tree; with neither `async` nor
//! `blocking` there are the types of the protocol and nothing else.

#[cfg(feature = "client")]
mod approvals;
#[cfg(feature = "async")]
mod asynchronous;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "client")]
mod builder;
#[cfg(feature = "client")]
mod codex;
#[cfg(feature = "client")]
mod core;
#[cfg(feature = "client")]
mod elicitation;
#[cfg(feature = "client")]
mod error;
#[cfg(feature = "client")]
mod event_source;
#[cfg(feature = "client")]
mod hidden_input;
#[cfg(feature = "client")]
mod history;
mod input;
#[cfg(feature = "client")]
mod ledger;
#[cfg(feature = "client")]
mod login;
#[cfg(feature = "client")]
mod metadata;
#[cfg(feature = "client")]
mod open_threads;
#[cfg(feature = "blocking")]
mod os_threads;
#[cfg(feature = "client")]
mod retry;
#[cfg(feature = "client")]
mod runtime;
#[cfg(feature = "structured")]
mod schema;
#[cfg(all(feature = "experimental", feature = "client"))]
mod search;
#[cfg(feature = "client")]
mod settings;
#[cfg(feature = "client")]
mod stream;
#[cfg(feature = "client")]
mod terminal;
#[cfg(feature = "client")]
mod thread;
#[cfg(feature = "client")]
mod thread_call;
#[cfg(feature = "async")]
mod tokio;
#[cfg(all(feature = "client", feature = "experimental", feature = "structured"))]
mod tools;
#[cfg(feature = "client")]
mod turn;
mod turns;
#[cfg(feature = "client")]
mod view;

/// What the two runtimes share: each type is written once, with the runtime as a parameter.
///
/// Programs use the names at the root of the crate, or those of `blocking`; these are for code that is written for both.
#[cfg(feature = "client")]
pub mod generic {
    pub use crate::approvals::Approvals;
    pub use crate::builder::CodexBuilder;
    pub use crate::codex::Codex;
    pub use crate::login::Login;
    pub use crate::runtime::Runtime;
    #[cfg(feature = "experimental")]
    pub use crate::search::ThreadSearchStream;
    pub use crate::stream::TurnStream;
    pub use crate::terminal::Terminal;
    pub use crate::thread::{IntoThread, IntoTurn, Thread};
    #[cfg(all(feature = "experimental", feature = "structured"))]
    pub use crate::tools::{Tool, ToolCall, Tools};
    pub use crate::turn::Turn;
    pub use crate::view::ThreadView;
}

#[cfg(feature = "client")]
pub use approvals::{
    ApprovalRequest, Decision, FileChangeApproval, McpToolAnnotations, McpToolApproval, Permission,
};
#[cfg(all(feature = "async", feature = "experimental"))]
pub use asynchronous::ThreadSearchStream;
#[cfg(feature = "async")]
pub use asynchronous::{
    Approvals, Codex, CodexBuilder, FrontEnd, IntoThread, IntoTurn, Login, Terminal, Thread, ThreadView,
    Turn, TurnStream, retry_on_overload,
};
#[cfg(all(feature = "async", feature = "experimental", feature = "structured"))]
pub use asynchronous::{Tool, ToolCall, Tools};
#[cfg(feature = "client")]
pub use elicitation::{Choice, Field, FieldKind, Form, FormAnswer, FormError};
#[cfg(feature = "client")]
pub use error::{Error, Stalled};
#[cfg(feature = "client")]
pub use hidden_input::HiddenInput;
pub use input::{Input, audio_url, image_url, local_audio, local_image, mention, skill, text};
#[cfg(feature = "client")]
pub use metadata::Metadata;
#[cfg(feature = "client")]
pub use retry::Retryable;
#[cfg(feature = "structured")]
pub use schema::{OutputMismatch, SchemaError, Structured, output_schema};
#[cfg(feature = "client")]
pub use thread_call::ThreadCall;
#[cfg(all(feature = "client", feature = "experimental", feature = "structured"))]
pub use tools::{IntoToolResult, Json, ToolError, ToolResult};
#[cfg(feature = "client")]
pub use turns::MaxDuration;
pub use turns::{
    Agent, AgentState, ChangedFile, FileChange, Plan, Tokens, TurnFailed, TurnResult, TurnUsage,
};
#[cfg(feature = "client")]
pub use view::ViewItem;

#[cfg(feature = "client")]
#[doc(no_inline)]
pub use codex_appserver_client as client;
#[cfg(feature = "async")]
#[doc(no_inline)]
pub use codex_appserver_client::StatusChanges;
#[cfg(feature = "client")]
#[doc(no_inline)]
pub use codex_appserver_client::{
    Address, ConnectionState, Error as ClientError, Event, EventSettings, Filter, Missed, Process,
    RetryPolicy, ServerNotification, Status, Supervision,
};
#[cfg(all(unix, feature = "async", feature = "ws"))]
#[doc(no_inline)]
pub use codex_appserver_client::{SharedServer, SharedServerBuilder};
#[doc(no_inline)]
pub use codex_appserver_methods::wire::{Items, Pages};
#[doc(no_inline)]
pub use codex_appserver_methods::{CODEX_VERSION, Call, MapResponse, Methods, protocol};
/// What output types are derived with: `use codex_appserver::schemars::{self, JsonSchema};`, for what the derive writes
/// looks for `schemars` by that name. Or the crate itself, version 1.
#[cfg(feature = "structured")]
#[doc(no_inline)]
pub use schemars1 as schemars;

/// What the SDK calls itself where nothing else is set.
#[cfg(feature = "client")]
fn client_info() -> protocol::ClientInfo {
    protocol::ClientInfo::new("codex_appserver", env!("CARGO_PKG_VERSION"))
}

/// The examples of the README are tests.
#[cfg(all(doctest, feature = "blocking"))]
#[doc = include_str!("../README.md")]
struct Readme;
