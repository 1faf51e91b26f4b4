//! Stores what the server reports of a turn: many events in one transaction, and without ever stopping the turn.
//!
//! Events wait for others, for a quarter of a second or until there are a thousand, unless one changes the status of the
//! task. While the store is full, busy or away they wait longer: the writer says so and catches up.

mod queue;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use codex_appserver_notifications::ServerNotification;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use self::queue::{Item, Queue};
use crate::core::machine::Input;
use crate::core::notices;
use crate::core::status::Status;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::store::events::NewEvent;
use crate::store::leases::Lease;
use crate::store::turns::{Batch, Update};

/// The first pause before a failed batch is tried again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How a writer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriterStatus {
    /// Since when the store takes nothing, if it does not.
    pub degraded: Option<Degraded>,
    /// How many events wait to be stored. Deltas of one text count as one.
    pub waiting_events: usize,
    /// How much memory they take, about.
    pub waiting_bytes: usize,
    /// How many events were dropped in all, since more waited than the settings allow.
    pub dropped_events: u64,
    /// How the task stood after the last batch.
    pub task: Option<Status>,
    /// The writer has ended, since its lease has or since the store is broken: nothing is stored any more.
    pub ended: Option<Ended>,
}

/// The store takes nothing at present.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Degraded {
    /// Since when.
    pub since: SystemTime,
    /// What the database says.
    pub reason: String,
}

/// Why a writer has ended before it was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// Another worker has taken the task over: the turn has to be interrupted.
    Fenced {
        /// The fencing number of the lease that has ended.
        held: i64,
        /// The fencing number that counts now.
        current: i64,
    },
    /// An error that does not pass.
    Broken(String),
}

/// Stores the events of one turn in the background. Dropped, it still stores what it has.
#[derive(Debug)]
pub struct EventWriter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    host: Host,
    lease: Lease,
    thread_id: String,
    queue: Mutex<Queue>,
    /// There is something to do.
    wake: Notify,
    status: watch::Sender<WriterStatus>,
}

impl Host {
    /// Starts a writer for the turn of a task, which runs on this thread of the server.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn writer(&self, lease: &Lease, thread_id: &str) -> EventWriter {
        let shared = Arc::new(Shared {
            host: self.clone(),
            lease: *lease,
            thread_id: thread_id.to_owned(),
            queue: Mutex::new(Queue::default()),
            wake: Notify::new(),
            status: watch::Sender::new(WriterStatus::default()),
        });
        tokio::spawn(Arc::clone(&shared).run());
        EventWriter { shared }
    }
}

impl EventWriter {
    /// Takes a notification of the server: the event, and what it means for the task. Never waits.
    ///
    /// Notifications of other threads, such as those of sub-agents, are stored, and mean nothing for the task.
    pub fn notification(&self, notification: &ServerNotification) {
        self.notification_with(notification, Update::default());
    }

    /// The same, together with what the server's records say.
    pub(crate) fn notification_with(&self, notification: &ServerNotification, recorded: Update) {
        let turn_id = self.shared.queue().turn_id.clone();
        let notice = notices::read(notification, &self.shared.thread_id, turn_id.as_deref());
        let mut update = Update {
            turn_id: notice.turn_id,
            last_progress: notice.progress,
            final_text: notice.final_text,
            usage: notice.usage,
        };
        update.merge(recorded);
        let item = Item::of_notification(notification, notice.input);
        self.push(item, update);
    }

    /// Says which turn of the thread is the one of the task. What other turns do means nothing for the task.
    pub fn turn(&self, turn_id: &str) {
        self.shared.queue().turn_id = Some(turn_id.to_owned());
    }

    /// Takes an event that is no notification, such as a line of standard error.
    pub fn event(&self, event: NewEvent) {
        self.push(Item::of_event(event), Update::default());
    }

    /// Takes something that changes the status and is told by no notification.
    pub fn input(&self, input: Input) {
        self.push(Item::of_input(input), Update::default());
    }

    /// Takes an end that was read from the server's records, with what else they say.
    #[cfg(feature = "worker")]
    pub(crate) fn recorded(&self, update: Update, input: Input) {
        self.push(Item::of_input(input), update);
    }

