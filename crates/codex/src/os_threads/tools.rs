//! Tools that are functions.

use std::panic::{AssertUnwindSafe, catch_unwind};

use codex_appserver_client::{HandlerError, OsThreads};
use codex_appserver_methods::protocol::DynamicToolCallResponse;
use serde::de::DeserializeOwned;

use crate::schemars::JsonSchema;
use crate::tools::{IntoToolResult, Tool, ToolCall, ToolRegistry};

/// On threads.
impl Tool<OsThreads> {
    /// A tool that runs this function for each call, on an OS thread of its own. At most 1024 calls run at a time; the
    /// ones beyond that fail at once. A function that works for long has to look whether its result is still wanted: see
    /// [`with_call`](Self::with_call).
    ///
    /// Do not keep a [`Codex`](crate::blocking::Codex), a thread or a turn in it, which would keep the connection open
    /// forever.
    pub fn new<A, T, F>(name: impl Into<String>, description: impl Into<String>, run: F) -> Self
    where
        A: JsonSchema + DeserializeOwned,
        T: IntoToolResult,
        F: Fn(A) -> T + Send + Sync + 'static,
    {
        Self::with_call(name, description, move |arguments, _| run(arguments))
    }

    /// The same for a function that also gets the call: the thread and the turn it came from, the server, to start threads
    /// and turns of its own with, and whether the result is still wanted ([`ToolCall::is_cancelled`]).
    pub fn with_call<A, T, F>(name: impl Into<String>, description: impl Into<String>, run: F) -> Self
    where
        A: JsonSchema + DeserializeOwned,
        T: IntoToolResult,
        F: Fn(A, ToolCall<OsThreads>) -> T + Send + Sync + 'static,
    {
        Self::with_run::<A>(name.into(), description.into(), move |call| match call.decode() {
            Ok(arguments) => run(arguments, call).into_tool_result(),
            Err(misfit) => misfit,
        })
    }
}

/// Runs a call once its tools are known.
pub(super) fn serve(
    registry: &ToolRegistry<OsThreads>,
    call: ToolCall<OsThreads>,
) -> Result<DynamicToolCallResponse, HandlerError> {
    let tools = registry.wait_tools(&call).ok_or(HandlerError::Unhandled)?;
    let panicked = call.panicked();
    let result = catch_unwind(AssertUnwindSafe(|| tools.run(call)));
    Ok(result.unwrap_or(panicked).into())
}
