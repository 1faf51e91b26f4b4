//! A request of the server on its way to whoever answers it.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use codex_appserver_requests::ServerRequest;
use codex_appserver_wire::{
    DecodeError, HandlerError, Request, RequestEnvelope, RequestId, RpcError, Serialize, UnknownMethod,
    decode, encode,
};
use serde_json::value::RawValue;

use super::decline::decline;
use super::handle::Handle;
use super::link::Link;
use crate::core::{Asked, Ticket};
use crate::error::Error;

/// A request of the server that has to be answered or left. Dropping it declines it: it never hangs.
pub struct Incoming {
    link: Arc<Link>,
    asked: Asked,
    over: bool,
}

impl Incoming {
    pub(crate) fn new(link: Arc<Link>, asked: Asked) -> Self {
        Self { link, asked, over: false }
    }

    pub(crate) fn id(&self) -> &RequestId {
        &self.asked.ticket.id
    }

    pub(crate) fn method(&self) -> &str {
        &self.asked.method
    }

    pub(crate) fn thread_id(&self) -> Option<&str> {
        self.asked.thread_id.as_deref()
    }

    pub(crate) fn turn_id(&self) -> Option<&str> {
        self.asked.turn_id.as_deref()
    }

    /// A handle to the connection it came on, unless all others are gone.
    pub(crate) fn handle(&self) -> Option<Handle> {
        Handle::of(&self.link)
    }

    /// The params as those of this method.
    fn params<R: Request>(&self) -> Result<R::Params, DecodeError> {
        let members: BTreeMap<String, &RawValue> = decode(&self.asked.line)?;
        let params = members.get("params").map_or("null", |params| params.get());
        // Params that may be left out may be an empty object or nothing, as for the server.
        decode(params)
            .or_else(|error| if params == "null" { decode("{}") } else { Err(error) })
            .map_err(|error| error.within("params").with_method(R::METHOD).with_raw(params))
    }

    /// The params as those of this method; none where they do not decode, which is answered here.
    pub(crate) fn accept<R: Request>(self) -> Option<(R::Params, Self)> {
        match self.params::<R>() {
            Ok(params) => Some((params, self.decoded())),
            Err(error) => {
                self.undecodable(&error);
                None
            }
        }
    }

    /// The params as those of this method, if they decode and are claimed; none where the request was passed on to the
    /// other handlers.
    pub(crate) fn accept_if<R: Request>(
        self,
        claims: impl FnOnce(&R::Params) -> bool,
    ) -> Option<(R::Params, Self)> {
        match self.params::<R>() {
            Ok(params) if claims(&params) => Some((params, self.decoded())),
            _ => {
                self.link.clone().dispatch_unclaimed(self);
                None
            }
        }
    }

    /// The request, whatever its method; none where it does not decode, which is answered here.
    pub(crate) fn accept_any(self) -> Option<(ServerRequest, Self)> {
        match self.request() {
            Ok(request) => Some((request, self.decoded())),
            Err(error) => {
                self.undecodable(&error);
                None
            }
        }
    }

    /// The request as one that the bindings do not know.
    pub(crate) fn accept_untyped(self) -> Option<(UnknownMethod, Self)> {
        match self.accept_any()? {
            (ServerRequest::Unrecognized(request), incoming) => Some((request, incoming)),
            (_, incoming) => {
                incoming.unhandled();
                None
            }
        }
    }

    /// The text is not needed any more, however long the answer takes, unless the request may be left.
    fn decoded(mut self) -> Self {
        if self.asked.must_answer {
            self.asked.line = "".into();
        }
        self
    }

    /// Whether the bindings do not know the method.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.request(), Ok(ServerRequest::Unrecognized(_)))
    }

    fn request(&self) -> Result<ServerRequest, DecodeError> {
        RequestEnvelope::decode(&self.asked.line).map(|envelope| envelope.request)
    }

    /// Which request it is, for those who only want to know whether it is open.
    pub(crate) fn key(&self) -> (Weak<Link>, Ticket) {
        (Arc::downgrade(&self.link), self.asked.ticket.clone())
    }

    /// The connection.
    #[cfg(feature = "blocking")]
    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// Whether there is no answer yet.
    pub(crate) fn is_open(&self) -> bool {
        self.link.is_open(&self.asked.ticket)
    }

    /// Ready once the server is done with the request, or the connection is closed.
    pub(crate) fn poll_resolved(&self, context: &Context<'_>) -> Poll<()> {
        self.link.poll_resolved(&self.asked.ticket, context)
    }

    /// Answers with the outcome of a handler. If another client was quicker, that is no error.
    pub(crate) fn settle(self, outcome: Result<String, HandlerError>) {
        match outcome {
            Ok(result) => drop(self.answer(Ok(result))),
            Err(HandlerError::Rpc(error)) => drop(self.answer(Err(error))),
            Err(HandlerError::Unhandled) => self.unhandled(),
        }
    }

    /// Does what a handler came to, its answer not encoded yet.
    pub(crate) fn settle_with<T: Serialize>(self, outcome: Result<T, HandlerError>) {
        let encoded = |response| encode(&response).map_err(|error| RpcError::internal(error.to_string()));
        self.settle(outcome.and_then(|response| Ok(encoded(response)?)));
    }

    /// Answers with the JSON text of a result, or with an error.
    pub(crate) fn answer(mut self, answer: Result<String, RpcError>) -> Result<(), Error> {
        self.over = true;
        if self.link.answer(&self.asked.ticket, &answer) {
            return Ok(());
        }
        Err(match self.link.closed() {
            Some(closed) => Error::Closed(closed),
            None => Error::Resolved { method: self.asked.method.clone() },
        })
    }

    /// Declines the request.
    pub(crate) fn decline(self) -> Result<(), Error> {
        let answer = decline(&self.asked.method);
        self.answer(answer)
    }

    /// The params cannot be decoded: the only answer is an error.
    fn undecodable(self, error: &DecodeError) {
        tracing::warn!(method = self.asked.method, %error, "a server request cannot be decoded");
        if self.asked.must_answer {
            // If it was resolved meanwhile, no answer is wanted.
            let _ = self.answer(Err(RpcError::invalid_params(error)));
        } else {
            self.leave();
        }
    }

    /// No handler answers it: the settings say what happens.
    pub(crate) fn unhandled(self) {
        if self.asked.must_answer {
            tracing::warn!(method = self.asked.method, "declined a server request that nothing handles");
            let _ = self.decline();
        } else {
            tracing::debug!(method = self.asked.method, "left a server request to the other clients");
            self.leave();
        }
    }

    fn leave(mut self) {
        self.over = true;
        self.link.leave(&self.asked);
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.over && self.is_open() {
            tracing::warn!(method = self.asked.method, "declined a server request whose handler went away");
            self.link.answer(&self.asked.ticket, &decline(&self.asked.method));
        }
    }
}
