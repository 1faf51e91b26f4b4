//! A task as a row of the store: what users see of it, and what the store knows beyond that.

use serde::Serialize;

use crate::core::machine::{Flags, Open, State};
use crate::core::status::{ApprovalPolicy, Class, IfLost, RequestKind, Sandbox, Status};
use crate::db::{Dialect, Row, Tx, values};
use crate::error::{Error, Result};
use crate::ids::{EventId, TaskId, WorkerId};

/// A durable piece of agent work. Times are milliseconds since 1970 on the clock of the store.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// How it stands. Without a live worker this is never `starting` or `working`, but `queued`.
    pub status: Status,
    /// The prompt, whole.
    pub prompt: String,
    /// The prompt in one line of at most 300 characters, without secrets.
    pub summary: String,
    /// The working directory.
    pub cwd: String,
    /// The model; without one, that of the server's configuration.
    pub model: Option<String>,
    /// What the agent may touch.
    pub sandbox: Sandbox,
    /// When the agent asks.
    pub approval_policy: ApprovalPolicy,
    /// What becomes of it if its turn is lost.
    pub if_lost: IfLost,
    /// The target that is notified when the task ends.
    pub notify: Option<String>,
    /// The key under which it was created once.
    pub idempotency_key: Option<String>,
    /// The thread that it was to continue.
    pub asked_thread_id: Option<String>,
    /// The task that it repeats.
    pub retry_of: Option<TaskId>,
    /// How many turns were begun for it.
    pub attempt: i64,
    /// The thread of its turn.
    pub thread_id: Option<String>,
    /// The turn.
    pub turn_id: Option<String>,
    /// What the agent said or did last, in one line of at most 300 characters, without secrets.
    pub last_progress: Option<String>,
    /// The final message of the agent, as it is.
    pub final_text: Option<String>,
    /// Why it failed or was interrupted, without secrets.
    pub error: Option<String>,
    /// What else is to be known about its end.
    pub note: Option<String>,
    /// The tokens of its thread, as the JSON that the server sent.
    pub usage: Option<String>,
    /// Who asked for an interrupt first.
    pub interrupted_by: Option<String>,
    /// Who ended it: `server`, `host`, or the user.
    pub ended_by: Option<String>,
    /// How many requests wait for an answer.
    pub open_requests: u32,
    /// The worker that owns it.
    pub worker: Option<WorkerId>,
    /// The newest event of its log.
    pub last_event: Option<EventId>,
    /// When it was created.
    pub created_at: i64,
    /// When it was changed last.
    pub updated_at: i64,
    /// When a worker took it first.
    pub started_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
}

/// A task with what only the store needs.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub task: Task,
    pub state: State,
    pub settle_at: Option<i64>,
    pub lease_owner: Option<WorkerId>,
    pub lease_epoch: i64,
    pub lease_expires_at: Option<i64>,
    pub last_seq: i64,
    /// The number of the last batch of the writer that has the lease.
    pub last_batch: i64,
    pub events_from: i64,
    /// The database's clock when the row was read.
    pub now: i64,
}

/// The kinds of requests of a class, as a list in SQL.
fn kinds(class: Class) -> String {
    let kinds = RequestKind::ALL.iter().filter(|kind| kind.class() == class);
    kinds.map(|kind| format!("'{kind}'")).collect::<Vec<_>>().join(", ")
}

/// The start of a query for [`Record::read`]; the tasks are named `t` in what follows.
pub(crate) fn select(dialect: Dialect) -> String {
    let open = |class| {
        format!(
            "(SELECT count(*) FROM requests r WHERE r.task_id = t.id AND r.status = 'open' AND r.kind IN ({}))",
            kinds(class)
        )
    };
    format!(
        "SELECT t.*, {} AS now, {} AS open_approvals, {} AS open_inputs,
            (SELECT epoch FROM events e WHERE e.task_id = t.id AND e.seq = t.last_seq) AS last_epoch
        FROM tasks t",
        dialect.now(),
        open(Class::Approval),
        open(Class::Input),
    )
}

