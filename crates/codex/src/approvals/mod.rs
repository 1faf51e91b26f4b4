//! What the agent asks an approval for, and who answers.

mod choose;
mod registry;
mod request;

pub use choose::Approvals;
pub(crate) use choose::decide_with;
pub(crate) use registry::Registry;
pub use request::{ApprovalRequest, Decision, FileChangeApproval};
