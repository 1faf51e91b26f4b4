//! The server, and what it keeps.

use std::sync::Arc;

use codex_appserver_client::generic::{Client, StatusChanges};
use codex_appserver_client::{Methods, Status};
use codex_appserver_methods::Call;
use codex_appserver_methods::protocol::{ApiKeyLoginAccountParams, method};

use crate::approvals::{Approvals, Registry};
use crate::builder::CodexBuilder;
use crate::history::excludes_turns;
use crate::ledger::Ledger;
use crate::metadata::Metadata;
use crate::open_threads::OpenThreads;
use crate::runtime::Runtime;
use crate::settings::Settings;
use crate::thread::{IntoThread, Thread};

/// A codex app-server: the place where threads live. Cheap to clone and shared by any number of tasks or threads of the
/// program.
///
/// When the last clone is gone, handles of threads and turns included, the connection is closed and a child process
/// ended. `close` is the polite way.
pub struct Codex<R: Runtime> {
    pub(crate) client: Client<R>,
    pub(crate) home: R::Home,
    pub(crate) shared: Arc<Shared<R>>,
}

/// What all handles of a connection share beside the client.
pub(crate) struct Shared<R: Runtime> {
    pub(crate) metadata: Metadata,
    pub(crate) settings: Settings,
    pub(crate) approvals: Arc<Registry<Approvals<R>>>,
    pub(crate) ledger: Arc<Ledger>,
    /// The threads to resume when the connection was made again, if it is supervised.
    pub(crate) threads: Option<Arc<OpenThreads>>,
    /// Owned by the handler of the client, which goes when the connection is closed, or is replaced by another one.
    #[cfg(all(feature = "experimental", feature = "structured"))]
    pub(crate) tools: std::sync::Weak<crate::tools::ToolRegistry<R>>,
}

impl<R: Runtime> Codex<R> {
    /// Everything that can be set, and the ways to connect.
    pub fn builder() -> CodexBuilder<R> {
        CodexBuilder::default()
    }

    /// Who the server is: the last one, if there was more than one connection.
    pub fn metadata(&self) -> Metadata {
        Metadata::of(&self.client.server()).unwrap_or_else(|_| self.shared.metadata.clone())
    }

    /// How the connection stands: whether it is there, or since when it is being made again, the number of it, and the
    /// server's version and process.
    pub fn status(&self) -> Status {
        self.client.status()
    }

    /// Subscribes to changes of [`status`](Self::status), from now on.
    pub fn status_changes(&self) -> StatusChanges<R> {
        self.client.status_changes()
    }

    /// The connection, with every method of the protocol, subscriptions and all else.
    pub fn client(&self) -> &Client<R> {
        &self.client
    }

    /// Starts a thread. Every optional param of `thread/start` is a setter.
    pub fn thread_start(&self) -> Call<'_, Client<R>, method::ThreadStart, IntoThread<R>> {
        self.client.thread_start().map_with(IntoThread::new(self.clone()))
    }

    /// Loads a thread that was kept, to go on with it. The answer comes without the thread's turns, which may be many
    /// megabytes: [`Thread::turns`] and [`Thread::items`] read them in pages.
    pub fn thread_resume(
        &self,
        id: impl Into<String>,
    ) -> Call<'_, Client<R>, method::ThreadResume, IntoThread<R>> {
        let call = self.client.thread_resume(id);
        let call = if excludes_turns(&self.client.server()) { call.exclude_turns(true) } else { call };
        call.map_with(IntoThread::new(self.clone()))
    }

    /// Starts a thread that begins with what another one holds. The answer comes without its turns, as that of
    /// [`thread_resume`](Self::thread_resume).
    pub fn thread_fork(
        &self,
        id: impl Into<String>,
    ) -> Call<'_, Client<R>, method::ThreadFork, IntoThread<R>> {
        let call = self.client.thread_fork(id);
        let call = if excludes_turns(&self.client.server()) { call.exclude_turns(true) } else { call };
        call.map_with(IntoThread::new(self.clone()))
    }

    /// Lists threads, in pages.
    pub fn thread_list(&self) -> Call<'_, Client<R>, method::ThreadList> {
        self.client.thread_list()
    }

    /// Puts a thread into the archive.
    pub fn thread_archive(&self, id: impl Into<String>) -> Call<'_, Client<R>, method::ThreadArchive> {
        self.client.thread_archive(id)
    }

    /// Takes a thread out of the archive. [`thread_resume`](Self::thread_resume) loads it then.
    pub fn thread_unarchive(
        &self,
        id: impl Into<String>,
    ) -> Call<'_, Client<R>, method::ThreadUnarchive, IntoThread<R>> {
        self.client.thread_unarchive(id).map_with(IntoThread::new(self.clone()))
    }

    /// A thread that this connection has started or resumed before, by its id. Nothing is sent.
    ///
    /// The server tells a connection only of threads that it has started or resumed: turns of others can be
    /// started, but not followed.
    pub fn thread(&self, id: impl Into<String>) -> Thread<R> {
        Thread::new(self.clone(), id.into())
    }

    /// The models there are, in pages.
    pub fn models(&self) -> Call<'_, Client<R>, method::ModelList> {
        self.client.model_list()
    }

    /// Who is logged in.
    pub fn account(&self) -> Call<'_, Client<R>, method::AccountRead> {
        self.client.account_read()
    }

    /// Logs in with an API key.
    pub fn login_api_key(&self, key: impl Into<String>) -> Call<'_, Client<R>, method::AccountLoginStart> {
        self.client.account_login_start(ApiKeyLoginAccountParams::new(key))
    }

    /// Logs out.
    pub fn logout(&self) -> Call<'_, Client<R>, method::AccountLogout> {
        self.client.account_logout()
    }

    /// Sets the approvals of the connection: they decide what the agent may do where no thread or turn has its own. They
    /// also get the requests that were left to other clients and that no client has answered yet.
    pub fn on_approval(&self, approvals: Approvals<R>) {
        self.shared.approvals.set_default(approvals);
        self.client.offer_left_requests();
    }
}

impl<R: Runtime> Clone for Codex<R> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), home: self.home.clone(), shared: self.shared.clone() }
    }
}

impl<R: Runtime> std::fmt::Debug for Codex<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codex").field("metadata", &self.metadata()).finish_non_exhaustive()
    }
}
