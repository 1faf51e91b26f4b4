//! What the decode bench races: messages of a server, and ways to read and write them.

mod check;
mod lines;
mod order;
mod subjects;

pub use check::{Mix, check};
pub use lines::{Line, recorded, single};
pub use order::{Order, reorder};
pub use subjects::{CodexCodes, Derived, Ours, Subject, Untyped};
