//! Turns: what their handles wait for.

use std::future::{Future, IntoFuture};
use std::time::Instant;

use codex_appserver_client::generic::Client;
use codex_appserver_client::{Error as ClientError, Filter, Methods, Tokio};
use codex_appserver_methods::Call;
use codex_appserver_methods::protocol::{TurnSteerResponse, method};
use tracing::Instrument;

use super::stream::now;
use crate::core::attempts::{Attempts, BEGINNING, GLANCE, is_not_running};
use crate::core::records::{self, Records};
use crate::core::{Lookup, Query};
use crate::error::Error;
use crate::input::Input;
use crate::thread::Thread;
use crate::turn::{Inner, Turn};
use crate::turns::{TurnResult, notice_settings};

/// On tokio.
impl Thread<Tokio> {
    /// Starts a turn and waits for its end.
    ///
    /// # Errors
    ///
    /// The turn cannot be started, or the connection is lost. A turn that fails is a value.
    pub async fn run(&self, input: impl Into<Input>) -> Result<TurnResult, Error> {
        self.turn(input).await?.run().await
    }

    /// Asks for an answer of a Rust type: starts a turn with the type's schema, waits for its end and reads the final
    /// text. To set more about the turn, hand [`output_schema`](crate::output_schema) to [`turn`](Self::turn) and call
    /// [`Turn::run_as`].
    ///
    /// # Errors
    ///
    /// The turn cannot be started, the connection is lost, the turn did not complete, or the answer is not a `T`; then
    /// the error holds both.
    #[cfg(feature = "structured")]
    pub async fn run_as<T>(&self, input: impl Into<Input>) -> Result<crate::Structured<T>, Error>
    where
        T: serde::de::DeserializeOwned + crate::schemars::JsonSchema,
    {
        let schema = crate::output_schema::<T>()?;
        self.turn(input).output_schema(schema).await?.run_as().await
    }

    /// The turn that was started, or steered, with this `client_user_message_id`, if the server has it: for a call of
    /// [`turn`](Self::turn) that failed with [`ClientError::ConnectionLost`](crate::ClientError::ConnectionLost) and may
    /// have been executed. The newest turns are looked at first, in pages.
    ///
    /// The handle is that of [`follow`](Self::follow). `None` does not say that the turn never was: a server that was only
    /// out of reach may still be about to begin it, and of a turn that was killed in its first moments codex keeps the
    /// status and no input.
    ///
    /// # Errors
    ///
    /// What a call fails with.
    pub async fn find_turn(&self, client_user_message_id: &str) -> Result<Option<Turn<Tokio>>, Error> {
        let mut turns = self.turns().items();
        while let Some(turn) = turns.next().await {
            match turn {
                Ok(turn) if records::has_message(&turn, client_user_message_id) => {
                    return Ok(Some(self.follow(turn.id)));
                }
                Ok(_) => {}
                Err(error) if records::is_unrecorded(&error) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

/// On tokio.
impl Turn<Tokio> {
    /// Waits for the end of the turn. The result includes what streams have read before.
    ///
    /// # Errors
    ///
    /// The turn cannot be followed; while another `run` or stream reads it, that is [`Error::Followed`]. A turn that
    /// fails is a value: see [`TurnResult::into_result`].
    pub async fn run(&self) -> Result<TurnResult, Error> {
        let mut stream = self.stream();
        while let Some(event) = stream.next().await {
            event?;
        }
        stream.into_result()
    }

    /// Waits for the end of the turn and decodes its final text. The turn must have been started with the schema of `T`.
    ///
    /// # Errors
    ///
    /// The turn cannot be followed, did not complete, or the answer is not a `T`; then the error holds both.
    #[cfg(feature = "structured")]
    pub async fn run_as<T>(&self) -> Result<crate::Structured<T>, Error>
    where
        T: serde::de::DeserializeOwned,
    {
        Ok(crate::schema::read(self.run().await?.into_result()?)?)
    }

    /// Sends more input while the agent works (`turn/steer`). Waits until the turn has begun.
    ///
    /// # Errors
    ///
    /// What a call fails with: the turn may be over, or of a kind that cannot be steered.
    pub async fn steer(&self, input: impl Into<Input>) -> Result<TurnSteerResponse, Error> {
        let (inner, input) = (&*self.inner, Vec::from(input.into()));
        let steer = || {
            inner
                .client()
                .turn_steer(inner.thread.id(), inner.shared.active_id(), input.clone())
                .into_future()
        };
        Ok(inner.once_begun(steer).instrument(inner.span.clone()).await?)
    }

    /// Stops the agent (`turn/interrupt`). Waits until the turn has begun, and does nothing if it is over. The turn then
    /// ends with the status interrupted. If it does not, `run` and streams of it ask the server for its records, and fail
    /// with [`Error::Stalled`], or with the error of a server that does not answer.
    ///
    /// # Errors
    ///
    /// What a call fails with. The server has 10 s to answer.
    pub async fn interrupt(&self) -> Result<(), Error> {
        self.inner.interrupt(&self.inner.client().with_timeout(BEGINNING)).await
    }
}

impl Inner<Tokio> {
    pub(super) async fn interrupt(&self, client: &Client<Tokio>) -> Result<(), Error> {
        if self.shared.is_over() {
            return Ok(());
        }
        let interrupt = || client.turn_interrupt(self.thread.id(), self.shared.active_id()).into_future();
        self.shared.on_interrupt(now());
        let done = match self.once_begun(interrupt).instrument(self.span.clone()).await {
            Err(error) if is_not_running(&error) && self.shared.is_over() => Ok(()),
            done => done.map(drop).map_err(Error::from),
        };
        self.shared.on_interrupt_done(&done);
        done
    }

    /// Makes a call that the server refuses while the turn has not begun, until it has.
    async fn once_begun<T, F>(&self, call: impl Fn() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut notices = self.client().events_with(Filter::tree(self.shared.id()), notice_settings());
        let mut attempts = Attempts::new(Instant::now());
        loop {
            let error = match call().await {
                Err(error) if is_not_running(&error) && !self.shared.is_over() => error,
                done => return done,
            };
            if tokio::time::timeout(GLANCE, notices.next()).await.is_ok() {
                continue;
            }
            let lookup = Lookup::status(self.thread.id(), self.shared.id());
            let read = look_up(self.client(), lookup).await.ok();
            if !attempts.go_on(self.shared.on_status(read), Instant::now()) {
                return Err(error);
            }
        }
    }
}

/// Asks the server what its records say of a turn.
pub(super) async fn look_up(client: &Client<Tokio>, mut lookup: Lookup) -> Result<Records, ClientError> {
    let client = &client.with_timeout(records::PATIENCE);
    loop {
        match lookup.next() {
            Query::Read(params) => lookup.on_read(Call::<_, method::ThreadRead>::new(client, params).await),
            Query::Turns(params) => {
                lookup.on_turns(Call::<_, method::ThreadTurnsList>::new(client, params).await)
            }
            Query::Items(params) => {
                lookup.on_items(Call::<_, method::ThreadItemsList>::new(client, params).await)
            }
            Query::Done(records) => return records,
        }
    }
}

/// Interrupts a turn whose last handle was dropped.
pub(super) fn interrupt_dropped(turn: Inner<Tokio>) {
    turn.thread.codex().home.clone().spawn(async move {
        // The call keeps the connection open, so it must not last.
        let client = turn.client().with_timeout(BEGINNING);
        if let Err(error) = turn.interrupt(&client).await {
            tracing::warn!(turn = turn.shared.id(), %error, "a turn that was dropped could not be interrupted");
        }
    });
}
