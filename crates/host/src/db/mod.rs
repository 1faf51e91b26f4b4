//! The two databases behind one face: numbered parameters, rows by column name, transactions.
//!
//! SQL is ordinary text with `$1`, which both databases take. Where their dialects differ, the text is made from the
//! pieces of [`Dialect`]. Columns hold 64-bit integers and text, nothing else.

mod migrate;
mod postgres;
mod sqlite;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Database, PgPool, Postgres, Row as _, Sqlite, SqlitePool, Transaction};

use crate::error::{Error, Result};
use crate::location::Location;
use crate::settings::Settings;

pub(crate) use postgres::{CHANNEL, Changes};

/// An open store.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    /// One connection that writes: SQLite has one writer at a time, and those of one process wait here in order instead
    /// of polling the file. Several that read, which never wait for a writer (WAL).
    Sqlite {
        write: SqlitePool,
        read: SqlitePool,
    },
    Postgres(PgPool),
}

/// What the texts of the two databases differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The database's clock, in milliseconds since 1970.
    pub fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)",
            Self::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// Locks the rows of a `SELECT` and leaves out those that another transaction has locked. A writing transaction of
    /// SQLite has locked everything.
    pub fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }
}

/// A value for a parameter.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
}

macro_rules! args {
    ($($from:ty => $arm:ident($convert:expr);)*) => {$(
        impl From<$from> for Arg {
            fn from(value: $from) -> Self {
                Self::$arm(($convert)(value))
            }
        }
    )*};
}

args! {
    i64 => Int(Some);
    bool => Int(|value| Some(i64::from(value)));
    Option<i64> => Int(|value| value);
    &str => Text(|value: &str| Some(value.to_owned()));
    String => Text(Some);
    &String => Text(|value: &String| Some(value.clone()));
    Option<String> => Text(|value| value);
    &Option<String> => Text(|value: &Option<String>| value.clone());
    Option<&str> => Text(|value: Option<&str>| value.map(str::to_owned));
}

/// The values for `$1`, `$2` and so on.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Arg::from($value)),*] };
}
pub(crate) use values;

/// A row of a result.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub fn int(&self, column: &'static str) -> Result<i64> {
        self.get::<i64>(column)
    }

    pub fn opt_int(&self, column: &'static str) -> Result<Option<i64>> {
        self.get::<Option<i64>>(column)
    }

    pub fn flag(&self, column: &'static str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    pub fn text(&self, column: &'static str) -> Result<String> {
        self.get::<String>(column)
    }

    pub fn opt_text(&self, column: &'static str) -> Result<Option<String>> {
        self.get::<Option<String>>(column)
    }

    /// A text as one of our types.
    pub fn read<T>(&self, column: &'static str) -> Result<T>
    where
        T: std::str::FromStr<Err: Into<crate::error::Cause>>,
    {
        self.text(column)?.parse().map_err(|error| Error::row(column, error))
    }

    fn get<T>(&self, column: &'static str) -> Result<T>
    where
        T: for<'r> sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
        T: for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(|error| Error::row(column, error))
    }
}

