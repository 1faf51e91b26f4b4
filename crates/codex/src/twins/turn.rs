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
                    following: Mutex::new(Some(Following { events: ear.events, course, asks })),
                    life: Life::new(thread.id(), &id, ear.life),
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
            let registry = &self.inner.thread.codex().shared.approvals.registry;
            let registration = registry.set_turn(&self.inner.id, approvals);
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

/// What a stream of a turn does with what it gets, and what it leaves behind.
macro_rules! stream_methods {
    () => {
        /// What came of the turn, once its end was seen.
        pub fn result(&self) -> Option<TurnResult> {
            self.following.as_ref()?.course.result()
        }

        /// What came of the turn, whose end this stream has seen.
        ///
        /// # Errors
        ///
        /// [`Error::Disconnected`]: it was not read to its end.
        pub fn into_result(self) -> Result<TurnResult, Error> {
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
