//! Where the app-server is, and whether that place is safe to use.

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
    if socket.uid() != user {
        bail!("{shown} belongs to user {}, not to {user}; {INSECURE}", socket.uid());
    }
    if socket.mode() & 0o022 != 0 {
        bail!(
            "{shown} can be used by other users (mode {:o}); run `chmod 600 {shown}`, or {INSECURE}",
            socket.mode() & 0o777
        );
    }
    check_folder(&std::fs::canonicalize(path).with_context(|| format!("failed to look at {shown}"))?)
}

/// Refuses a path in a folder where others can put something else in its place.
#[cfg(unix)]
pub fn check_folder(path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    /// In such a folder a file can only be replaced by its owner.
    const STICKY: u32 = 0o1000;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = folder.display();
    let found = std::fs::metadata(folder).with_context(|| format!("failed to look at the folder {shown}"))?;
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user && found.uid() != 0 {
        bail!("the folder {shown} belongs to user {}, not to {user}; {INSECURE}", found.uid());
    }
    if found.mode() & 0o022 != 0 && found.mode() & STICKY == 0 {
        bail!("other users can write to the folder {shown}; run `chmod go-w {shown}`, or {INSECURE}");
    }
    Ok(())
}

#[cfg(unix)]
const INSECURE: &str = "use --insecure if you trust it";

#[cfg(not(unix))]
pub fn check_socket(path: &Path) -> Result<()> {
    bail!("failed to use {}: codex-relay has no Unix sockets on this system; use ws://", path.display())
}
