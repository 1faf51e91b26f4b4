//! What waits, on threads of the operating system.

mod approvals;
mod connect;
mod front_end;
mod login;
mod retry;
#[cfg(feature = "experimental")]
mod search;
mod stream;
mod terminal;
#[cfg(all(feature = "experimental", feature = "structured"))]
mod tools;
mod turn;
mod view;

pub use front_end::FrontEnd;
pub use retry::retry_on_overload;
pub use stream::NextEvent;

use codex_appserver_client::generic::Answer;
use codex_appserver_client::wire::Serialize;
use codex_appserver_client::{HandlerError, OsThreads};

use crate::approvals::Decision;
use crate::runtime::sealed::Wait;
use crate::turn::Inner;

impl Wait for OsThreads {
    type Deciding = Result<Decision, HandlerError>;
    type Home = ();
    type Waiting = stream::Hurry;
    type Asking = ();

    #[cfg(all(feature = "experimental", feature = "structured"))]
    type Running = crate::tools::ToolResult;

    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn ran(result: crate::tools::ToolResult) -> Self::Running {
        result
    }

    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn serve_tool(
        registry: std::sync::Arc<crate::tools::ToolRegistry<Self>>,
        call: crate::tools::ToolCall<Self>,
    ) -> impl Answer<codex_appserver_methods::protocol::DynamicToolCallResponse, Self> {
        tools::serve(&registry, call)
    }

    fn decided(decision: Result<Decision, HandlerError>) -> Self::Deciding {
        decision
    }

    fn answer<T, F>(decision: Self::Deciding, answer: F) -> impl Answer<T, Self>
    where
        T: Serialize + 'static,
        F: FnOnce(Result<Decision, HandlerError>) -> Result<T, HandlerError> + Send + 'static,
    {
        answer(decision)
    }

    fn now() -> std::time::Instant {
        std::time::Instant::now()
    }

    fn home() -> Self::Home {}

    fn interrupt_dropped(turn: Inner<Self>) {
        turn::interrupt_dropped(turn);
    }
}
