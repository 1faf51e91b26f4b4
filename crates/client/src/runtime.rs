//! The two ways to wait: on tokio, and on threads of the operating system.

use codex_appserver_wire::HandlerError;

/// How a client waits. The runtimes are `Tokio` (feature `async`) and `OsThreads` (feature `blocking`).
///
/// All types of this crate that depend on it are written once; what waits is an `async fn` with the one runtime and
/// blocks the calling thread with the other.
pub trait Runtime: sealed::Serve {}

/// What a handler returns: the answer to a request of the server, or why there is none.
///
/// With tokio that is a future that yields `Result<T, HandlerError>`, on threads the result itself. `T` is the response
/// type of the request.
#[diagnostic::on_unimplemented(
    message = "a handler returns `Result<{T}, HandlerError>`, with tokio from an async block",
    label = "this is not the answer that the handler has to return"
)]
pub trait Answer<T, R: Runtime>: sealed::Settle<T, R> {}

impl<T, R: Runtime, A: sealed::Settle<T, R>> Answer<T, R> for A {}

pub(crate) mod sealed {
    use super::HandlerError;
    use crate::conn::{Hook, Incoming};

    /// Runs handlers in tasks or on threads, so that the connection does not wait for them.
    pub trait Serve: Sized + Send + Sync + 'static {
        /// Gives each request a task or a thread of its own. If `serve` panics, the request is dropped, which
        /// declines it.
        fn hook(serve: impl Fn(Incoming) + Send + Sync + 'static) -> Hook;
    }

    /// Answers a request of the server with what its handler returned.
    pub trait Settle<T, R>: Sized {
        /// As [`Serve::hook`]. `serve` yields what the handler returned; none if the params did not decode.
        fn hook(serve: impl Fn(Incoming) -> Option<(Self, Incoming)> + Send + Sync + 'static) -> Hook;
    }

    /// The outcome of a handler.
    pub type Outcome<T> = Result<T, HandlerError>;
}
