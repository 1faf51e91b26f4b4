//! The event log of each task.

use serde::Serialize;
use serde_json::Value;

use super::record::{Record, Task};
use super::requests::PendingRequest;
use super::rows::open_requests;
use crate::core::status::EventKind;
use crate::db::{Row, Tx, values};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::ids::{EventId, TaskId};
use crate::text::{EVENT_SUMMARY, clip, head};

/// How many events a page has at most, and the tail of a snapshot.
const PAGE: u32 = 1_000;
const TAIL: u32 = 20;

/// An event that is not in the log yet.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub(crate) kind: EventKind,
    pub(crate) method: String,
    pub(crate) summary: String,
    pub(crate) payload: Option<String>,
    /// How many notifications it stands for.
    pub(crate) merged: i64,
}

impl NewEvent {
    /// A notification or request of the server, with its params.
    pub fn of_server(kind: EventKind, method: &str, params: &Value) -> Self {
        let summary = clip(&summary(params), EVENT_SUMMARY);
        let payload = (!params.is_null()).then(|| params.to_string());
        Self { kind, method: method.to_owned(), summary, payload, merged: 1 }
    }

    /// A line that the server wrote to its standard error.
    pub fn stderr(line: &str) -> Self {
        let summary = clip(line, EVENT_SUMMARY);
        Self { kind: EventKind::Stderr, method: "stderr".to_owned(), summary, payload: None, merged: 1 }
    }

    /// A line of the protocol that does not decode.
    pub fn protocol(method: &str, line: &str) -> Self {
        let payload = Some(Value::String(line.to_owned()).to_string());
        let summary = clip(line, EVENT_SUMMARY);
        Self { kind: EventKind::Protocol, method: method.to_owned(), summary, payload, merged: 1 }
    }

    /// Something that the host itself did.
    pub(crate) fn host(method: &str, summary: impl Into<String>) -> Self {
        let summary = summary.into();
        Self { kind: EventKind::Host, method: method.to_owned(), summary, payload: None, merged: 1 }
    }

    /// How much memory it takes, about.
    pub(crate) fn bytes(&self) -> usize {
        self.method.len() + self.summary.len() + self.payload.as_ref().map_or(0, String::len) + 100
    }
}

/// The part of an event that says most: a text that was added, what an item is, what went wrong.
fn summary(params: &Value) -> String {
    let text =
        |pointer: &str| params.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let texts = ["/delta", "/item/text", "/item/command", "/command", "/error/message", "/message"];
    if let Some(text) = texts.into_iter().find_map(text) {
        return text.to_owned();
    }
    let words = ["/item/type", "/item/status", "/turn/status", "/status/type", "/reason", "/tool", "/name"];
    let words: Vec<&str> = words.into_iter().filter_map(text).collect();
    match (words.is_empty(), params) {
        (false, _) => words.join(" "),
        (true, Value::Null) => String::new(),
        (true, params) => params.to_string(),
    }
}

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LoggedEvent {
    /// Its id.
    pub id: EventId,
    /// When it was stored, in milliseconds since 1970.
    pub at: i64,
    /// Where it comes from.
    pub kind: EventKind,
    /// The method of the server's message, or the host's own name for what happened.
    pub method: String,
    /// What it says, in one line of at most 1 200 characters, without secrets.
    pub summary: String,
    /// The params of the server's message, without secrets. Of a clipped event a string with the start of their JSON.
    pub payload: Option<Value>,
    /// How many notifications it stands for: deltas of one text are stored as one.
    pub merged: i64,
    /// Whether the payload was longer than the store keeps.
    pub clipped: bool,
}

/// A task with what a reader needs who has no earlier events.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Snapshot {
    /// The task.
    pub task: Task,
    /// The requests that wait for an answer.
    pub requests: Vec<PendingRequest>,
}

