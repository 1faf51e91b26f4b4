//! The server, and what it keeps.

use std::process::ExitStatus;
use std::sync::Arc;

use codex_appserver_client::Methods;
use codex_appserver_client::blocking::Client;
use codex_appserver_methods::Call;
use codex_appserver_methods::protocol::{ChatgptLoginAccountParams, LoginAccountParams, method};

use super::{Approvals, CodexBuilder, IntoThread, Login, Thread};
use crate::error::Error;
use crate::settings::Shared;
use crate::twins::codex_methods;
#[cfg(feature = "experimental")]
use crate::twins::search_method;

/// A codex app-server: the place where threads live. Cheap to clone and shared by any number of threads of the program.
///
/// When the last clone is gone, handles of threads and turns included, the connection is closed and a child process
/// ended. [`close`](Self::close) is the polite way.
#[derive(Clone)]
pub struct Codex {
    pub(super) client: Client,
    pub(super) shared: Arc<Shared<Approvals>>,
}

impl Codex {
    codex_methods!();

    #[cfg(feature = "experimental")]
    search_method!();

    /// Starts `codex app-server` as a child process, as everything is unless set.
    ///
    /// # Errors
    ///
    /// The binary is not found or does not start, or what it says is not what an app-server says.
    pub fn start() -> Result<Self, Error> {
        Self::builder().start()
    }

    /// Connects to an app-server that listens: `ws://HOST:PORT` or `unix://PATH`.
    ///
    /// # Errors
    ///
    /// The address is none, there is nobody, or they refuse.
    #[cfg(feature = "ws")]
    pub fn connect(address: &str) -> Result<Self, Error> {
        Self::builder().connect(address)
    }

    /// Starts a login with ChatGPT in a browser.
    ///
    /// # Errors
    ///
    /// What a call fails with.
    pub fn login_chatgpt(&self) -> Result<Login, Error> {
        Login::start(&self.client, ChatgptLoginAccountParams::new().into())
    }

    /// Starts a login with ChatGPT by a code that the user types in elsewhere.
    ///
    /// # Errors
    ///
    /// What a call fails with.
    pub fn login_chatgpt_device_code(&self) -> Result<Login, Error> {
        Login::start(&self.client, LoginAccountParams::ChatgptDeviceCode)
    }

    /// Ends the connection, for all handles. A child process is asked to end, then made to. Yields how it ended.
    ///
    /// Turns that are running are ended at once.
    pub fn close(&self) -> Option<ExitStatus> {
        self.client.shutdown()
    }
}

impl std::fmt::Debug for Codex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codex").field("metadata", self.metadata()).finish_non_exhaustive()
    }
}
