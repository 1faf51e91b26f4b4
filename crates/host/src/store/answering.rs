//! Answers to pending requests: one wins, and the worker of the task sends it.

use super::events::NewEvent;
use super::leases::{Lease, fenced};
use super::record::Record;
use super::requests::PendingRequest;
use super::rows::{find, read};
use crate::core::answers::{self, Answer, Misfit};
use crate::core::machine::Event;
use crate::core::status::{RequestKind, RequestStatus};
use crate::db::{Tx, values};
use crate::error::{Error, Refusal, Result};
use crate::host::Host;
use crate::ids::{PendingId, ServerInstance};
use crate::text::clip;

/// Who answers when a deadline has passed.
const DEADLINE: &str = "deadline";

impl Host {
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
        if answers::interrupts(answer) {
            self.apply(&mut tx, &mut record, &Event::InterruptAsked(by)).await?;
        }
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
