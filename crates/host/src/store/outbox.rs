//! Notifications about the ends of tasks, which are delivered at least once.
//!
//! A notification is stored in the transaction that ends its task, so that none is lost. A notifier claims deliveries for
//! a while, delivers them, and says how that went. One that dies in between has perhaps delivered: the next one tries
//! again under the same id, by which a receiver can tell.

use std::collections::BTreeMap;

use serde::Serialize;

use super::record::{Record, optional, select};
use crate::core::outbox::pause;
use crate::core::status::{DeliveryState, Status};
use crate::db::{Row, Tx, values};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::ids::{DeliveryId, TaskId, WorkerId};
use crate::settings::millis;
use crate::text::{ERROR, clip};

/// How many characters of the final text a notification has.
const FINAL: usize = 500;

/// How many notifications are looked at in one go.
const LIMIT: u32 = 1_000;

/// What a notification says about one task, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Notice {
    /// The task.
    pub task: TaskId,
    /// How it ended.
    pub status: Status,
    /// Its prompt in one line.
    pub summary: String,
    /// The start of the final message of the agent: 500 characters.
    pub final_text: Option<String>,
    /// Why it failed or was interrupted.
    pub error: Option<String>,
    /// When it ended, in milliseconds since 1970.
    pub ended_at: Option<i64>,
}

/// Something to deliver: one notice, or a digest of those that have piled up for one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Delivery {
    /// The same in every try.
    pub id: DeliveryId,
    /// Where it goes.
    pub target: String,
    /// How often it was tried before.
    pub tries: u32,
    /// The notices, the oldest first. More than one of them are a digest.
    pub notices: Vec<Notice>,
    /// Whose claim it is: a stale one changes nothing any more.
    #[serde(skip)]
    claim: Option<WorkerId>,
}

/// How the notification of a task stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeliveryStatus {
    /// The task.
    pub task: TaskId,
    /// Its id. In a digest it is part of another delivery.
    pub id: DeliveryId,
    /// Where it goes.
    pub target: Option<String>,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next, if it is pending.
    pub next_at: i64,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// How a delivery went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target has it.
    Sent,
    /// It failed, and may work later.
    Passing(String),
    /// It failed, and always will: the target does not exist, or refuses it.
    Permanent(String),
}

impl Host {
    /// Claims up to `limit` deliveries that are due, the oldest first. Notices for one target that have piled up are one
    /// digest, from [`Settings::digest_from`](crate::Settings) of them on. With `dry_run`, nothing is claimed or changed: the
    /// answer is what would be.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    pub async fn notify_completed(&self, limit: u32, dry_run: bool) -> Result<Vec<Delivery>> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let deliveries = self.due(&mut tx, now, limit, WorkerId::new()).await?;
        if dry_run {
            tx.rollback().await?;
            return Ok(deliveries.into_iter().map(|delivery| Delivery { claim: None, ..delivery }).collect());
        }
        tx.commit().await?;
        Ok(deliveries)
    }

    async fn due(&self, tx: &mut Tx, now: i64, limit: u32, claim: WorkerId) -> Result<Vec<Delivery>> {
        let sql = format!(
            "SELECT * FROM notifications WHERE state = 'pending' AND next_at <= $1
            AND (claimed_until IS NULL OR claimed_until <= $1) ORDER BY created_at, id LIMIT {LIMIT}{}",
            tx.dialect().skip_locked()
        );
        let rows = tx.rows("look for notifications that are due", sql, values![now]).await?;
        let groups = group(&rows, self.settings().digest_from.max(2))?;
        let mut deliveries = Vec::new();
        for mut group in groups.into_iter().take(limit as usize) {
            if group.is_known {
                group.members = members(tx, group.id).await?;
            }
            let until = now.saturating_add(millis(self.settings().delivery_claim));
            let mut notices = Vec::new();
            for member in &group.members {
                let sql =
                    "UPDATE notifications SET claim = $2, claimed_until = $3, digest = $4 WHERE id = $1";
                let digest = (group.members.len() > 1).then(|| group.id.to_string());
                let args = values![member.id.to_string(), claim.to_string(), until, digest];
                tx.execute("claim a notification", sql, args).await?;
                notices.push(self.notice(tx, member.task).await?);
            }
            let (id, target, tries) = (group.id, group.target, group.tries);
            deliveries.push(Delivery { id, target, tries, notices, claim: Some(claim) });
        }
        Ok(deliveries)
    }

    async fn notice(&self, tx: &mut Tx, id: TaskId) -> Result<Notice> {
        let sql = format!("{} WHERE t.id = $1", select(tx.dialect()));
        let row = tx.row("read a task for its notification", sql, values![id.to_string()]).await?;
        let task = Record::read(&row.ok_or(Error::NoTask(id))?)?.into_task();
        let final_text = task.final_text.map(|text| clip(&self.redacted(&text), FINAL));
        Ok(Notice {
            task: id,
            status: task.status,
            summary: task.summary,
            final_text,
            error: task.error,
            ended_at: task.ended_at,
        })
    }

    /// Stores how a delivery went. A failure that may pass is tried again after a pause, as often as the settings say;
    /// after that, or at once if it is permanent, the state is `failed` with the error. Returns whether the claim still
    /// counted: if another notifier has taken the delivery over, nothing changes.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    pub async fn delivered(&self, delivery: &Delivery, outcome: &Outcome) -> Result<bool> {
        let Some(claim) = delivery.claim else { return Ok(false) };
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let tries = delivery.tries.saturating_add(1);
        let is_last = tries >= self.settings().delivery_attempts.max(1);
        let (state, error) = match outcome {
            Outcome::Sent => ("sent", None),
            Outcome::Passing(error) if is_last => {
                ("failed", Some(format!("{error}; given up after {tries} tries")))
            }
            Outcome::Passing(error) => ("pending", Some(error.clone())),
            Outcome::Permanent(error) => ("failed", Some(error.clone())),
        };
        let error = error.map(|error| clip(&self.redacted(&error), ERROR));
        let next_at = now.saturating_add(millis(pause(tries)));
        let sent_at = (state == "sent").then_some(now);
        let sql =
            "UPDATE notifications SET state = $3, error = $4, attempts = $5, next_at = $6, sent_at = $7,
            claim = NULL, claimed_until = NULL
            WHERE (id = $1 OR digest = $1) AND claim = $2 AND state = 'pending'";
        let args = values![
            delivery.id.to_string(),
            claim.to_string(),
            state,
            error,
            i64::from(tries),
            next_at,
            sent_at
        ];
        let changed = tx.execute("store how a delivery went", sql, args).await?;
        tx.commit().await?;
        Ok(changed > 0)
    }

    /// How the notifications of tasks stand, those that failed first, then the newest.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn deliveries(&self, limit: u32) -> Result<Vec<DeliveryStatus>> {
        let mut tx = self.begin_read().await?;
        let sql = "SELECT * FROM notifications ORDER BY CASE state WHEN 'failed' THEN 0 ELSE 1 END,
            created_at DESC, id DESC LIMIT $1";
        let rows = tx.rows("list notifications", sql, values![i64::from(limit.min(LIMIT))]).await?;
        tx.commit().await?;
        let status = |row: &Row| {
            Ok(DeliveryStatus {
                task: row.read("task_id")?,
                id: row.read("id")?,
                target: row.opt_text("target")?,
                state: row.read("state")?,
                tries: tries(row)?,
                next_at: row.int("next_at")?,
                error: row.opt_text("error")?,
            })
        };
        rows.iter().map(status).collect()
    }
}

