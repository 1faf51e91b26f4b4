//! What waits, on threads of the operating system.

mod approvals;
mod connect;
mod login;
mod retry;
#[cfg(feature = "experimental")]
mod search;
mod stream;
mod turn;

pub use retry::retry_on_overload;

use codex_appserver_client::generic::Answer;
use codex_appserver_client::wire::Serialize;
use codex_appserver_client::{HandlerError, OsThreads};

use crate::approvals::Decision;
use crate::runtime::sealed::Wait;
use crate::turn::Inner;

impl Wait for OsThreads {
    type Deciding = Option<Decision>;
    type Home = ();
    type Waiting = stream::Hurry;

    fn decided(decision: Option<Decision>) -> Self::Deciding {
        decision
    }

    fn answer<T, F>(decision: Self::Deciding, answer: F) -> impl Answer<T, Self>
    where
        T: Serialize + 'static,
        F: FnOnce(Option<Decision>) -> Result<T, HandlerError> + Send + 'static,
    {
        answer(decision)
    }

    fn home() -> Self::Home {}

    fn interrupt_dropped(turn: Inner<Self>) {
        turn::interrupt_dropped(turn);
    }
}
