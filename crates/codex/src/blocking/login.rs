//! A login that the user completes elsewhere, and a thread waits for.

use codex_appserver_client::blocking::{Client, Events};
use codex_appserver_client::{Filter, Methods};
use codex_appserver_methods::protocol::{
    AccountLoginCompletedNotification, CancelLoginAccountResponse, LoginAccountParams,
};

use crate::error::Error;
use crate::login::{self, Instructions};
use crate::twins::login_methods;

/// A login with ChatGPT that the user completes in a browser.
#[derive(Debug)]
pub struct Login {
    client: Client,
    events: Events,
    instructions: Instructions,
}

impl Login {
    login_methods!();

    pub(super) fn start(client: &Client, params: LoginAccountParams) -> Result<Self, Error> {
        let events = client.events_with(Filter::All, login::settings());
        let instructions = Instructions::of(client.account_login_start(params).call()?)?;
        Ok(Self { client: client.clone(), events, instructions })
    }

    /// Waits until the user is done, or has given up: `success` tells.
    ///
    /// # Errors
    ///
    /// The connection was closed, or what the server says of the end cannot be read.
    pub fn wait(&mut self) -> Result<AccountLoginCompletedNotification, Error> {
        for event in &mut self.events {
            if let Some(outcome) = self.instructions.outcome(event?)? {
                return Ok(outcome);
            }
        }
        Err(self.cancelled())
    }

    /// Gives it up.
    ///
    /// # Errors
    ///
    /// What a call fails with.
    pub fn cancel(&self) -> Result<CancelLoginAccountResponse, Error> {
        Ok(self.client.account_login_cancel(self.id()).call()?)
    }
}
