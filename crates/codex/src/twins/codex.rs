//! What both kinds of `Codex` and of logins can do without waiting.

/// What `Codex` is beside its ways to wait.
macro_rules! codex_methods {
    () => {
        /// Everything that can be set, and the ways to connect.
        pub fn builder() -> CodexBuilder {
            CodexBuilder::default()
        }

        /// Who the server is.
        pub fn metadata(&self) -> &crate::Metadata {
            &self.shared.metadata
        }

        /// The connection, with every method of the protocol, subscriptions and all else.
        pub fn client(&self) -> &Client {
            &self.client
        }

        /// Starts a thread. Every optional param of `thread/start` is a setter.
        pub fn thread_start(&self) -> Call<'_, Client, method::ThreadStart, IntoThread> {
            self.client.thread_start().map_with(IntoThread(self.clone()))
        }

        /// Loads a thread that was kept, to go on with it.
        pub fn thread_resume(
            &self,
            id: impl Into<String>,
        ) -> Call<'_, Client, method::ThreadResume, IntoThread> {
            self.client.thread_resume(id).map_with(IntoThread(self.clone()))
        }

        /// Starts a thread that begins with what another one holds.
        pub fn thread_fork(&self, id: impl Into<String>) -> Call<'_, Client, method::ThreadFork, IntoThread> {
            self.client.thread_fork(id).map_with(IntoThread(self.clone()))
        }

        /// Lists threads, in pages.
        pub fn thread_list(&self) -> Call<'_, Client, method::ThreadList> {
            self.client.thread_list()
        }

        /// Puts a thread into the archive.
        pub fn thread_archive(&self, id: impl Into<String>) -> Call<'_, Client, method::ThreadArchive> {
            self.client.thread_archive(id)
        }

        /// Takes a thread out of the archive. [`thread_resume`](Self::thread_resume) loads it then.
        pub fn thread_unarchive(
            &self,
            id: impl Into<String>,
        ) -> Call<'_, Client, method::ThreadUnarchive, IntoThread> {
            self.client.thread_unarchive(id).map_with(IntoThread(self.clone()))
        }

        /// A thread that this connection has started or resumed before, by its id. Nothing is sent.
        ///
        /// The server tells a connection only of threads that it has started or resumed: turns of others can be
        /// started, but not followed.
        pub fn thread(&self, id: impl Into<String>) -> Thread {
            Thread::new(self.clone(), id.into())
        }

        /// The models there are, in pages.
        pub fn models(&self) -> Call<'_, Client, method::ModelList> {
            self.client.model_list()
        }

        /// Who is logged in.
        pub fn account(&self) -> Call<'_, Client, method::AccountRead> {
            self.client.account_read()
        }

        /// Logs in with an API key.
        pub fn login_api_key(&self, key: impl Into<String>) -> Call<'_, Client, method::AccountLoginStart> {
            self.client.account_login_start(crate::protocol::ApiKeyLoginAccountParams::new(key))
        }

        /// Logs out.
        pub fn logout(&self) -> Call<'_, Client, method::AccountLogout> {
            self.client.account_logout()
        }

        /// Puts somebody else in charge of what the agent may do, where no thread or turn has its own.
        pub fn on_approval(&self, approvals: Approvals) {
            self.shared.approvals.set_default(approvals);
        }
    };
}

pub(crate) use codex_methods;

/// What a login is beside its ways to wait.
macro_rules! login_methods {
    () => {
        /// Its id.
        pub fn id(&self) -> &str {
            &self.instructions.id
        }

        /// What the user has to open in a browser.
        pub fn url(&self) -> &str {
            &self.instructions.url
        }

        /// What the user has to type in there, where it is a login by code.
        pub fn user_code(&self) -> Option<&str> {
            self.instructions.user_code.as_deref()
        }

        /// The connection was shut down meanwhile.
        fn cancelled(&self) -> Error {
            crate::ClientError::Cancelled { method: "account/login/start".into() }.into()
        }
    };
}

pub(crate) use login_methods;
