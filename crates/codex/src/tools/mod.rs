//! Tools of the program that the agent may call (`dynamicTools` of the protocol), made of Rust functions.

mod call;
mod error;
mod registry;
mod result;
mod schema;
mod tool;

pub use call::ToolCall;
pub use error::ToolError;
pub(crate) use registry::{Opening, ToolRegistry, serve};
pub use result::{IntoToolResult, Json, ToolResult};
pub use tool::{Tool, Tools};
