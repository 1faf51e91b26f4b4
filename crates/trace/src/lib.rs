//! Checks recorded Codex app-server traffic against the typed bindings.
//!
//! Every message is decoded as the type that its method demands, encoded again, and compared with what
//! was read. [`Checker`] goes through one trace and matches answers to their requests by connection,
//! direction and id; [`Report`] adds up. [`check`] looks at a single message.
//!
//! Two messages are equal when their [`canonical`] forms are: optional members that are `null` or equal
//! their default, and members that the protocol does not know, are left out on both sides. A message that the
//! protocol knows must not end in a catch-all of the types either. One thing this does not see: a number in a
//! free-form value that no `f64` holds loses digits in both.

mod canonical;
mod checker;
pub mod command;
mod conversation;
mod difference;
mod head;
mod message;
mod path;
mod report;
mod text;
mod unknowns;

pub use canonical::canonical;
pub use checker::{Checker, Line};
pub use difference::{Difference, difference};
pub use message::{Checked, Role, Verdict, check, is_typed};
pub use path::Path;
pub use report::{Counts, File, Problem, Report, Row};
pub use unknowns::Unknowns;
