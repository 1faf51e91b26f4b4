//! The recorder of `codex app-server` traffic, and the owner of the trace file format.
//!
//! [`trace`] reads and writes trace files. [`Recording`] stands between a client and a server, passes every
//! byte on unchanged and keeps a copy as a trace. [`Redactor`] masks secrets in that copy. [`replay`] plays the
//! server's side of a trace to a client.

pub mod command;
pub mod replay;
pub mod trace;

mod record;
mod redact;

pub use record::{RecordError, Recorded, Recording};
pub use redact::Redactor;
pub use trace::{Content, Direction, Entry, Header, ReadError, Reader, Row, Writer};
