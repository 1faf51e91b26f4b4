//! The folder of the shared server of one home and one version.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::SharedServerError;
use super::instance::Instance;

/// The longest path of a socket, without the zero at its end: 103 bytes on macOS, 107 on Linux.
const SOCKET_PATH_BYTES: usize = 103;

const IN_HOME: &str = "app-server-shared";
const LOCK: &str = "lock";
const CURRENT: &str = "current";
const LOG: &str = "log";

/// How much of the log is in errors.
const LAST_LINES: usize = 20;
const LAST_BYTES: u64 = 8 << 10;

/// How often to try to get the lock.
const LOOKS: Duration = Duration::from_millis(5);

/// A folder that is this user's alone.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder, or checks the one that is there.
    pub(super) fn open(home: &Path, version: &str) -> Result<Self, SharedServerError> {
        let in_home = home.join(IN_HOME);
        let folder = in_home.join(version);
        let longest = Instance::in_folder(&folder, Instance::SAMPLE_NAME).socket();
        if longest.as_os_str().len() <= SOCKET_PATH_BYTES {
            make_private(&in_home)?;
            make_private(&folder)?;
            return Ok(Self(folder));
        }
        let user = rustix::process::getuid().as_raw();
        let hash = hash(&[home.as_os_str().as_bytes(), b"\0", version.as_bytes()]);
        let folder = PathBuf::from(format!("/tmp/codex-shared-{user}-{hash:016x}"));
        make_private(&folder)?;
        Ok(Self(folder))
    }

    /// Waits until no other program looks for the server or starts it. The lock ends with the file, also for a program
    /// that is killed.
    pub(super) fn lock(&self, patience: Duration) -> Result<File, SharedServerError> {
        let path = self.0.join(LOCK);
        let file = options().open(&path).map_err(|source| file_error(&path, source))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(source)) => return Err(file_error(&path, source)),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= patience => {
                    return Err(SharedServerError::Locked { path, after: patience });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOOKS),
            }
        }
    }

    /// The server that was started last. It may have ended.
    pub(super) fn current(&self) -> Option<Instance> {
        let name = fs::read_to_string(self.0.join(CURRENT)).ok()?;
        Instance::is_name(&name).then(|| Instance::in_folder(&self.0, &name))
    }

    /// Makes the folder of a new server, and says that it is the current one.
    pub(super) fn add_instance(&self) -> Result<Instance, SharedServerError> {
        let name = Instance::new_name();
        let instance = Instance::in_folder(&self.0, &name);
        make_private(instance.folder())?;
        let (path, unfinished) = (self.0.join(CURRENT), self.0.join("current.new"));
        let mut file = options().truncate(true).open(&unfinished).map_err(|e| file_error(&unfinished, e))?;
        file.write_all(name.as_bytes()).map_err(|source| file_error(&unfinished, source))?;
        fs::rename(&unfinished, &path).map_err(|source| file_error(&path, source))?;
        Ok(instance)
    }

    /// Removes what earlier servers left behind. One that is ending sees to that itself.
    pub(super) fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.0) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if let Some(name) = name.to_str().filter(|name| Instance::is_name(name)) {
                let instance = Instance::in_folder(&self.0, name);
                if !instance.has_keeper() {
                    instance.destroy();
                }
            }
        }
    }

    pub(super) fn log_path(&self) -> PathBuf {
        self.0.join(LOG)
    }

    /// The log, emptied for a new server.
    pub(super) fn new_log(&self) -> Result<File, SharedServerError> {
        let path = self.log_path();
        let opened = options().append(true).open(&path).and_then(|log| log.set_len(0).map(|()| log));
        opened.map_err(|source| file_error(&path, source))
    }

    /// The last lines of the log, none if it cannot be read.
    pub(super) fn last_words(&self) -> Vec<String> {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut log = File::open(self.log_path())?;
            let length = log.metadata()?.len();
            log.seek(SeekFrom::Start(length.saturating_sub(LAST_BYTES)))?;
            let mut bytes = Vec::new();
            log.take(LAST_BYTES).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(|line| (*line).to_owned()).collect()
    }
}

/// A file that is this user's alone.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

/// Makes a folder with mode 0700, or checks that the one that is there is such a one.
fn make_private(folder: &Path) -> Result<(), SharedServerError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(file_error(folder, source)),
    }
    // Of a link itself: where it leads to may change.
    let found = fs::symlink_metadata(folder).map_err(|source| file_error(folder, source))?;
    let (user, mode) = (rustix::process::geteuid().as_raw(), found.mode() & 0o777);
    let problem = if !found.is_dir() {
        "it is no folder".to_owned()
    } else if found.uid() != user {
        format!("it belongs to user {}, and this program runs as user {user}", found.uid())
    } else if mode != 0o700 {
        format!("its mode is {mode:03o} instead of 700")
    } else {
        return Ok(());
    };
    Err(SharedServerError::Folder { folder: folder.to_owned(), problem })
}

pub(super) fn file_error(path: &Path, source: std::io::Error) -> SharedServerError {
    SharedServerError::File { path: path.to_owned(), source }
}

/// FNV-1a: the same in every program, whatever built it.
fn hash(parts: &[&[u8]]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.iter());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_folder_has_to_be_private() {
        let home = tempfile::tempdir().expect("a folder");
        Folder::open(home.path(), "1.0.0").expect("a new folder");
        Folder::open(home.path(), "1.0.0").expect("the same again");
        let folder = home.path().join(IN_HOME).join("1.0.0");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).expect("another mode");
        let error = Folder::open(home.path(), "1.0.0").err().expect("a refusal").to_string();
        assert!(error.contains("its mode is 750 instead of 700") && error.contains("1.0.0"), "{error}");
        fs::remove_dir(&folder).expect("an empty folder");
        std::os::unix::fs::symlink(home.path(), &folder).expect("a link");
        let error = Folder::open(home.path(), "1.0.0").err().expect("a refusal").to_string();
        assert!(error.contains("it is no folder"), "{error}");
    }

    /// Only root may give a folder away; the root folder itself belongs to root whoever runs this.
    #[test]
    fn a_folder_of_another_user_is_refused() {
        if rustix::process::geteuid().is_root() {
            let parent = tempfile::tempdir().expect("a folder");
            let folder = parent.path().join("theirs");
            make_private(&folder).expect("a new folder");
            std::os::unix::fs::chown(&folder, Some(65_534), None).expect("root may do that");
            let error = make_private(&folder).expect_err("a refusal").to_string();
            assert!(error.contains("it belongs to user 65534"), "{error}");
        } else {
            let error = make_private(Path::new("/")).expect_err("a refusal").to_string();
            assert!(error.contains("it belongs to user 0"), "{error}");
        }
    }

    #[test]
    fn the_lock_is_waited_for_and_not_forever() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(home.path(), "1.0.0").expect("a new folder");
        let lock = folder.lock(Duration::ZERO).expect("the lock");
        let error = folder.lock(Duration::from_millis(20)).expect_err("it is taken").to_string();
        assert!(error.contains("within 20ms"), "{error}");
        drop(lock);
        folder.lock(Duration::ZERO).expect("the lock");
    }

    #[test]
    fn a_hash_is_the_known_one() {
        assert_eq!(hash(&[b"foo", b"bar"]), 0x8594_4171_f739_67e8);
    }
}
