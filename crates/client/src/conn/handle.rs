//! What a client is made of on either runtime: a handle to a connection that ends with its last handle.

use std::borrow::Cow;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::call::Pending;
use super::handlers::Handlers;
use super::link::Link;
use super::link::Owner;
use super::subscription::Subscription;
use crate::core::{CallTerms, Filter};
use crate::error::Error;
use crate::settings::{CallOptions, EventSettings, RetryPolicy, Settings, Timeout};

/// What a client is made of on either runtime.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) link: Arc<Link>,
    owner: Arc<Owner>,
    options: CallOptions,
}

impl Handle {
    pub(crate) fn new(settings: Settings, handlers: Handlers) -> Self {
        let link = Arc::new(Link::new(settings, handlers));
        let owner = Arc::new(Owner(link.clone()));
        link.set_owner(Arc::downgrade(&owner));
        Self { link, owner, options: CallOptions::default() }
    }

    pub(crate) fn with_timeout(&self, timeout: Option<Duration>) -> Self {
        let options = CallOptions { timeout: Timeout::Is(timeout), ..self.options };
        Self { options, ..self.clone() }
    }

    pub(crate) fn with_retry(&self, policy: RetryPolicy) -> Self {
        Self { options: CallOptions { retry: Some(policy), ..self.options }, ..self.clone() }
    }

    /// How long to wait before a call is made again; none where it is not.
    pub(crate) fn retry_delay(&self, error: &Error, attempts: u32) -> Option<Duration> {
        let policy = self.options.retry.or(self.link.settings().retry);
        policy.filter(|_| error.is_retryable())?.delay_after(attempts)
    }

    /// Begins a call.
    pub(crate) fn begin(&self, method: Cow<'static, str>, params: Option<&str>) -> Result<Pending, Error> {
        let timeout = self.link.settings().timeout(&method, self.options.timeout);
        let now = Instant::now();
        let id = self.link.begin(method.clone(), params, CallTerms { timeout, urgent: false }, now)?;
        Ok(Pending::new(self.link.clone(), id, method, timeout.and_then(|timeout| now.checked_add(timeout))))
    }

    pub(crate) fn subscribe(&self, filter: Filter, settings: EventSettings) -> Subscription {
        Subscription::new(self.link.clone(), filter, settings)
    }

    /// A handle to the connection, while there is any other.
    pub(crate) fn of(link: &Link) -> Option<Self> {
        let owner = link.owner()?;
        Some(Self { link: owner.0.clone(), owner, options: CallOptions::default() })
    }

    /// A handle that does not keep the connection open.
    pub(crate) fn downgrade(&self) -> WeakHandle {
        WeakHandle { owner: Arc::downgrade(&self.owner), options: self.options }
    }
}

/// A handle that does not keep the connection open.
#[derive(Clone)]
pub(crate) struct WeakHandle {
    owner: Weak<Owner>,
    options: CallOptions,
}

impl WeakHandle {
    pub(crate) fn upgrade(&self) -> Option<Handle> {
        let owner = self.owner.upgrade()?;
        Some(Handle { link: owner.0.clone(), owner, options: self.options })
    }
}
