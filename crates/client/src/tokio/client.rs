//! Calls that are awaited.

use std::borrow::Cow;
use std::future::poll_fn;
use std::process::ExitStatus;
use std::sync::Arc;

use codex_appserver_wire::{Request, Serialize, Transport, encode_params};
use serde_json::Value;

use super::Tokio;
use crate::client::Client;
use crate::conn::{Watch, decoded};
use crate::error::{Closed, Error};

/// Calls on tokio.
impl Client<Tokio> {
    /// Calls a method by its marker type.
    ///
    /// # Errors
    ///
    /// What [`Error`] says of calls.
    pub async fn request<M: Request>(&self, params: M::Params) -> Result<M::Response, Error> {
        let params = encode_params(&params)?;
        decoded(M::METHOD, self.call(Cow::Borrowed(M::METHOD), params).await?)
    }

    /// Calls a method by its wire name, for what the bindings do not know.
    ///
    /// # Errors
    ///
    /// What [`Error`] says of calls.
    pub async fn request_raw(&self, method: &str, params: impl Serialize) -> Result<Value, Error> {
        let params = encode_params(&params)?;
        decoded(method, self.call(Cow::Owned(method.to_owned()), params).await?)
    }

    /// Waits for the end of the connection.
    pub async fn wait_closed(&self) -> Arc<Closed> {
        let mut watch = Watch::new(&self.handle.link);
        poll_fn(|context| watch.poll(context)).await
    }

    /// Ends the connection for all clones: calls that wait are cancelled, what is written goes out, and the stream is
    /// closed. A child process is waited for, then told to terminate, then killed; see
    /// [`Process::patience`](crate::Process::patience). Yields how it ended.
    ///
    /// The server ends running turns at once when its input closes; interrupt them first, or wait.
    pub async fn shutdown(&self) -> Option<ExitStatus> {
        self.handle.link.stop();
        self.wait_closed().await.status
    }

    pub(super) async fn call(
        &self,
        method: Cow<'static, str>,
        params: Option<String>,
    ) -> Result<String, Error> {
        let mut attempts = 1;
        loop {
            let mut pending = self.handle.begin(method.clone(), params.as_deref())?;
            let failure = match poll_fn(|context| pending.poll(context)).await {
                Ok(result) => return Ok(result),
                Err(failure) => pending.error(failure, attempts),
            };
            let Some(delay) = self.handle.retry_delay(&failure, attempts) else { return Err(failure) };
            tokio::time::sleep(delay).await;
            attempts += 1;
        }
    }
}

impl Transport for Client<Tokio> {
    async fn send(&self, method: &'static str, params: Option<String>) -> Result<String, Error> {
        self.call(Cow::Borrowed(method), params).await
    }

    async fn notify(&self, method: &'static str, params: Option<String>) -> Result<(), Error> {
        self.handle.link.notify(method, params.as_deref())
    }
}
