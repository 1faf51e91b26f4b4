//! A login that the user completes elsewhere.

use codex_appserver_client::generic::{Client, Events};
use codex_appserver_client::notification_method::AccountLoginCompleted;
use codex_appserver_client::{Error as ClientError, Event, EventSettings, ServerNotification};
use codex_appserver_methods::protocol::method;
use codex_appserver_methods::protocol::wire::{DecodeError, Notification, Request};
use codex_appserver_methods::protocol::{AccountLoginCompletedNotification, LoginAccountResponse};

use crate::error::Error;
use crate::runtime::Runtime;

/// What a login is told by.
pub(crate) fn settings() -> EventSettings {
    EventSettings::default().methods(&[AccountLoginCompleted::METHOD])
}

/// A login with ChatGPT that the user completes in a browser.
pub struct Login<R: Runtime> {
    pub(crate) client: Client<R>,
    pub(crate) events: Events<R>,
    pub(crate) instructions: Instructions,
}

impl<R: Runtime> Login<R> {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.instructions.id
    }

    /// What the user has to open in a browser.
    pub fn url(&self) -> &str {
        &self.instructions.url
    }

    /// What the user has to type in there, where it is a login by code.
    pub fn user_code(&self) -> Option<&str> {
        self.instructions.user_code.as_deref()
    }

    /// The error of a connection that was shut down meanwhile.
    pub(crate) fn cancelled(&self) -> Error {
        ClientError::Cancelled { method: method::AccountLoginStart::METHOD.into() }.into()
    }
}

impl<R: Runtime> std::fmt::Debug for Login<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("instructions", &self.instructions).finish_non_exhaustive()
    }
}

/// What the user has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instructions {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) user_code: Option<String>,
}

impl Instructions {
    pub(crate) fn of(response: LoginAccountResponse) -> Result<Self, Error> {
        match response {
            LoginAccountResponse::Chatgpt(login) => {
                Ok(Self { id: login.login_id, url: login.auth_url, user_code: None })
            }
            LoginAccountResponse::ChatgptDeviceCode(login) => {
                Ok(Self { id: login.login_id, url: login.verification_url, user_code: Some(login.user_code) })
            }
            _ => Err(Error::Login { wanted: "a login in a browser" }),
        }
    }

    /// How the login ended, if the event says so.
    ///
    /// # Errors
    ///
    /// A login has ended, and how it ended cannot be read. Or the connection was lost, and the login with it.
    pub(crate) fn outcome(&self, event: Event) -> Result<Option<AccountLoginCompletedNotification>, Error> {
        if matches!(event, Event::Reconnected { .. }) {
            return Err(Error::LoginLost);
        }
        // Without a method it was something else, as well as one can tell.
        if let Event::Unreadable(unreadable) = &event
            && unreadable.method.is_some()
        {
            let error = DecodeError::other(unreadable.to_string()).with_raw(unreadable.raw.clone());
            return Err(ClientError::Decode(error).into());
        }
        match event.into_notification() {
            Some(ServerNotification::AccountLoginCompleted(said))
                if said.login_id.as_deref() == Some(&self.id) =>
            {
                Ok(Some(said))
            }
            _ => Ok(None),
        }
    }
}
