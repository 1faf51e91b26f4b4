//! WebSocket frames, over TCP and Unix sockets.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use super::SystemStreams;
use super::driver::{Sink, Source, Transport};
use crate::address::Address;
use crate::conn::{CHUNK, Link};
use crate::error::Error;
use crate::frames::{FrameReader, Frames, Handshake, failed, host_and_port, request, silent};

/// A connected WebSocket, before there is a link.
pub(super) struct Connected {
    frames: Frames,
    reader: Socket,
    writer: Socket,
    hang_up: Socket,
}

impl Connected {
    /// Hands messages to the link.
    pub(super) fn transport(self, link: Arc<Link>) -> impl Transport {
        let Self { frames, reader, writer, hang_up } = self;
        let messages = FrameReader::new(frames.clone(), link);
        SystemStreams {
            source: FrameSource { messages, reader, chunk: vec![0; CHUNK] },
            sink: FrameSink { frames, writer, buffer: Vec::new() },
            hang_up: move || hang_up.hang_up(),
        }
    }
}

/// Connects and upgrades to WebSocket.
pub(super) fn connect(
    address: &Address,
    bearer_token: Option<&str>,
    limit: usize,
    patience: Option<Duration>,
) -> Result<Connected, Error> {
    let request = request(address, bearer_token)?;
    let late = |error: io::Error| match (error.kind(), patience) {
        (io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut, Some(patience)) => silent(address, patience),
        _ => failed(address, error),
    };
    let [mut reader, mut writer, hang_up] =
        open(address, &host_and_port(&request), patience).map_err(late)?;
    reader.set_read_timeout(patience).map_err(late)?;
    let mut handshake = Handshake::begin(address, request, limit)?;
    let mut chunk = vec![0; CHUNK];
    let frames = loop {
        let written = writer.write_all(&handshake.outgoing());
        let length = match written.and_then(|()| reader.read(&mut chunk)) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(late(error)),
        };
        if let Some(frames) = handshake.push(&chunk[..length])? {
            break frames;
        }
    };
    reader.set_read_timeout(None).map_err(late)?;
    Ok(Connected { frames, reader, writer, hang_up })
}

/// A socket of either kind. Its copies are the same socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// One for each of those who use it.
fn open(
    address: &Address,
    host_and_port: &(String, u16),
    patience: Option<Duration>,
) -> io::Result<[Socket; 3]> {
    match address {
        Address::WebSocket(_) => {
            let socket = connect_tcp(host_and_port, patience)?;
            // Requests are small and wait for their answers.
            socket.set_nodelay(true)?;
            Ok([socket.try_clone()?, socket.try_clone()?, socket].map(Socket::Tcp))
        }
        #[cfg(unix)]
        Address::Unix(path) => {
            let socket = UnixStream::connect(path)?;
            Ok([socket.try_clone()?, socket.try_clone()?, socket].map(Socket::Unix))
        }
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Tries all addresses of the host, each for so long.
fn connect_tcp((host, port): &(String, u16), patience: Option<Duration>) -> io::Result<TcpStream> {
    let Some(patience) = patience else { return TcpStream::connect((host.as_str(), *port)) };
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in (host.as_str(), *port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Socket {
    /// How long a read may wait. A time of nothing would mean for ever.
    fn set_read_timeout(&self, patience: Option<Duration>) -> io::Result<()> {
        let patience = patience.map(|patience| patience.max(Duration::from_millis(1)));
        match self {
            Self::Tcp(socket) => socket.set_read_timeout(patience),
            #[cfg(unix)]
            Self::Unix(socket) => socket.set_read_timeout(patience),
        }
    }

    /// Ends the socket whatever its threads are at. It fails only for one that is gone, which is what is
    /// wanted.
    fn hang_up(self) {
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

pub(super) struct FrameSource {
    messages: FrameReader,
    reader: Socket,
    chunk: Vec<u8>,
}

impl Source for FrameSource {
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

pub(super) struct FrameSink {
    frames: Frames,
    writer: Socket,
    /// Empty between two calls.
    buffer: Vec<u8>,
}

impl Sink for FrameSink {
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
        Ok(())
    }
}

#[cfg(unix)]
mod polled {
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

    impl PolledSource for FrameSource {
        fn fd(&self) -> BorrowedFd<'_> {
            self.reader.as_fd()
        }
    }

    impl PolledSink for FrameSink {
        fn fd(&self) -> BorrowedFd<'_> {
            self.writer.as_fd()
        }
    }
}
