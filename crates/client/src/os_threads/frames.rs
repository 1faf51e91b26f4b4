//! WebSocket frames, over sockets and the pipes of a child process.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::Duration;

use super::SystemStreams;
use super::child::Child;
use super::driver::{Sink, Source, Transport};
use crate::address::Address;
use crate::conn::{CHUNK, GRACE, Link};
use crate::connect_error::{broken, failed, late, not_opened, with_end};
use crate::connect_error_kind::ConnectErrorKind;
use crate::dial::{Dial, Target};
use crate::error::Error;
use crate::frames::{Answer, FrameReader, Frames, Handshake};
use crate::process::Process;

#[cfg(not(unix))]
use super::driver::{Sink as SystemSink, Source as SystemSource};
#[cfg(unix)]
use super::polled::{PolledSink as SystemSink, PolledSource as SystemSource};

/// A connected WebSocket, before there is a link.
pub(super) struct Connected<R, W> {
    pub(super) frames: Frames,
    pub(super) reader: R,
    pub(super) writer: W,
    /// The socket, to be ended whatever its threads are at.
    pub(super) socket: Option<Socket>,
}

/// A connected WebSocket over a socket.
pub(super) type OverSocket = Connected<Socket, Socket>;

/// The ways that there are to a server.
pub(super) enum Opened {
    Socket(OverSocket),
    Process(Child, Connected<ChildStdout, ChildStdin>),
}

impl<R, W> Connected<R, W>
where
    FrameSource<R>: SystemSource,
    FrameSink<W>: SystemSink,
{
    /// Hands messages to the link.
    pub(super) fn transport(self, link: Arc<Link>) -> impl Transport {
        let Self { frames, reader, writer, socket } = self;
        let messages = FrameReader::new(frames.clone(), link);
        SystemStreams {
            source: FrameSource { messages, reader, chunk: vec![0; CHUNK] },
            sink: FrameSink { frames, writer, buffer: Vec::new() },
            hang_up: move || socket.into_iter().for_each(Socket::hang_up),
        }
    }
}

/// Connects and upgrades to WebSocket.
pub(super) fn connect(dial: Dial) -> Result<Opened, Error> {
    match &dial.target {
        Target::Command(process) => through_process(&process.clone(), dial),
        Target::Tcp { .. } | Target::Unix(_) => connect_socket(dial).map(Opened::Socket),
    }
}

/// The same for a socket alone, so that a program which connects to nothing else has no code to start processes. A command
/// is refused.
pub(super) fn connect_socket(dial: Dial) -> Result<OverSocket, Error> {
    let patience = Patience::of(&dial);
    let Dial { address, target, handshake, timeout } = dial;
    let work = move || match target {
        Target::Tcp { host, port } => {
            over_socket(&address, || connect_tcp(&host, port, timeout), handshake, timeout)
        }
        Target::Unix(path) => over_socket(&address, || connect_unix(path), handshake, timeout),
        Target::Command(_) => {
            let reason = "there is no socket; start the command and pass its bytes on";
            Err(failed(&address, ConnectErrorKind::Invalid, reason))
        }
    };
    patience.wait(work).map_err(|(error, _)| error)
}

/// How long all of it may take.
struct Patience {
    answer: Answer,
    address: Address,
    timeout: Option<Duration>,
}

impl Patience {
    fn of(dial: &Dial) -> Self {
        Self { answer: dial.handshake.answer().clone(), address: dial.address.clone(), timeout: dial.timeout }
    }

    /// Waits for the work. It goes on, on a thread of its own, when it takes too long: whether that is so is told with
    /// the error.
    fn wait<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, (Error, bool)> {
        let Some(timeout) = self.timeout else { return work().map_err(|error| (error, false)) };
        let (tell, told) = sync_channel(1);
        let thread = thread::Builder::new().name("codex connect".into());
        // Whoever waits may have given up.
        let thread = thread.spawn(move || drop(tell.send(work())));
        thread.map_err(|error| (Error::Threads(error), false))?;
        match told.recv_timeout(timeout) {
            Ok(done) => done.map_err(|error| (error, false)),
            Err(_) => {
                let sent = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
                Err((late(&self.address, timeout, &sent), true))
            }
        }
    }
}

fn through_process(process: &Process, dial: Dial) -> Result<Opened, Error> {
    let (child, mut writer, mut reader) = Child::start(process)?;
    let patience = Patience::of(&dial);
    let Dial { address, handshake, .. } = dial;
    let connected = patience.wait(move || {
        let frames = upgrade(&address, handshake, &mut reader, &mut writer)?;
        Ok(Connected { frames, reader, writer, socket: None })
    });
    match connected {
        Ok(connected) => Ok(Opened::Process(child, connected)),
        Err((error, is_late)) => {
            // One that is late is killed: how it ends says nothing.
            let (status, stderr) = child.see_off(if is_late { Duration::ZERO } else { GRACE });
            Err(with_end(error, status.filter(|_| !is_late), &stderr))
        }
    }
}

