//! The public methods that both kinds of turns and of their streams have in common. What they do is in
//! [`turns::SharedTurn`](crate::turns::SharedTurn) and [`turns::TurnReader`](crate::turns::TurnReader).

/// What a turn is beside its ways to wait.
macro_rules! turn_methods {
    () => {
        /// The id of the turn.
        pub fn id(&self) -> &str {
            self.inner.shared.id()
        }

        /// The thread that the turn runs on.
        pub fn thread(&self) -> &Thread {
            &self.inner.thread
        }

        /// Sets the approvals of this turn, from now on until it ends: they decide what the agent and its sub-agents may
        /// do. Requests from before are decided by the approvals of the thread or of the connection. Requests after the
        /// end, such as those of a sub-agent that still works, are not accepted.
        pub fn on_approval(&self, approvals: Approvals) {
            self.inner.shared.on_approval(approvals);
        }

        /// Interrupts the turn when the last of this handle, its clones and its streams is dropped, unless the turn has
        /// ended. Without this the turn goes on.
        #[must_use = "it is a setting of the turn that is returned"]
        pub fn interrupt_on_drop(self) -> Self {
            self.inner.shared.interrupt_on_drop();
            self
        }

        /// The events of the turn, from before it began. Another stream goes on where the last one stopped; there is
        /// one at a time: while another is open, this one fails with [`Error::Followed`]. Dropping a stream loses
        /// nothing.
        pub fn stream(&self) -> TurnStream {
            TurnStream::new(self.inner.clone())
        }

        /// The result of the turn, once a stream has read its end.
        pub fn result(&self) -> Option<TurnResult> {
            self.inner.shared.result()
        }
    };
}

pub(crate) use turn_methods;

/// What a stream of a turn is beside its ways to wait.
macro_rules! stream_methods {
    () => {
        /// The result of the turn, once this stream has read its end.
        pub fn result(&self) -> Option<TurnResult> {
            self.reader.result()
        }

        /// The result of the turn, whose end this stream has read.
        ///
        /// # Errors
        ///
        /// The stream was not read to its end: [`Error::Disconnected`], or the error of a connection that broke.
        pub fn into_result(self) -> Result<TurnResult, Error> {
            self.reader.into_result(self.turn.client().closed())
        }
    };
}

pub(crate) use stream_methods;
