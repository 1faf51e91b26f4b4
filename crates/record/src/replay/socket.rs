//! A Unix socket that speaks WebSocket, as `codex app-server --listen unix://PATH` does.

use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::fs::Mode;
use rustix::process::umask;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use super::drive::{Options, serve};
use super::report::Report;
use super::script::Session;
use crate::trace::Content;

/// How long a connection may say nothing before it speaks WebSocket.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A socket that only this user can connect to. Its file is removed at the end.
#[derive(Debug)]
pub(super) struct Listener {
    listener: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Binds the path. A socket that a process left behind is replaced.
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
        if is_socket {
            match UnixStream::connect(path) {
                Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
                Err(_) => fs::remove_file(path)?,
            }
        }
        // The file must not exist with another mode, not even for a moment.
        let before = umask(Mode::from_raw_mode(0o177));
        let listener = UnixListener::bind(path);
        umask(before);
        Ok(Self { listener: listener?, path: path.to_owned() })
    }

    /// Plays each session to one connection; tells whether `tell` is content with all reports.
    pub(super) fn serve(
        &self,
        sessions: Vec<Session>,
        options: &Options,
        tell: impl Fn(&Report) -> bool + Sync,
    ) -> io::Result<bool> {
        thread::scope(|scope| {
            let mut played = Vec::new();
            for session in sessions {
                let (socket, reader) = loop {
                    let (stream, _) = self.listener.accept()?;
                    // What does not speak WebSocket gets no session.
                    match accept(stream, options.line_limit) {
                        Ok(accepted) => break accepted,
                        Err(_) => continue,
                    }
                };
                let tell = &tell;
                played.push(scope.spawn(move || tell(&play(session, options, socket, reader))));
            }
            // A panic was reported where it happened.
            Ok(played
                .into_iter()
                .map(|thread| thread.join().unwrap_or(false))
                .fold(true, |all, one| all & one))
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = fs::remove_file(&self.path);
    }
}

type Socket = WebSocket<Half>;

/// The handshake; then two codecs over the same stream, one to write with and one to read with.
fn accept(stream: UnixStream, limit: usize) -> io::Result<(Socket, Socket)> {
    let config = WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
    let half = |output: &Arc<Mutex<UnixStream>>| -> io::Result<Half> {
        Ok(Half { input: stream.try_clone()?, output: output.clone(), unsent: Vec::new() })
    };
    let output = Arc::new(Mutex::new(stream.try_clone()?));
    stream.set_read_timeout(Some(HANDSHAKE))?;
    let reader = tungstenite::accept_with_config(half(&output)?, Some(config))
        .map_err(|error| io::Error::other(error.to_string()))?;
    stream.set_read_timeout(None)?;
    let writer = WebSocket::from_raw_socket(half(&output)?, Role::Server, Some(config));
    Ok((writer, reader))
}

fn play(session: Session, options: &Options, mut writer: Socket, mut reader: Socket) -> Report {
    let (lines, received) = mpsc::sync_channel(1024);
    let stream = writer.get_ref().input.try_clone();
    thread::scope(|scope| {
        scope.spawn(move || read_messages(&mut reader, &lines));
        let report = serve(session, options, &received, |content| match content {
            Some(Content::Line(line)) => writer.write(Message::text(line.as_str())).map_err(io_error),
            Some(Content::Bytes(bytes)) => writer.write(Message::binary(bytes.clone())).map_err(io_error),
            None => writer.flush().map_err(io_error),
        });
        // The reader has ended, or its client has: nothing is left to wait for.
        let _ = stream.and_then(|stream| stream.shutdown(Shutdown::Both));
        report
    })
}

fn read_messages(reader: &mut Socket, lines: &SyncSender<Vec<u8>>) {
    loop {
        match reader.read() {
            Ok(Message::Text(text)) => {
                if lines.send(text.as_bytes().to_vec()).is_err() {
                    return;
                }
            }
            Ok(Message::Close(_)) => {
                // Sends the answer to the goodbye; the library calls that an error and leaves it in our buffer.
                let _ = reader.flush();
                let _ = reader.get_mut().flush();
                return;
            }
            // codex passes over binary messages; the library answers pings.
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// One direction's view of the stream. Frames of both directions' codecs (messages, and answers to pings) must
/// not mix, so what is written is kept until it is flushed, and goes out as a whole.
#[derive(Debug)]
struct Half {
    input: UnixStream,
    output: Arc<Mutex<UnixStream>>,
    unsent: Vec<u8>,
}

impl Read for Half {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.input.read(into)
    }
}

impl Write for Half {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unsent.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(&mut self.unsent);
        self.output.lock().unwrap_or_else(PoisonError::into_inner).write_all(&bytes)
    }
}

fn io_error(error: tungstenite::Error) -> io::Error {
    match error {
        tungstenite::Error::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}
