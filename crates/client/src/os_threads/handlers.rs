//! Handlers on threads: each request of the server gets one of its own.

use std::sync::Arc;
use std::thread;

use codex_appserver_methods::BlockingServerRequestHandler;
use codex_appserver_wire::Serialize;
use tracing::Span;

use super::OsThreads;
use crate::conn::{Hook, Incoming};
use crate::runtime::sealed::{Outcome, Serve, Settle};

/// How many requests one handler may be at work on at a time. What comes beyond is declined.
const THREADS: usize = 1024;

impl Serve for OsThreads {
    fn hook(serve: impl Fn(Incoming) + Send + Sync + 'static) -> Hook {
        on_thread(serve)
    }
}

impl<T: Serialize> Settle<T, OsThreads> for Outcome<T> {
    fn hook(serve: impl Fn(Incoming) -> Option<(Self, Incoming)> + Send + Sync + 'static) -> Hook {
        on_thread(move |incoming| {
            if let Some((answer, incoming)) = serve(incoming) {
                incoming.settle_with(answer);
            }
        })
    }
}

/// Answers whatever the handler's methods answer.
pub(super) fn all(handler: impl BlockingServerRequestHandler + 'static) -> Hook {
    on_thread(move |incoming| {
        if let Some((request, incoming)) = incoming.accept_any() {
            incoming.settle(handler.handle(request));
        }
    })
}

/// A thread for each request. If it cannot be started, the request goes down with it, which declines it.
fn on_thread(serve: impl Fn(Incoming) + Send + Sync + 'static) -> Hook {
    // Counted by its copies: one here, one in each thread.
    let serve = Arc::new(serve);
    Arc::new(move |incoming| {
        if Arc::strong_count(&serve) > THREADS {
            tracing::warn!("a handler is at work on too many requests");
            return;
        }
        // A name with a null byte would panic, on the thread that reads.
        let (serve, name) = (serve.clone(), format!("codex {}", incoming.method().replace('\0', "")));
        let span = Span::current();
        let started = thread::Builder::new().name(name).spawn(move || span.in_scope(|| serve(incoming)));
        if let Err(error) = started {
            tracing::error!(%error, "no thread for a server request");
        }
    })
}
