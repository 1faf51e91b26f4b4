//! The turns of a task: the intent to begin one, what is heard of it, its end.

use serde::Serialize;

use super::events::NewEvent;
use super::leases::{Lease, fenced};
use super::record::{Record, Task};
use super::rows::{close_all, open_resume};
use crate::core::machine::{Event, Input, Outcome};
use crate::core::status::Status;
use crate::db::{Row, Tx, is_unique_violation, values};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::ids::{ClientMessageId, ServerInstance, TaskId};
use crate::settings::millis;
use crate::text::{ERROR, SUMMARY, clip};

/// A turn that was begun for a task, or was about to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// Its number, from 1.
    pub number: i64,
    /// What goes out as `clientUserMessageId`, and finds the turn again.
    pub client_message_id: ClientMessageId,
    /// The run of the server that it was sent to.
    pub server: Option<ServerInstance>,
    /// The thread.
    pub thread_id: Option<String>,
    /// The turn, once the server has said so.
    pub turn_id: Option<String>,
    /// When the intent was stored.
    pub intended_at: i64,
    /// When the server's acknowledgement was stored.
    pub acknowledged_at: Option<i64>,
    /// When it was over.
    pub ended_at: Option<i64>,
    /// How it ended: `completed`, `failed`, `cancelled`, `lost` or `replaced`.
    pub outcome: Option<String>,
}

/// What a worker has heard of the turn of a task, to be stored together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// New events, in their order.
    pub events: Vec<NewEvent>,
    /// What they mean for the status, in their order.
    pub inputs: Vec<Input>,
    /// What else has changed.
    pub update: Update,
}

/// What a worker has learned about a task. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// The turn.
    pub turn_id: Option<String>,
    /// What the agent said or did last.
    pub last_progress: Option<String>,
    /// The final message.
    pub final_text: Option<String>,
    /// The tokens of the thread, as JSON.
    pub usage: Option<String>,
}

impl Update {
    /// Takes over what another update has.
    pub(crate) fn merge(&mut self, other: Self) {
        let pairs = [
            (&mut self.turn_id, other.turn_id),
            (&mut self.last_progress, other.last_progress),
            (&mut self.final_text, other.final_text),
            (&mut self.usage, other.usage),
        ];
        for (old, new) in pairs {
            if new.is_some() {
                *old = new;
            }
        }
    }
}

/// What [`Host::sweep`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Tasks that failed, since the end of their turn did not come after a final error.
    pub settled: usize,
    /// The requests that were declined, because no answer came before their deadline.
    pub declined: usize,
}

