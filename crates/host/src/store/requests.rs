//! Pending requests: what the server asks, who answers, and that one answer wins.
//!
//! A row goes `open` → `answered` → `sent` → `resolved`. The worker that holds the lease of the task sends answers. An
//! answer is kept as it was given until the server has said that the request is resolved, since it may have to be sent
//! once more; then its secrets are removed.

use codex_appserver_wire::RequestId;
use serde::Serialize;
use serde_json::{Value, json};

use super::events::NewEvent;
use super::leases::{Lease, fenced};
use super::record::Record;
use super::rows::{Key, asked_again, close, find, open_requests, read, see_server};
use crate::core::answers::{self, Answer};
use crate::core::machine::Event;
use crate::core::status::{EventKind, RequestKind, RequestStatus};
use crate::db::{Row, Tx, values};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::ids::{PendingId, ServerInstance, TaskId};
use crate::settings::millis;

/// A request of the server, as a worker has received it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRequest {
    /// The run of the server that asks.
    pub server: ServerInstance,
    /// The id in that run, with its type.
    pub id: RequestId,
    /// The method.
    pub method: String,
    /// The params.
    pub params: Value,
}

/// A request that waits for an answer, or has waited for one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PendingRequest {
    /// The id by which it is answered.
    pub id: PendingId,
    /// Its task.
    pub task: TaskId,
    /// The run of the server that asks.
    pub server: ServerInstance,
    /// The id in that run, as JSON: the type of it matters.
    pub request_id: String,
    /// The item that it is about.
    pub item_id: Option<String>,
    /// What tells several approvals of one item apart.
    pub approval_id: Option<String>,
    /// The method.
    pub method: String,
    /// What it asks for.
    pub kind: RequestKind,
    /// The params, without secrets.
    pub params: Value,
    /// How it stands.
    pub status: RequestStatus,
    /// When it was stored, in milliseconds since 1970.
    pub opened_at: i64,
    /// When it is declined if there is no answer.
    pub deadline_at: Option<i64>,
    /// The answer. It is not shown, since it may hold secrets.
    #[serde(skip)]
    pub answer: Option<Answer>,
    /// The name of the user who answered; `deadline` if the request was declined at its deadline.
    pub answered_by: Option<String>,
    /// When.
    pub answered_at: Option<i64>,
    /// Whether the decision is one that the server did not offer.
    pub forced: bool,
}

impl PendingRequest {
    /// The id to answer the server with.
    ///
    /// # Errors
    ///
    /// If the store was changed by hand.
    pub fn wire_id(&self) -> Result<RequestId> {
        serde_json::from_str(&self.request_id).map_err(|error| Error::row("request_id", error))
    }
}

impl Host {
    /// Stores a request of the server. The same request, when the server asks again after a reconnect, finds its row: if
    /// that has an answer, it has to be sent once more.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`] if the lease has ended, [`Error::TaskEnded`] if the task has: the request is then to be declined.
    pub async fn open_request(&self, lease: &Lease, new: &NewRequest) -> Result<PendingRequest> {
        let mut tx = self.begin().await?;
        let mut record = fenced(&mut tx, lease).await?;
        see_server(&mut tx, &new.server, record.now).await?;
        let text = |name: &str| new.params.get(name).and_then(Value::as_str);
        let key = Key {
            server: new.server.as_str(),
            request_id: &json!(new.id).to_string(),
            item_id: text("itemId").or_else(|| text("callId")).unwrap_or_default(),
            approval_id: text("approvalId").unwrap_or_default(),
        };
        if let Some(known) = key.find(&mut tx).await? {
            let was_open = known.status.is_pending();
            let known = asked_again(&mut tx, &record, known).await?;
            if known.status.is_pending() && !was_open {
                self.apply(&mut tx, &mut record, &Event::Opened(known.kind.class())).await?;
            }
            record.save(&mut tx).await?;
            self.commit(tx, &[lease.task]).await?;
            return Ok(known);
        }
        if record.state.status.is_terminal() {
            return Err(Error::TaskEnded { task: lease.task, status: record.state.status });
        }
        let event = NewEvent::of_server(EventKind::Request, &new.method, &new.params);
        self.add_events(&mut tx, &mut record, &[event]).await?;
        let id = PendingId::new();
        self.insert_request(&mut tx, &record, id, &key, &new.method, &new.params).await?;
        let row = find(&mut tx, id).await?.ok_or(Error::NoRequest(id))?;
        self.apply(&mut tx, &mut record, &Event::Opened(row.kind.class())).await?;
        record.save(&mut tx).await?;
        self.commit(tx, &[lease.task]).await?;
        Ok(row)
    }

