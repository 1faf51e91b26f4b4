//! A conversation with the agent.

use codex_appserver_client::{Client, Events, Filter, Methods};
use codex_appserver_methods::protocol::method;
use codex_appserver_methods::{Call, MapResponse};

use super::{Approvals, Codex, Turn};
use crate::Input;
use crate::error::Error;
use crate::turns::{Subscriptions, TurnResult};
use crate::twins::{mappers, thread_methods};

/// A conversation with the agent. Cheap to clone; it keeps the connection open.
///
/// ```no_run
/// # async fn example() -> Result<(), codex_appserver::Error> {
/// let codex = codex_appserver::Codex::start().await?;
/// let thread = codex.thread_start().model("gpt-5.5").await?;
/// println!("{}", thread.run("What is in this folder?").await?.text());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Thread {
    codex: Codex,
    id: String,
}

impl Thread {
    thread_methods!();

    /// Starts a turn and waits for its end.
    ///
    /// # Errors
    ///
    /// The turn cannot be started or followed. A turn that fails is a value.
    pub async fn run(&self, input: impl Into<Input>) -> Result<TurnResult, Error> {
        self.turn(input).await?.run().await
    }

    /// Asks for an answer of a Rust type: starts a turn with the type's schema, waits for its end and reads the
    /// final text. To set more about the turn, hand [`output_schema`](crate::output_schema) to
    /// [`turn`](Self::turn) and call [`Turn::run_as`].
    ///
    /// # Errors
    ///
    /// The turn cannot be started or followed, did not complete, or the answer is not a `T`; then the error holds
    /// both.
    #[cfg(feature = "structured")]
    pub async fn run_as<T>(&self, input: impl Into<Input>) -> Result<crate::Structured<T>, Error>
    where
        T: serde::de::DeserializeOwned + crate::schemars::JsonSchema,
    {
        let schema = crate::output_schema::<T>()?;
        self.turn(input).output_schema(schema).await?.run_as().await
    }
}

mappers!();
