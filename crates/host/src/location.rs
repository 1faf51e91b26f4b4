//! Where a store is: a file of SQLite, or a database of PostgreSQL.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use etcetera::BaseStrategy;
use sqlx::postgres::PgConnectOptions;

use crate::error::Error;

/// Where a store is. Read from `sqlite:PATH`, `postgres://…`, or `sqlite:` for the default file.
#[derive(Clone)]
#[non_exhaustive]
pub enum Location {
    /// A file. Its folder is created if it is missing.
    Sqlite(PathBuf),
    /// A database of PostgreSQL, which several machines may share.
    Postgres(Box<PgConnectOptions>),
}

impl Location {
    /// The default file, `codex-host/tasks.sqlite` in the user's folder for state: `$XDG_STATE_HOME`, or
    /// `~/.local/state`.
    ///
    /// # Errors
    ///
    /// If there is no home folder.
    pub fn default_file() -> Result<Self, Error> {
        let missing = |error: etcetera::HomeDirError| Error::NoFolder { reason: error.to_string() };
        let strategy = etcetera::choose_base_strategy().map_err(missing)?;
        let state = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
        Ok(Self::Sqlite(state.join("codex-host").join("tasks.sqlite")))
    }
}

impl FromStr for Location {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            // Its error may quote the address, and with it the password.
            let invalid = |_| Error::Location { reason: "the address of PostgreSQL is not valid".to_owned() };
            let options: PgConnectOptions = url.parse().map_err(invalid)?;
            return Ok(Self::Postgres(Box::new(options.application_name("codex-host"))));
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            let scheme = url.split_once(':').map_or("no scheme".to_owned(), |(scheme, _)| {
                format!("the unknown scheme `{}`", crate::text::clip(scheme, 40))
            });
            return Err(Error::Location { reason: format!("it has {scheme}") });
        };
        match path.strip_prefix("//").unwrap_or(path) {
            "" => Self::default_file(),
            path if path.contains(['?', '\0']) || path.starts_with(':') => {
                Err(Error::Location { reason: "what follows `sqlite:` is not the path of a file".to_owned() })
            }
            path => Ok(Self::Sqlite(Path::new(path).to_owned())),
        }
    }
}

/// Shows no password.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(options) => {
                let database = options.get_database().unwrap_or_default();
                write!(f, "postgres://{}:{}/{database}", options.get_host(), options.get_port())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> String {
        match url.parse::<Location>() {
            Ok(location) => location.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn addresses_are_read() {
        assert_eq!(read("sqlite:/a/b.sqlite"), "sqlite:/a/b.sqlite");
        assert_eq!(read("sqlite:///a/b.sqlite"), "sqlite:/a/b.sqlite");
        assert_eq!(read("sqlite:b.sqlite"), "sqlite:b.sqlite");
        assert_eq!(read("postgres://ann:pw@db.example:5433/tasks"), "postgres://db.example:5433/tasks");
        let Ok(Location::Sqlite(path)) = "sqlite:".parse() else { panic!("no default file") };
        assert!(path.is_absolute() && path.ends_with("codex-host/tasks.sqlite"), "{}", path.display());
    }

    #[test]
    fn other_addresses_are_refused_without_their_passwords() {
        let next = "; use `sqlite:PATH` or `postgres://…`";
        for (url, reason) in [
            ("mysql://ann:pw@db/tasks", "it has the unknown scheme `mysql`"),
            ("tasks.sqlite", "it has no scheme"),
            ("sqlite::memory:", "what follows `sqlite:` is not the path of a file"),
            ("sqlite:a?mode=ro", "what follows `sqlite:` is not the path of a file"),
            ("postgres://ann:pw@db:port/tasks", "the address of PostgreSQL is not valid"),
        ] {
            assert_eq!(read(url), format!("read the address of the store: {reason}{next}"));
        }
    }
}
