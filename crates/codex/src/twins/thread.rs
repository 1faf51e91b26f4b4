//! What both kinds of threads can do, and what becomes of the responses that begin threads and turns.

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
        /// joins it, and the handle is of that turn: its result has what happens from now on.
        ///
        /// What the turn tells is kept from before it starts, for [`Turn::stream`] and [`Turn::run`].
        pub fn turn(&self, input: impl Into<crate::Input>) -> Call<'_, Client, method::TurnStart, IntoTurn> {
            let input = Vec::from(input.into());
            let subscriptions = self.subscribe(Filter::thread(&self.id));
            let map = IntoTurn { thread: self.clone(), subscriptions };
            self.codex.client().turn_start(&self.id, input).map_with(map)
        }

        /// Starts a review of changes, which is a turn. It may have a thread of its own: see its `thread`.
        pub fn review(
            &self,
            target: impl Into<crate::protocol::ReviewTarget>,
        ) -> Call<'_, Client, method::ReviewStart, IntoTurn> {
            let map = IntoTurn { thread: self.clone(), subscriptions: self.subscribe(Filter::All) };
            self.codex.client().review_start(&self.id, target).map_with(map)
        }

        /// A turn that somebody else has started on this thread, by its id: what it tells from now on.
        pub fn follow(&self, turn_id: impl Into<String>) -> Turn {
            let turn_id = turn_id.into();
            let subscriptions = self.subscribe(Filter::turn(&turn_id));
            let turn = crate::core::Turn::joined(&self.id, turn_id, self.codex.shared.settings.watchdog);
            Turn::new(self.clone(), turn, subscriptions)
        }

        /// Reads what the server keeps of it; with the setter `include_turns` its turns as well.
        pub fn read(&self) -> Call<'_, Client, method::ThreadRead> {
            self.codex.client().thread_read(&self.id)
        }

        /// Gives it a title.
        pub fn set_name(&self, name: impl Into<String>) -> Call<'_, Client, method::ThreadNameSet> {
            self.codex.client().thread_name_set(&self.id, name)
        }

        /// Starts to make its history shorter. That is a turn of which only [`events`](Self::events) tell: subscribe
        /// before, and wait for `turn/completed`.
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

        /// Sets its goal. The agent pursues it at once, in turns of its own accord, unless the setter `status` says
        /// that it is paused.
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
            self.codex.shared.approvals.set_thread(&self.id, approvals);
        }

        /// Subscribes to what a turn will report.
        fn subscribe(&self, filter: Filter) -> Subscriptions<Events> {
            self.codex.shared.approvals.forget_ended();
            let client = self.codex.client();
            let notices = client.events_with(filter.clone(), crate::turns::notice_settings());
            Subscriptions { events: client.events_with(filter, self.codex.shared.settings.events), notices }
        }

        /// The turn that was just started here.
        fn started(&self, turn_id: String, subscriptions: Subscriptions<Events>) -> Turn {
            let turn = crate::core::Turn::new(&self.id, turn_id, self.codex.shared.settings.watchdog);
            Turn::new(self.clone(), turn, subscriptions)
        }
    };
}

pub(crate) use thread_methods;

/// What becomes of responses.
macro_rules! mappers {
    () => {
        /// Makes a [`Thread`] of the response.
        pub struct IntoThread(pub(super) Codex);

        /// Makes a [`Turn`] of the response.
        pub struct IntoTurn {
            thread: Thread,
            subscriptions: Subscriptions<Events>,
        }

        crate::twins::mappers! {
            IntoThread: ThreadStartResponse, ThreadResumeResponse, ThreadForkResponse, ThreadUnarchiveResponse
        }

        impl MapResponse<crate::protocol::TurnStartResponse> for IntoTurn {
            type Output = Turn;

            fn map_response(self, response: crate::protocol::TurnStartResponse) -> Turn {
                self.thread.started(response.turn.id, self.subscriptions)
            }
        }

        impl MapResponse<crate::protocol::ReviewStartResponse> for IntoTurn {
            type Output = Turn;

            fn map_response(self, response: crate::protocol::ReviewStartResponse) -> Turn {
                let thread = self.thread.codex().thread(response.review_thread_id);
                thread.started(response.turn.id, self.subscriptions)
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
