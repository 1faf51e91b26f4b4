//! Finding the server that is there, or starting one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use codex_appserver_runtime::Codex;

use super::error::SharedServerError;
use super::folder::{Folder, file_error};
use super::health::{Unhealthy, wait_for_answer};
use super::instance::Instance;
use crate::error::Error;
use crate::process::Process;

/// What can be set about a shared server.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(super) home: PathBuf,
    pub(super) process: Process,
    pub(super) idle_time: Duration,
    pub(super) start_timeout: Duration,
    pub(super) answer_timeout: Duration,
    /// Beyond so many bytes the log is emptied.
    pub(super) log_limit: u64,
}

/// A server that answered, and the file that keeps it from being stopped.
pub(super) struct Found {
    pub(super) socket: PathBuf,
    pub(super) version: String,
    pub(super) pid: u32,
    pub(super) log: PathBuf,
    pub(super) guard: File,
}

/// Finds or starts the server. One program at a time does that.
pub(super) fn find_or_start(settings: &Settings) -> Result<Found, Error> {
    let home = fs::canonicalize(&settings.home)
        .map_err(|source| SharedServerError::Home { folder: settings.home.clone(), source })?;
    let codex = Codex::at(on_path(&settings.process.find_program()?))?.time_limit(settings.start_timeout);
    let version = codex.version()?;
    let process = settings.process.clone().program(codex.path()).codex_home(&home);
    let folder = Folder::open(&home, &file_name(&version))?;
    let _lock = folder.lock(settings.start_timeout)?;
    let (instance, guard) = match folder.current() {
        Some(instance) => match attach(&instance, settings)? {
            Some(guard) => (instance, guard),
            None => {
                instance.destroy();
                start(&folder, &process, settings)?
            }
        },
        None => start(&folder, &process, settings)?,
    };
    let pid = instance.pid().map_or(0, |pid| pid.as_raw_nonzero().get().unsigned_abs());
    Ok(Found { socket: instance.socket(), version, pid, log: folder.log_path(), guard })
}

/// The guard of a server that is there and answers.
fn attach(instance: &Instance, settings: &Settings) -> Result<Option<File>, SharedServerError> {
    let guard = instance.attach().map_err(|source| file_error(instance.folder(), source))?;
    let Some(guard) = guard else { return Ok(None) };
    match wait_for_answer(instance, settings.answer_timeout) {
        Ok(()) => Ok(Some(guard)),
        Err(Unhealthy::Ended) => Ok(None),
        Err(Unhealthy::Silent(reason)) => {
            tracing::warn!("the shared server does not answer ({reason}): replacing it");
            Ok(None)
        }
    }
}

fn start(folder: &Folder, process: &Process, settings: &Settings) -> Result<(Instance, File), Error> {
    folder.sweep();
    let instance = folder.add_instance()?;
    let started = launch(&instance, folder, process, settings);
    if started.is_err() {
        instance.destroy();
    }
    started.map(|guard| (instance, guard))
}

fn launch(
    instance: &Instance,
    folder: &Folder,
    process: &Process,
    settings: &Settings,
) -> Result<File, Error> {
    instance.start(process, settings.idle_time, folder.new_log()?, settings.log_limit)?;
    let ended = || {
        instance.wait_for_keeper();
        SharedServerError::Ended { log: folder.log_path(), last_words: folder.last_words() }
    };
    let guard = instance.attach().map_err(|source| file_error(instance.folder(), source))?;
    let guard = guard.ok_or_else(ended)?;
    match wait_for_answer(instance, settings.start_timeout) {
        Ok(()) => Ok(guard),
        Err(Unhealthy::Ended) => Err(ended().into()),
        Err(Unhealthy::Silent(reason)) => Err(SharedServerError::Silent {
            after: settings.start_timeout,
            reason,
            log: folder.log_path(),
            last_words: folder.last_words(),
        }
        .into()),
    }
}

/// Where a program is: like a shell, a bare name is looked up on the `PATH`.
fn on_path(program: &Path) -> PathBuf {
    let is_bare = program.components().count() == 1 && !program.is_absolute();
    let folders = std::env::var_os("PATH").filter(|_| is_bare).unwrap_or_default();
    let found =
        std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.is_file());
    found.unwrap_or_else(|| program.to_owned())
}

/// A version as the name of a folder.
fn file_name(version: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '_');
    let mut name = String::new();
    for c in version.chars() {
        name.push(if is_plain(c) || (c == '.' && !name.is_empty()) { c } else { '_' });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_plain_name() {
        let names = ["1.20.3", "1.0.0-alpha.1+x", "../../etc", ""].map(file_name);
        assert_eq!(names, ["1.20.3", "1.0.0-alpha.1+x", "_._.._etc", ""]);
    }
}