    fn push(&self, item: Item, update: Update) {
        let settings = self.shared.host.settings();
        let mut queue = self.shared.queue();
        if queue.ended {
            return;
        }
        let is_new = queue.push(item, update, settings.payload_bytes, settings.waiting_bytes);
        let is_due =
            queue.is_urgent() || is_new && (queue.len() == 1 || queue.len() >= settings.batch_events);
        self.shared.report(&queue);
        drop(queue);
        if is_due {
            self.shared.wake.notify_one();
        }
    }

    /// How the writer stands now.
    pub fn status(&self) -> WriterStatus {
        self.shared.status.borrow().clone()
    }

    /// Follows how the writer stands.
    pub fn watch(&self) -> watch::Receiver<WriterStatus> {
        self.shared.status.subscribe()
    }

    /// Waits until all that was taken so far is stored.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`] if the lease has ended, [`Error::WriterEnded`] if the store is broken.
    pub async fn flush(&self) -> Result<()> {
        self.shared.queue().flush = true;
        self.shared.wake.notify_one();
        let mut status = self.watch();
        let done = status.wait_for(|status| status.waiting_events == 0 || status.ended.is_some()).await;
        let ended = done.ok().and_then(|status| status.ended.clone());
        match ended {
            None => Ok(()),
            Some(Ended::Fenced { held, current }) => {
                Err(Error::Fenced { task: self.shared.lease.task(), held, current })
            }
            Some(Ended::Broken(_)) => Err(Error::WriterEnded),
        }
    }

    /// Stores what is left and ends.
    ///
    /// # Errors
    ///
    /// As [`EventWriter::flush`].
    pub async fn close(self) -> Result<()> {
        self.flush().await
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.wake.notify_one();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who watch. The queue is locked, so that they see the numbers in their order.
    fn report(&self, queue: &Queue) {
        self.status.send_modify(|status| {
            status.waiting_events = queue.waiting();
            status.waiting_bytes = queue.bytes();
            status.dropped_events = queue.dropped_in_all();
        });
    }

    async fn run(self: Arc<Self>) {
        let mut number = 0;
        while self.wait().await {
            number += 1;
            let batch = self.queue().take(self.host.settings().batch_events);
            if let Err(ended) = self.store(&batch, number).await {
                let mut queue = self.queue();
                queue.ended = true;
                queue.clear();
                self.report(&queue);
                self.status.send_modify(|status| status.ended = Some(ended));
                return;
            }
            let mut queue = self.queue();
            queue.stored();
            self.report(&queue);
        }
    }

    /// Waits until there is a batch to store; `false` once there never will be.
    async fn wait(&self) -> bool {
        let settings = self.host.settings();
        let mut until: Option<Instant> = None;
        loop {
            {
                let mut queue = self.queue();
                let is_full = queue.len() >= settings.batch_events;
                let is_late = until.is_some_and(|until| until <= Instant::now());
                if queue.is_empty() {
                    queue.flush = false;
                    if queue.closed {
                        return false;
                    }
                } else if is_full || is_late || queue.is_urgent() || queue.flush || queue.closed {
                    return true;
                } else {
                    until.get_or_insert_with(|| Instant::now() + settings.batch_delay);
                }
            }
            match until {
                Some(until) => drop(tokio::time::timeout_at(until, self.wake.notified()).await),
                None => self.wake.notified().await,
            }
        }
    }

    /// Stores a batch, however long that takes.
    async fn store(&self, batch: &Batch, number: i64) -> Result<(), Ended> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.host.append_batch(&self.lease, batch, Some(number)).await {
                Ok(task) => {
                    self.status.send_modify(|status| {
                        status.task = Some(task.status);
                        if status.degraded.take().is_some() {
                            tracing::info!(task = %task.id, "the store takes events again");
                        }
                    });
                    return Ok(());
                }
                Err(Error::Fenced { held, current, .. }) => return Err(Ended::Fenced { held, current }),
                Err(error) if error.is_passing() => {
                    self.degraded(&error);
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
                Err(error) => {
                    tracing::warn!(task = %self.lease.task(), %error, "failed to store events");
                    return Err(Ended::Broken(text(&error)));
                }
            }
        }
    }

    fn degraded(&self, error: &Error) {
        let reason = text(error);
        self.status.send_modify(|status| match &mut status.degraded {
            Some(degraded) => degraded.reason = reason,
            None => {
                tracing::warn!(task = %self.lease.task(), reason, "the store takes no events; they wait in memory");
                status.degraded = Some(Degraded { since: SystemTime::now(), reason });
            }
        });
    }
}

/// An error with its causes.
fn text(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
