//! Handlers as tasks: each request of the server gets one of its own.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use codex_appserver_methods::ServerRequestHandler;
use codex_appserver_wire::{HandlerError, Request, UnknownMethod};

use super::{Context, Responder};
use crate::requests::{Hook, Incoming};

/// A future that yields the answer to a request of method `R`, or why there is none.
pub trait Answer<R: Request>: Future<Output = Result<R::Response, HandlerError>> + Send + 'static {}

impl<R, F> Answer<R> for F
where
    R: Request,
    F: Future<Output = Result<R::Response, HandlerError>> + Send + 'static,
{
}

/// Answers the requests of one method.
pub(super) fn typed<R, F, A>(handler: F) -> Hook
where
    R: Request<Params: Send> + 'static,
    F: Fn(R::Params, Context) -> A + Send + Sync + 'static,
    A: Answer<R>,
{
    in_task(handler, |handler, incoming| async move {
        let Some((params, incoming)) = incoming.accept::<R>() else { return };
        let answer = handler(params, Context::new(&incoming));
        if let Some(answer) = until_resolved(&incoming, answer).await {
            incoming.settle_with(answer);
        }
    })
}

/// Hands the requests of one method over, to be answered some time.
pub(super) fn responder<R, F>(handler: F) -> Hook
where
    R: Request<Params: Send> + 'static,
    F: Fn(R::Params, Responder<R>) + Send + Sync + 'static,
{
    in_task(handler, |handler, incoming| async move {
        if let Some((params, incoming)) = incoming.accept::<R>() {
            handler(params, Responder::new(incoming));
        }
    })
}

/// Answers the requests that the bindings do not know.
pub(super) fn unknown<F, A>(handler: F) -> Hook
where
    F: Fn(UnknownMethod, Context) -> A + Send + Sync + 'static,
    A: Future<Output = Result<serde_json::Value, HandlerError>> + Send + 'static,
{
    in_task(handler, |handler, incoming| async move {
        let Some((request, incoming)) = incoming.accept_untyped() else { return };
        let answer = handler(request, Context::new(&incoming));
        if let Some(answer) = until_resolved(&incoming, answer).await {
            incoming.settle_with(answer);
        }
    })
}

/// Answers whatever the handler's methods answer.
pub(super) fn all(handler: impl ServerRequestHandler + 'static) -> Hook {
    in_task(handler, |handler, incoming| async move {
        let Some((request, incoming)) = incoming.accept_any() else { return };
        if let Some(answer) = until_resolved(&incoming, handler.handle(request)).await {
            incoming.settle(answer);
        }
    })
}

/// A task for each request. If it panics, the request goes down with it, which declines it.
fn in_task<H, F>(handler: H, run: impl Fn(Arc<H>, Incoming) -> F + Send + Sync + 'static) -> Hook
where
    H: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let handler = Arc::new(handler);
    Arc::new(move |incoming| drop(tokio::spawn(run(handler.clone(), incoming))))
}

/// What the future yields, or nothing once nobody wants it any more. The future is dropped then.
async fn until_resolved<T>(incoming: &Incoming, answer: impl Future<Output = T>) -> Option<T> {
    let mut answer = pin!(answer);
    poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => incoming.poll_resolved(context).map(|()| None),
    })
    .await
}
