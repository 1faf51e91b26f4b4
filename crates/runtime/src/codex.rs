//! A codex binary and what it can be asked for. It always runs with an empty `CODEX_HOME` of its
//! own.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::error::Error;
use crate::process::{self, Finished, command_line};
use crate::search::{Search, codex_in};
use crate::version::parse_version_output;

/// The file with the whole protocol among those that codex writes.
const SCHEMA_FILE: &str = "codex_app_server_protocol.schemas.json";

/// How long codex may take to answer; it needs less than a second.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Which part of the protocol to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Surface {
    /// What every client may use.
    Stable,
    /// The stable part and what a client gets after opting in to the experimental API.
    Experimental,
}

impl Surface {
    /// The arguments of codex that print this part by the command `generate`, up to the folder to write to.
    fn arguments(self, generate: &'static str) -> Vec<&'static str> {
        match self {
            Self::Stable => vec!["app-server", generate, "--out"],
            Self::Experimental => vec!["app-server", generate, "--experimental", "--out"],
        }
    }
}

const JSON_SCHEMA: &str = "generate-json-schema";
const TYPESCRIPT: &str = "generate-ts";

/// A codex binary, or the script that npm puts in its place.
#[derive(Clone, Debug)]
pub struct Codex {
    path: PathBuf,
    time_limit: Duration,
}

impl Codex {
    /// The codex at `path`, which must be a file. It is not run yet.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchFile`].
    pub fn at(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        match std::path::absolute(path) {
            Ok(path) if path.is_file() => Ok(Self { path, time_limit: TIME_LIMIT }),
            _ => Err(Error::NoSuchFile { path: path.to_path_buf() }),
        }
    }

    /// The codex to use: the one at `explicit`, else the one that the variable `CODEX_BIN` names, else the first
    /// in `PATH`, else what npm has of it. [`Search`] tells the order in full.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchFile`] for `explicit`, [`Error::CodexBinMissing`], or [`Error::NotFound`], which lists all
    /// places that were looked at.
    pub fn find(explicit: Option<&Path>) -> Result<Self, Error> {
        let search = Search::from_env();
        match explicit {
            Some(path) => search.explicit(path).find(),
            None => search.find(),
        }
    }

    /// The first `codex` in the folders of the `PATH` variable, be it the script that npm
    /// installs.
    ///
    /// # Errors
    ///
    /// [`Error::NotOnPath`].
    pub fn on_path() -> Result<Self, Error> {
        codex_in(&env::var_os("PATH").unwrap_or_default()).map_or(Err(Error::NotOnPath), Self::at)
    }

    /// Gives every run of codex another time limit than 60 seconds.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The absolute path of the binary.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Asks codex for its version, as in `0.150.0`.
    ///
    /// # Errors
    ///
    /// codex does not run, takes too long or prints something else.
    pub fn version(&self) -> Result<String, Error> {
        let home = private_folder()?;
        let mut command = self.command(home.path());
        command.arg("--version");
        let stdout = self.run(&mut command)?.stdout;
        match parse_version_output(&stdout) {
            Some(version) => Ok(version.to_owned()),
            None => Err(Error::UnknownVersion {
                command: command_line(&command),
                output: stdout.trim().chars().take(200).collect(),
            }),
        }
    }

    /// Asks codex for the JSON Schema of its app-server protocol and returns the bytes as codex
    /// wrote them.
    ///
    /// # Errors
    ///
    /// codex does not run, takes too long or writes no schema.
    pub fn json_schema(&self, surface: Surface) -> Result<Vec<u8>, Error> {
        let (out, command) = self.generate(surface, JSON_SCHEMA)?;
        let file = out.path().join(SCHEMA_FILE);
        fs::read(&file).map_err(|reason| match reason.kind() {
            io::ErrorKind::NotFound => Error::SchemaMissing { command, file: SCHEMA_FILE },
            _ => Error::io("read the schema", &file)(reason),
        })
    }

    /// Asks codex for the TypeScript types of its app-server protocol: the text of each file by its path below the
    /// output folder, with `/` between folders.
    ///
    /// # Errors
    ///
    /// codex does not run, takes too long, writes no TypeScript or a file that is not UTF-8.
    pub fn typescript(&self, surface: Surface) -> Result<BTreeMap<String, String>, Error> {
        let (out, command) = self.generate(surface, TYPESCRIPT)?;
        let mut files = BTreeMap::new();
        let mut folders = vec![(String::new(), out.path().to_owned())];
        while let Some((prefix, folder)) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(Error::io("list", &folder))? {
                let path = entry.map_err(Error::io("list", &folder))?.path();
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if path.is_dir() {
                    folders.push((format!("{prefix}{name}/"), path));
                } else if name.ends_with(".ts") {
                    let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
                    files.insert(format!("{prefix}{name}"), text);
                }
            }
        }
        if files.is_empty() {
            return Err(Error::SchemaMissing { command, file: "*.ts" });
        }
        Ok(files)
    }

    /// Has codex write one form of its protocol into a new folder. The second value is the command, for errors.
    fn generate(
        &self,
        surface: Surface,
        generate: &'static str,
    ) -> Result<(tempfile::TempDir, String), Error> {
        let home = private_folder()?;
        let out = private_folder()?;
        let mut command = self.command(home.path());
        command.args(surface.arguments(generate)).arg(out.path());
        self.run(&mut command)?;
        let line = command_line(&command);
        Ok((out, line))
    }

    /// The command behind [`json_schema`](Self::json_schema), to quote where the origin of a schema
    /// is written down: `codex app-server generate-json-schema --experimental --out DIR`.
    pub fn schema_command(&self, surface: Surface) -> String {
        format!("codex {} DIR", surface.arguments(JSON_SCHEMA).join(" "))
    }

    /// A command that runs in `home`, so that neither settings of the user nor of the current
    /// project count.
    fn command(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command.env("CODEX_HOME", home).current_dir(home);
        command
    }

    fn run(&self, command: &mut Command) -> Result<Finished, Error> {
        let finished = process::run(command, Some(self.time_limit), |_| ())?;
        if finished.status.success() {
            return Ok(finished);
        }
        Err(Error::CodexFailed {
            command: command_line(command),
            status: finished.status,
            stderr: finished.stderr,
        })
    }
}

fn private_folder() -> Result<tempfile::TempDir, Error> {
    tempfile::tempdir().map_err(Error::io("create a temporary folder in", &env::temp_dir()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_the_schema_command() {
        let codex = Codex { path: "/bin/codex".into(), time_limit: TIME_LIMIT };
        assert_eq!(codex.schema_command(Surface::Stable), "codex app-server generate-json-schema --out DIR");
        assert_eq!(
            codex.schema_command(Surface::Experimental),
            "codex app-server generate-json-schema --experimental --out DIR"
        );
    }
}
