//! Workers, and the leases by which they own tasks.

use serde::Serialize;

use super::events::NewEvent;
use super::record::Record;
use super::turns::{Attempt, last_attempt};
use crate::core::machine::Event;
use crate::db::{Tx, is_unique_violation, values};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::ids::{TaskId, WorkerId};
use crate::settings::millis;
use crate::store::record::Task;

/// How often a claim is tried again after two workers met on one thread.
const TRIES: usize = 8;

/// A worker, as it is registered in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Worker {
    /// Its id, which is random and new each time.
    pub id: WorkerId,
    /// What it calls itself, for people: a host name and a process id.
    pub label: String,
    /// When it was registered.
    pub started_at: i64,
    /// When it renewed its leases last.
    pub seen_at: i64,
    /// Until when it counts as alive.
    pub expires_at: i64,
}

/// The right of a worker to write to a task. It ends when another worker claims the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    pub(crate) task: TaskId,
    pub(crate) worker: WorkerId,
    pub(crate) epoch: i64,
}

impl Lease {
    /// The task.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// The worker.
    pub fn worker(&self) -> WorkerId {
        self.worker
    }

    /// The fencing number. Every claim of the task has a higher one than the claims before.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }
}

/// A task that a worker has claimed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claim {
    /// The lease.
    pub lease: Lease,
    /// The task.
    pub task: Task,
    /// The turn that an earlier worker began and did not see the end of. It may or may not have been sent to the
    /// server: its client message id tells.
    pub unfinished: Option<Attempt>,
}

impl Host {
    /// Registers a worker under a new random id. The label is for people, such as `host:pid`.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    pub async fn register(&self, label: &str) -> Result<Worker> {
        let id = WorkerId::new();
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let expires_at = now.saturating_add(millis(self.settings().lease));
        let label = crate::text::clip(label, 200);
        let sql =
            "INSERT INTO workers (id, label, started_at, seen_at, expires_at) VALUES ($1, $2, $3, $3, $4)";
        tx.execute("register a worker", sql, values![id.to_string(), &label, now, expires_at]).await?;
        tx.commit().await?;
        Ok(Worker { id, label, started_at: now, seen_at: now, expires_at })
    }

    /// The workers that are alive.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn workers(&self) -> Result<Vec<Worker>> {
        let mut tx = self.begin_read().await?;
        let now = tx.now().await?;
        let sql = "SELECT * FROM workers WHERE expires_at > $1 ORDER BY started_at, id";
        let rows = tx.rows("list the workers", sql, values![now]).await?;
        tx.commit().await?;
        let worker = |row: &crate::db::Row| {
            Ok(Worker {
                id: row.read("id")?,
                label: row.text("label")?,
                started_at: row.int("started_at")?,
                seen_at: row.int("seen_at")?,
                expires_at: row.int("expires_at")?,
            })
        };
        rows.iter().map(worker).collect()
    }

    /// Claims a task that waits for a worker: one whose worker has died, else the oldest queued one. Each task goes to one
    /// worker only, on however many machines. Tasks wait while another one runs on their thread.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    pub async fn claim(&self, worker: &Worker) -> Result<Option<Claim>> {
        for _ in 0..TRIES {
            match self.try_claim(worker.id).await {
                // Two workers have claimed two tasks of one thread at the same moment: the index let one of them pass.
                Err(error) if is_unique_violation(&error) => {}
                done => return done,
            }
        }
        Ok(None)
    }

    async fn try_claim(&self, worker: WorkerId) -> Result<Option<Claim>> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let Some(id) = free_task(&mut tx, now).await? else {
            tx.rollback().await?;
            return Ok(None);
        };
        let mut record = Record::lock(&mut tx, id).await?;
        record.lease_epoch += 1;
        record.lease_owner = Some(worker);
        record.lease_expires_at = Some(record.now.saturating_add(millis(self.settings().lease)));
        record.last_batch = 0;
        record.task.started_at.get_or_insert(record.now);
        record.state.apply(&Event::Claimed);
        let event = NewEvent::host("host/claimed", format!("worker {worker} has taken the task"));
        self.add_events(&mut tx, &mut record, &[event]).await?;
        record.save(&mut tx).await?;
        let attempt = last_attempt(&mut tx, id).await?;
        let lease = Lease { task: id, worker, epoch: record.lease_epoch };
        self.commit(tx, &[id]).await?;
        let unfinished = attempt.filter(|attempt| attempt.ended_at.is_none());
        Ok(Some(Claim { lease, task: record.into_task(), unfinished }))
    }

    /// Renews all leases of a worker and returns them. A task of the worker that is missing was taken over, or has ended;
    /// its turn has to be interrupted in the first case. A third of the duration of a lease is a good interval.
    ///
    /// # Errors
    ///
    /// [`Error::NoWorker`] if the worker was pruned.
    pub async fn renew(&self, worker: &Worker) -> Result<Vec<Lease>> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let expires_at = now.saturating_add(millis(self.settings().lease));
        let id = worker.id.to_string();
        let sql = "UPDATE workers SET seen_at = $2, expires_at = $3 WHERE id = $1";
        if tx.execute("renew a worker", sql, values![&id, now, expires_at]).await? == 0 {
            return Err(Error::NoWorker(worker.id));
        }
        let sql = "UPDATE tasks SET lease_expires_at = $2 WHERE lease_owner = $1 RETURNING id, lease_epoch";
        let rows = tx.rows("renew leases", sql, values![&id, expires_at]).await?;
        tx.commit().await?;
        let lease = |row: &crate::db::Row| {
            Ok(Lease { task: row.read("id")?, worker: worker.id, epoch: row.int("lease_epoch")? })
        };
        rows.iter().map(lease).collect()
    }

    /// Gives a task back, so that another worker can claim it at once. The lease ends.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`] if it has ended before.
    pub async fn release(&self, lease: &Lease) -> Result<()> {
        let mut tx = self.begin().await?;
        let mut record = fenced(&mut tx, lease).await?;
        // What the worker may still have under way is refused.
        record.lease_epoch += 1;
        record.lease_owner = None;
        record.lease_expires_at = None;
        if !record.state.status.is_terminal() {
            let event =
                NewEvent::host("host/released", format!("worker {} has given the task back", lease.worker));
            self.add_events(&mut tx, &mut record, &[event]).await?;
        }
        record.save(&mut tx).await?;
        self.commit(tx, &[lease.task]).await
    }
}

