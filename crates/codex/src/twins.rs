//! What the SDK for tasks and the one for threads have in common, written once.
//!
//! Each macro is expanded in both modules, where `Client`, `Codex`, `Thread`, `Turn` and `Approvals` are the
//! module's own.

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

        /// All else about the process: arguments, environment, how long its end may take.
        ///
        /// ```ignore
        /// builder.process(|process| process.env_remove("OPENAI_API_KEY"))
        /// ```
        pub fn process(mut self, change: impl FnOnce(crate::Process) -> crate::Process) -> Self {
            self.process = change(self.process);
            self
        }

        /// All else about the connection: its window, retries, limits, and handlers of what the server asks
        /// besides approvals, such as `on_user_input` and `on_tool_call`.
        ///
        /// ```ignore
        /// builder.client(|client| client.window(16).on_user_input(ask_the_user))
        /// ```
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
            self.office.desk.set_default(approvals);
            self
        }

        /// How many bytes of events may wait for a slow reader, per turn and per subscription. 16 MiB unless set.
        /// Beyond that progress is skipped, and then the stream fails with an error that says so; the turn can
        /// be followed again.
        pub fn event_capacity(mut self, bytes: usize) -> Self {
            self.settings.events = crate::EventSettings::default().byte_cap(bytes);
            self
        }

        /// How long a turn may be silent before the server is asked about it. Never unless set.
        pub fn watchdog(mut self, silence: std::time::Duration) -> Self {
            self.settings.watchdog = Some(silence);
            self
        }
    };
}

pub(crate) use builder_settings;

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
            self.shared.office.desk.set_default(approvals);
        }
    };
}

pub(crate) use codex_methods;

/// What `Thread` is beside its ways to wait.
macro_rules! thread_methods {
    () => {
        pub(super) fn new(codex: Codex, id: String) -> Self {
            Self { codex, id }
        }

        /// Its id.
        pub fn id(&self) -> &str {
            &self.id
        }

        /// The server it lives on.
        pub fn codex(&self) -> &Codex {
            &self.codex
        }

        /// Starts a turn. Every optional param of `turn/start` is a setter. While a turn is running the input
        /// joins it, and the handle is of that turn.
        ///
        /// What the turn tells is kept from before it starts, for [`Turn::stream`] and [`Turn::run`].
        pub fn turn(&self, input: impl Into<crate::Input>) -> Call<'_, Client, method::TurnStart, IntoTurn> {
            let input = Vec::from(input.into());
            let map = IntoTurn { thread: self.clone(), ear: self.listen(Filter::thread(&self.id)) };
            self.codex.client().turn_start(&self.id, input).map_with(map)
        }

        /// Starts a review of changes, which is a turn. With the setter `delivery` it gets a thread of its own.
        pub fn review(
            &self,
            target: impl Into<crate::protocol::ReviewTarget>,
        ) -> Call<'_, Client, method::ReviewStart, IntoTurn> {
            let map = IntoTurn { thread: self.clone(), ear: self.listen(Filter::All) };
            self.codex.client().review_start(&self.id, target).map_with(map)
        }

        /// A turn that somebody else has started on this thread, by its id: what it tells from now on.
        pub fn follow(&self, turn_id: impl Into<String>) -> Turn {
            let turn_id = turn_id.into();
            let ear = self.listen(Filter::turn(&turn_id));
            Turn::new(self.clone(), turn_id, ear, true)
        }

        /// Reads what the server keeps of it; with the setter `include_turns` its turns as well.
        pub fn read(&self) -> Call<'_, Client, method::ThreadRead> {
            self.codex.client().thread_read(&self.id)
        }

        /// Gives it a title.
        pub fn set_name(&self, name: impl Into<String>) -> Call<'_, Client, method::ThreadNameSet> {
            self.codex.client().thread_name_set(&self.id, name)
        }

        /// Starts to make its history shorter; how that goes is told by [`events`](Self::events).
        pub fn compact(&self) -> Call<'_, Client, method::ThreadCompactStart> {
            self.codex.client().thread_compact_start(&self.id)
        }

        /// Puts it into the archive.
        pub fn archive(&self) -> Call<'_, Client, method::ThreadArchive> {
            self.codex.client().thread_archive(&self.id)
        }

        /// Starts another thread that begins with what this one holds.
        pub fn fork(&self) -> Call<'_, Client, method::ThreadFork, IntoThread> {
            self.codex.thread_fork(&self.id)
        }

        /// Reads its goal.
        pub fn goal(&self) -> Call<'_, Client, method::ThreadGoalGet> {
            self.codex.client().thread_goal_get(&self.id)
        }

        /// Sets its goal, which the agent pursues turn after turn.
        pub fn set_goal(&self, objective: impl Into<String>) -> Call<'_, Client, method::ThreadGoalSet> {
            self.codex.client().thread_goal_set(&self.id).objective(objective)
        }

        /// Takes its goal away.
        pub fn clear_goal(&self) -> Call<'_, Client, method::ThreadGoalClear> {
            self.codex.client().thread_goal_clear(&self.id)
        }

        /// Everything that happens on it, from now on, turns and their streams included.
        pub fn events(&self) -> Events {
            let settings = self.codex.shared.settings.events;
            self.codex.client().events_with(Filter::thread(&self.id), settings)
        }

        /// Puts somebody in charge of what the agent may do on this thread, from now on and for as long as the
        /// connection lasts.
        pub fn on_approval(&self, approvals: Approvals) {
            self.codex.shared.office.desk.set_thread(&self.id, approvals);
        }

        /// Hears what is to come.
        fn listen(&self, filter: Filter) -> Ear {
            let client = self.codex.client();
            let life = client.events_with(filter.clone(), crate::life::settings());
            Ear { events: client.events_with(filter, self.codex.shared.settings.events), life }
        }
    };
}

