//! The rows of pending requests.

use serde_json::json;

use super::record::Record;
use super::requests::PendingRequest;
use crate::core::answers::{self, RESUME_METHOD};
use crate::core::machine::Open;
use crate::core::status::RequestStatus;
use crate::db::{Row, Tx, values};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::ids::{PendingId, ServerInstance, TaskId};

/// The server instance of questions that the host itself asks.
const HOST: &str = "host";

/// What tells the requests of all servers apart.
pub(super) struct Key<'a> {
    pub server: &'a str,
    pub request_id: &'a str,
    pub item_id: &'a str,
    pub approval_id: &'a str,
}

impl Key<'_> {
    pub async fn find(&self, tx: &mut Tx) -> Result<Option<PendingRequest>> {
        let sql = "SELECT * FROM requests WHERE server = $1 AND request_id = $2 AND item_id = $3 AND approval_id = $4";
        let args = values![self.server, self.request_id, self.item_id, self.approval_id];
        tx.row("find a request", sql, args).await?.as_ref().map(read).transpose()
    }
}

/// The server asks again: an answer that it has not got is sent once more, and a row that was given up is open again.
pub(super) async fn asked_again(
    tx: &mut Tx,
    record: &Record,
    request: PendingRequest,
) -> Result<PendingRequest> {
    let status = match request.status {
        RequestStatus::Sent => "answered",
        RequestStatus::Orphaned if request.answer.is_none() && !record.state.status.is_terminal() => "open",
        _ => return Ok(request),
    };
    let sql = "UPDATE requests SET status = $2, closed_at = NULL WHERE id = $1";
    tx.execute("open a request again", sql, values![request.id.to_string(), status]).await?;
    find(tx, request.id).await?.ok_or(Error::NoRequest(request.id))
}

/// Notes that a run of the server was alive just now.
pub(super) async fn see_server(tx: &mut Tx, server: &ServerInstance, now: i64) -> Result<()> {
    let sql = "INSERT INTO servers (id, seen_at) VALUES ($1, $2)
        ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, gone_at = NULL";
    tx.execute("store that a server is there", sql, values![server.as_str(), now]).await.map(drop)
}

/// Closes a request, and removes the secrets from its answer.
pub(super) async fn close(tx: &mut Tx, request: &PendingRequest, status: &str, now: i64) -> Result<()> {
    let answer = request.answer.as_ref().map(|answer| answers::without_secrets(&request.params, answer));
    let answer = answer.map(|answer| json!(answer).to_string());
    let sql = "UPDATE requests SET status = $2, closed_at = $3, answer = $4 WHERE id = $1";
    tx.execute("close a request", sql, values![request.id.to_string(), status, now, answer]).await.map(drop)
}

/// Closes all requests of a task.
pub(super) async fn close_all(tx: &mut Tx, record: &Record, status: &str) -> Result<()> {
    let sql = "SELECT * FROM requests WHERE task_id = $1 AND status IN ('open', 'answered', 'sent')";
    for row in tx.rows("find the requests of a task", sql, values![record.task.id.to_string()]).await? {
        close(tx, &read(&row)?, status, record.now).await?;
    }
    Ok(())
}

/// Asks the user whether a task goes on whose turn was lost.
pub(super) async fn open_resume(host: &Host, tx: &mut Tx, record: &mut Record, reason: &str) -> Result<()> {
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
pub(super) async fn open_requests(tx: &mut Tx, task: Option<TaskId>) -> Result<Vec<PendingRequest>> {
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

pub(super) async fn find(tx: &mut Tx, id: PendingId) -> Result<Option<PendingRequest>> {
    let row =
        tx.row("read a request", "SELECT * FROM requests WHERE id = $1", values![id.to_string()]).await?;
    row.as_ref().map(read).transpose()
}

pub(super) fn read(row: &Row) -> Result<PendingRequest> {
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
