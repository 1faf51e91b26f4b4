//! A store in one file.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Db, failed};
use crate::error::{Error, Result};
use crate::settings::Settings;

/// The size of a page, which is SQLite's own default.
const PAGE: u64 = 4096;

pub(super) async fn open(path: &Path, settings: &Settings) -> Result<Db> {
    prepare(path).map_err(|source| Error::Prepare { path: path.to_owned(), source })?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(settings.busy_timeout)
        .foreign_keys(true)
        // Readers do not wait for a writer, nor it for them.
        .journal_mode(SqliteJournalMode::Wal)
        // A commit survives a power cut, not only a crash. It costs one flush, and events are written in batches.
        .synchronous(SqliteSynchronous::Full)
        // What is deleted can be read from the file no more.
        .pragma("secure_delete", "ON");
    let mut writer = options.clone();
    if let Some(bytes) = settings.max_file_bytes {
        writer = writer.pragma("max_page_count", (bytes / PAGE).max(1).to_string());
    }
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(settings.busy_timeout)
        // A connection to a file does not get old.
        .max_lifetime(None)
        .idle_timeout(None)
        .connect_with(writer)
        .await
        .map_err(|error| failed("open the store", error))?;
    let read = SqlitePoolOptions::new()
        .max_connections(settings.connections.max(1))
        .acquire_timeout(settings.busy_timeout)
        .max_lifetime(None)
        .connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Db::Sqlite { write, read })
}

/// Creates the folder and the file for this user alone. SQLite gives its other files the mode of this one.
fn prepare(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        && !folder.exists()
    {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
