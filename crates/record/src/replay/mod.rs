//! Plays the server's side of a recording to a client.
//!
//! A [`Trace`] holds [`Session`]s. A [`Player`] plays one: the client's lines go in, the server's come out,
//! without input, output or a clock. [`play`] does that over streams, and [`Args`] is the program.
//!
//! * The server's messages come as they were recorded and in their order, each as soon as the client has sent
//!   what stands before it in the trace.
//! * The client's messages may come in another order than in the trace. A request belongs to the open one of
//!   its method whose params differ least; the [`Report`] notes what differs.
//! * Answers get the ids of the client's requests. Requests of the server keep the ids of the trace, which its
//!   later messages name. Ids in params that the client makes, such as `clientUserMessageId`, may differ in
//!   each run: the server's messages then have those of the client.
//! * What the [redactor](crate::Redactor) masked matches any text.
//! * A request that the trace does not hold gets an error that says what was expected.
//!
//! ```
//! use codex_appserver_record::replay::{Options, Trace, play};
//!
//! let trace = r#"{"dir":"c2s","line":"{\"method\":\"model/list\",\"id\":7}"}
//! {"dir":"s2c","line":"{\"id\":7,\"result\":{\"data\":[]}}"}"#;
//! let session = Trace::read("models.jsonl", trace.as_bytes())?.into_session()?;
//!
//! let client: &[u8] = b"{\"method\":\"model/list\",\"id\":\"a\"}\n{\"method\":\"thread/list\",\"id\":\"b\"}\n";
//! let mut answers = Vec::new();
//! let report = play(session, &Options::default(), client, &mut answers)?;
//! let answers = String::from_utf8(answers)?;
//! assert!(answers.starts_with("{\"id\":\"a\",\"result\":{\"data\":[]}}\n"));
//! assert!(answers.contains("does not hold the request `thread/list`"));
//! assert!(!report.is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod compare;
mod drive;
mod message;
mod outgoing;
mod player;
mod program;
mod report;
mod script;
#[cfg(all(unix, feature = "socket"))]
mod socket;

pub use compare::Difference;
pub use drive::{Options, play};
pub use outgoing::{Outgoing, OutgoingKind};
pub use player::Player;
pub use program::{Address, Args, ReplayError, run};
pub use report::{Note, Problem, Report};
pub use script::{Session, Trace, TraceError};
