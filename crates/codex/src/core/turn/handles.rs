//! What the handles of a turn ask and set beside its reader, at any time.

use std::time::{Duration, Instant};

use codex_appserver_client::{Error as ClientError, Event, ServerNotification};
use codex_appserver_methods::protocol::TurnStatus;

use super::Turn;
use crate::core::agents::Agents;
use crate::core::attempts::Progress;
use crate::core::records::{self, Record, Records};
use crate::error::Error;
use crate::turns::{MaxDuration, TurnResult};

impl Turn {
    /// Whether the server has said that the turn is over. Its reader may not be there yet.
    pub(crate) fn is_over(&self) -> bool {
        self.recorded_end || self.noticed_end.is_some() || self.log.is_over()
    }

    /// Whether the end was read.
    pub(crate) fn is_read(&self) -> bool {
        self.log.is_over()
    }

    /// Whether there is nothing left to read or to ask.
    pub(crate) fn is_done(&self) -> bool {
        self.log.is_over() && !self.needs_records
    }

    /// Whether [`on_notice`](Self::on_notice) may tell anything new: neither the reader nor a notice told the end.
    pub(crate) fn wants_notices(&self) -> bool {
        self.noticed_end.is_none() && !self.log.is_over()
    }

    /// The id by which the server interrupts or steers the turn.
    pub(crate) fn active_id(&self) -> &str {
        self.active_id.as_deref().unwrap_or_else(|| self.id())
    }

    /// The result, once the end was read, without its usage and its folder.
    pub(crate) fn result(&self) -> Option<TurnResult> {
        let mut result = self.log.result()?;
        result.timed_out = self.limit.was_reached() && result.status == TurnStatus::Interrupted;
        Some(result)
    }

    /// Its sub-agents, as far as their events were passed in.
    pub(crate) fn agents(&self) -> &Agents {
        &self.agents
    }

    /// See [`Agents::take_spawned`].
    pub(crate) fn take_spawned(&mut self) -> Vec<String> {
        self.agents.take_spawned()
    }

    /// Hands out the events of sub-agents as well, from now on.
    pub(crate) fn include_agents(&mut self) {
        self.with_agents = true;
    }

    pub(crate) fn includes_agents(&self) -> bool {
        self.with_agents
    }

    /// Whether events were lost, which may have been about sub-agents.
    pub(crate) fn has_missed_events(&self) -> bool {
        self.overrun
    }

    /// Sets how long the turn may take.
    pub(crate) fn set_limit(&mut self, max: MaxDuration) {
        self.limit.set(max);
    }

    /// When the turn began, as far as its handle knows.
    pub(crate) fn began(&self) -> Instant {
        self.limit.began
    }

    /// The threads on which the server may ask something because of this turn.
    pub(crate) fn threads(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.thread_id()).chain(self.agents.iter().map(|agent| &*agent.thread_id))
    }

    /// The error of a reader that stops before the turn has ended, on a connection that was closed like this.
    pub(crate) fn disconnected(&self, closed: Option<ClientError>) -> Error {
        match closed {
            Some(error) => error.into(),
            None if self.is_lost => self.log.lost(),
            None => self.log.disconnected(),
        }
    }

    /// An event of [`NOTICES`] that was heard beside the reader, in the order of the server.
    pub(crate) fn on_notice(&mut self, event: &Event) {
        self.agents.on_event(event, self.log.thread_id());
        match event.notification() {
            Some(ServerNotification::TurnStarted(started)) if started.thread_id == self.thread_id() => {
                self.active_id = Some(started.turn.id.clone());
            }
            Some(ServerNotification::TurnCompleted(completed)) if completed.turn.id == self.id() => {
                self.noticed_end = Some(Box::new(completed.turn.clone()));
            }
            _ => {}
        }
    }

    /// What the server says of the turn to a handle that could not interrupt or steer it; none where it did not answer.
    pub(crate) fn on_status(&mut self, read: Option<Records>) -> Progress {
        let Some(read) = read else { return Progress::Unknown };
        // Whoever joined a review has not heard under which id it runs.
        if let Some(active) = records::active_turn(&read, self.id()) {
            self.active_id = Some(active.to_owned());
        }
        match Record::of(read, self.id(), Duration::ZERO) {
            Record::Over(_) => {
                self.recorded_end = true;
                Progress::Over
            }
            record if record.is_in_progress() => Progress::Running,
            _ => Progress::Unknown,
        }
    }
}