impl Record {
    pub fn read(row: &Row) -> Result<Self> {
        let count = |column| Ok::<_, Error>(u32::try_from(row.int(column)?).unwrap_or(u32::MAX));
        let open = Open { approvals: count("open_approvals")?, inputs: count("open_inputs")? };
        let flags = row.int("flags")?;
        let state = State {
            status: row.read("status")?,
            if_lost: row.read("if_lost")?,
            flags: Flags { approval: flags & 1 != 0, input: flags & 2 != 0 },
            open,
            interrupted_by: row.opt_text("interrupted_by")?,
            failing: row.opt_text("failing")?,
            paused: row.flag("paused")?,
        };
        let now = row.int("now")?;
        let lease_expires_at = row.opt_int("lease_expires_at")?;
        let is_alive = lease_expires_at.is_some_and(|expires_at| expires_at > now);
        let lease_owner = optional(row, "lease_owner")?;
        let last_seq = row.int("last_seq")?;
        let task = Task {
            id: row.read("id")?,
            status: if is_alive { state.status } else { state.status.without_owner() },
            prompt: row.text("prompt")?,
            summary: row.text("summary")?,
            cwd: row.text("cwd")?,
            model: row.opt_text("model")?,
            sandbox: row.read("sandbox")?,
            approval_policy: row.read("approval_policy")?,
            if_lost: state.if_lost,
            notify: row.opt_text("notify")?,
            idempotency_key: row.opt_text("idempotency_key")?,
            asked_thread_id: row.opt_text("asked_thread_id")?,
            retry_of: optional(row, "retry_of")?,
            attempt: row.int("attempt")?,
            thread_id: row.opt_text("thread_id")?,
            turn_id: row.opt_text("turn_id")?,
            last_progress: row.opt_text("last_progress")?,
            final_text: row.opt_text("final_text")?,
            error: row.opt_text("error")?,
            note: row.opt_text("note")?,
            usage: row.opt_text("usage")?,
            interrupted_by: state.interrupted_by.clone(),
            ended_by: row.opt_text("ended_by")?,
            open_requests: open.approvals.saturating_add(open.inputs),
            worker: lease_owner.filter(|_| is_alive),
            last_event: row.opt_int("last_epoch")?.map(|epoch| EventId { epoch, seq: last_seq }),
            created_at: row.int("created_at")?,
            updated_at: row.int("updated_at")?,
            started_at: row.opt_int("started_at")?,
            ended_at: row.opt_int("ended_at")?,
        };
        Ok(Self {
            task,
            state,
            settle_at: row.opt_int("settle_at")?,
            lease_owner,
            lease_epoch: row.int("lease_epoch")?,
            lease_expires_at,
            last_seq,
            last_batch: row.int("last_batch")?,
            events_from: row.int("events_from")?,
            now,
        })
    }

    /// Reads one task.
    pub async fn find(tx: &mut Tx, id: TaskId) -> Result<Option<Self>> {
        let sql = format!("{} WHERE t.id = $1", select(tx.dialect()));
        let row = tx.row("read a task", sql, values![id.to_string()]).await?;
        row.as_ref().map(Self::read).transpose()
    }

    /// Locks a task and reads it. All that changes a task or what belongs to it locks it first.
    pub async fn lock(tx: &mut Tx, id: TaskId) -> Result<Self> {
        if tx.dialect() == Dialect::Postgres {
            // A statement of its own: the next one sees what was committed while this one waited.
            let sql = "SELECT id FROM tasks WHERE id = $1 FOR UPDATE";
            tx.rows("lock a task", sql, values![id.to_string()]).await?;
        }
        Self::find(tx, id).await?.ok_or(Error::NoTask(id))
    }

    /// Writes everything that may change after the task was created.
    pub async fn save(&mut self, tx: &mut Tx) -> Result<()> {
        let sql = "UPDATE tasks SET updated_at = $2, started_at = $3, ended_at = $4, status = $5, flags = $6,
            paused = $7, interrupted_by = $8, failing = $9, settle_at = $10, attempt = $11, thread_id = $12,
            turn_id = $13, last_progress = $14, final_text = $15, error = $16, note = $17, usage = $18,
            ended_by = $19, lease_owner = $20, lease_epoch = $21, lease_expires_at = $22, last_seq = $23,
            events_from = $24, last_batch = $25
            WHERE id = $1";
        let flags = i64::from(self.state.flags.approval) | i64::from(self.state.flags.input) << 1;
        let task = &mut self.task;
        task.updated_at = self.now;
        let args = values![
            task.id.to_string(),
            task.updated_at,
            task.started_at,
            task.ended_at,
            self.state.status.as_str(),
            flags,
            self.state.paused,
            &self.state.interrupted_by,
            &self.state.failing,
            self.settle_at,
            task.attempt,
            &task.thread_id,
            &task.turn_id,
            &task.last_progress,
            &task.final_text,
            &task.error,
            &task.note,
            &task.usage,
            &task.ended_by,
            self.lease_owner.map(|owner| owner.to_string()),
            self.lease_epoch,
            self.lease_expires_at,
            self.last_seq,
            self.events_from,
            self.last_batch,
        ];
        tx.execute("write a task", sql, args).await?;
        Ok(())
    }

    /// The task as it is after a change.
    pub fn into_task(mut self) -> Task {
        let is_alive = self.lease_expires_at.is_some_and(|expires_at| expires_at > self.now);
        let status = self.state.status;
        self.task.status = if is_alive { status } else { status.without_owner() };
        self.task.worker = self.lease_owner.filter(|_| is_alive);
        self.task.open_requests = self.state.open.approvals.saturating_add(self.state.open.inputs);
        self.task.interrupted_by = self.state.interrupted_by;
        self.task
    }
}

/// An id that may be missing.
pub(crate) fn optional<T>(row: &Row, column: &'static str) -> Result<Option<T>>
where
    T: std::str::FromStr<Err: Into<crate::error::Cause>>,
{
    let text = row.opt_text(column)?;
    text.map(|text| text.parse().map_err(|error: T::Err| Error::row(column, error))).transpose()
}
