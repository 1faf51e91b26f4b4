//! What is set for all threads and turns of a connection.

use std::sync::Arc;
use std::time::Duration;

use codex_appserver_client::EventSettings;

use crate::approvals::Registry;
use crate::metadata::Metadata;

/// What can be set before there is a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) events: EventSettings,
    pub(crate) watchdog: Option<Duration>,
}

/// What all handles of a connection share beside the client.
pub(crate) struct Shared<A> {
    pub(crate) metadata: Metadata,
    pub(crate) settings: Settings,
    pub(crate) approvals: Arc<Registry<A>>,
}
