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
use crate::core::answers::{self, Answer, Misfit, RESUME_METHOD};
use crate::core::machine::{Event, Open};
use crate::core::status::{EventKind, RequestKind, RequestStatus};
use crate::db::{Row, Tx, values};
use crate::error::{Error, Refusal, Result};
use crate::host::Host;
use crate::ids::{PendingId, ServerInstance, TaskId};
use crate::settings::millis;
use crate::text::clip;

/// Who answers when a deadline has passed.
const DEADLINE: &str = "deadline";

/// The server instance of questions that the host itself asks.
const HOST: &str = "host";

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
    /// Who answered; `deadline` if nobody did.
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

    async fn insert_request(
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

    /// Answers a request, as a user; `by` says who, for those who come too late. The first answer wins. The worker of the
    /// task sends it.
    ///
    /// The answer has to have the shape that the method of the request demands. A decision that the server does not offer
    /// is refused unless `force` is set; to decline is always possible.
    ///
    /// # Errors
    ///
    /// [`Error::Answer`] if it is refused. Nothing was stored then.
    pub async fn answer(
        &self,
        id: PendingId,
        answer: &Answer,
        by: &str,
        force: bool,
    ) -> Result<PendingRequest> {
        let by = clip(by, 200);
        self.store_answer(id, answer, &by, force, None).await
    }

    async fn store_answer(
        &self,
        id: PendingId,
        answer: &Answer,
        by: &str,
        force: bool,
        only_due_at: Option<i64>,
    ) -> Result<PendingRequest> {
        let refused = |refusal| Error::Answer { request: id, refusal };
        let mut tx = self.begin().await?;
        let task = find(&mut tx, id).await?.ok_or(Error::NoRequest(id))?.task;
        let mut record = Record::lock(&mut tx, task).await?;
        // Once more, behind the lock.
        let request = find(&mut tx, id).await?.ok_or(Error::NoRequest(id))?;
        if let Some(refusal) = closed(&request) {
            return Err(refused(refusal));
        }
        if only_due_at.is_some_and(|now| request.deadline_at.is_none_or(|at| at > now)) {
            return Err(refused(Refusal::Closed(request.status)));
        }
        let is_offered = answers::check(&request.method, &request.params, answer, false);
        let forced = matches!(is_offered, Err(Misfit::NotOffered { .. })) && force;
        answers::check(&request.method, &request.params, answer, force).map_err(|misfit| {
            refused(match misfit {
                Misfit::Shape(reason) => Refusal::Shape(reason),
                Misfit::NotOffered { offered } => Refusal::NotOffered { offered },
            })
        })?;
        let text = serde_json::to_string(answer).map_err(|error| Error::row("answer", error))?;
        let sql = "UPDATE requests SET status = 'answered', answer = $2, answered_by = $3, answered_at = $4,
            forced = $5 WHERE id = $1 AND status = 'open'";
        tx.execute("store an answer", sql, values![id.to_string(), text, by, record.now, forced]).await?;
        let summary = format!("{by} has answered {} ({id})", request.method);
        self.add_events(&mut tx, &mut record, &[NewEvent::host("host/answered", summary)]).await?;
        self.apply(&mut tx, &mut record, &Event::Closed(request.kind.class())).await?;
        if request.kind == RequestKind::Resume {
            self.resume(&mut tx, &mut record, id, answer, by).await?;
        }
        record.save(&mut tx).await?;
        let request = find(&mut tx, id).await?.ok_or(Error::NoRequest(id))?;
        self.commit(tx, &[task]).await?;
        Ok(request)
    }

    /// The user has said whether a task goes on whose turn was lost. No server has to hear of it.
    async fn resume(
        &self,
        tx: &mut Tx,
        record: &mut Record,
        id: PendingId,
        answer: &Answer,
        by: &str,
    ) -> Result<()> {
        let sql = "UPDATE requests SET status = 'resolved', closed_at = $2 WHERE id = $1";
        tx.execute("close a question", sql, values![id.to_string(), record.now]).await?;
        let goes_on = matches!(answer, Answer::Result(result) if result["resume"] == true);
        self.apply(tx, record, &Event::Resume { goes_on, by }).await
    }

    /// Declines the requests whose deadline has passed.
    pub(crate) async fn decline_due(&self, now: i64) -> Result<usize> {
        let mut tx = self.begin_read().await?;
        let sql = "SELECT * FROM requests WHERE status = 'open' AND deadline_at <= $1 ORDER BY deadline_at";
        let rows = tx.rows("look for requests without an answer", sql, values![now]).await?;
        tx.commit().await?;
        let mut declined = 0;
        for row in rows {
            let request = read(&row)?;
            let answer = answers::decline(&request.method, "no answer came in time");
            match self.store_answer(request.id, &answer, DEADLINE, true, Some(now)).await {
                Ok(_) => declined += 1,
                // An answer came after all.
                Err(Error::Answer { .. } | Error::NoRequest(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(declined)
    }

    /// The answers that the worker has to send to this run of the server, the oldest first. They stay in the list until
    /// [`Host::answer_sent`].
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`] if the lease has ended.
    pub async fn answers_to_send(
        &self,
        lease: &Lease,
        server: &ServerInstance,
    ) -> Result<Vec<PendingRequest>> {
        let mut tx = self.begin_read().await?;
        let record = Record::find(&mut tx, lease.task).await?.ok_or(Error::NoTask(lease.task))?;
        if record.lease_epoch != lease.epoch {
            return Err(Error::Fenced { task: lease.task, held: lease.epoch, current: record.lease_epoch });
        }
        let sql =
            "SELECT * FROM requests WHERE task_id = $1 AND server = $2 AND status = 'answered' ORDER BY id";
        let args = values![lease.task.to_string(), server.as_str()];
        let rows = tx.rows("read answers", sql, args).await?;
        tx.commit().await?;
        rows.iter().map(read).collect()
    }

    /// Stores that an answer was sent.
    ///
    /// # Errors
    ///
    /// [`Error::Fenced`] if the lease has ended.
    pub async fn answer_sent(&self, lease: &Lease, id: PendingId) -> Result<()> {
        let mut tx = self.begin().await?;
        let record = fenced(&mut tx, lease).await?;
        let sql = "UPDATE requests SET status = 'sent', sent_at = $3
            WHERE id = $1 AND task_id = $2 AND status = 'answered'";
        tx.execute(
            "store that an answer was sent",
            sql,
            values![id.to_string(), lease.task.to_string(), record.now],
        )
        .await?;
        self.commit(tx, &[lease.task]).await
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
            for row in tx.rows("find the requests of a server", sql, args).await? {
                let request = read(&row)?;
                close(&mut tx, &request, "orphaned", now).await?;
                if request.status.is_pending() {
                    self.apply(&mut tx, &mut record, &Event::Closed(request.kind.class())).await?;
                }
            }
            record.save(&mut tx).await?;
        }
        // Last, as in `open_request`: tasks are locked before servers.
        see_server(&mut tx, server, now).await?;
        let sql = "UPDATE servers SET gone_at = $2 WHERE id = $1";
        tx.execute("store that a server is gone", sql, values![server.as_str(), now]).await?;
        self.commit(tx, &tasks).await?;
        Ok(tasks)
    }
}

/// What tells the requests of all servers apart.
struct Key<'a> {
    server: &'a str,
    request_id: &'a str,
    item_id: &'a str,
    approval_id: &'a str,
}

impl Key<'_> {
    async fn find(&self, tx: &mut Tx) -> Result<Option<PendingRequest>> {
        let sql = "SELECT * FROM requests WHERE server = $1 AND request_id = $2 AND item_id = $3 AND approval_id = $4";
        let args = values![self.server, self.request_id, self.item_id, self.approval_id];
        tx.row("find a request", sql, args).await?.as_ref().map(read).transpose()
    }
}

/// The server asks again: an answer that it has not got is sent once more, and a row that was given up is open again.
async fn asked_again(tx: &mut Tx, record: &Record, request: PendingRequest) -> Result<PendingRequest> {
    let status = match request.status {
        RequestStatus::Sent => "answered",
        RequestStatus::Orphaned if request.answer.is_none() && !record.state.status.is_terminal() => "open",
        _ => return Ok(request),
    };
    let sql = "UPDATE requests SET status = $2, closed_at = NULL WHERE id = $1";
    tx.execute("open a request again", sql, values![request.id.to_string(), status]).await?;
    find(tx, request.id).await?.ok_or(Error::NoRequest(request.id))
}

/// Why a request takes no answer.
fn closed(request: &PendingRequest) -> Option<Refusal> {
    match (request.status, &request.answered_by) {
        (RequestStatus::Open, _) => None,
        (RequestStatus::Ended, None) => Some(Refusal::TaskEnded),
        (RequestStatus::Orphaned, None) => Some(Refusal::ServerGone),
        (RequestStatus::ResolvedElsewhere, _) => Some(Refusal::AnsweredElsewhere),
        (_, Some(by)) => {
            Some(Refusal::AlreadyAnswered { by: by.clone(), at: request.answered_at.unwrap_or_default() })
        }
        (status, None) => Some(Refusal::Closed(status)),
    }
}

/// Notes that a run of the server was alive just now.
async fn see_server(tx: &mut Tx, server: &ServerInstance, now: i64) -> Result<()> {
    let sql = "INSERT INTO servers (id, seen_at) VALUES ($1, $2)
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, gone_at = NULL";
    tx.execute("store that a server is there", sql, values![server.as_str(), now]).await.map(drop)
}

/// Closes a request, and removes the secrets from its answer.
async fn close(tx: &mut Tx, request: &PendingRequest, status: &str, now: i64) -> Result<()> {
    let answer = request.answer.as_ref().map(|answer| answers::without_secrets(&request.params, answer));
    let answer = answer.map(|answer| json!(answer).to_string());
    let sql = "UPDATE requests SET status = $2, closed_at = $3, answer = $4 WHERE id = $1";
    tx.execute("close a request", sql, values![request.id.to_string(), status, now, answer]).await.map(drop)
}

/// Closes all requests of a task.
pub(crate) async fn close_all(tx: &mut Tx, record: &Record, status: &str) -> Result<()> {
    let sql = "SELECT * FROM requests WHERE task_id = $1 AND status IN ('open', 'answered', 'sent')";
    for row in tx.rows("find the requests of a task", sql, values![record.task.id.to_string()]).await? {
        close(tx, &read(&row)?, status, record.now).await?;
    }
    Ok(())
}

/// Asks the user whether a task goes on whose turn was lost.
pub(crate) async fn open_resume(host: &Host, tx: &mut Tx, record: &mut Record, reason: &str) -> Result<()> {
    let id = PendingId::new();
    let request_id = json!(id.to_string()).to_string();
    let key = Key { server: HOST, request_id: &request_id, item_id: "", approval_id: "" };
    let params = json!({
        "reason": reason,
        "question": "The turn was lost. Continue in a new turn? What the lost one did is not undone.",
    });
    host.insert_request(tx, record, id, &key, RESUME_METHOD, &params).await?;
    record.state.open = Open { approvals: 0, inputs: 1 };
    Ok(())
}

/// The requests that wait for an answer, of one task or of all.
pub(crate) async fn open_requests(tx: &mut Tx, task: Option<TaskId>) -> Result<Vec<PendingRequest>> {
    let rows = match task {
        Some(task) => {
            let sql = "SELECT * FROM requests WHERE task_id = $1 AND status = 'open' ORDER BY id";
            tx.rows("list open requests", sql, values![task.to_string()]).await?
        }
        None => {
            let sql = "SELECT * FROM requests WHERE status = 'open' ORDER BY id LIMIT 1000";
            tx.rows("list open requests", sql, values![]).await?
        }
    };
    rows.iter().map(read).collect()
}

async fn find(tx: &mut Tx, id: PendingId) -> Result<Option<PendingRequest>> {
    let row =
        tx.row("read a request", "SELECT * FROM requests WHERE id = $1", values![id.to_string()]).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<PendingRequest> {
    let nonempty = |column| Ok::<_, Error>(Some(row.text(column)?).filter(|text| !text.is_empty()));
    let answer = row.opt_text("answer")?;
    let answer = answer.map(|text| serde_json::from_str(&text).map_err(|error| Error::row("answer", error)));
    Ok(PendingRequest {
        id: row.read("id")?,
        task: row.read("task_id")?,
        server: ServerInstance::new(row.text("server")?),
        request_id: row.text("request_id")?,
        item_id: nonempty("item_id")?,
        approval_id: nonempty("approval_id")?,
        method: row.text("method")?,
        kind: row.read("kind")?,
        params: serde_json::from_str(&row.text("payload")?).map_err(|error| Error::row("payload", error))?,
        status: row.read("status")?,
        opened_at: row.int("opened_at")?,
        deadline_at: row.opt_int("deadline_at")?,
        answer: answer.transpose()?,
        answered_by: row.opt_text("answered_by")?,
        answered_at: row.opt_int("answered_at")?,
        forced: row.flag("forced")?,
    })
}
