//! What the tests of the store stand on: a store of each kind for every test.

#[cfg(unix)]
mod postgres;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use codex_appserver_host::{Claim, Host, Lease, Location, NewTask, ServerInstance, Settings, Task, Worker};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// An empty store, and a folder to work in. It goes with the test.
pub struct Stage {
    pub kind: Kind,
    pub location: Location,
    pub url: String,
    folder: TempDir,
    database: Option<Database>,
}

/// A database of its own on the server.
struct Database {
    admin: String,
    name: String,
}

impl Stage {
    /// `None` if there is no PostgreSQL on this machine; with `CI=true` that is an error.
    pub async fn new(kind: Kind) -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        let (url, database) = match kind {
            Kind::Sqlite => (format!("sqlite:{}", folder.path().join("store/tasks.sqlite").display()), None),
            Kind::Postgres => match Database::create().await? {
                Some((url, database)) => (url, Some(database)),
                None => return Ok(None),
            },
        };
        Ok(Some(Self { kind, location: url.parse()?, url, folder, database }))
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub async fn host(&self) -> Result<Host> {
        self.host_with(Settings::default()).await
    }

    pub async fn host_with(&self, settings: Settings) -> Result<Host> {
        Ok(Host::open_with(&self.location, settings).await?)
    }

    pub fn new_task(&self, prompt: &str) -> NewTask {
        NewTask::new(prompt, self.folder())
    }

    /// Changes the store behind the host's back.
    pub async fn sql(&self, sql: &str) -> Result<()> {
        match self.kind {
            Kind::Sqlite => self.sqlite().await?.execute(AssertSqlSafe(sql)).await.map(drop)?,
            Kind::Postgres => {
                PgConnection::connect(&self.url).await?.execute(AssertSqlSafe(sql)).await.map(drop)?;
            }
        }
        Ok(())
    }

    /// A text out of the store, read behind the host's back.
    pub async fn text(&self, sql: &str) -> Result<String> {
        Ok(match self.kind {
            Kind::Sqlite => {
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.sqlite().await?).await?
            }
            Kind::Postgres => {
                let mut connection = PgConnection::connect(&self.url).await?;
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await?
            }
        })
    }

    pub async fn sqlite(&self) -> Result<SqliteConnection> {
        Ok(SqliteConnection::connect(&self.url).await?)
    }

    /// Lets the time of all leases pass.
    pub async fn expire_leases(&self) -> Result<()> {
        self.sql("UPDATE tasks SET lease_expires_at = 1 WHERE lease_expires_at IS NOT NULL").await
    }

    /// Takes the database away, with all connections, or gives it back.
    pub async fn connections(&self, allowed: bool) -> Result<()> {
        let database = self.database.as_ref().context("only PostgreSQL has connections")?;
        let mut admin = PgConnection::connect(&database.admin).await?;
        let name = &database.name;
        admin.execute(AssertSqlSafe(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}"))).await?;
        let sql = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        admin.execute(AssertSqlSafe(sql)).await?;
        Ok(())
    }
}

impl Database {
    async fn create() -> Result<Option<(String, Self)>> {
        #[cfg(unix)]
        let admin = postgres::url();
        #[cfg(not(unix))]
        let admin: Option<&str> = None;
        let Some(admin) = admin else {
            let missing = "PostgreSQL is not installed (Debian: apt-get install postgresql)";
            if std::env::var("CI").is_ok_and(|ci| ci == "true") {
                bail!("{missing}");
            }
            eprintln!("SKIPPED on PostgreSQL: {missing}");
            return Ok(None);
        };
        let name = format!("host_{}", uuid());
        let mut connection = PgConnection::connect(admin).await?;
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
        let (server, _) = admin.rsplit_once('/').context("the address names no database")?;
        let (url, admin) = (format!("{server}/{name}"), admin.to_owned());
        Ok(Some((url, Self { admin, name })))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A server of the tests' own goes with everything in it. One that is named keeps no database of a test.
        let Some(Database { admin, name }) = self.database.take() else { return };
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&admin).await?;
                connection.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await?;
                anyhow::Ok(())
            })
        });
        if let Ok(Err(error)) = done.join() {
            eprintln!("failed to drop the database of a test: {error:#}");
        }
    }
}

fn uuid() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{}_{}", std::process::id(), now.as_nanos())
}

/// Runs each body on SQLite and on PostgreSQL.
macro_rules! both {
    ($($name:ident;)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() -> anyhow::Result<()> {
                crate::support::run(crate::support::Kind::Sqlite, super::$name).await
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() -> anyhow::Result<()> {
                crate::support::run(crate::support::Kind::Postgres, super::$name).await
            })*
        }
    };
}
pub(crate) use both;

pub async fn run(kind: Kind, body: impl AsyncFnOnce(&Stage) -> Result<()>) -> Result<()> {
    match Stage::new(kind).await? {
        Some(stage) => body(&stage).await,
        None => Ok(()),
    }
}

pub fn server(name: &str) -> ServerInstance {
    ServerInstance::new(name)
}

/// Creates a task and claims it.
pub async fn claimed(stage: &Stage, host: &Host) -> Result<Claim> {
    host.create(&stage.new_task("Say hello.")).await?;
    let worker = host.register("test").await?;
    claim(host, &worker).await
}

pub async fn claim(host: &Host, worker: &Worker) -> Result<Claim> {
    host.claim(worker).await?.context("there is no task to claim")
}

/// Creates a task whose turn is at work on the thread `t1`, on the server `s1`.
pub async fn working(stage: &Stage, host: &Host) -> Result<Lease> {
    working_with(host, stage.new_task("Say hello.")).await
}

pub async fn working_with(host: &Host, new: NewTask) -> Result<Lease> {
    host.create(&new).await?;
    let worker = host.register("test").await?;
    let lease = claim(host, &worker).await?.lease;
    host.intend(&lease, &server("s1"), "t1").await?;
    host.acknowledge(&lease, &server("s1"), "u1").await?;
    input(host, &lease, codex_appserver_host::Input::TurnStarted).await?;
    Ok(lease)
}

pub async fn input(host: &Host, lease: &Lease, input: codex_appserver_host::Input) -> Result<Task> {
    let batch = codex_appserver_host::Batch { inputs: vec![input], ..Default::default() };
    Ok(host.append(lease, &batch).await?)
}

/// Asks until the answer is yes, for at most ten seconds.
pub async fn eventually(what: &str, mut is_true: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    for _ in 0..1_000 {
        if is_true().await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("{what} did not happen within 10 seconds")
}
