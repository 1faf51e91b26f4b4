//! What is sent over a new connection before anything else.

use std::sync::Arc;
use std::time::Duration;

use codex_appserver_wire::{EncodeError, Request, encode_params};

use crate::conn::{Link, Pending};
use crate::error::Error;
use crate::server::ServerInfo;
use crate::settings::RetryPolicy;

/// How many of these calls are under way at once. There may be hundreds, and a server takes 64.
const AT_ONCE: usize = 16;

/// What a supervised client sends when it is connected again, before the calls that wait: as a rule, `thread/resume` for
/// each thread whose events it wants. See [`ClientBuilder::restore`](crate::generic::ClientBuilder::restore).
pub trait Restore: Send + Sync + 'static {
    /// The calls to make of this server, in this order, several at a time.
    fn calls(&self, server: &ServerInfo) -> Vec<RestoreCall>;

    /// How one of them ended: with the JSON text of the result, or with an error. The connection goes on in any case.
    fn on_answer(&self, call: &RestoreCall, answer: Result<&str, &Error>);
}

/// A call that restores something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreCall {
    pub(crate) method: &'static str,
    pub(crate) params: Option<String>,
    key: String,
}

impl RestoreCall {
    /// A call of the method `M`. By the key [`Restore::on_answer`] knows it again: the id of a thread, for one.
    ///
    /// # Errors
    ///
    /// The params have no JSON form.
    pub fn new<M: Request>(key: impl Into<String>, params: &M::Params) -> Result<Self, EncodeError> {
        Ok(Self { method: M::METHOD, params: encode_params(params)?, key: key.into() })
    }

    /// The method, by its wire name.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// What it was made with.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The calls that are made over one connection, whoever waits for their answers.
pub(crate) struct Restoring<'a> {
    restore: &'a dyn Restore,
    calls: Vec<RestoreCall>,
    /// Those that the server was too busy for.
    again: Vec<RestoreCall>,
    passes: u32,
}

/// A call that was made.
pub(crate) type Made = (RestoreCall, Result<Pending, Error>);

impl<'a> Restoring<'a> {
    pub(crate) fn new(restore: &'a dyn Restore, link: &Link) -> Self {
        let mut calls = restore.calls(&link.server());
        calls.reverse();
        Self { restore, calls, again: Vec::new(), passes: 1 }
    }

    /// Makes the next calls; none once all are made.
    pub(crate) fn make(&mut self, link: &Arc<Link>) -> Vec<Made> {
        let some = self.calls.len().min(AT_ONCE);
        let calls = self.calls.drain(self.calls.len() - some..).rev();
        calls
            .map(|call| {
                let pending = link.begin_urgent(call.method, call.params.as_deref());
                (call, pending)
            })
            .collect()
    }

    /// How one of them ended.
    pub(crate) fn on_answer(&mut self, call: RestoreCall, answer: Result<String, Error>) {
        match &answer {
            Err(Error::Overloaded { .. }) if self.pause().is_some() => self.again.push(call),
            Err(error) => {
                tracing::warn!(method = call.method, key = call.key, %error, "could not be restored");
                self.restore.on_answer(&call, Err(error));
            }
            Ok(result) => self.restore.on_answer(&call, Ok(result)),
        }
    }

    /// How long to wait until those calls are made again that the server was too busy for; none if there are none.
    pub(crate) fn next_pass(&mut self) -> Option<Duration> {
        let pause = self.pause().filter(|_| !self.again.is_empty())?;
        self.passes += 1;
        self.calls = std::mem::take(&mut self.again);
        self.calls.reverse();
        Some(pause)
    }

    fn pause(&self) -> Option<Duration> {
        RetryPolicy::default().delay_after(self.passes)
    }
}
