//! What is set for all threads and turns of a connection.

use std::time::Duration;

use codex_appserver_client::EventSettings;

use crate::turns::MaxDuration;

/// What can be set before there is a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) events: EventSettings,
    pub(crate) watchdog: Option<Duration>,
    pub(crate) max_duration: Option<MaxDuration>,
}