/// Stores the notification of a task that has ended now.
pub(crate) async fn add(tx: &mut Tx, record: &Record) -> Result<()> {
    let state = if record.task.notify.is_some() { DeliveryState::Pending } else { DeliveryState::NoTarget };
    let sql = "INSERT INTO notifications (id, task_id, target, state, created_at, next_at)
        VALUES ($1, $2, $3, $4, $5, $5)";
    let args = values![
        DeliveryId::new().to_string(),
        record.task.id.to_string(),
        &record.task.notify,
        state.as_str(),
        record.now,
    ];
    tx.execute("store a notification", sql, args).await.map(drop)
}

/// Notifications that are delivered together.
struct Group {
    id: DeliveryId,
    target: String,
    tries: u32,
    /// Whether it is a digest that was made before.
    is_known: bool,
    members: Vec<Member>,
}

struct Member {
    id: DeliveryId,
    task: TaskId,
}

/// All that are still to be delivered of a digest, also if the query did not reach that far.
async fn members(tx: &mut Tx, digest: DeliveryId) -> Result<Vec<Member>> {
    let sql = "SELECT * FROM notifications WHERE digest = $1 AND state = 'pending' ORDER BY created_at, id";
    let rows = tx.rows("read a digest", sql, values![digest.to_string()]).await?;
    rows.iter().map(|row| Ok(Member { id: row.read("id")?, task: row.read("task_id")? })).collect()
}

fn tries(row: &Row) -> Result<u32> {
    Ok(u32::try_from(row.int("attempts")?).unwrap_or(u32::MAX))
}

/// Digests that were made before stay together, so that their ids stay true. Of the others, those of one target become
/// a digest if they are many.
fn group(rows: &[Row], digest_from: usize) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut digests: BTreeMap<DeliveryId, usize> = BTreeMap::new();
    let mut targets: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        if optional::<DeliveryId>(row, "digest")?.is_none() {
            *targets.entry(row.text("target")?).or_default() += 1;
        }
    }
    let mut piles: BTreeMap<String, DeliveryId> = BTreeMap::new();
    for row in rows {
        let (id, target) = (row.read("id")?, row.text("target")?);
        let piled = targets.get(&target).is_some_and(|count| *count >= digest_from);
        let known: Option<DeliveryId> = optional(row, "digest")?;
        let digest = match known {
            Some(digest) => Some(digest),
            None if piled => Some(*piles.entry(target.clone()).or_insert_with(DeliveryId::new)),
            None => None,
        };
        let member = Member { id, task: row.read("task_id")? };
        let index = digest.map(|digest| *digests.entry(digest).or_insert(groups.len()));
        match index.and_then(|index| groups.get_mut(index)) {
            Some(group) => group.members.push(member),
            None => {
                let (id, is_known) = (digest.unwrap_or(id), known.is_some());
                groups.push(Group { id, target, tries: tries(row)?, is_known, members: vec![member] });
            }
        }
    }
    Ok(groups)
}
