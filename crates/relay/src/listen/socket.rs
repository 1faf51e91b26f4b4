//! The socket file.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::Mode;
use rustix::process::umask;

use crate::target;

/// A socket file of this program, which is removed with it.
pub struct Socket {
    path: PathBuf,
    /// The file: another program may have put one of its own in its place.
    inode: (u64, u64),
}

impl Socket {
    /// Listens there, for the user alone. What a program that is gone has left there is replaced.
    ///
    /// # Errors
    ///
    /// Another program listens there, it is no socket, or others could replace it.
    pub fn bind(path: &Path, insecure: bool) -> Result<(Self, UnixListener)> {
        let shown = path.display();
        if !insecure {
            target::check_folder(path)?;
        }
        // Of two programs that find the same stale file, one must see what the other has put there. The lock ends
        // with this function, and leaves no file.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let lock = File::open(folder).and_then(|folder| folder.lock().map(|()| folder));
        let _lock = lock.with_context(|| format!("failed to lock the folder of {shown}"))?;
        refuse_unless_stale(path)?;
        // Under its own name only once it listens, so that a client that finds it can connect.
        let hidden = folder.join(format!(".relay-{}", std::process::id()));
        // A program of this number may have ended before it renamed it.
        let _ = fs::remove_file(&hidden);
        let before = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
        let listener = UnixListener::bind(&hidden);
        umask(before);
        let listener = listener.with_context(|| format!("failed to listen in the folder of {shown}"))?;
        let renamed = fs::rename(&hidden, path);
        if renamed.is_err() {
            // It is of no use; why stands in the error.
            let _ = fs::remove_file(&hidden);
        }
        renamed.with_context(|| format!("failed to put a socket at {shown}"))?;
        let inode = inode(path).with_context(|| format!("failed to look at {shown}"))?;
        Ok((Self { path: path.to_owned(), inode }, listener))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            // Whoever comes next replaces what cannot be removed.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()))
}

/// Refuses a path where there is something else than a socket on which no program listens any more.
fn refuse_unless_stale(path: &Path) -> Result<()> {
    let shown = path.display();
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.with_context(|| format!("failed to look at {shown}"))?,
    };
    if !found.file_type().is_socket() {
        bail!(
            "failed to listen on {shown}: it is there already, and no socket; remove it or use another path"
        );
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Ok(_) => {
            bail!("failed to listen on {shown}: another program listens there; stop it or use another path")
        }
        Err(error) => {
            Err(error).with_context(|| format!("failed to see whether a program listens on {shown}"))
        }
    }
}