/// A task that a worker may claim: one whose worker has died, else the oldest of the queue.
///
/// Two queries, each along its index: a queue of a hundred thousand tasks is not sorted for the first of them.
async fn free_task(tx: &mut Tx, now: i64) -> Result<Option<TaskId>> {
    const ACTIVE: &str = "('starting', 'working', 'waiting_for_approval', 'waiting_for_user_input')";
    let abandoned =
        format!("t.status IN {ACTIVE} AND (t.lease_expires_at IS NULL OR t.lease_expires_at <= $1)");
    let queued = "t.status = 'queued' AND $1 > 0".to_owned();
    for condition in [abandoned, queued] {
        let sql = format!(
            "SELECT t.id FROM tasks t WHERE {condition} AND t.paused = 0
            AND (t.thread_id IS NULL OR NOT EXISTS (SELECT 1 FROM tasks o
                WHERE o.thread_id = t.thread_id AND o.id <> t.id AND o.status IN {ACTIVE}))
            ORDER BY t.id LIMIT 1{}",
            tx.dialect().skip_locked()
        );
        if let Some(row) = tx.row("look for a task to claim", sql, values![now]).await? {
            return row.read("id").map(Some);
        }
    }
    Ok(None)
}

/// Locks the task of a lease, if the lease is still the one that counts.
///
/// A lease that has expired counts until another worker claims the task: what its owner writes is true, and the number
/// tells it from a stale one without a clock.
pub(crate) async fn fenced(tx: &mut Tx, lease: &Lease) -> Result<Record> {
    let record = Record::lock(tx, lease.task).await?;
    if record.lease_epoch != lease.epoch {
        return Err(Error::Fenced { task: lease.task, held: lease.epoch, current: record.lease_epoch });
    }
    Ok(record)
}
