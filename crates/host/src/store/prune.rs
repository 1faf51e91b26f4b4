//! Deletes what is over.

use std::time::Duration;

use crate::db::{Tx, values};
use crate::error::Result;
use crate::host::Host;
use crate::settings::millis;

impl Host {
    /// Deletes tasks that ended longer ago than `age`, with all that belongs to them, except for those whose
    /// notification has not been delivered yet. Also deletes workers and servers that were not seen for as long.
    /// Returns how many tasks were deleted.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    pub async fn prune(&self, age: Duration) -> Result<u64> {
        let mut tx = self.begin().await?;
        let before = tx.now().await?.saturating_sub(millis(age));
        let sql = "DELETE FROM tasks WHERE ended_at IS NOT NULL AND ended_at <= $1 AND NOT EXISTS
            (SELECT 1 FROM notifications n WHERE n.task_id = tasks.id AND n.state = 'pending')";
        let deleted = tx.execute("prune tasks", sql, values![before]).await?;
        let sql = "DELETE FROM workers WHERE expires_at <= $1 AND NOT EXISTS
            (SELECT 1 FROM tasks t WHERE t.lease_owner = workers.id)";
        tx.execute("prune workers", sql, values![before]).await?;
        forget_servers(&mut tx, before).await?;
        tx.commit().await?;
        Ok(deleted)
    }

    /// Deletes the events of ended tasks that are older than `age`, and keeps the tasks. Returns how many.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    pub async fn prune_events(&self, age: Duration) -> Result<u64> {
        let mut tx = self.begin().await?;
        let before = tx.now().await?.saturating_sub(millis(age));
        let old = "SELECT e.task_id FROM events e JOIN tasks t ON t.id = e.task_id
            WHERE e.at <= $1 AND t.ended_at IS NOT NULL";
        let sql = format!(
            "UPDATE tasks SET events_from = 1 + (SELECT max(seq) FROM events
                WHERE events.task_id = tasks.id AND events.at <= $1) WHERE id IN ({old})"
        );
        tx.execute("prune events", sql, values![before]).await?;
        let sql = "DELETE FROM events WHERE at <= $1 AND seq < (SELECT events_from FROM tasks
            WHERE tasks.id = events.task_id)";
        let deleted = tx.execute("prune events", sql, values![before]).await?;
        tx.commit().await?;
        Ok(deleted)
    }
}

async fn forget_servers(tx: &mut Tx, before: i64) -> Result<()> {
    let sql = "DELETE FROM servers WHERE seen_at <= $1 AND NOT EXISTS
        (SELECT 1 FROM requests r WHERE r.server = servers.id)";
    tx.execute("prune servers", sql, values![before]).await.map(drop)
}
