//! What both builders can be told.

/// The settings that both builders have.
macro_rules! builder_settings {
    () => {
        /// The codex binary, instead of the one that `CODEX_BIN`, `PATH` or npm's caches have.
        pub fn codex_bin(mut self, path: impl Into<std::path::PathBuf>) -> Self {
            self.process = self.process.program(path);
            self
        }

        /// The folder that the app-server runs in, and threads unless told otherwise.
        pub fn cwd(mut self, folder: impl Into<std::path::PathBuf>) -> Self {
            self.process = self.process.current_dir(folder);
            self
        }

        /// Sets a variable of the app-server's environment.
        pub fn env(
            mut self,
            name: impl Into<std::ffi::OsString>,
            value: impl Into<std::ffi::OsString>,
        ) -> Self {
            self.process = self.process.env(name, value);
            self
        }

        /// The folder with codex's configuration, login and threads; `~/.codex` unless set.
        pub fn codex_home(mut self, folder: impl Into<std::ffi::OsString>) -> Self {
            self.process = self.process.codex_home(folder);
            self
        }

        /// Overrides a value of codex's configuration, the value as TOML: `config("model", "\"gpt-5.5\"")`.
        pub fn config(mut self, key: &str, value: &str) -> Self {
            self.process = self.process.config(key, value);
            self
        }

        /// All else about the process, after what was set before: arguments, environment, how long its end may take, as in
        /// `builder.process(|process| process.env_remove("OPENAI_API_KEY"))`.
        pub fn process(mut self, change: impl FnOnce(crate::Process) -> crate::Process) -> Self {
            self.process = change(self.process);
            self
        }

        /// All else about the connection: its window, retries, limits, and handlers of what the server asks
        /// besides approvals, as in `builder.client(|client| client.window(16).on_user_input(ask_the_user))`.
        pub fn client(mut self, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
            self.client = change(self.client);
            self
        }

        /// What this program calls itself: its name goes into the user agent and into codex's own records.
        pub fn client_info(self, info: crate::protocol::ClientInfo) -> Self {
            self.client(|client| client.client_info(info))
        }

        /// Asks the server for its experimental API. Off unless set.
        pub fn experimental_api(self, wanted: bool) -> Self {
            self.client(|client| client.experimental_api(wanted))
        }

        /// The token for a server that wants one on its WebSocket.
        pub fn bearer_token(self, token: impl Into<String>) -> Self {
            self.client(|client| client.bearer_token(token))
        }

        /// How long a call may take; none for ever. 60 s unless set. Turns are not calls: see
        /// [`watchdog`](Self::watchdog).
        pub fn default_timeout(self, timeout: impl Into<Option<std::time::Duration>>) -> Self {
            self.client(|client| client.default_timeout(timeout))
        }

        /// When and how often calls are made again that the server is too busy for. Never unless set.
        pub fn default_retry(self, policy: crate::RetryPolicy) -> Self {
            self.client(|client| client.default_retry(policy))
        }

        /// Who decides what the agent may do. Nobody unless set: everything is declined, and on a shared server
        /// what other clients started is left to them.
        pub fn approvals(self, approvals: Approvals) -> Self {
            self.approvals.set_default(approvals);
            self
        }

        /// How many bytes of events may wait for a slow reader, per turn and per subscription. 16 MiB unless set.
        /// Beyond that progress is skipped, and then the stream fails with an error that says so; the turn can
        /// be followed again.
        pub fn event_capacity(mut self, bytes: usize) -> Self {
            self.settings.events = crate::EventSettings::default().byte_cap(bytes);
            self
        }

        /// How long a turn may be silent before the server is asked about it, 10 ms at least. Never unless set.
        pub fn watchdog(mut self, silence: std::time::Duration) -> Self {
            self.settings.watchdog = Some(silence.max(std::time::Duration::from_millis(10)));
            self
        }
    };
}

pub(crate) use builder_settings;
