//! What the agent asks an approval for, and who answers.

mod answers;
mod mcp_tool;
mod permissions;
mod registry;
mod request;
mod text;

pub use answers::Approvals;
pub(crate) use answers::decide_with;
pub(crate) use mcp_tool::approval_kind;
pub use mcp_tool::{McpToolAnnotations, McpToolApproval};
pub use permissions::Permission;
pub(crate) use registry::Registry;
pub use request::{ApprovalRequest, Decision, FileChangeApproval};
pub(crate) use text::harmless;
