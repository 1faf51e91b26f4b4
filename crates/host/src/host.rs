//! The host: an open store and everything that can be done with it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::db::{Changes, Db, Dialect, Tx, values};
use crate::error::Result;
use crate::ids::TaskId;
use crate::location::Location;
use crate::settings::Settings;

/// How many changes a slow subscription may lag behind. Beyond it, it looks into the store.
const CHANGES: usize = 1024;

/// A store of durable tasks. Clones share it.
///
/// What users do (create, list, answer, interrupt) takes ids. What workers do takes a [`Lease`](crate::Lease), and is
/// refused when another worker has taken the task over.
#[derive(Clone)]
pub struct Host {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub db: Db,
    pub settings: Settings,
    location: Location,
    /// The tasks that have changed; `None` if any may have.
    changes: broadcast::Sender<Option<TaskId>>,
    /// Forwards what other machines have changed, once there is a subscription.
    listener: Mutex<Option<JoinHandle<()>>>,
}

impl Host {
    /// Opens a store, creates it if there is none, and brings it to the newest version.
    ///
    /// `sqlite:PATH` is a file, `sqlite:` the [default file](Location::default_file), `postgres://…` a database that
    /// several machines may share.
    ///
    /// # Errors
    ///
    /// If the address is not valid, the database cannot be opened, holds something else, or was written by a later
    /// version.
    pub async fn open(url: &str) -> Result<Self> {
        Self::open_with(&url.parse()?, Settings::default()).await
    }

    /// Opens a store with other settings.
    ///
    /// # Errors
    ///
    /// As [`Host::open`].
    pub async fn open_with(location: &Location, settings: Settings) -> Result<Self> {
        let db = Db::open(location, &settings).await?;
        let changes = broadcast::Sender::new(CHANGES);
        let (location, listener) = (location.clone(), Mutex::new(None));
        Ok(Self { inner: Arc::new(Inner { db, settings, location, changes, listener }) })
    }

    /// Where the store is.
    pub fn location(&self) -> &Location {
        &self.inner.location
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Closes all connections. Operations of other clones fail from then on.
    pub async fn close(&self) {
        self.inner.stop_listening();
        self.inner.db.close().await;
    }

    pub(crate) async fn begin(&self) -> Result<Tx> {
        self.inner.db.begin().await
    }

    pub(crate) async fn begin_read(&self) -> Result<Tx> {
        self.inner.db.begin_read().await
    }

    /// Commits, and tells subscriptions on all machines which tasks have changed.
    pub(crate) async fn commit(&self, mut tx: Tx, tasks: &[TaskId]) -> Result<()> {
        if tx.dialect() == Dialect::Postgres {
            for task in tasks {
                let sql = "SELECT pg_notify($1, $2)";
                tx.rows(
                    "tell other machines about a change",
                    sql,
                    values![crate::db::CHANNEL, task.to_string()],
                )
                .await?;
            }
        }
        tx.commit().await?;
        for task in tasks {
            self.inner.changed(Some(*task));
        }
        Ok(())
    }

    /// Subscribes to the changes of this process and, on PostgreSQL, of all machines.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Option<TaskId>> {
        let changes = self.inner.changes.subscribe();
        if let Db::Postgres(pool) = &self.inner.db {
            let mut listener = self.inner.listener.lock().unwrap_or_else(PoisonError::into_inner);
            if listener.as_ref().is_none_or(JoinHandle::is_finished) {
                let mut heard = Changes::new(pool.clone());
                let sender = self.inner.changes.clone();
                *listener = Some(tokio::spawn(async move {
                    loop {
                        let _ = sender.send(heard.next().await);
                    }
                }));
            }
        }
        changes
    }

    /// A text without secrets, as it may be stored in events, errors and notifications.
    pub(crate) fn redacted(&self, text: &str) -> String {
        self.inner.settings.redactor.text(text).into_owned()
    }
}

impl Inner {
    fn changed(&self, task: Option<TaskId>) {
        // Without subscriptions, no reader waits for this.
        let _ = self.changes.send(task);
    }

    fn stop_listening(&self) {
        if let Some(listener) = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take() {
            listener.abort();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop_listening();
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("location", &self.inner.location).finish_non_exhaustive()
    }
}
