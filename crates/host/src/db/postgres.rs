//! A store in a database of PostgreSQL, which several machines may share.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

use super::{Db, failed};
use crate::error::Result;
use crate::ids::TaskId;
use crate::settings::{Settings, millis};

/// The channel on which a transaction tells the other machines which task it has changed.
pub(crate) const CHANNEL: &str = "codex_host_tasks";

pub(super) async fn open(options: &PgConnectOptions, settings: &Settings) -> Result<Db> {
    let timeout = millis(settings.busy_timeout).to_string();
    // A transaction that waits longer for a row than this fails, and may be tried again. One whose client is stuck is
    // ended by the server, so that its rows do not stay locked.
    let idle = millis(settings.busy_timeout.saturating_mul(6)).to_string();
    let options =
        options.clone().options([("lock_timeout", &timeout), ("idle_in_transaction_session_timeout", &idle)]);
    let pool = PgPoolOptions::new()
        .max_connections(settings.connections.max(1))
        .acquire_timeout(settings.busy_timeout)
        .connect_with(options)
        .await
        .map_err(|error| failed("connect to the store", error))?;
    Ok(Db::Postgres(pool))
}

/// Hears which tasks other machines have changed. The connection is made again when it is lost.
#[derive(Debug)]
pub(crate) struct Changes {
    pool: PgPool,
    listener: Option<PgListener>,
}

/// How long to wait before a lost connection is made again.
const RECONNECT: Duration = Duration::from_secs(1);

impl Changes {
    pub fn new(pool: PgPool) -> Self {
        Self { pool, listener: None }
    }

    /// The next task that has changed; `None` if any may have, since the connection was made anew.
    pub async fn next(&mut self) -> Option<TaskId> {
        loop {
            let Some(listener) = &mut self.listener else {
                match self.listen().await {
                    Ok(listener) => {
                        self.listener = Some(listener);
                        return None;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "failed to listen for changes of the store");
                        tokio::time::sleep(RECONNECT).await;
                        continue;
                    }
                }
            };
            match listener.try_recv().await {
                Ok(Some(notification)) => return notification.payload().parse().ok(),
                Ok(None) | Err(_) => self.listener = None,
            }
        }
    }

    async fn listen(&self) -> sqlx::Result<PgListener> {
        // With a connection of its own: one of the pool would be missing there.
        let options = (*self.pool.connect_options()).clone();
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }
}
