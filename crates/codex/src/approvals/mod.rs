//! What the agent asks leave for, and who answers.

mod changes;
mod desk;
mod request;

pub(crate) use changes::{Changes, News};
pub(crate) use desk::{Desk, Registration};
pub use request::{ApprovalRequest, Decision, FileChangeApproval};
