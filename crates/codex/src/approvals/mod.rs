//! What the agent asks leave for, and who answers.

mod announcements;
mod registry;
mod request;

pub(crate) use announcements::{Announcements, News};
pub(crate) use registry::Registry;
pub use request::{ApprovalRequest, Decision, FileChangeApproval};
