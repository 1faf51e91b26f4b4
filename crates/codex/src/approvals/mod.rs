//! What the agent asks leave for, and who answers.

mod context;
mod file_changes;
mod registry;
mod request;

pub(crate) use context::ApprovalContext;
pub(crate) use file_changes::{FileChanges, News};
pub(crate) use registry::{Registration, Registry};
pub use request::{ApprovalRequest, Decision, FileChangeApproval};
