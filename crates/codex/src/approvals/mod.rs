//! What the agent asks an approval for, and who answers.

mod registry;
mod request;

pub(crate) use registry::Registry;
pub use request::{ApprovalRequest, Decision, FileChangeApproval};
