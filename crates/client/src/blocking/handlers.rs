//! Handlers on threads: each request of the server gets one of its own.

use std::sync::Arc;
use std::thread;

use codex_appserver_methods::BlockingServerRequestHandler;
use codex_appserver_wire::{HandlerError, Request, UnknownMethod};

use super::{Context, Responder};
use crate::requests::{Hook, Incoming};

/// How many requests one handler may be at work on at a time. What comes beyond is declined.
const THREADS: usize = 1024;

/// The answer to a request of method `R`, or why there is none.
pub trait Answer<R: Request> {
    /// Into what the connection sends.
    fn into_result(self) -> Result<R::Response, HandlerError>;
}

impl<R: Request> Answer<R> for Result<R::Response, HandlerError> {
    fn into_result(self) -> Result<R::Response, HandlerError> {
        self
    }
}

/// Answers the requests of one method.
pub(super) fn typed<R, F, A>(handler: F) -> Hook
where
    R: Request + 'static,
    F: Fn(R::Params, Context) -> A + Send + Sync + 'static,
    A: Answer<R>,
{
    on_thread(handler, |handler, incoming| {
        let Some((params, incoming)) = incoming.accept::<R>() else { return };
        let answer = handler(params, Context::new(&incoming));
        incoming.settle_with(answer.into_result());
    })
}

/// Hands the requests of one method over, to be answered some time.
pub(super) fn responder<R, F>(handler: F) -> Hook
where
    R: Request + 'static,
    F: Fn(R::Params, Responder<R>) + Send + Sync + 'static,
{
    on_thread(handler, |handler, incoming| {
        if let Some((params, incoming)) = incoming.accept::<R>() {
            handler(params, Responder::new(incoming));
        }
    })
}

/// Answers the requests that the bindings do not know.
pub(super) fn unknown<F>(handler: F) -> Hook
where
    F: Fn(UnknownMethod, Context) -> Result<serde_json::Value, HandlerError> + Send + Sync + 'static,
{
    on_thread(handler, |handler, incoming| {
        let Some((request, incoming)) = incoming.accept_untyped() else { return };
        let answer = handler(request, Context::new(&incoming));
        incoming.settle_with(answer);
    })
}

/// Answers whatever the handler's methods answer.
pub(super) fn all(handler: impl BlockingServerRequestHandler + 'static) -> Hook {
    on_thread(handler, |handler, incoming| {
        let Some((request, incoming)) = incoming.accept_any() else { return };
        incoming.settle(handler.handle(request));
    })
}

/// A thread for each request. If it panics, or cannot be started, the request goes down with it, which
/// declines it.
fn on_thread<H>(handler: H, run: impl Fn(&H, Incoming) + Send + Sync + Copy + 'static) -> Hook
where
    H: Send + Sync + 'static,
{
    // Counted by its copies: one here, one in each thread.
    let handler = Arc::new(handler);
    Arc::new(move |incoming| {
        if Arc::strong_count(&handler) > THREADS {
            tracing::warn!("a handler is at work on too many requests");
            return;
        }
        // A name with a null byte would panic, on the thread that reads.
        let (handler, name) = (handler.clone(), format!("codex {}", incoming.method().replace('\0', "")));
        let started = thread::Builder::new().name(name).spawn(move || run(&handler, incoming));
        if let Err(error) = started {
            tracing::error!(%error, "no thread for a server request");
        }
    })
}
