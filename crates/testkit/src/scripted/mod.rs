//! A scripted app-server: a fake `codex app-server` that plays a scenario.
//!
//! The real server never shows most of the faults that a client has to stand: answers that come twice, late or
//! not at all, torn lines, garbage, floods, a crash between two bytes. A [`Scenario`] does, in the process of
//! the test ([`ScriptedServer`]) or as a program ([`main`]). It knows JSON only, none of the protocol's types.
//!
//! ```
//! use codex_appserver_testkit::scripted::{Answer, Faults, Scenario, Step, Turn};
//! use serde_json::json;
//!
//! let scenario = Scenario::new()
//!     .answer("thread/start", Answer::thread())
//!     .answer("turn/start", Answer::turn(Turn::new(["Hello ", "there."])))
//!     .answer("thread/list", Answer::never())
//!     .answer("thread/read", Answer::result(json!({"thread": {"id": "$params.threadId"}})).delay_ms(20))
//!     .answer("model/list", Answer::result(json!({"data": []})).then([
//!         Step::line("this is no JSON"),
//!         Step::flood(1_000_000, "item/agentMessage/delta", json!({"delta": "$i"})),
//!         Step::Exit(3),
//!     ]))
//!     .faults(Faults::seeded(7).reorder(8).split_writes(5));
//! ```
//!
//! # Variables
//!
//! Results, errors, params and lines of JSON may have variables. A string that is nothing but a variable
//! becomes its value, whatever its type; within a longer string a variable becomes text.
//!
//! | variable | stands for |
//! |---|---|
//! | `$params`, `$params.a.0.b` | the params of the request or notification, or what is at that path in them; `null` where nothing is |
//! | `$id` | the id of the request |
//! | `$count` | which request of this method it is, from 1; those refused for overload do not count |
//! | `$i` | the number within a flood, from 0 |
//!
//! `$$count` is the text `$count`, and any other `$` is just a `$`.
//!
//! The [format of a file](https://docs.rs/crate/codex-appserver-testkit/latest/source/docs/scenario.md) is
//! described beside the source.

mod advance;
mod answer;
mod core;
mod drive;
mod ends;
mod faults;
mod log;
mod plan;
mod play;
mod process;
mod receive;
mod recorded;
mod replay;
mod scenario;
mod server;
mod step;
mod template;
mod thread;
mod turn;

pub use answer::Answer;
pub use codex_appserver_record::replay::Report as ReplayReport;
pub use ends::{ServerStdin, ServerStdout};
pub use faults::Faults;
pub use log::{ClientAnswer, Ended, Report};
pub use process::main;
#[cfg(unix)]
pub(crate) use process::streams;
pub use scenario::{OnEnd, Scenario, ScenarioError};
pub use server::ScriptedServer;
pub use step::{Ask, Flood, Notify, Step};
pub use turn::{Turn, TurnEnd};
