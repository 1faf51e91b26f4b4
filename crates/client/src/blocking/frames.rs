//! WebSocket frames, over TCP and Unix sockets, read and written by two threads.
//!
//! A WebSocket of the library is one object. The reader has the one that shook hands; the writer has another on
//! the same socket. Both write, the reader the answers to pings, so they share a lock, and each hands over whole
//! frames.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use tungstenite::client::client_with_config;
use tungstenite::protocol::Role;
use tungstenite::{HandshakeError, Message, WebSocket};

use super::driver::{Sink, Source};
use crate::address::Address;
use crate::core::Wakes;
use crate::error::Error;
use crate::frames::{config, failed, fragments, host_and_port, io_error, refused, request};
use crate::link::Link;

/// A connected WebSocket: both halves, and a way to end them.
pub(super) struct Connected {
    pub(super) source: FrameSource,
    pub(super) sink: FrameSink,
    pub(super) hang_up: HangUp,
}

/// Connects and upgrades to WebSocket.
pub(super) fn connect(address: &Address, bearer_token: Option<&str>, limit: usize) -> Result<Connected, Error> {
    let request = request(address, bearer_token)?;
    let open = open(address, &host_and_port(&request)).map_err(|error| failed(address, error))?;
    let (reader, writer, hang_up) = open;
    // Nothing is held back: what is written is a whole frame.
    let config = config(limit).write_buffer_size(0);
    let shaken = client_with_config(request, reader, Some(config)).map_err(|error| match error {
        HandshakeError::Failure(error) => refused(address, error),
        HandshakeError::Interrupted(_) => failed(address, io::Error::from(io::ErrorKind::WouldBlock)),
    });
    let (source, _) = shaken?;
    let sink = WebSocket::from_raw_socket(writer, Role::Client, Some(config));
    Ok(Connected { source: FrameSource(source), sink: FrameSink(sink), hang_up })
}

fn open(address: &Address, host_and_port: &(String, u16)) -> io::Result<(Socket, Socket, HangUp)> {
    match address {
        Address::WebSocket(_) => {
            let (host, port) = host_and_port;
            let socket = TcpStream::connect((host.as_str(), *port))?;
            // Requests are small and wait for their answers.
            socket.set_nodelay(true)?;
            let (reader, writer) = Socket::pair(socket.try_clone()?, socket.try_clone()?, socket.try_clone()?);
            Ok((reader, writer, HangUp::Tcp(socket)))
        }
        #[cfg(unix)]
        Address::Unix(path) => {
            let socket = UnixStream::connect(path)?;
            let (reader, writer) = Socket::pair(socket.try_clone()?, socket.try_clone()?, socket.try_clone()?);
            Ok((reader, writer, HangUp::Unix(socket)))
        }
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Ends a socket whatever its threads are at.
pub(super) enum HangUp {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl HangUp {
    /// It fails only for a socket that is gone, which is what is wanted.
    pub(super) fn now(self) {
        let _ = match self {
            Self::Tcp(socket) => socket.shutdown(Shutdown::Both),
            #[cfg(unix)]
            Self::Unix(socket) => socket.shutdown(Shutdown::Both),
        };
    }
}

/// One thread's view of a socket. Each write is done whole, and one at a time.
pub(super) struct Socket {
    reader: Box<dyn Read + Send>,
    writer: Arc<Mutex<dyn Write + Send>>,
}

impl Socket {
    fn pair<S: Read + Write + Send + 'static>(one: S, other: S, writer: S) -> (Self, Self) {
        let writer: Arc<Mutex<dyn Write + Send>> = Arc::new(Mutex::new(writer));
        (Self { reader: Box::new(one), writer: writer.clone() }, Self { reader: Box::new(other), writer })
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}

pub(super) struct FrameSource(WebSocket<Socket>);

impl Source for FrameSource {
    fn read(&mut self, link: &Arc<Link>) -> io::Result<()> {
        let mut wakes = Wakes::new();
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => link.receive(Ok(text.as_str()), &mut wakes),
                Ok(Message::Close(_)) => break,
                // The server sends no binary frames; pings are answered by the library.
                Ok(_) => {}
                Err(error) => return Err(io_error(error)),
            }
        }
        // The answer to the server's own goodbye. It may be gone by now.
        let _ = self.0.flush();
        Ok(())
    }
}

pub(super) struct FrameSink(WebSocket<Socket>);

impl Sink for FrameSink {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        for message in fragments(lines) {
            self.0.write(message).map_err(io_error)?;
        }
        self.0.flush().map_err(io_error)
    }

    fn close(mut self) -> io::Result<()> {
        self.0.close(None).and_then(|()| self.0.flush()).map_err(io_error)
    }
}
