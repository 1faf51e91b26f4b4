//! A turn, and what its handle waits for.

use std::future::{Future, IntoFuture};
use std::sync::Arc;
use std::time::Instant;

use codex_appserver_client::{Client, Error as ClientError, Events, Filter, Methods};
use codex_appserver_methods::protocol::{ThreadReadResponse, TurnSteerResponse};

use super::{Approvals, Thread, TurnStream};
use crate::Input;
use crate::core::attempts::{Attempts, BEGINNING, GLANCE, is_not_running};
use crate::core::records;

use crate::error::Error;
use crate::turns::{SharedTurn, Subscriptions, TurnResult, notice_settings};
use crate::twins::turn_methods;

/// A turn: one input, and what the agent does about it. Dropping the handle leaves the turn running.
#[derive(Clone)]
pub struct Turn {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) thread: Thread,
    pub(super) shared: Arc<SharedTurn<Events, Approvals>>,
}

impl Turn {
    /// A turn of this thread, with subscriptions from before its start.
    pub(super) fn new(thread: Thread, turn: crate::core::Turn, subscriptions: Subscriptions<Events>) -> Self {
        let approvals = thread.codex().shared.approvals.clone();
        let shared = Arc::new(SharedTurn::new(turn, subscriptions, approvals));
        Self { inner: Arc::new(Inner { thread, shared }) }
    }

    turn_methods!();

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
        Ok(inner.once_begun(steer).await?)
    }

    /// Stops the agent (`turn/interrupt`). Waits until the turn has begun, and does nothing if it is over. The turn then
    /// ends with the status interrupted.
    ///
    /// # Errors
    ///
    /// What a call fails with.
    pub async fn interrupt(&self) -> Result<(), Error> {
        self.inner.interrupt(self.inner.client()).await
    }
}

impl Inner {
    pub(super) fn client(&self) -> &Client {
        self.thread.codex().client()
    }

    /// A subscription in the place of one that was full.
    pub(super) fn subscribe(&self) -> Events {
        let settings = self.thread.codex().shared.settings.events;
        self.client().events_with(Filter::turn(self.shared.id()), settings)
    }

    async fn interrupt(&self, client: &Client) -> Result<(), Error> {
        if self.shared.is_over() {
            return Ok(());
        }
        let interrupt = || client.turn_interrupt(self.thread.id(), self.shared.active_id()).into_future();
        match self.once_begun(interrupt).await {
            Err(error) if is_not_running(&error) && self.shared.is_over() => Ok(()),
            done => Ok(done.map(drop)?),
        }
    }

    /// Makes a call that the server refuses while the turn has not begun, until it has.
    async fn once_begun<T, F>(&self, call: impl Fn() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut notices = self.client().events_with(Filter::turn(self.shared.id()), notice_settings());
        let mut attempts = Attempts::new(Instant::now());
        loop {
            let error = match call().await {
                Err(error) if is_not_running(&error) && !self.shared.is_over() => error,
                done => return done,
            };
            if tokio::time::timeout(GLANCE, notices.next()).await.is_ok() {
                continue;
            }
            let read = read_records(self.client(), self.thread.id()).await.ok();
            if !attempts.go_on(self.shared.on_status(read), Instant::now()) {
                return Err(error);
            }
        }
    }
}

/// Reads the server's records of a thread, with its turns if there are records of them.
pub(super) async fn read_records(
    client: &Client,
    thread_id: &str,
) -> Result<ThreadReadResponse, ClientError> {
    let client = client.with_timeout(records::PATIENCE);
    match client.thread_read(thread_id).include_turns(true).await {
        Err(error) if records::has_no_turns(&error) => client.thread_read(thread_id).await,
        read => read,
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.shared.take_interrupt() {
            return;
        }
        let turn = Self { thread: self.thread.clone(), shared: self.shared.clone() };
        self.thread.codex().runtime.spawn(async move {
            // The call keeps the connection open, so it must not last.
            let client = turn.client().with_timeout(BEGINNING);
            if let Err(error) = turn.interrupt(&client).await {
                tracing::warn!(turn = turn.shared.id(), %error, "a turn that was dropped could not be interrupted");
            }
        });
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (thread_id, id) = (self.thread().id(), self.id());
        f.debug_struct("Turn").field("thread_id", &thread_id).field("id", &id).finish_non_exhaustive()
    }
}
