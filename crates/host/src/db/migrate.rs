//! Brings a store to the newest version.
//!
//! Each version is a script per database in `migrations/`, numbered from 1, and all that are missing run in one
//! transaction together with the note which version the store has: it has all of a version or nothing. A new version is
//! a line in [`VERSIONS`], its two scripts, and a fixture of the former version for the tests.

use super::{Db, Dialect, Tx, values};
use crate::error::{Error, Result};

/// The scripts of one version.
struct Version {
    sqlite: &'static str,
    postgres: &'static str,
}

/// All versions, the first one first.
const VERSIONS: &[Version] = &[Version {
    sqlite: include_str!("migrations/0001.sqlite.sql"),
    postgres: include_str!("migrations/0001.postgres.sql"),
}];

/// The newest version.
pub(crate) const NEWEST: i64 = VERSIONS.len() as i64;

/// Any number that no other program is likely to lock.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7281953164)";

pub(super) async fn migrate(db: &Db) -> Result<()> {
    // Most of the time there is nothing to do, and no lock has to be taken.
    let mut tx = db.begin_read().await?;
    if version(&mut tx).await? == NEWEST {
        return tx.commit().await;
    }
    tx.commit().await?;
    let mut tx = db.begin().await?;
    if tx.dialect() == Dialect::Postgres {
        tx.script("lock the store to bring it up to date", LOCK).await?;
    }
    // Another process may have been faster.
    let found = version(&mut tx).await?;
    let done = usize::try_from(found).unwrap_or(0);
    for version in VERSIONS.iter().skip(done) {
        let script = match tx.dialect() {
            Dialect::Sqlite => version.sqlite,
            Dialect::Postgres => version.postgres,
        };
        tx.script("bring the store up to date", script).await?;
    }
    let sql = "INSERT INTO meta (name, value) VALUES ('version', $1)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    tx.execute("bring the store up to date", sql, values![NEWEST.to_string()]).await?;
    tx.commit().await
}

/// The version of a store: 0 for an empty database.
async fn version(tx: &mut Tx) -> Result<i64> {
    let tables = match tx.dialect() {
        Dialect::Sqlite => {
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        }
        Dialect::Postgres => "SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()",
    };
    let tables = tx.rows("read which tables the store has", tables, values![]).await?;
    if tables.is_empty() {
        return Ok(0);
    }
    let names = tables.iter().map(|row| row.text("name")).collect::<Result<Vec<_>>>()?;
    if !names.iter().any(|name| name == "meta") || !names.iter().any(|name| name == "tasks") {
        return Err(Error::ForeignDatabase);
    }
    let sql = "SELECT value FROM meta WHERE name = 'version'";
    let row = tx.row("read the version of the store", sql, values![]).await?.ok_or(Error::ForeignDatabase)?;
    let found: i64 = row.read("value")?;
    if found > NEWEST {
        return Err(Error::NewerStore { found, known: NEWEST });
    }
    Ok(found)
}
