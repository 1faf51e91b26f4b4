//! What the agent asks an approval for, and who answers.

mod answers;
mod registry;
mod request;

pub use answers::Approvals;
pub(crate) use answers::decide_with;
pub(crate) use registry::Registry;
pub use request::{ApprovalRequest, Decision, FileChangeApproval};
