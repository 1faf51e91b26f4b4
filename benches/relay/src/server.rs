//! The servers behind the relays. They do as little as can be, so that the relays are what is measured.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tungstenite::Message;

use crate::contender::Speaks;

/// A socket on which one connection is served.
pub struct Server {
    folder: TempDir,
    thread: JoinHandle<Result<()>>,
}

impl Server {
    /// Serves one connection, after the handshake if there is one.
    pub fn start(
        speaks: Speaks,
        serve: impl FnOnce(UnixStream) -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = path(&folder);
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600))?;
        let thread = thread::spawn(move || {
            let (socket, _) = listener.accept()?;
            if speaks == Speaks::WebSocket {
                tungstenite::accept(socket.try_clone()?).context("failed to shake hands")?;
            }
            serve(socket)
        });
        Ok(Self { folder, thread })
    }

    pub fn path(&self) -> PathBuf {
        path(&self.folder)
    }

    /// Waits until it has served.
    pub fn join(self) -> Result<()> {
        self.thread.join().map_err(|_| anyhow::anyhow!("the server panicked"))?
    }
}

fn path(folder: &TempDir) -> PathBuf {
    Path::new(folder.path()).join("socket")
}

/// Reads so many bytes or more, and tells so.
pub fn sink(mut socket: UnixStream, length: usize) -> Result<()> {
    let mut chunk = vec![0; 256 << 10];
    let mut seen = 0;
    while seen < length {
        match socket.read(&mut chunk)? {
            0 => anyhow::bail!("only {seen} of {length} bytes came"),
            read => seen += read,
        }
    }
    // Until the other side has closed.
    while socket.read(&mut chunk).is_ok_and(|read| read > 0) {}
    Ok(())
}

/// Writes these bytes so often.
pub fn source(mut socket: UnixStream, bytes: &[u8], count: usize) -> Result<()> {
    for _ in 0..count {
        socket.write_all(bytes)?;
    }
    while socket.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
    Ok(())
}

/// Sends every message back.
pub fn echo(socket: UnixStream) -> Result<()> {
    let mut peer = tungstenite::WebSocket::from_raw_socket(socket, tungstenite::protocol::Role::Server, None);
    loop {
        match peer.read() {
            Ok(Message::Text(text)) => peer.send(Message::Text(text))?,
            Ok(Message::Close(_)) | Err(_) => return Ok(()),
            Ok(_) => {}
        }
    }
}

/// A text message as a server writes it.
pub fn frame(text: &str) -> Vec<u8> {
    let mut bytes = vec![0x81];
    match text.len() {
        length @ ..126 => bytes.push(length as u8),
        length @ ..65_536 => {
            bytes.push(126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(text.as_bytes());
    bytes
}
