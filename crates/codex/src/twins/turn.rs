//! What both kinds of turns and of their streams have in common.

/// What a turn is beside its ways to wait.
macro_rules! turn_methods {
    () => {
        /// What the ear has heard so far of what it was listening to is kept if it is about this turn.
        pub(super) fn new(thread: Thread, id: String, mut ear: Ear, asks: bool) -> Self {
            ear.events.narrow(Filter::turn(&id));
            ear.life.narrow(Filter::turn(&id));
            let watchdog = thread.codex().shared.settings.watchdog;
            let course = crate::turns::Course::new(thread.id(), &id);
            Self {
                inner: Arc::new(Inner {
                    following: Mutex::new(Some(Following::new(ear.events, course, asks))),
                    life: Arc::new(Life::new(thread.id(), &id, ear.life)),
                    thread,
                    id,
                    watchdog,
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

        /// Puts somebody in charge of what the agent, and its sub-agents, may do in this turn, from now on until it
        /// ends. What the server may have asked before is for the thread's or the connection's approvals. What is asked
        /// after its end, as by a sub-agent that works on, nobody accepts.
        pub fn on_approval(&self, approvals: Approvals) {
            let registry = &self.inner.thread.codex().shared.approvals;
            registry.set_turn(&self.inner.id, approvals);
            // Its end is not announced again.
            if self.inner.life.is_over() {
                registry.end_turn(&self.inner.id);
            }
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

        /// Knows of the turn's life what another handle has heard of it.
        fn with_life(mut self, life: Arc<Life>) -> Self {
            if let Some(inner) = Arc::get_mut(&mut self.inner) {
                inner.life = life;
            }
            self
        }

        /// What came of the turn, once a stream has seen its end.
        pub fn result(&self) -> Option<TurnResult> {
            let following = self.inner.following.lock().unwrap_or_else(PoisonError::into_inner);
            following.as_ref()?.course.result()
        }
    };
}

pub(crate) use turn_methods;

/// What a stream of a turn does with what it gets, and what it leaves behind.
macro_rules! stream_methods {
    () => {
        /// What came of the turn, once its end was seen.
        pub fn result(&self) -> Option<TurnResult> {
            let following = || self.following.as_ref().filter(|following| following.is_done());
            self.outcome.clone().or_else(|| following()?.course.result())
        }

        /// What came of the turn, whose end this stream has seen.
        ///
        /// # Errors
        ///
        /// [`Error::Disconnected`]: it was not read to its end.
        pub fn into_result(self) -> Result<TurnResult, Error> {
            self.result().ok_or_else(|| self.disconnected())
        }

        /// Whether nothing more comes. What is done is handed back, so that others have its result.
        fn is_ended(&mut self) -> bool {
            if self.following.as_ref().is_some_and(|following| following.is_done()) {
                self.outcome = self.result();
                self.ended = true;
                self.hand_back();
                self.turn.life.close();
                self.turn.thread.codex().shared.approvals.end_turn(&self.turn.id);
            }
            self.ended
        }

        /// Whether the server is asked before anything else. Of doubts the watchdog tells, where there is one.
        fn must_ask(&self) -> bool {
            let doubts = |following: &Following<Events>| {
                self.turn.watchdog.is_none() && following.doubts_long_enough()
            };
            self.following.as_ref().is_some_and(|following| following.asks || doubts(following))
        }

        /// Somebody else reads.
        fn taken(&mut self) -> Error {
            self.ended = true;
            Error::Followed { turn_id: self.turn.id.clone() }
        }

        /// The end of the connection came before that of the turn.
        fn disconnected(&self) -> Error {
            match self.turn.client().closed() {
                Some(closed) if !closed.is_shutdown() => ClientError::Closed(closed).into(),
                _ => Error::Disconnected {
                    thread_id: self.turn.thread.id().to_owned(),
                    turn_id: self.turn.id.clone(),
                },
            }
        }

        /// Takes note of what came, or did not.
        fn take(&mut self, event: Option<Result<Event, ClientError>>) -> Option<Result<Event, Error>> {
            let following = self.following.as_mut()?;
            let error = match event {
                Some(Ok(event)) => {
                    following.see(&event);
                    self.is_ended();
                    return Some(Ok(event));
                }
                Some(Err(error @ ClientError::Overrun { .. })) => {
                    // Whoever asks for more gets what comes from now on, and the end in any case.
                    let settings = self.turn.thread.codex().shared.settings.events;
                    following.go_on(self.turn.client().events_with(Filter::turn(&self.turn.id), settings));
                    error.into()
                }
                // The connection has ended after the turn.
                _ if following.cut_off() => {
                    self.is_ended();
                    return None;
                }
                Some(Err(error)) => error.into(),
                None => self.disconnected(),
            };
            self.ended = true;
            Some(Err(error))
        }

        /// Takes note of what the server says of the turn. What is left to be told is an error.
        fn consult(
            &mut self,
            read: Result<ThreadReadResponse, ClientError>,
            silent_for: Option<Duration>,
        ) -> Option<Error> {
            let following = self.following.as_mut()?;
            match read {
                Ok(read) => {
                    let record = Record::of(read, &self.turn.id, silent_for.unwrap_or_default());
                    following.consult(record, self.turn.life.end(), silent_for.is_some())
                }
                // It has ended, and nobody knows better what came of it.
                Err(_) if following.do_without(self.turn.life.end()) => None,
                Err(error) => {
                    self.ended = true;
                    Some(crate::turns::records::unread(error))
                }
            }
        }

        /// Nothing waits to be read. Tells whether that changes anything, and what is wrong.
        fn run_dry(&mut self) -> Option<Result<(), Error>> {
            let dry = self.following.as_mut()?.run_dry();
            self.ended |= matches!(dry, Some(Err(_)));
            dry
        }

        /// Others may follow the turn from here.
        fn hand_back(&mut self) {
            if let Some(following) = self.following.take() {
                let mut place = self.turn.following.lock().unwrap_or_else(PoisonError::into_inner);
                *place = Some(following);
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
                self.hand_back();
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
