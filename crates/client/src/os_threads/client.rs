//! Calls that block the calling thread.

use std::borrow::Cow;
use std::process::ExitStatus;
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use codex_appserver_wire::{BlockingTransport, Request, Serialize, encode_params};
use serde_json::Value;

use super::{OsThreads, wait, wait_until};
use crate::client::Client;
use crate::conn::{Pending, Watch, decoded};
use crate::core::Failure;
use crate::error::{Closed, Error};

/// Calls on threads.
impl Client<OsThreads> {
    /// Calls a method by its marker type.
    ///
    /// # Errors
    ///
    /// What [`Error`] says of calls.
    pub fn request<M: Request>(&self, params: M::Params) -> Result<M::Response, Error> {
        let params = encode_params(&params)?;
        decoded(M::METHOD, self.call(Cow::Borrowed(M::METHOD), params)?)
    }

    /// Calls a method by its wire name, for what the bindings do not know.
    ///
    /// # Errors
    ///
    /// What [`Error`] says of calls.
    pub fn request_raw(&self, method: &str, params: impl Serialize) -> Result<Value, Error> {
        let params = encode_params(&params)?;
        decoded(method, self.call(Cow::Owned(method.to_owned()), params)?)
    }

    /// Waits for the end of the connection.
    pub fn wait_closed(&self) -> Arc<Closed> {
        let mut watch = Watch::new(&self.handle.link);
        wait(&self.handle.link, |context| watch.poll(context))
    }

    /// Ends the connection for all clones: calls that wait are cancelled, what is written goes out, and the stream is
    /// closed. A child process is waited for, then told to terminate, then killed; see
    /// [`Process::patience`](crate::Process::patience). Yields how it ended.
    ///
    /// The server ends running turns at once when its input closes; interrupt them first, or wait.
    pub fn shutdown(&self) -> Option<ExitStatus> {
        self.handle.link.stop();
        self.wait_closed().status
    }

    pub(super) fn call(&self, method: Cow<'static, str>, params: Option<String>) -> Result<String, Error> {
        let mut attempts = 1;
        loop {
            let mut pending = self.handle.begin(method.clone(), params.as_deref())?;
            let failure = match outcome(&mut pending) {
                Ok(result) => return Ok(result),
                Err(failure) => pending.error(failure, attempts),
            };
            let Some(delay) = self.handle.retry_delay(&failure, attempts) else { return Err(failure) };
            thread::sleep(delay);
            attempts += 1;
        }
    }
}

/// Waits on this thread, which minds the deadline itself.
pub(super) fn outcome(pending: &mut Pending) -> Result<String, Failure> {
    let (link, deadline) = (pending.link().clone(), pending.deadline());
    if let Poll::Ready(outcome) = wait_until(&link, deadline, |context| pending.poll(context)) {
        return outcome;
    }
    link.expire();
    wait(&link, |context| pending.poll(context))
}

impl BlockingTransport for Client<OsThreads> {
    fn send(&self, method: &'static str, params: Option<String>) -> Result<String, Error> {
        self.call(Cow::Borrowed(method), params)
    }

    fn notify(&self, method: &'static str, params: Option<String>) -> Result<(), Error> {
        self.handle.link.notify(method, params.as_deref())
    }
}
