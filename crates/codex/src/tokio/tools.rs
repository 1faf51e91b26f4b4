//! Tools that are futures.

use std::future::{Future, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use codex_appserver_client::{HandlerError, Tokio};
use codex_appserver_methods::protocol::DynamicToolCallResponse;
use serde::de::DeserializeOwned;

use crate::schemars::JsonSchema;
use crate::tools::{IntoToolResult, Tool, ToolCall, ToolRegistry, ToolResult};

/// A call that runs.
pub(super) type Running = Pin<Box<dyn Future<Output = ToolResult> + Send>>;

/// On tokio.
impl Tool<Tokio> {
    /// A tool that runs this function for each call. Its future is dropped if the turn ends before it is ready.
    ///
    /// Do not keep a [`Codex`](crate::Codex), a thread or a turn in it, which would keep the connection open forever: see
    /// [`with_call`](Self::with_call).
    pub fn new<A, T, F, W>(name: impl Into<String>, description: impl Into<String>, run: F) -> Self
    where
        A: JsonSchema + DeserializeOwned,
        T: IntoToolResult,
        F: Fn(A) -> W + Send + Sync + 'static,
        W: Future<Output = T> + Send + 'static,
    {
        Self::with_call(name, description, move |arguments, _| run(arguments))
    }

    /// The same for a function that also gets the call: the thread and the turn it came from, and the server, to start
    /// threads and turns of its own with.
    pub fn with_call<A, T, F, W>(name: impl Into<String>, description: impl Into<String>, run: F) -> Self
    where
        A: JsonSchema + DeserializeOwned,
        T: IntoToolResult,
        F: Fn(A, ToolCall<Tokio>) -> W + Send + Sync + 'static,
        W: Future<Output = T> + Send + 'static,
    {
        Self::with_run::<A>(name.into(), description.into(), move |call| match call.decode() {
            Ok(arguments) => {
                let running = run(arguments, call);
                Box::pin(async move { running.await.into_tool_result() })
            }
            Err(misfit) => Box::pin(ready(misfit)),
        })
    }
}

/// Runs a call once its tools are known.
pub(super) async fn serve(
    registry: Arc<ToolRegistry<Tokio>>,
    call: ToolCall<Tokio>,
) -> Result<DynamicToolCallResponse, HandlerError> {
    let tools = poll_fn(|context| registry.poll_tools(&call, context.waker())).await;
    let tools = tools.ok_or(HandlerError::Unhandled)?;
    let panicked = call.panicked();
    let result = match catch_unwind(AssertUnwindSafe(|| tools.run(call))) {
        Ok(mut running) => {
            poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context))) {
                Ok(polled) => polled.map(Some),
                Err(_) => Poll::Ready(None),
            })
            .await
        }
        Err(_) => None,
    };
    Ok(result.unwrap_or(panicked).into())
}
