//! The two ways to wait, as the SDK needs them.

use codex_appserver_client::generic;

/// How the SDK waits. The runtimes are `Tokio` (feature `async`) and
/// `OsThreads` (feature `blocking`), of the client.
///
/// All handles are written once, with the runtime as a parameter; what waits is an `async fn` with the one runtime and
/// blocks the calling thread with the other.
pub trait Runtime: generic::Runtime + sealed::Wait {}

impl<R: generic::Runtime + sealed::Wait> Runtime for R {}

pub(crate) mod sealed {
    use std::time::Instant;

    use codex_appserver_client::HandlerError;
    use codex_appserver_client::generic::{Answer, Runtime};
    use codex_appserver_client::wire::Serialize;

    use crate::approvals::Decision;
    use crate::turn::Inner;

    /// What is different for each runtime, apart from the methods that wait.
    pub trait Wait: Runtime {
        /// A decision about an approval that is being made; [`HandlerError::Unhandled`] leaves the request to the
        /// setting `unhandled` of the client.
        type Deciding: Send + 'static;
        /// Where a task is started when a handle is dropped on a thread that has no runtime.
        type Home: Clone + Send + Sync + 'static;
        /// What a stream of a turn keeps while it waits.
        type Waiting: Default + Send;
        /// What a view of a thread keeps while it reads a page.
        type Asking: Default + Send;

        /// A call of a tool that runs.
        #[cfg(all(feature = "experimental", feature = "structured"))]
        type Running: Send + 'static;

        /// A call of a tool that has ended.
        #[cfg(all(feature = "experimental", feature = "structured"))]
        fn ran(result: crate::tools::ToolResult) -> Self::Running;

        /// Answers a call of a tool, once it is known which tools its thread has.
        #[cfg(all(feature = "experimental", feature = "structured"))]
        fn serve_tool(
            registry: std::sync::Arc<crate::tools::ToolRegistry<Self>>,
            call: crate::tools::ToolCall<Self>,
        ) -> impl Answer<codex_appserver_methods::protocol::DynamicToolCallResponse, Self>;

        /// A decision that is made already.
        fn decided(decision: Result<Decision, HandlerError>) -> Self::Deciding;

        /// The answer that follows from a decision.
        fn answer<T, F>(deciding: Self::Deciding, answer: F) -> impl Answer<T, Self>
        where
            T: Serialize + 'static,
            F: FnOnce(Result<Decision, HandlerError>) -> Result<T, HandlerError> + Send + 'static;

        /// The time by the runtime's clock.
        fn now() -> Instant;

        /// The runtime that this is called on.
        fn home() -> Self::Home;

        /// Interrupts a turn whose last handle was dropped.
        fn interrupt_dropped(turn: Inner<Self>);
    }
}
