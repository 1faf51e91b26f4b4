//! Handlers as tasks: each request of the server gets one of its own.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use codex_appserver_methods::ServerRequestHandler;
use codex_appserver_wire::Serialize;
use tracing::Instrument;

use super::Tokio;
use crate::conn::{Hook, Incoming};
use crate::runtime::sealed::{Outcome, Serve, Settle};

impl Serve for Tokio {
    fn hook(serve: impl Fn(Incoming) + Send + Sync + 'static) -> Hook {
        in_task(serve, |serve, incoming| async move { serve(incoming) })
    }
}

impl<T, F> Settle<T, Tokio> for F
where
    T: Serialize,
    F: Future<Output = Outcome<T>> + Send + 'static,
{
    fn hook(serve: impl Fn(Incoming) -> Option<(Self, Incoming)> + Send + Sync + 'static) -> Hook {
        in_task(serve, |serve, incoming| async move {
            let Some((answer, incoming)) = serve(incoming) else { return };
            if let Some(answer) = until_resolved(&incoming, answer).await {
                incoming.settle_with(answer);
            }
        })
    }
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

/// A task for each request.
fn in_task<H, F>(handler: H, run: impl Fn(Arc<H>, Incoming) -> F + Send + Sync + 'static) -> Hook
where
    H: Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let handler = Arc::new(handler);
    Arc::new(move |incoming| drop(tokio::spawn(run(handler.clone(), incoming).in_current_span())))
}

/// What the future yields, or nothing once no answer is wanted any more. The future is dropped then.
async fn until_resolved<T>(incoming: &Incoming, answer: impl Future<Output = T>) -> Option<T> {
    let mut answer = pin!(answer);
    poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => incoming.poll_resolved(context).map(|()| None),
    })
    .await
}