pub(crate) use thread_methods;

/// What a turn is beside its ways to wait.
macro_rules! turn_methods {
    () => {
        /// What the ear has heard so far of what it was listening to is kept if it is about this turn.
        pub(super) fn new(thread: Thread, id: String, mut ear: Ear, asks: bool) -> Self {
            ear.events.narrow(Filter::turn(&id));
            ear.life.narrow(Filter::turn(&id));
            let watchdog = thread.codex().shared.settings.watchdog;
            let course = crate::course::Course::new(thread.id(), &id);
            Self {
                inner: Arc::new(Inner {
                    following: Mutex::new(Some(Following { events: ear.events, course, asks })),
                    life: Life::new(&id, ear.life),
                    thread,
                    id,
                    watchdog,
                    registration: Mutex::new(None),
                    interrupt_on_drop: AtomicBool::new(false),
                }),
            }
        }

        /// Its id.
        pub fn id(&self) -> &str {
            &self.inner.id
        }

        /// The thread it runs on.
        pub fn thread(&self) -> &Thread {
            &self.inner.thread
        }

        /// Puts somebody in charge of what the agent may do in this turn, from now on, for as long as the turn or
        /// a stream of it is kept. What the server may have asked before is for the thread's or the connection's
        /// approvals.
        pub fn on_approval(&self, approvals: Approvals) {
            let desk = &self.inner.thread.codex().shared.office.desk;
            let registration = desk.set_turn(&self.inner.id, approvals);
            *self.inner.registration.lock().unwrap_or_else(PoisonError::into_inner) = Some(registration);
        }

        /// Interrupts the turn when the last of this handle and its streams is dropped, unless it has ended.
        /// Without this it goes on.
        #[must_use = "it is a setting of the turn that is returned"]
        pub fn interrupt_on_drop(self) -> Self {
            self.inner.interrupt_on_drop.store(true, Relaxed);
            self
        }

        /// What the turn tells, from before it began. What one stream has taken the next one does not see, and
        /// there is one at a time: while another is open this one fails with [`Error::Followed`]. Dropping it
        /// loses nothing.
        pub fn stream(&self) -> TurnStream {
            TurnStream::new(self.inner.clone())
        }

        /// What came of the turn, once a stream has seen its end.
        pub fn result(&self) -> Option<TurnResult> {
            let following = self.inner.following.lock().unwrap_or_else(PoisonError::into_inner);
            following.as_ref()?.course.result()
        }
    };
}

pub(crate) use turn_methods;

