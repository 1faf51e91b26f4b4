//! What waits, on tokio.

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

use std::future::{Future, ready};
use std::pin::Pin;

use codex_appserver_client::generic::Answer;
use codex_appserver_client::wire::Serialize;
use codex_appserver_client::{HandlerError, Tokio};

use crate::approvals::Decision;
use crate::runtime::sealed::Wait;
use crate::turn::Inner;

impl Wait for Tokio {
    type Deciding = Pin<Box<dyn Future<Output = Result<Decision, HandlerError>> + Send>>;
    type Home = tokio::runtime::Handle;
    type Waiting = stream::Waiting;
    type Asking = view::Asking;

    #[cfg(all(feature = "experimental", feature = "structured"))]
    type Running = tools::Running;

    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn ran(result: crate::tools::ToolResult) -> Self::Running {
        Box::pin(ready(result))
    }

    #[cfg(all(feature = "experimental", feature = "structured"))]
    fn serve_tool(
        registry: std::sync::Arc<crate::tools::ToolRegistry<Self>>,
        call: crate::tools::ToolCall<Self>,
    ) -> impl Answer<codex_appserver_methods::protocol::DynamicToolCallResponse, Self> {
        tools::serve(registry, call)
    }

    fn decided(decision: Result<Decision, HandlerError>) -> Self::Deciding {
        Box::pin(ready(decision))
    }

    fn answer<T, F>(deciding: Self::Deciding, answer: F) -> impl Answer<T, Self>
    where
        T: Serialize + 'static,
        F: FnOnce(Result<Decision, HandlerError>) -> Result<T, HandlerError> + Send + 'static,
    {
        async move { answer(deciding.await) }
    }

    fn now() -> std::time::Instant {
        stream::now()
    }

    fn home() -> Self::Home {
        tokio::runtime::Handle::current()
    }

    fn interrupt_dropped(turn: Inner<Self>) {
        turn::interrupt_dropped(turn);
    }
}
