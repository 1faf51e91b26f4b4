//! A call that is under way, and what comes of it.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use codex_appserver_wire::decode;
use serde::de::DeserializeOwned;
use tracing::Span;

use super::link::Link;
use crate::core::Failure;
use crate::error::Error;

/// A call that is under way; dropping it gives it up.
pub(crate) struct Pending {
    link: Arc<Link>,
    id: i64,
    method: Cow<'static, str>,
    #[cfg_attr(not(feature = "blocking"), expect(dead_code))]
    deadline: Option<Instant>,
    over: bool,
    span: Span,
}

impl Pending {
    /// The call of that id. The deadline is for the `blocking` client.
    pub(crate) fn new(
        link: Arc<Link>,
        id: i64,
        method: Cow<'static, str>,
        deadline: Option<Instant>,
    ) -> Self {
        let span = link.call_span(&method, id);
        Self { link, id, method, deadline, over: false, span }
    }

    /// The id of the request.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// The method of the request.
    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    /// Whether the outcome was taken.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// When the call times out, unless the outcome was taken.
    #[cfg(feature = "blocking")]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| !self.over)
    }

    /// The connection.
    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Gives the call up; tells whether the server may be at work on it.
    pub(crate) fn give_up(&mut self) -> bool {
        !std::mem::replace(&mut self.over, true) && self.link.give_up(self.id)
    }

    /// The JSON text of the `result`.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Poll<Result<String, Failure>> {
        let _entered = self.span.enter();
        let polled = self.link.poll_call(self.id, context);
        self.over = polled.is_ready();
        polled
    }

    /// The error that stands for a failure of this call, after so many attempts.
    pub(crate) fn error(&self, failure: Failure, attempts: u32) -> Error {
        let method = &*self.method;
        match failure {
            Failure::Rpc(error) => Error::answered(method, error, attempts, self.link.server().release()),
            Failure::Unreadable(error) => Error::Decode(error.with_method(method)),
            Failure::TimedOut(after) => Error::TimedOut { method: method.to_owned(), after },
            Failure::Cancelled => Error::Cancelled { method: method.to_owned() },
            Failure::Lost { may_have_run, closed } => {
                Error::ConnectionLost { method: method.to_owned(), may_have_run, closed }
            }
            Failure::Closed => match self.link.closed() {
                Some(closed) => Error::Closed(closed),
                None => Error::Cancelled { method: method.to_owned() },
            },
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// Decodes a result; an error carries its text.
pub(crate) fn decoded<T: DeserializeOwned>(method: &str, result: String) -> Result<T, Error> {
    let decoded = decode(&result);
    decoded.map_err(|error| error.within("result").with_method(method).with_raw(result).into())
}