/// A transaction. It is rolled back unless it is committed.
#[derive(Debug)]
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// Opens the store and brings it to the newest version.
    pub async fn open(location: &Location, settings: &Settings) -> Result<Self> {
        let db = match location {
            Location::Sqlite(path) => sqlite::open(path, settings).await?,
            Location::Postgres(options) => postgres::open(options, settings).await?,
        };
        migrate::migrate(&db).await?;
        Ok(db)
    }

    /// Begins a transaction that writes. On SQLite it takes the lock at once: one that read first and wrote later would
    /// fail if another process had written in between.
    pub async fn begin(&self) -> Result<Tx> {
        let doing = "begin to write to the store";
        match self {
            Self::Sqlite { write, .. } => write.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite),
            Self::Postgres(pool) => pool.begin().await.map(Tx::Postgres),
        }
        .map_err(|error| failed(doing, error))
    }

    /// Begins a transaction that reads, and sees the store as it is now until its end.
    pub async fn begin_read(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { read, .. } => read.begin().await.map(Tx::Sqlite),
            Self::Postgres(pool) => {
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await.map(Tx::Postgres)
            }
        }
        .map_err(|error| failed("begin to read the store", error))
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement and says how many rows it changed.
    pub async fn execute(
        &mut self,
        doing: &'static str,
        sql: impl AsRef<str>,
        args: Vec<Arg>,
    ) -> Result<u64> {
        match self {
            Self::Sqlite(tx) => {
                let query = sqlx::query_with(AssertSqlSafe(sql.as_ref()), sqlite_args(args)?);
                query.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            Self::Postgres(tx) => {
                let query = sqlx::query_with(AssertSqlSafe(sql.as_ref()), postgres_args(args)?);
                query.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        }
        .map_err(|error| failed(doing, error))
    }

    /// Runs a query and returns its rows.
    pub async fn rows(
        &mut self,
        doing: &'static str,
        sql: impl AsRef<str>,
        args: Vec<Arg>,
    ) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(tx) => {
                let query = sqlx::query_with(AssertSqlSafe(sql.as_ref()), sqlite_args(args)?);
                let rows = query.fetch_all(&mut **tx).await;
                rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(tx) => {
                let query = sqlx::query_with(AssertSqlSafe(sql.as_ref()), postgres_args(args)?);
                let rows = query.fetch_all(&mut **tx).await;
                rows.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        }
        .map_err(|error| failed(doing, error))
    }

    /// Runs a query and returns its first row.
    pub async fn row(
        &mut self,
        doing: &'static str,
        sql: impl AsRef<str>,
        args: Vec<Arg>,
    ) -> Result<Option<Row>> {
        Ok(self.rows(doing, sql, args).await?.into_iter().next())
    }

    /// Runs a script of several statements.
    pub async fn script(&mut self, doing: &'static str, sql: &'static str) -> Result<()> {
        match self {
            Self::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
            Self::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
        }
        .map_err(|error| failed(doing, error))
    }

    /// The database's clock, in milliseconds since 1970: the only clock that leases and deadlines are measured by.
    pub async fn now(&mut self) -> Result<i64> {
        let sql = format!("SELECT {} AS now", self.dialect().now());
        match self.row("read the clock of the store", sql, values![]).await? {
            Some(row) => row.int("now"),
            None => Ok(0),
        }
    }

    /// Undoes everything now. A transaction that is dropped is undone a little later, and keeps its locks until then.
    pub async fn rollback(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
        .map_err(|error| failed("undo a change of the store", error))
    }

    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
        .map_err(|error| failed("commit to the store", error))
    }
}

fn sqlite_args(args: Vec<Arg>) -> Result<SqliteArguments> {
    bind::<Sqlite>(args)
}

fn postgres_args(args: Vec<Arg>) -> Result<PgArguments> {
    bind::<Postgres>(args)
}

fn bind<D: Database>(args: Vec<Arg>) -> Result<D::Arguments>
where
    Option<i64>: for<'q> sqlx::Encode<'q, D> + sqlx::Type<D>,
    Option<String>: for<'q> sqlx::Encode<'q, D> + sqlx::Type<D>,
{
    use sqlx::Arguments as _;
    let mut bound = D::Arguments::default();
    for arg in args {
        match arg {
            Arg::Int(value) => bound.add(value),
            // PostgreSQL takes any character but this one.
            Arg::Text(Some(text)) if text.contains('\0') => bound.add(Some(text.replace('\0', "\u{fffd}"))),
            Arg::Text(value) => bound.add(value),
        }
        .map_err(|error| Error::row("a parameter", error))?;
    }
    Ok(bound)
}

/// An error of the database, with whether it may pass.
fn failed(doing: &'static str, error: sqlx::Error) -> Error {
    let passing = match &error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| is_passing(&code)),
        _ => false,
    };
    Error::Database { doing, passing, source: Box::new(error) }
}

/// SQLSTATE has five characters; the codes of SQLite are numbers of up to four digits, with the kind in the low byte.
fn is_passing(code: &str) -> bool {
    match code.parse::<u32>() {
        // BUSY, LOCKED, NOMEM, READONLY (so a broken disk is mounted again), IOERR, FULL, CANTOPEN.
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 7 | 8 | 10 | 13 | 14),
        // Connections, rollbacks, resources, operators, I/O; a database that takes no connections; a lock that was not to
        // be had in time.
        _ => ["08", "40", "53", "57", "58", "55000", "55P03"].iter().any(|class| code.starts_with(class)),
    }
}

/// Whether a statement failed since it would have broken a unique index.
pub(crate) fn is_unique_violation(error: &Error) -> bool {
    let Error::Database { source, .. } = error else { return false };
    let database = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    database.is_some_and(|error| error.is_unique_violation())
}

#[cfg(test)]
mod tests {
    use super::is_passing;

    #[test]
    fn full_busy_and_absent_databases_may_come_back() {
        // SQLite: busy, busy snapshot, full, an I/O error. PostgreSQL: out of disk, too many connections, a
        // serialization failure, shut down, lock timeout.
        for code in ["5", "517", "13", "778", "53100", "53300", "40001", "57P01", "55P03", "08006"] {
            assert!(is_passing(code), "{code}");
        }
        // A unique index, corrupt; a unique index, a syntax error, a missing table.
        for code in ["2067", "11", "23505", "42601", "42P01"] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