fn over_socket(
    address: &Address,
    open: impl FnOnce() -> io::Result<[Socket; 3]>,
    handshake: Handshake,
    timeout: Option<Duration>,
) -> Result<OverSocket, Error> {
    let [mut reader, mut writer, hang_up] = open().map_err(|error| not_opened(address, error))?;
    // The thread is to end as well where it is not waited for.
    reader.set_read_timeout(timeout).map_err(|error| broken(address, error))?;
    let frames = upgrade(address, handshake, &mut reader, &mut writer)?;
    reader.set_read_timeout(None).map_err(|error| broken(address, error))?;
    Ok(Connected { frames, reader, writer, socket: Some(hang_up) })
}

fn upgrade(
    address: &Address,
    mut handshake: Handshake,
    reader: &mut impl Read,
    writer: &mut impl Write,
) -> Result<Frames, Error> {
    let mut chunk = vec![0; CHUNK];
    loop {
        // What is not written shows in what is read: a program that has ended may have said why.
        let written = writer.write_all(&handshake.outgoing()?);
        let length = match (reader.read(&mut chunk), written) {
            (Err(error), Ok(())) if error.kind() == io::ErrorKind::Interrupted => continue,
            (Ok(0), Err(error)) | (Err(error), _) => return Err(broken(address, error)),
            (Ok(length), _) => length,
        };
        if let Some(frames) = handshake.push(&chunk[..length])? {
            return Ok(frames);
        }
    }
}

/// A socket of either kind. Its copies are the same socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Tries all addresses of the host, each for so long. One copy of the socket for each of those who use it.
fn connect_tcp(host: &str, port: u16, timeout: Option<Duration>) -> io::Result<[Socket; 3]> {
    let connect = |address| match timeout {
        // A time of nothing is refused.
        Some(timeout) => TcpStream::connect_timeout(&address, timeout.max(Duration::from_millis(1))),
        None => TcpStream::connect(address),
    };
    let mut socket = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in (host, port).to_socket_addrs()? {
        socket = connect(address);
        if socket.is_ok() {
            break;
        }
    }
    let socket = socket?;
    // Requests are small and wait for their answers.
    socket.set_nodelay(true)?;
    Ok([socket.try_clone()?, socket.try_clone()?, socket].map(Socket::Tcp))
}

#[cfg(unix)]
fn connect_unix(path: PathBuf) -> io::Result<[Socket; 3]> {
    let socket = UnixStream::connect(path)?;
    Ok([socket.try_clone()?, socket.try_clone()?, socket].map(Socket::Unix))
}

#[cfg(not(unix))]
fn connect_unix(_: PathBuf) -> io::Result<[Socket; 3]> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Socket {
    /// How long a read may wait. A time of nothing would mean forever.
    pub(super) fn set_read_timeout(&self, patience: Option<Duration>) -> io::Result<()> {
        let patience = patience.map(|patience| patience.max(Duration::from_millis(1)));
        match self {
            Self::Tcp(socket) => socket.set_read_timeout(patience),
            #[cfg(unix)]
            Self::Unix(socket) => socket.set_read_timeout(patience),
        }
    }

    /// Ends the socket whatever its threads are at. It fails only for one that is gone, which is what is
    /// wanted.
    pub(super) fn hang_up(self) {
        let _ = match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Both),
            #[cfg(unix)]
            Self::Unix(socket) => socket.shutdown(Shutdown::Both),
        };
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(buffer),
            #[cfg(unix)]
            Self::Unix(socket) => socket.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            #[cfg(unix)]
            Self::Unix(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) struct FrameSource<R> {
    messages: FrameReader,
    reader: R,
    chunk: Vec<u8>,
}

impl<R: Read + Send + 'static> Source for FrameSource<R> {
    /// The first messages may have come with the handshake.
    fn start(&mut self) -> io::Result<bool> {
        self.messages.push(&[])
    }

    fn read(&mut self) -> io::Result<bool> {
        match self.reader.read(&mut self.chunk) {
            Ok(0) => Ok(false),
            Ok(length) => self.messages.push(&self.chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error),
        }
    }
}

pub(super) struct FrameSink<W> {
    frames: Frames,
    writer: W,
    /// Empty between two calls.
    buffer: Vec<u8>,
}

impl<W: Write + Send + 'static> Sink for FrameSink<W> {
    fn encode(&mut self, lines: &mut Vec<u8>) -> io::Result<()> {
        self.frames.encode(lines, &mut self.buffer)?;
        std::mem::swap(lines, &mut self.buffer);
        self.buffer.clear();
        Ok(())
    }

    fn goodbye(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        self.frames.close(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(unix)]
mod polled {
    use std::io::{Read, Write};
    use std::os::fd::{AsFd, BorrowedFd};

    use super::{FrameSink, FrameSource, Socket};
    use crate::os_threads::polled::{PolledSink, PolledSource};

    impl AsFd for Socket {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match self {
                Self::Tcp(socket) => socket.as_fd(),
                Self::Unix(socket) => socket.as_fd(),
            }
        }
    }

    impl<R: Read + AsFd + Send + 'static> PolledSource for FrameSource<R> {
        fn fd(&self) -> BorrowedFd<'_> {
            self.reader.as_fd()
        }
    }

    impl<W: Write + AsFd + Send + 'static> PolledSink for FrameSink<W> {
        fn fd(&self) -> BorrowedFd<'_> {
            self.writer.as_fd()
        }
    }
}
