//! Follows the log of a task while it grows.

use std::time::Duration;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::core::status::Status;
use crate::db::Db;
use crate::error::Result;
use crate::host::Host;
use crate::ids::{EventId, TaskId};
use crate::store::events::EventPage;
use crate::store::record::Task;

/// How many times less often PostgreSQL is asked, which tells by itself.
const SELDOM: u32 = 20;

/// The events of a task, from a point on and while they come: those that this process stores at once, those of other
/// processes a moment later.
///
/// Nothing is kept in memory for a slow reader. It reads the log; if it falls behind what the log keeps, it gets a
/// snapshot.
#[derive(Debug)]
pub struct Subscription {
    host: Host,
    task: TaskId,
    since: Option<EventId>,
    changes: Receiver<Option<TaskId>>,
}

impl Host {
    /// Subscribes to the events of a task after `since`. Without it, the first page has a snapshot.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn subscribe(&self, task: TaskId, since: Option<EventId>) -> Subscription {
        Subscription { host: self.clone(), task, since, changes: self.changes() }
    }

    /// Waits until a task has ended.
    ///
    /// # Errors
    ///
    /// [`Error::NoTask`](crate::Error::NoTask) if there is no such task.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn wait(&self, id: TaskId) -> Result<Task> {
        self.wait_until(id, Status::is_terminal).await
    }

    /// Waits until a task has a status that `is_wanted` says yes to. A status that lasts for a moment may be missed.
    ///
    /// # Errors
    ///
    /// [`Error::NoTask`](crate::Error::NoTask) if there is no such task.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn wait_until(&self, id: TaskId, is_wanted: impl Fn(Status) -> bool) -> Result<Task> {
        let mut changes = self.changes();
        loop {
            let task = match self.task(id).await {
                Err(error) if error.is_passing() => None,
                task => Some(task?),
            };
            if let Some(task) = task.filter(|task| is_wanted(task.status)) {
                return Ok(task);
            }
            self.changed(&mut changes, id).await;
        }
    }

    /// Waits until a task has changed, or may have.
    pub(crate) async fn changed(&self, changes: &mut Receiver<Option<TaskId>>, id: TaskId) {
        let until = Instant::now() + self.poll();
        loop {
            match tokio::time::timeout_at(until, changes.recv()).await {
                Ok(Ok(Some(task))) if task != id => {}
                Ok(Err(RecvError::Closed)) => return tokio::time::sleep_until(until).await,
                _ => return,
            }
        }
    }

    /// How often the store is asked for events of which no notification came.
    pub(crate) fn poll(&self) -> Duration {
        let poll = self.settings().poll.max(Duration::from_millis(1));
        match &self.inner.db {
            Db::Sqlite { .. } => poll,
            Db::Postgres(_) => poll.saturating_mul(SELDOM),
        }
    }
}

impl Subscription {
    /// The next events, as soon as there are some; or a snapshot, if the reader is at the start or the log does not have
    /// all events after the last ones any more.
    ///
    /// A caller that drops the future misses nothing: the next call begins where this one did.
    ///
    /// # Errors
    ///
    /// [`Error::NoTask`](crate::Error::NoTask) if the task was pruned; an error for which [`Error::is_passing`](crate::Error::is_passing) is true if the store is away,
    /// after which the caller may go on.
    pub async fn next(&mut self) -> Result<EventPage> {
        loop {
            let page = self.host.events(self.task, self.since, 0).await?;
            if page.snapshot.is_some() || !page.events.is_empty() {
                self.since = page.next;
                return Ok(page);
            }
            self.host.changed(&mut self.changes, self.task).await;
        }
    }

    /// The last event that was handed out: what to subscribe with to go on from there.
    pub fn last(&self) -> Option<EventId> {
        self.since
    }
}