    pub(super) async fn insert_request(
        &self,
        tx: &mut Tx,
        record: &Record,
        id: PendingId,
        key: &Key<'_>,
        method: &str,
        params: &Value,
    ) -> Result<()> {
        let kind = answers::kind(method, params);
        let deadline = self.settings().deadlines.of(kind);
        let sql = "INSERT INTO requests (id, task_id, server, request_id, item_id, approval_id, method, kind, payload,
            status, opened_at, deadline_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', $10, $11)";
        let args = values![
            id.to_string(),
            record.task.id.to_string(),
            key.server,
            key.request_id,
            key.item_id,
            key.approval_id,
            method,
            kind.as_str(),
            self.redacted(&params.to_string()),
            record.now,
            deadline.map(|deadline| record.now.saturating_add(millis(deadline))),
        ];
        tx.execute("store a request", sql, args).await.map(drop)
    }

    /// The requests that wait for an answer, of one task or of all, the oldest first.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn open_requests(&self, task: Option<TaskId>) -> Result<Vec<PendingRequest>> {
        let mut tx = self.begin_read().await?;
        let requests = open_requests(&mut tx, task).await?;
        tx.commit().await?;
        Ok(requests)
    }

    /// A request, whether it is open or not.
    ///
    /// # Errors
    ///
    /// [`Error::NoRequest`] if there is none.
    pub async fn request(&self, id: PendingId) -> Result<PendingRequest> {
        let mut tx = self.begin_read().await?;
        let request = find(&mut tx, id).await?.ok_or(Error::NoRequest(id))?;
        tx.commit().await?;
        Ok(request)
    }

    /// Closes a request that the server says is resolved (`serverRequest/resolved`), whoever has answered it.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`] if the lease has ended.
    pub async fn resolved(&self, lease: &Lease, server: &ServerInstance, id: &RequestId) -> Result<()> {
        let mut tx = self.begin().await?;
        let mut record = fenced(&mut tx, lease).await?;
        let sql = "SELECT * FROM requests WHERE task_id = $1 AND server = $2 AND request_id = $3
            AND status IN ('open', 'answered', 'sent')";
        let args = values![lease.task.to_string(), server.as_str(), json!(id).to_string()];
        let rows = tx.rows("find a resolved request", sql, args).await?;
        for row in rows {
            let request = read(&row)?;
            let elsewhere = request.status.is_pending();
            close(&mut tx, &request, if elsewhere { "resolved_elsewhere" } else { "resolved" }, record.now)
                .await?;
            if elsewhere {
                let summary = format!("another client has answered {} ({})", request.method, request.id);
                self.add_events(&mut tx, &mut record, &[NewEvent::host("host/answered", summary)]).await?;
                self.apply(&mut tx, &mut record, &Event::Closed(request.kind.class())).await?;
            }
        }
        record.save(&mut tx).await?;
        self.commit(tx, &[lease.task]).await
    }

    /// Stores that a run of the server has ended: its requests cannot be answered any more. Returns the tasks that had
    /// open ones. What becomes of their turns is for their workers to say.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    pub async fn server_gone(&self, server: &ServerInstance) -> Result<Vec<TaskId>> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let sql = "SELECT DISTINCT task_id FROM requests WHERE server = $1 AND status IN ('open', 'answered', 'sent')
            ORDER BY task_id";
        let rows = tx.rows("find the requests of a server", sql, values![server.as_str()]).await?;
        let tasks = rows.iter().map(|row| row.read("task_id")).collect::<Result<Vec<TaskId>>>()?;
        for task in &tasks {
            let mut record = Record::lock(&mut tx, *task).await?;
            let sql = "SELECT * FROM requests WHERE task_id = $1 AND server = $2
                AND status IN ('open', 'answered', 'sent')";
            let args = values![task.to_string(), server.as_str()];
            let rows = tx.rows("find the requests of a server", sql, args).await?;
            self.orphan(&mut tx, &mut record, &rows).await?;
        }
        // Last, as in `open_request`: tasks are locked before servers.
        see_server(&mut tx, server, now).await?;
        let sql = "UPDATE servers SET gone_at = $2 WHERE id = $1";
        tx.execute("store that a server is gone", sql, values![server.as_str(), now]).await?;
        self.commit(tx, &tasks).await?;
        Ok(tasks)
    }

    /// Closes the requests of a task that came from other runs than the one which has its turn now.
    #[cfg(feature = "worker")]
    pub(crate) async fn orphan_others(&self, lease: &Lease, server: &ServerInstance) -> Result<()> {
        let mut tx = self.begin().await?;
        let mut record = fenced(&mut tx, lease).await?;
        let sql = "SELECT * FROM requests WHERE task_id = $1 AND server <> $2
            AND status IN ('open', 'answered', 'sent')";
        let args = values![lease.task().to_string(), server.as_str()];
        let rows = tx.rows("find the requests of other servers", sql, args).await?;
        self.orphan(&mut tx, &mut record, &rows).await?;
        self.commit(tx, &[lease.task()]).await
    }

    async fn orphan(&self, tx: &mut Tx, record: &mut Record, rows: &[Row]) -> Result<()> {
        for row in rows {
            let request = read(row)?;
            close(tx, &request, "orphaned", record.now).await?;
            if request.status.is_pending() {
                self.apply(tx, record, &Event::Closed(request.kind.class())).await?;
            }
        }
        record.save(tx).await
    }
}