impl Host {
    /// Stores the intent to begin a turn on this thread, before it is sent. The answer has the id to send as
    /// `clientUserMessageId`. After a crash the intent is what the next owner finds as [`Claim::unfinished`].
    ///
    /// [`Claim::unfinished`]: crate::Claim::unfinished
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`] if the lease has ended, [`Error::ThreadBusy`] if another task runs on the thread,
    /// [`Error::TaskEnded`] if the task has ended or an interrupt was asked for.
    pub async fn intend(&self, lease: &Lease, server: &ServerInstance, thread_id: &str) -> Result<Attempt> {
        let mut tx = self.begin().await?;
        let mut record = fenced(&mut tx, lease).await?;
        if record.state.status.is_terminal() {
            return Err(Error::TaskEnded { task: lease.task, status: record.state.status });
        }
        if record.state.interrupted_by.is_some() {
            return Err(Error::TaskEnded { task: lease.task, status: Status::Cancelled });
        }
        end_attempt(&mut tx, &record, "replaced", None).await?;
        record.task.attempt += 1;
        record.task.thread_id = Some(thread_id.to_owned());
        record.task.turn_id = None;
        record.save(&mut tx).await.map_err(|error| match is_unique_violation(&error) {
            true => Error::ThreadBusy { task: lease.task, thread: thread_id.to_owned() },
            false => error,
        })?;
        let attempt = Attempt {
            number: record.task.attempt,
            client_message_id: ClientMessageId::new(),
            server: Some(server.clone()),
            thread_id: Some(thread_id.to_owned()),
            turn_id: None,
            intended_at: record.now,
            acknowledged_at: None,
            ended_at: None,
            outcome: None,
        };
        let sql = "INSERT INTO attempts (task_id, attempt, client_message_id, server, thread_id, intended_at)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let args = values![
            lease.task.to_string(),
            attempt.number,
            attempt.client_message_id.to_string(),
            server.as_str(),
            thread_id,
            record.now,
        ];
        tx.execute("store the intent to begin a turn", sql, args).await?;
        self.commit(tx, &[lease.task]).await?;
        Ok(attempt)
    }

    /// Stores that the server has taken the turn, or that it was found there after a crash. `server` is the run that has
    /// it now.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`] if the lease has ended.
    pub async fn acknowledge(&self, lease: &Lease, server: &ServerInstance, turn_id: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        let mut record = fenced(&mut tx, lease).await?;
        record.task.turn_id = Some(turn_id.to_owned());
        record.save(&mut tx).await?;
        let sql =
            "UPDATE attempts SET turn_id = $3, server = $4, acknowledged_at = coalesce(acknowledged_at, $5)
            WHERE task_id = $1 AND attempt = $2";
        let id = lease.task.to_string();
        let args = values![id, record.task.attempt, turn_id, server.as_str(), record.now];
        tx.execute("store the id of a turn", sql, args).await?;
        self.commit(tx, &[lease.task]).await
    }

    /// The turns that were begun for a task, the first one first.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn attempts(&self, id: TaskId) -> Result<Vec<Attempt>> {
        let mut tx = self.begin_read().await?;
        let sql = "SELECT * FROM attempts WHERE task_id = $1 ORDER BY attempt";
        let rows = tx.rows("read the attempts of a task", sql, values![id.to_string()]).await?;
        tx.commit().await?;
        rows.iter().map(attempt).collect()
    }

    /// Stores what a worker has heard, in one transaction, and returns the task as it is then. Events may still come
    /// after the task has ended; they are kept, and change nothing. An [`EventWriter`](crate::EventWriter) calls this.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`] if the lease has ended: nothing was written.
    pub async fn append(&self, lease: &Lease, batch: &Batch) -> Result<Task> {
        self.append_batch(lease, batch, None).await
    }

    /// A batch with a number is stored once, also if it comes again since the answer of the database was lost.
    pub(crate) async fn append_batch(
        &self,
        lease: &Lease,
        batch: &Batch,
        number: Option<i64>,
    ) -> Result<Task> {
        let mut tx = self.begin().await?;
        let mut record = fenced(&mut tx, lease).await?;
        if let Some(number) = number {
            if number <= record.last_batch {
                // The database had committed it, and its answer was lost.
                return Ok(record.into_task());
            }
            record.last_batch = number;
        }
        if !record.state.status.is_terminal() {
            self.update(&mut record.task, &batch.update);
        }
        if !batch.events.is_empty() {
            self.add_events(&mut tx, &mut record, &batch.events).await?;
        }
        for input in &batch.inputs {
            self.apply(&mut tx, &mut record, &Event::Turn(input)).await?;
        }
        record.save(&mut tx).await?;
        self.commit(tx, &[lease.task]).await?;
        Ok(record.into_task())
    }

    fn update(&self, task: &mut Task, update: &Update) {
        if let Some(progress) = &update.last_progress {
            task.last_progress = Some(clip(&self.redacted(progress), SUMMARY));
        }
        let pairs = [
            (&mut task.turn_id, &update.turn_id),
            (&mut task.final_text, &update.final_text),
            (&mut task.usage, &update.usage),
        ];
        for (old, new) in pairs {
            if let Some(new) = new {
                *old = Some(new.clone());
            }
        }
    }

    /// Asks for an interrupt, as a user. A task that waits for a worker is cancelled at once; of others the worker
    /// interrupts the turn, and the server has the last word on how it ended.
    ///
    /// # Errors
    ///
    /// [`Error::TaskEnded`] if the task has ended.
    pub async fn interrupt(&self, id: TaskId, by: &str) -> Result<Task> {
        let mut tx = self.begin().await?;
        let mut record = Record::lock(&mut tx, id).await?;
        if record.state.status.is_terminal() {
            return Err(Error::TaskEnded { task: id, status: record.state.status });
        }
        let by = clip(by, 200);
        let event = NewEvent::host("host/interrupt", format!("{by} asks for an interrupt"));
        self.add_events(&mut tx, &mut record, &[event]).await?;
        self.apply(&mut tx, &mut record, &Event::InterruptAsked(&by)).await?;
        record.save(&mut tx).await?;
        self.commit(tx, &[id]).await?;
        Ok(record.into_task())
    }

    /// Does what is due by the clock of the store: fails tasks whose turn did not end after a final error, and declines
    /// requests whose deadline has passed. Any worker may call it, about once a second.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    pub async fn sweep(&self) -> Result<Swept> {
        let mut tx = self.begin_read().await?;
        let now = tx.now().await?;
        let sql = "SELECT id FROM tasks WHERE settle_at IS NOT NULL AND settle_at <= $1";
        let rows = tx.rows("look for tasks to settle", sql, values![now]).await?;
        tx.commit().await?;
        let mut swept = Swept::default();
        for row in rows {
            swept.settled += usize::from(self.settle(row.read("id")?).await?);
        }
        swept.declined = self.decline_due(now).await?;
        Ok(swept)
    }

    async fn settle(&self, id: TaskId) -> Result<bool> {
        let mut tx = self.begin().await?;
        let mut record = Record::lock(&mut tx, id).await?;
        if record.settle_at.is_none_or(|at| at > record.now) {
            return Ok(false);
        }
        record.settle_at = None;
        self.apply(&mut tx, &mut record, &Event::Settled).await?;
        record.save(&mut tx).await?;
        let ended = record.state.status.is_terminal();
        self.commit(tx, &[id]).await?;
        Ok(ended)
    }

    /// Feeds the state machine, and does what follows from it. The caller saves the record.
    pub(crate) async fn apply(&self, tx: &mut Tx, record: &mut Record, event: &Event<'_>) -> Result<()> {
        let before = record.state.status;
        let outcome = record.state.apply(event);
        if outcome.settle {
            let at = record.now.saturating_add(millis(self.settings().settle));
            record.settle_at.get_or_insert(at);
        }
        if record.state.failing.is_none() {
            record.settle_at = None;
        }
        if let Some(failing) = &mut record.state.failing {
            *failing = clip(&self.redacted(failing), ERROR);
        }
        if let Some(reason) = &outcome.lost {
            self.lose(tx, record, reason).await?;
        }
        if outcome.end.is_some() {
            self.finish(tx, record, outcome).await?;
        }
        if before != record.state.status {
            let summary = format!("{before} -> {}", record.state.status);
            self.add_events(tx, record, &[NewEvent::host("host/status", summary)]).await?;
        }
        Ok(())
    }

    /// The turn is lost, and the task goes on or asks.
    async fn lose(&self, tx: &mut Tx, record: &mut Record, reason: &str) -> Result<()> {
        let reason = clip(&self.redacted(reason), ERROR);
        end_attempt(tx, record, "lost", Some(&reason)).await?;
        close_all(tx, record, "orphaned").await?;
        record.task.turn_id = None;
        record.lease_owner = None;
        record.lease_expires_at = None;
        // The worker is done with it; what it may still write is refused.
        record.lease_epoch += 1;
        let event = NewEvent::host("host/lost", format!("the turn was lost: {reason}"));
        self.add_events(tx, record, &[event]).await?;
        if record.state.paused {
            open_resume(self, tx, record, &reason).await?;
        }
        Ok(())
    }

    /// The task has ended: nothing of it stays open, and its notification is due.
    async fn finish(&self, tx: &mut Tx, record: &mut Record, outcome: Outcome) -> Result<()> {
        let Some(end) = outcome.end else { return Ok(()) };
        let error = end.error.map(|error| clip(&self.redacted(&error), ERROR));
        record.task.ended_at = Some(record.now);
        record.task.ended_by = Some(end.by);
        record.task.error = error;
        record.task.note = end.note;
        record.settle_at = None;
        record.lease_owner = None;
        record.lease_expires_at = None;
        end_attempt(tx, record, record.state.status.as_str(), record.task.error.as_deref()).await?;
        close_all(tx, record, "ended").await?;
        super::outbox::add(tx, record).await
    }
}

