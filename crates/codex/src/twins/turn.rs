//! The public methods that both kinds of turns and of their streams have in common. What they do is in
//! [`turns::SharedTurn`](crate::turns::SharedTurn) and [`turns::TurnReader`](crate::turns::TurnReader).

/// What a turn is beside its ways to wait.
macro_rules! turn_methods {
    () => {
        /// Its id.
        pub fn id(&self) -> &str {
            self.inner.shared.id()
        }

        /// The thread it runs on.
        pub fn thread(&self) -> &Thread {
            &self.inner.thread
        }

        /// Puts somebody in charge of what the agent, and its sub-agents, may do in this turn, from now on until it
        /// ends. What the server may have asked before is for the thread's or the connection's approvals. What is asked
        /// after its end, as by a sub-agent that works on, nobody accepts.
        pub fn on_approval(&self, approvals: Approvals) {
            self.inner.shared.on_approval(approvals);
        }

        /// Interrupts the turn when the last of this handle and its streams is dropped, unless it has ended.
        /// Without this it goes on.
        #[must_use = "it is a setting of the turn that is returned"]
        pub fn interrupt_on_drop(self) -> Self {
            self.inner.shared.interrupt_on_drop();
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
            self.inner.shared.result()
        }
    };
}

pub(crate) use turn_methods;

/// What a stream of a turn is beside its ways to wait.
macro_rules! stream_methods {
    () => {
        /// What came of the turn, once its end was seen.
        pub fn result(&self) -> Option<TurnResult> {
            self.reader.result()
        }

        /// What came of the turn, whose end this stream has seen.
        ///
        /// # Errors
        ///
        /// [`Error::Disconnected`]: it was not read to its end.
        pub fn into_result(self) -> Result<TurnResult, Error> {
            self.reader.into_result(self.turn.client().closed())
        }
    };
}

pub(crate) use stream_methods;