/// What becomes of responses.
macro_rules! mappers {
    () => {
        /// Makes a [`Thread`] of the response.
        pub struct IntoThread(pub(super) Codex);

        /// Makes a [`Turn`] of the response.
        pub struct IntoTurn {
            pub(super) thread: Thread,
            pub(super) ear: Ear,
        }

        /// What is heard of a turn before it has an id.
        pub(super) struct Ear {
            pub(super) events: Events,
            pub(super) life: Events,
        }

        crate::twins::mappers! {
            IntoThread: ThreadStartResponse, ThreadResumeResponse, ThreadForkResponse, ThreadUnarchiveResponse
        }

        impl MapResponse<crate::protocol::TurnStartResponse> for IntoTurn {
            type Output = Turn;

            fn map_response(self, response: crate::protocol::TurnStartResponse) -> Turn {
                Turn::new(self.thread, response.turn.id, self.ear, false)
            }
        }

        impl MapResponse<crate::protocol::ReviewStartResponse> for IntoTurn {
            type Output = Turn;

            fn map_response(self, response: crate::protocol::ReviewStartResponse) -> Turn {
                let thread = self.thread.codex().thread(response.review_thread_id);
                Turn::new(thread, response.turn.id, self.ear, false)
            }
        }
    };
    (IntoThread: $($response:ident),*) => {$(
        impl MapResponse<crate::protocol::$response> for IntoThread {
            type Output = Thread;

            fn map_response(self, response: crate::protocol::$response) -> Thread {
                self.0.thread(response.thread.id)
            }
        }
    )*};
}

pub(crate) use mappers;

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

/// What a stream of a turn does with what it gets, and what it leaves behind.
macro_rules! stream_methods {
    () => {
        /// What came of the turn, once its end was seen.
        pub fn result(&self) -> Option<TurnResult> {
            self.following.as_ref()?.course.result()
        }

        pub(super) fn into_result(self) -> Result<TurnResult, Error> {
            self.result().ok_or_else(|| disconnected(self.turn.thread.id(), &self.turn.id))
        }

        fn is_ended(&self) -> bool {
            self.ended || self.following.as_ref().is_some_and(|following| following.course.is_over())
        }

        fn must_ask(&self) -> bool {
            self.following.as_ref().is_some_and(|following| following.asks)
        }

        /// Somebody else reads.
        fn taken(&mut self) -> Error {
            self.ended = true;
            Error::Followed { turn_id: self.turn.id.clone() }
        }

        /// Takes note of what came, or did not.
        fn take(&mut self, event: Option<Result<Event, ClientError>>) -> Option<Result<Event, Error>> {
            let following = self.following.as_mut()?;
            match event {
                Some(Ok(event)) => {
                    // The end itself may be what these bindings cannot read; everything here is of this turn.
                    if let Event::Unreadable(unreadable) = &event {
                        following.asks |= unreadable.method.as_deref() == Some("turn/completed");
                    }
                    following.course.see(&event);
                    Some(Ok(event))
                }
                Some(Err(error)) => {
                    self.ended = true;
                    if let ClientError::Overrun { .. } = error {
                        // Whoever asks for more gets what comes from now on, and the end in any case.
                        let settings = self.turn.thread.codex().shared.settings.events;
                        following.events =
                            self.turn.client().events_with(Filter::turn(&self.turn.id), settings);
                        following.asks = true;
                    }
                    Some(Err(error.into()))
                }
                None => {
                    self.ended = true;
                    Some(Err(disconnected(self.turn.thread.id(), &self.turn.id)))
                }
            }
        }

        /// Takes note of what the server says of the turn. What is left to be told is an error.
        fn consult(
            &mut self,
            read: Result<ThreadReadResponse, ClientError>,
            silent_for: Duration,
        ) -> Option<Error> {
            let following = self.following.as_mut()?;
            let record = match read {
                Ok(read) => Record::of(read, &self.turn.id, silent_for),
                Err(error) => {
                    self.ended = true;
                    return Some(error.into());
                }
            };
            following.asks = false;
            match record {
                Record::Over(turn) => {
                    following.course.adopt(*turn);
                    None
                }
                Record::Open(stalled) => (!silent_for.is_zero()).then_some(Error::Stalled(stalled)),
            }
        }
    };
}

pub(crate) use stream_methods;

/// How a stream hands back what it has not read.
macro_rules! stream_drop {
    () => {
        impl Drop for TurnStream {
            fn drop(&mut self) {
                if let Some(following) = self.following.take() {
                    let mut place = self.turn.following.lock().unwrap_or_else(PoisonError::into_inner);
                    *place = Some(following);
                }
            }
        }

        impl std::fmt::Debug for TurnStream {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("TurnStream").field("turn_id", &self.turn.id).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use stream_drop;
