//! Drives the real `codex app-server` without an account and without the network, or plays a fake one.
//!
//! * [`MockModel`] is a server on `127.0.0.1` that speaks as much of the OpenAI Responses API as codex asks
//!   of it: a test says what the model answers ([`Reply`]) and looks at what codex sent ([`ModelRequest`]).
//! * [`CodexHome`] is a throw-away home for codex: a `CODEX_HOME` whose `config.toml` names the mock as the
//!   only model provider, an empty `HOME`, a working folder, and the [`Command`](std::process::Command) that
//!   starts `codex app-server` in it.
//!
//! Nothing here is asynchronous on the outside: the mock runs on a thread of its own.
//!
//! ```no_run
//! use std::io::Write;
//! use std::process::Stdio;
//!
//! use codex_appserver_testkit::{CodexHome, MockModel, Reply};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = MockModel::start()?;
//! model.push(Reply::function_call("exec_command", r#"{"cmd":"ls"}"#));
//! model.push(Reply::text_chunks(["There ", "is nothing ", "here."]));
//!
//! let home = CodexHome::builder(&model).config("[tools.update_plan]\nenabled = true").build()?;
//! let mut codex = home.command("codex").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
//! writeln!(codex.stdin.as_mut().ok_or("no pipe")?, r#"{{"method":"initialize", …"#)?;
//! // … a turn later:
//! assert_eq!(model.requests()[1].tool_output("call_1_1"), Some("…".into()));
//! # Ok(())
//! # }
//! ```
//!
//! To kill or stop the real server at a chosen message there is [`kill_points`], on Unix.
//!
//! For faults that the real server never shows there is [`scripted`]: a fake `codex app-server` that plays a
//! scenario, in the process of the test or as a program.

mod home;
#[cfg(unix)]
pub mod kill_points;
mod mcp;
mod model;
pub mod scripted;

pub use home::{CodexHome, CodexHomeBuilder};
pub use mcp::{McpServer, McpTool};
pub use model::{Gate, MockModel, ModelRequest, NotReached, Reply, Usage};

/// The examples of the README compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
