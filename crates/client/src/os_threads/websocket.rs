//! A WebSocket without a client around it.

use std::io::{self, Read, Write};
use std::time::Duration;

use codex_appserver_wire::LineError;

use super::frames::{Connected, Socket, connect_socket};
use crate::address::Address;
use crate::conn::{CHUNK, KEPT_BUFFER};
use crate::dial::Dial;
use crate::error::Error;
use crate::frames::{Frames, MessageReader};
use crate::settings::Dialling;

/// How to connect. It has no `Debug`, since a token has no place in a log.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The token that the server wants, if it wants one.
    pub bearer_token: Option<String>,
    /// Send the token to another machine in the open.
    pub allow_insecure_token: bool,
    /// How many bytes a message of the server may have. A longer one is refused, and the next one is read.
    pub message_limit: usize,
    /// How long connecting may take; `None` is forever.
    pub timeout: Option<Duration>,
}

impl Default for Options {
    /// No token, 64 MiB, 10 s.
    fn default() -> Self {
        Self {
            bearer_token: None,
            allow_insecure_token: false,
            message_limit: 64 << 20,
            timeout: Some(Duration::from_secs(10)),
        }
    }
}

/// The parts of a connection, each for a thread of its own.
#[non_exhaustive]
pub struct Connection {
    /// Reads messages.
    pub receiver: Receiver,
    /// Writes messages.
    pub sender: Sender,
    /// Ends the connection.
    pub hang_up: HangUp,
}

/// Connects and upgrades to WebSocket.
///
/// # Errors
///
/// [`Error::Connect`]: no server listens there, it does not want this client, it did not answer in time, or the address is a
/// command.
pub fn connect(address: &Address, options: &Options) -> Result<Connection, Error> {
    let Options { bearer_token, allow_insecure_token, message_limit, timeout } = options.clone();
    let dialling = Dialling {
        timeout,
        bearer_token,
        allow_insecure_token,
        #[cfg(feature = "tls")]
        root_certificates: Vec::new(),
    };
    let Connected { frames, reader, writer, socket } =
        connect_socket(Dial::new(address, &dialling, message_limit)?)?;
    let receiver = Receiver {
        messages: MessageReader::new(frames.clone()),
        reader,
        chunk: vec![0; CHUNK],
        is_fresh: true,
    };
    let sender = Sender { frames, writer, buffer: Vec::new() };
    Ok(Connection { receiver, sender, hang_up: HangUp(socket) })
}

/// What came of one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// More may come.
    Open,
    /// More may come, and the server has sent a ping: it wants [`Sender::flush`] to be called soon.
    Pinged,
    /// The server has closed the connection; see [`Receiver::goodbye`].
    Closed,
}

/// The reading half.
pub struct Receiver {
    messages: MessageReader,
    reader: Socket,
    chunk: Vec<u8>,
    /// The first messages may have come with the handshake.
    is_fresh: bool,
}

impl Receiver {
    /// Waits for bytes, and hands on the messages that are whole with them, without line breaks.
    ///
    /// # Errors
    ///
    /// The connection failed, or the server sent what is no WebSocket. It is of no use then.
    pub fn receive(&mut self, mut take: impl FnMut(Result<&str, LineError>)) -> io::Result<Received> {
        let length = match std::mem::take(&mut self.is_fresh) {
            true => 0,
            false => match self.reader.read(&mut self.chunk) {
                Ok(0) => return Ok(Received::Closed),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Received::Open),
                Err(error) => return Err(error),
            },
        };
        let open = self.messages.push(&self.chunk[..length], &mut take)?;
        Ok(match (open, self.messages.has_answers()?) {
            (false, _) => Received::Closed,
            (true, true) => Received::Pinged,
            (true, false) => Received::Open,
        })
    }

    /// How long a [`receive`](Self::receive) may wait from now on; `None` is forever, which it is unless set. One that
    /// waits longer fails with `WouldBlock` or `TimedOut`, and the connection goes on.
    ///
    /// # Errors
    ///
    /// The system does not take the time.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.reader.set_read_timeout(timeout)
    }

    /// The code and the reason with which the server has closed the connection. `None` if it has not, or gave none.
    pub fn goodbye(&self) -> Option<(u16, &str)> {
        self.messages.goodbye().map(|frame| (frame.code.into(), frame.reason.as_str()))
    }
}

/// The writing half.
pub struct Sender {
    frames: Frames,
    writer: Socket,
    /// What is not written yet.
    buffer: Vec<u8>,
}

impl Sender {
    /// Adds a message to what is to be written, a long one in parts. What has become a lot is written at once, the rest by
    /// [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// The connection failed. It is of no use then.
    pub fn send(&mut self, message: &str) -> io::Result<()> {
        let Self { frames, writer, buffer } = self;
        frames.encode_in_parts(message.as_bytes(), buffer, |buffer| match buffer.len() < CHUNK {
            true => Ok(()),
            false => write_out(writer, buffer),
        })
    }

    /// Writes what is left, and the answers to pings.
    ///
    /// # Errors
    ///
    /// The connection failed. It is of no use then.
    pub fn flush(&mut self) -> io::Result<()> {
        self.frames.add_outgoing(&mut self.buffer)?;
        write_out(&mut self.writer, &mut self.buffer)
    }

    /// Says goodbye. The server closes the connection then.
    ///
    /// # Errors
    ///
    /// The connection failed, or is closed already.
    pub fn close(&mut self) -> io::Result<()> {
        let mut goodbye = Vec::new();
        self.frames.close(&mut goodbye)?;
        self.buffer.append(&mut goodbye);
        write_out(&mut self.writer, &mut self.buffer)
    }
}

fn write_out(writer: &mut Socket, buffer: &mut Vec<u8>) -> io::Result<()> {
    writer.write_all(buffer)?;
    buffer.clear();
    buffer.shrink_to(KEPT_BUFFER);
    Ok(())
}

/// Ends a connection whatever its halves are at.
pub struct HangUp(Option<Socket>);

impl HangUp {
    /// Has a read and a write that wait give up.
    pub fn hang_up(self) {
        self.0.into_iter().for_each(Socket::hang_up);
    }
}
