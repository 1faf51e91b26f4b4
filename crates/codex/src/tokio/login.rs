//! Waiting for the user to log in.

use codex_appserver_client::generic::Client;
use codex_appserver_client::{Filter, Methods, Tokio};
use codex_appserver_methods::protocol::{
    AccountLoginCompletedNotification, CancelLoginAccountResponse, LoginAccountParams,
};

use crate::error::Error;
use crate::login::{self, Instructions, Login};

/// On tokio.
impl Login<Tokio> {
    pub(super) async fn start(client: &Client<Tokio>, params: LoginAccountParams) -> Result<Self, Error> {
        let events = client.events_with(Filter::All, login::settings());
        let instructions = Instructions::of(client.account_login_start(params).await?)?;
        Ok(Self { client: client.clone(), events, instructions })
    }

    /// Waits until the user is done, or has given up: `success` tells.
    ///
    /// # Errors
    ///
    /// The connection was closed, or what the server says of the end cannot be read.
    pub async fn wait(&mut self) -> Result<AccountLoginCompletedNotification, Error> {
        while let Some(event) = self.events.next().await {
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
    pub async fn cancel(&self) -> Result<CancelLoginAccountResponse, Error> {
        Ok(self.client.account_login_cancel(self.id()).await?)
    }
}
