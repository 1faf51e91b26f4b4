//! Installs codex from npm into a cache folder. A file lock makes installs of one version take
//! turns, and a version appears under its final name only when it is complete.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::layout::find_binary;
use crate::process::{self, command_line};
use crate::version::is_version;
use crate::{Codex, Progress};

/// How often to look whether the lock is free.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// The package of codex on npm.
const PACKAGE: &str = "@openai/codex";

/// How long npm may take to name the newest version.
const LATEST_LIMIT: Duration = Duration::from_secs(60);

type Callback = Box<dyn Fn(&Progress) + Send + Sync>;

/// Installs versions of codex into a cache folder, each into `codex-VERSION` below it.
pub struct Installer {
    cache: PathBuf,
    npm: PathBuf,
    progress: Option<Callback>,
}

impl fmt::Debug for Installer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Installer")
            .field("cache", &self.cache)
            .field("npm", &self.npm)
            .finish_non_exhaustive()
    }
}

impl Installer {
    /// An installer for this cache folder, which need not exist yet. It can be deleted at any time
    /// to start over.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        Self { cache: cache_dir.into(), npm: npm.into(), progress: None }
    }

    /// Calls `callback` about every second during an install, on the thread that installs.
    #[must_use]
    pub fn progress(mut self, callback: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.progress = Some(Box::new(callback));
        self
    }

    /// Uses this npm instead of the one in `PATH`.
    #[must_use]
    pub fn npm(mut self, path: impl Into<PathBuf>) -> Self {
        self.npm = path.into();
        self
    }

    /// Returns codex in this version, like `0.150.0`, from the cache folder, after installing it
    /// there if need be.
    ///
    /// Installing has no time limit. Scripts of the package do not run. Safe to call from several
    /// threads and processes at once; all but one wait for the one that installs.
    ///
    /// # Errors
    ///
    /// `version` is not a version, npm is missing or fails, the binary does not run or tells
    /// another version, or the cache folder cannot be written. Nothing of a failed install stays
    /// behind but its empty lock file.
    pub fn install(&self, version: &str) -> Result<Codex, Error> {
        let (cache, home) = self.folders(version)?;
        if let Ok(binary) = find_binary(&home) {
            return Codex::at(binary);
        }

        let started = Instant::now();
        fs::create_dir_all(&cache).map_err(Error::io("create the folder", &cache))?;
        let _lock = self.lock(&cache.join(format!("codex-{version}.lock")), version)?;
        // Whoever held the lock before may have done the work.
        if find_binary(&home).is_err() {
            self.install_locked(version, &cache, &home)?;
        }
        self.report(&Progress::Done { version: version.to_owned(), elapsed: started.elapsed() });
        Codex::at(find_binary(&home)?)
    }

    /// Asks npm for the newest released version of codex.
    ///
    /// # Errors
    ///
    /// npm is missing, fails or prints no version.
    pub fn latest(&self) -> Result<String, Error> {
        let mut command = Command::new(&self.npm);
        command.args(["view", PACKAGE, "version"]);
        let finished = process::run(&mut command, Some(LATEST_LIMIT), |_| ())?;
        let version = finished.stdout.trim();
        if finished.status.success() && is_version(version) {
            return Ok(version.to_owned());
        }
        let said = if finished.status.success() { version } else { finished.stderr.trim() };
        Err(Error::NoLatest { command: command_line(&command), output: said.chars().take(400).collect() })
    }

    /// Returns codex in this version from the cache folder, and installs nothing.
    ///
    /// # Errors
    ///
    /// `version` is not a version, or is not in the cache folder.
    pub fn installed(&self, version: &str) -> Result<Codex, Error> {
        let (_, home) = self.folders(version)?;
        Codex::at(find_binary(&home)?)
    }

    /// The cache folder, and the folder of a version in it.
    fn folders(&self, version: &str) -> Result<(PathBuf, PathBuf), Error> {
        if !is_version(version) {
            return Err(Error::BadVersion { version: version.to_owned() });
        }
        // npm and codex get paths from here; they must not depend on the folder those run in.
        let cache = std::path::absolute(&self.cache).map_err(Error::io("find the folder", &self.cache))?;
        let home = cache.join(format!("codex-{version}"));
        Ok((cache, home))
    }

    /// Takes the lock of a version, which ends with the returned file. The file itself stays:
    /// removing it would let two waiting processes lock two different files of that name.
    fn lock(&self, path: &Path, version: &str) -> Result<File, Error> {
        let file = File::create(path).map_err(Error::io("create the lock file", path))?;
        let started = Instant::now();
        let mut told = None;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(reason)) => {
                    return Err(Error::io("lock the file", path)(reason));
                }
            }
            let elapsed = started.elapsed();
            if told != Some(elapsed.as_secs()) {
                told = Some(elapsed.as_secs());
                self.report(&Progress::Waiting { version: version.to_owned(), elapsed });
            }
            thread::sleep(LOCK_POLL);
        }
    }

    /// Installs into a staging folder, tries the binary out and moves everything to `home`.
    fn install_locked(&self, version: &str, cache: &Path, home: &Path) -> Result<(), Error> {
        // No version contains an underscore, so this cannot match what belongs to another one.
        let prefix = format!("codex-{version}_staging_");
        remove_stale(cache, &prefix);
        // A new name each time: an npm whose parent was killed may still be writing to the old one.
        let staging = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(cache)
            .map_err(Error::io("create a staging folder in", cache))?;
        // The temporary folder itself is closed to other users; what gets moved must not be.
        let root = staging.path().join("root");
        fs::create_dir(&root).map_err(Error::io("create the folder", &root))?;

        self.run_npm(version, &root)?;
        let found = Codex::at(find_binary(&root)?)?.version()?;
        if found != version {
            return Err(Error::WrongVersion { expected: version.to_owned(), found });
        }
        if home.exists() {
            fs::remove_dir_all(home).map_err(Error::io("remove the incomplete folder", home))?;
        }
        rename(&root, home).map_err(Error::io("move the finished install to", home))
    }

    fn run_npm(&self, version: &str, root: &Path) -> Result<(), Error> {
        let mut command = Command::new(&self.npm);
        command
            .args(["install", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"])
            // The binary is an optional dependency; a setting of the user may leave those out.
            .args(["--include=optional", "--no-update-notifier", "--loglevel=error"])
            .arg("--prefix")
            .arg(root)
            .arg(format!("{PACKAGE}@{version}"));
        let finished = process::run(&mut command, None, |elapsed| {
            if self.progress.is_some() {
                let bytes_so_far = size(root);
                self.report(&Progress::Downloading { version: version.to_owned(), bytes_so_far, elapsed });
            }
        });
        match finished {
            Ok(finished) if finished.status.success() => Ok(()),
            Ok(finished) => Err(Error::NpmFailed {
                version: version.to_owned(),
                command: command_line(&command),
                status: finished.status,
                stderr: finished.stderr,
            }),
            Err(Error::Start { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => {
                Err(Error::NpmMissing { version: version.to_owned(), npm: self.npm.clone() })
            }
            Err(error) => Err(error),
        }
    }

    fn report(&self, event: &Progress) {
        if let Some(callback) = &self.progress {
            callback(event);
        }
    }
}

/// Removes staging folders that killed installs left behind. Only the holder of the lock may do
/// this.
fn remove_stale(cache: &Path, prefix: &str) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            // Should an npm still write to it, then it resists; it is in nobody's way and goes next
            // time.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Renames a folder. On Windows a virus scanner may hold new files open for a while, which forbids
/// this until it lets go.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let patience = Duration::from_secs(if cfg!(windows) { 30 } else { 0 });
    let started = Instant::now();
    loop {
        match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && started.elapsed() < patience => {
                thread::sleep(LOCK_POLL);
            }
            result => return result,
        }
    }
}

/// The bytes of all files below a folder. Files come and go while npm works, so what cannot be read
/// counts nothing.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
