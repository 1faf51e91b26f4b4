//! Opening stores: new, old, newer, foreign, and by many at once.

use anyhow::{Context, Result};
use codex_appserver_host::{Error, Host, TaskFilter};

use crate::support::{Kind, Stage, both};

/// The newest version. Each has a fixture, made by the example `fill_store`.
const NEWEST: i64 = 1;

both! {
    a_newer_store_is_refused;
    a_database_of_another_program_is_left_alone;
    many_processes_open_a_new_store;
    a_store_of_every_version_is_migrated;
    a_migration_happens_whole_or_not_at_all;
}

async fn a_newer_store_is_refused(stage: &Stage) -> Result<()> {
    stage.host().await?.close().await;
    stage.sql("UPDATE meta SET value = '99' WHERE name = 'version'").await?;
    let error = stage.host().await.err().context("it was opened")?;
    let expected = format!(
        "open the store: it has version 99 and this program knows versions up to {NEWEST}; \
         use the newer program that wrote it"
    );
    assert_eq!(error.to_string(), expected);
    Ok(())
}

async fn a_database_of_another_program_is_left_alone(stage: &Stage) -> Result<()> {
    if stage.kind == Kind::Sqlite {
        std::fs::create_dir(stage.folder().join("store"))?;
        std::fs::File::create(stage.folder().join("store/tasks.sqlite"))?;
    }
    stage.sql("CREATE TABLE tasks (id TEXT, title TEXT)").await?;
    let error = stage.host().await.err().context("it was opened")?;
    assert!(matches!(error.downcast_ref(), Some(Error::ForeignDatabase)), "{error}");
    let column = match stage.kind {
        Kind::Sqlite => "SELECT count(*) || '' FROM sqlite_schema",
        Kind::Postgres => "SELECT count(*) || '' FROM pg_tables WHERE schemaname = 'public'",
    };
    assert_eq!(stage.text(column).await?, "1");
    Ok(())
}

async fn many_processes_open_a_new_store(stage: &Stage) -> Result<()> {
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let url = stage.url.clone();
        opening.spawn(async move { Host::open(&url).await });
    }
    let hosts = opening.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    hosts[0].create(&stage.new_task("Say hello.")).await?;
    for host in &hosts {
        assert_eq!(host.tasks(&TaskFilter::default()).await?.tasks.len(), 1);
    }
    Ok(())
}

/// The fixtures are what `pg_dump` and `.dump` say of stores of each version, with a task in every status.
async fn a_store_of_every_version_is_migrated(stage: &Stage) -> Result<()> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let suffix = match stage.kind {
        Kind::Sqlite => "sqlite.sql",
        Kind::Postgres => "postgres.sql",
    };
    let mut versions = 0;
    for version in 1.. {
        let Ok(script) = std::fs::read_to_string(folder.join(format!("version-{version}.{suffix}"))) else {
            break;
        };
        let Some(old) = Stage::new(stage.kind).await? else { break };
        if stage.kind == Kind::Sqlite {
            std::fs::create_dir(old.folder().join("store"))?;
            std::fs::File::create(old.folder().join("store/tasks.sqlite"))?;
        }
        old.sql(&script).await?;
        let host = old.host().await?;
        let mut statuses: Vec<String> = host
            .tasks(&TaskFilter::default())
            .await?
            .tasks
            .iter()
            .map(|task| task.status.to_string())
            .collect();
        statuses.sort();
        assert_eq!(
            statuses,
            [
                "cancelled",
                "completed",
                "failed",
                "queued",
                "queued",
                "queued",
                "waiting_for_approval",
                "waiting_for_user_input"
            ],
            "version {version}"
        );
        let open = host.open_requests(None).await?;
        assert_eq!(open.len(), 2, "version {version}");
        for task in host.tasks(&TaskFilter::default()).await?.tasks {
            assert!(!host.events(task.id, None, 0).await?.events.is_empty(), "version {version}: {task:?}");
        }
        // It works like a new one.
        host.create(&old.new_task("Say hello.")).await?;
        assert_eq!(old.text("SELECT value FROM meta WHERE name = 'version'").await?, NEWEST.to_string());
        versions = version;
    }
    assert_eq!(versions, NEWEST, "a version without a fixture");
    Ok(())
}

async fn a_migration_happens_whole_or_not_at_all(stage: &Stage) -> Result<()> {
    // The last table of the script is there already, so that it fails at its end. To be taken for a store it needs these.
    if stage.kind == Kind::Sqlite {
        std::fs::create_dir(stage.folder().join("store"))?;
        std::fs::File::create(stage.folder().join("store/tasks.sqlite"))?;
    }
    stage.sql("CREATE VIEW meta AS SELECT 1 AS one").await?;
    let error = stage.host().await.err().context("it was opened")?;
    assert!(format!("{error:#}").starts_with("bring the store up to date: "), "{error:#}");
    let tables = match stage.kind {
        Kind::Sqlite => "SELECT count(*) || '' FROM sqlite_schema WHERE type = 'table'",
        Kind::Postgres => "SELECT count(*) || '' FROM pg_tables WHERE schemaname = 'public'",
    };
    assert_eq!(stage.text(tables).await?, "0");
    stage.sql("DROP VIEW meta").await?;
    stage.host().await?;
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_user_alone() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir()?;
    let store = folder.path().join("new/folder");
    let host = Host::open(&format!("sqlite:{}", store.join("tasks.sqlite").display())).await?;
    host.create(&codex_appserver_host::NewTask::new("Say hello.", folder.path())).await?;
    let mode = |path: &std::path::Path| anyhow::Ok(std::fs::metadata(path)?.permissions().mode() & 0o777);
    assert_eq!(mode(&store)?, 0o700);
    let mut files = Vec::new();
    for file in std::fs::read_dir(&store)? {
        let path = file?.path();
        assert_eq!(mode(&path)?, 0o600, "{}", path.display());
        files.push(path);
    }
    assert_eq!(files.len(), 3, "the file, its log, and what its users share: {files:?}");
    Ok(())
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("file"), "")?;
    let path = folder.path().join("file/tasks.sqlite");
    let error = Host::open(&format!("sqlite:{}", path.display())).await.err().context("it was opened")?;
    assert_eq!(error.to_string(), format!("prepare `{}` for the store", path.display()));
    Ok(())
}
