//! The Unix socket, in the place of the one of the real codex.

use std::fs;
use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::fs::Mode;
use rustix::process::umask;

use super::checkpoint::{Checkpoint, Count};
use super::frames::{Piece, Pieces};
use super::passed::Direction;

const LOOKS: Duration = Duration::from_millis(2);

/// Where clients connect, and where the real codex listens.
#[derive(Clone)]
pub(super) struct Places {
    pub(super) public: PathBuf,
    pub(super) real: PathBuf,
}

impl Places {
    /// Removes the public socket if codex has removed its own. One that was killed leaves it.
    pub(super) fn clean_up(&self) {
        if !self.real.exists() {
            let _ = fs::remove_file(&self.public);
        }
    }
}

/// Listens as soon as the real codex does, and passes messages of all clients.
pub(super) fn serve(checkpoint: &Arc<Checkpoint>, places: &Places, answering: &Arc<Count>) -> io::Result<()> {
    while !places.real.exists() {
        if checkpoint.server().has_ended() {
            return Ok(());
        }
        thread::sleep(LOOKS);
    }
    let listener = bind(&places.public)?;
    for connection in 1.. {
        let (client, _) = listener.accept()?;
        let (checkpoint, real, answering) = (checkpoint.clone(), places.real.clone(), answering.clone());
        thread::Builder::new().name(format!("connection {connection}")).spawn(move || {
            // A client whose server is gone sees the end of its connection.
            let _ = connect(&checkpoint, &real)
                .and_then(|server| pass(&checkpoint, connection, client, server, &answering));
        })?;
    }
    Ok(())
}

/// Binds the path as codex does: a socket that a process left behind is replaced.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket {
        match UnixStream::connect(path) {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(_) => fs::remove_file(path)?,
        }
    }
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    // The file must not exist with another mode, not even for a moment.
    let before = umask(Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    umask(before);
    listener
}

/// The real codex has its file before it listens.
fn connect(checkpoint: &Checkpoint, real: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(real) {
            Err(_) if !checkpoint.server().has_ended() => thread::sleep(LOOKS),
            connected => return connected,
        }
    }
}

fn pass(
    checkpoint: &Arc<Checkpoint>,
    connection: usize,
    client: UnixStream,
    server: UnixStream,
    answering: &Arc<Count>,
) -> io::Result<()> {
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    let to_server = {
        let checkpoint = checkpoint.clone();
        move || pump(&checkpoint, connection, Direction::ToServer, &from_client, &to_server)
    };
    thread::Builder::new().name(format!("requests {connection}")).spawn(to_server)?;
    let _counted = answering.enter();
    pump(checkpoint, connection, Direction::ToClient, &server, &client);
    Ok(())
}

fn pump(
    checkpoint: &Checkpoint,
    connection: usize,
    direction: Direction,
    input: &UnixStream,
    mut output: &UnixStream,
) {
    let mut pieces = Pieces::new(input);
    let mut next = || -> io::Result<bool> {
        match pieces.next()? {
            Some(Piece::Message { bytes, text }) => {
                checkpoint.pass(connection, direction, &text, || output.write_all(&bytes))?;
            }
            Some(Piece::Other(bytes)) => checkpoint.pass_unnumbered(|| output.write_all(&bytes))?,
            None => return Ok(false),
        }
        Ok(true)
    };
    let how = loop {
        match next() {
            Ok(true) => {}
            // The other direction may go on.
            Ok(false) => break Shutdown::Write,
            Err(_) => break Shutdown::Both,
        }
    };
    if how == Shutdown::Both {
        let _ = input.shutdown(how);
    }
    let _ = output.shutdown(how);
}