/// A page of the log of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EventPage {
    /// If the reader asked from the start, or for events that are not in the log any more: the task as it is now. The
    /// events are then the last ones, and not those after the ones that the reader knows.
    pub snapshot: Option<Snapshot>,
    /// Why there is a snapshot.
    pub reset: Option<Reset>,
    /// The events, the oldest first.
    pub events: Vec<LoggedEvent>,
    /// What to ask with for the events after these.
    pub next: Option<EventId>,
    /// Whether there are more events already.
    pub has_more: bool,
}

/// Why a reader gets a snapshot instead of the events after the ones that it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reset {
    /// It asked without an id.
    Start,
    /// Some of the events after the id were deleted.
    TooOld,
    /// The log has no such id: the store was replaced, or the id is of another task.
    Unknown,
}

impl Host {
    /// The events of a task after `since`, at most `limit` of them (100 if it is 0, at most 1 000).
    ///
    /// Without `since`, or if events after it are not in the log any more, there is a snapshot of the task, and the last 20
    /// events. So a reader never misses events without being told.
    ///
    /// # Errors
    ///
    /// [`Error::NoTask`] if there is no such task.
    pub async fn events(&self, id: TaskId, since: Option<EventId>, limit: u32) -> Result<EventPage> {
        let limit = if limit == 0 { 100 } else { limit.min(PAGE) };
        let mut tx = self.begin_read().await?;
        let record = Record::find(&mut tx, id).await?.ok_or(Error::NoTask(id))?;
        let reset = reset(&mut tx, &record, since).await?;
        let mut page = match (reset, since) {
            (None, Some(since)) => {
                let mut events = after(&mut tx, id, since.seq, limit.saturating_add(1)).await?;
                let has_more = events.len() > limit as usize;
                events.truncate(limit as usize);
                EventPage { snapshot: None, reset: None, events, next: Some(since), has_more }
            }
            _ => {
                let from = record.last_seq.saturating_sub(i64::from(limit.min(TAIL)));
                let events = after(&mut tx, id, from, PAGE).await?;
                let requests = open_requests(&mut tx, Some(id)).await?;
                // The newest event may have been deleted.
                let newest = EventId { epoch: record.lease_epoch, seq: record.last_seq };
                let next = Some(record.task.last_event.unwrap_or(newest));
                let snapshot = Some(Snapshot { task: record.into_task(), requests });
                EventPage { snapshot, reset, events, next, has_more: false }
            }
        };
        tx.commit().await?;
        page.next = page.events.last().map(|event| event.id).or(page.next);
        Ok(page)
    }

    /// Appends events to the log of a locked task; the caller saves the record.
    pub(crate) async fn add_events(
        &self,
        tx: &mut Tx,
        record: &mut Record,
        events: &[NewEvent],
    ) -> Result<()> {
        // Many rows in one statement; SQLite and PostgreSQL take more than this many parameters.
        for chunk in events.chunks(100) {
            let mut args = values![record.task.id.to_string(), record.lease_epoch, record.now];
            let mut rows = Vec::new();
            for event in chunk {
                record.last_seq += 1;
                let (payload, clipped) = self.payload(event);
                let first = args.len() + 1;
                let numbers: Vec<String> = (first..first + 7).map(|number| format!("${number}")).collect();
                rows.push(format!("($1, $2, $3, {})", numbers.join(", ")));
                args.extend(values![
                    record.last_seq,
                    event.kind.as_str(),
                    &event.method,
                    clip(&self.redacted(&event.summary), EVENT_SUMMARY),
                    payload,
                    event.merged,
                    clipped,
                ]);
            }
            let sql = format!(
                "INSERT INTO events (task_id, epoch, at, seq, kind, method, summary, payload, merged, clipped)
                VALUES {}",
                rows.join(", ")
            );
            tx.execute("store events", sql, args).await?;
        }
        let newest = record.last_seq;
        record.task.last_event = Some(EventId { epoch: record.lease_epoch, seq: newest });
        self.trim(tx, record).await
    }

