//! Where the app-server is, and whether that place is safe to use.

#[cfg(unix)]
use std::fmt::Display;
use std::path::Path;

use anyhow::{Context, Result, bail};
use codex_appserver_client::Address;

/// Reads an address; `unix://` alone is the default socket, whose path is looked at before it is used.
pub fn address(text: &str) -> Result<Address> {
    match text.parse()? {
        Address::DefaultSocket => Address::default_socket()
            .context("failed to find the default socket: neither CODEX_HOME nor HOME is set"),
        Address::WebSocket(url) if url.starts_with("wss://") => {
            bail!(
                "failed to use {url}: codex-relay does not speak TLS; use a tunnel to this machine, such as that of `ssh -L`"
            )
        }
        address => Ok(address),
    }
}

/// Refuses a socket that is none, or that others may have put there or may read along.
///
/// # Errors
///
/// What is wrong with it, and what to do about it.
#[cfg(unix)]
pub fn check_socket(path: &Path) -> Result<()> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    let shown = path.display();
    let socket = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("failed to find the socket {shown}; start `codex app-server --listen unix://{shown}` first")
        }
        outcome => outcome.with_context(|| format!("failed to look at {shown}"))?,
    };
    if !socket.file_type().is_socket() {
        bail!("{shown} is not a socket; give the path on which the app-server listens");
    }
    let user = rustix::process::geteuid().as_raw();
    if let Some(problem) = socket_problem(socket.uid(), socket.mode(), user, &shown) {
        bail!("{shown} {problem}");
    }
    check_folder(&std::fs::canonicalize(path).with_context(|| format!("failed to look at {shown}"))?)
}

/// Refuses a path where others can put something else in its place: in its folder, or in the place of one of the folders
/// above.
#[cfg(unix)]
pub fn check_folder(path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let looked_at = |folder: &Path| format!("failed to look at the folder {}", folder.display());
    let whole = std::fs::canonicalize(folder).with_context(|| looked_at(folder))?;
    let user = rustix::process::geteuid().as_raw();
    for folder in whole.ancestors() {
        let found = std::fs::metadata(folder).with_context(|| looked_at(folder))?;
        let shown = folder.display();
        if let Some(problem) = folder_problem(found.uid(), found.mode(), user, &shown) {
            bail!("the folder {shown} {problem}");
        }
    }
    Ok(())
}

/// What is wrong with a socket of this owner and this mode, for this user.
#[cfg(unix)]
fn socket_problem(owner: u32, mode: u32, user: u32, shown: &dyn Display) -> Option<String> {
    if owner != user {
        return Some(format!("belongs to user {owner}, not to {user}; {INSECURE}"));
    }
    let mode = mode & 0o777;
    (mode & 0o022 != 0).then(|| {
        format!("can be used by other users (mode {mode:o}); run `chmod 600 {shown}`, or {INSECURE}")
    })
}

/// What is wrong with a folder of this owner and this mode, for this user.
#[cfg(unix)]
fn folder_problem(owner: u32, mode: u32, user: u32, shown: &dyn Display) -> Option<String> {
    /// In such a folder a file can only be replaced by its owner.
    const STICKY: u32 = 0o1000;
    if owner != user && owner != 0 {
        return Some(format!("belongs to user {owner}, not to {user}; {INSECURE}"));
    }
    (mode & 0o022 != 0 && mode & STICKY == 0)
        .then(|| format!("can be written by other users; run `chmod go-w {shown}`, or {INSECURE}"))
}

#[cfg(unix)]
const INSECURE: &str = "use --insecure if you trust it";

#[cfg(not(unix))]
pub fn check_socket(path: &Path) -> Result<()> {
    bail!("failed to use {}: codex-relay has no Unix sockets on this system; use ws://", path.display())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const ME: u32 = 1000;

    #[test]
    fn a_socket_is_its_users_alone() {
        for (owner, mode, problem) in [
            (ME, 0o140_600, None),
            (ME, 0o140_700, None),
            // Only who may write to a socket can connect to it.
            (ME, 0o140_644, None),
            (ME, 0o140_620, Some("can be used by other users (mode 620); run `chmod 600 /s`")),
            (ME, 0o140_602, Some("can be used by other users (mode 602)")),
            (ME, 0o140_777, Some("can be used by other users (mode 777)")),
            (1001, 0o140_600, Some("belongs to user 1001, not to 1000; use --insecure")),
            // Not even one of root: what it runs, it runs as root.
            (0, 0o140_600, Some("belongs to user 0, not to 1000")),
            (1001, 0o140_666, Some("belongs to user 1001, not to 1000")),
        ] {
            check(socket_problem(owner, mode, ME, &"/s"), problem);
        }
        check(socket_problem(ME, 0o140_600, 0, &"/s"), Some("belongs to user 1000, not to 0"));
    }

    #[test]
    fn a_folder_is_its_users_or_roots() {
        for (owner, mode, problem) in [
            (ME, 0o40_700, None),
            (ME, 0o40_755, None),
            (0, 0o40_755, None),
            (0, 0o41_777, None),
            (ME, 0o41_777, None),
            (ME, 0o40_770, Some("can be written by other users; run `chmod go-w /f`")),
            (ME, 0o40_702, Some("can be written by other users")),
            (0, 0o40_777, Some("can be written by other users")),
            (1001, 0o40_700, Some("belongs to user 1001, not to 1000; use --insecure")),
            (1001, 0o41_777, Some("belongs to user 1001, not to 1000")),
        ] {
            check(folder_problem(owner, mode, ME, &"/f"), problem);
        }
    }

    #[track_caller]
    fn check(found: Option<String>, expected: Option<&str>) {
        match (&found, expected) {
            (None, None) => {}
            (Some(found), Some(expected)) => assert!(found.starts_with(expected), "{found}"),
            _ => panic!("{found:?} instead of {expected:?}"),
        }
    }
}