/// The last turn that was begun for a task.
pub(crate) async fn last_attempt(tx: &mut Tx, id: TaskId) -> Result<Option<Attempt>> {
    let sql = "SELECT * FROM attempts WHERE task_id = $1 ORDER BY attempt DESC LIMIT 1";
    let row = tx.row("read the last attempt of a task", sql, values![id.to_string()]).await?;
    row.as_ref().map(attempt).transpose()
}

async fn end_attempt(tx: &mut Tx, record: &Record, outcome: &str, error: Option<&str>) -> Result<()> {
    let sql =
        "UPDATE attempts SET ended_at = $2, outcome = $3, error = $4 WHERE task_id = $1 AND ended_at IS NULL";
    let args = values![record.task.id.to_string(), record.now, outcome, error];
    tx.execute("end an attempt", sql, args).await.map(drop)
}

fn attempt(row: &Row) -> Result<Attempt> {
    Ok(Attempt {
        number: row.int("attempt")?,
        client_message_id: row.read("client_message_id")?,
        server: row.opt_text("server")?.map(ServerInstance::new),
        thread_id: row.opt_text("thread_id")?,
        turn_id: row.opt_text("turn_id")?,
        intended_at: row.int("intended_at")?,
        acknowledged_at: row.opt_int("acknowledged_at")?,
        ended_at: row.opt_int("ended_at")?,
        outcome: row.opt_text("outcome")?,
    })
}