    /// The payload as it is stored: without secrets, and with its start alone if it is too long.
    fn payload(&self, event: &NewEvent) -> (Option<String>, bool) {
        let Some(payload) = &event.payload else { return (None, false) };
        // The rules cost time by the byte, and what is cut off needs none; but a secret must not be cut in half.
        let limit = self.settings().payload_bytes;
        let payload = self.redacted(payload);
        if payload.len() <= limit {
            return (Some(payload), false);
        }
        (Some(Value::String(head(&payload, limit).to_owned()).to_string()), true)
    }

    /// Deletes the oldest events when there are a tenth more than are kept.
    async fn trim(&self, tx: &mut Tx, record: &mut Record) -> Result<()> {
        let keep = i64::from(self.settings().events_per_task.max(1));
        let kept = record.last_seq - record.events_from + 1;
        if kept <= keep + keep / 10 {
            return Ok(());
        }
        record.events_from = record.last_seq - keep + 1;
        let sql = "DELETE FROM events WHERE task_id = $1 AND seq < $2";
        tx.execute("delete old events", sql, values![record.task.id.to_string(), record.events_from]).await?;
        Ok(())
    }
}

/// Whether the reader who knows the events up to `since` has to start again.
async fn reset(tx: &mut Tx, record: &Record, since: Option<EventId>) -> Result<Option<Reset>> {
    let Some(since) = since else { return Ok(Some(Reset::Start)) };
    if since.seq > record.last_seq {
        return Ok(Some(Reset::Unknown));
    }
    if since.seq < record.events_from - 1 {
        return Ok(Some(Reset::TooOld));
    }
    let sql = "SELECT epoch FROM events WHERE task_id = $1 AND seq = $2";
    let row = tx.row("find an event", sql, values![record.task.id.to_string(), since.seq]).await?;
    match row {
        Some(row) if row.int("epoch")? != since.epoch => Ok(Some(Reset::Unknown)),
        // The event itself may be the last one that was deleted.
        _ => Ok(None),
    }
}

async fn after(tx: &mut Tx, id: TaskId, seq: i64, limit: u32) -> Result<Vec<LoggedEvent>> {
    let sql = "SELECT * FROM events WHERE task_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    let rows = tx.rows("read events", sql, values![id.to_string(), seq, i64::from(limit)]).await?;
    rows.iter().map(logged).collect()
}

fn logged(row: &Row) -> Result<LoggedEvent> {
    let payload = row.opt_text("payload")?;
    let read = |payload: String| serde_json::from_str(&payload).map_err(|error| Error::row("payload", error));
    Ok(LoggedEvent {
        id: EventId { epoch: row.int("epoch")?, seq: row.int("seq")? },
        at: row.int("at")?,
        kind: row.read("kind")?,
        method: row.text("method")?,
        summary: row.text("summary")?,
        payload: payload.map(read).transpose()?,
        merged: row.int("merged")?,
        clipped: row.flag("clipped")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn summaries_say_what_matters() {
        for (params, expected) in [
            (json!({"itemId": "a", "delta": "Hello"}), "Hello"),
            (json!({"item": {"type": "agentMessage", "text": "Done."}}), "Done."),
            (json!({"item": {"type": "commandExecution", "command": "ls", "status": "completed"}}), "ls"),
            (json!({"item": {"type": "reasoning", "status": "completed"}}), "reasoning completed"),
            (json!({"turn": {"status": "failed", "error": {"message": "no"}}}), "failed"),
            (json!({"error": {"message": "overloaded"}}), "overloaded"),
            (json!({"tokens": 3}), r#"{"tokens":3}"#),
            (json!(null), ""),
        ] {
            let event = NewEvent::of_server(EventKind::Notification, "a/b", &params);
            assert_eq!(event.summary, expected, "{params}");
        }
    }
}
