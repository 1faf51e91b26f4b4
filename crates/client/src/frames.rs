//! WebSocket as a codec: bytes in, messages and bytes out, over whatever the driver reads and writes.
//!
//! The library works on a stream. Here that is a pair of buffers, so that it needs neither the socket nor a
//! runtime, and the reading and the writing half of a driver can share it. It does the handshake, writes, and answers
//! control frames; messages are read by [`Decoder`] and are lines from there on, with the same limit.

mod decoder;
mod reader;

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tungstenite::client::client;
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::{ClientHandshake, Request};
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{Bytes, HandshakeError, Message, WebSocket};

pub(crate) use self::reader::FrameReader;
#[cfg(feature = "blocking")]
pub(crate) use self::reader::MessageReader;
use crate::address::Address;
use crate::connect_error::{Sent, failed, hung_up, with_sent};
use crate::connect_error_kind::ConnectErrorKind;
use crate::error::Error;
use crate::excerpt::escaped;
use crate::tls::Tls;

/// The app-server refuses frames of more than 16 MiB; longer messages go in parts.
const FRAME_BYTES: usize = 8 << 20;

/// How long a part is where other frames are to come between the parts, such as answers to pings.
#[cfg(feature = "blocking")]
const SMALL_FRAME_BYTES: usize = 1 << 20;

/// How many bytes of answers to pings may wait for a server that does not read.
const ANSWERS_LIMIT: usize = 64 << 20;

/// What was read and not decoded yet, and what is to be written.
#[derive(Default)]
struct Buffers {
    incoming: Vec<u8>,
    /// How much of it is decoded.
    decoded: usize,
    outgoing: Vec<u8>,
}

/// The stream that the library reads and writes.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Buffers>>);

impl Memory {
    /// Takes in what was read.
    fn push(&self, bytes: &[u8]) {
        let mut buffers = self.lock();
        if buffers.decoded > 0 {
            let decoded = std::mem::take(&mut buffers.decoded);
            buffers.incoming.drain(..decoded);
        }
        buffers.incoming.extend_from_slice(bytes);
    }

    /// Moves what is to be written into the empty buffer.
    fn take_outgoing(&self, buffer: &mut Vec<u8>) {
        std::mem::swap(&mut self.lock().outgoing, buffer);
    }

    fn lock(&self) -> MutexGuard<'_, Buffers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Memory {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut buffers = self.lock();
        let rest = &buffers.incoming[buffers.decoded..];
        if rest.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        buffers.decoded += length;
        Ok(length)
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().outgoing.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection that is being upgraded to WebSocket.
pub(crate) struct Handshake {
    address: Address,
    memory: Memory,
    tls: Option<Tls>,
    state: Option<MidHandshake<ClientHandshake<Memory>>>,
    answer: Answer,
    /// How much of the answer the library has.
    passed_on: usize,
    limit: usize,
}

/// The answer so far, which whoever waits for it can look at. What follows its head are messages already.
pub(crate) type Answer = Arc<Mutex<Vec<u8>>>;

/// How the head of the answer begins and ends.
const HEAD_START: &[u8] = b"HTTP/1.";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// How much a command may print before the server answers.
const NOISE_LIMIT: usize = 64 << 10;

impl Handshake {
    /// Begins with the request, which is to be written then. No message may have more bytes than the limit.
    pub(crate) fn begin(
        address: &Address,
        request: Request,
        limit: usize,
        tls: Option<Tls>,
    ) -> Result<Self, Error> {
        let memory = Memory::default();
        let state = match client(request, memory.clone()) {
            Err(HandshakeError::Interrupted(state)) => Some(state),
            Err(HandshakeError::Failure(error)) => return Err(refused(address, error)),
            // There is no answer yet.
            Ok(_) => {
                return Err(failed(
                    address,
                    ConnectErrorKind::NotWebSocket,
                    "the handshake ended before its answer",
                ));
            }
        };
        let (address, answer) = (address.clone(), Answer::default());
        Ok(Self { address, memory, tls, state, answer, passed_on: 0, limit })
    }

    /// The answer so far.
    pub(crate) fn answer(&self) -> &Answer {
        &self.answer
    }

    /// What is to be written next.
    pub(crate) fn outgoing(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.memory.take_outgoing(&mut bytes);
        if let Some(tls) = &self.tls {
            tls.seal(&mut bytes).map_err(|error| untrusted(&self.address, error))?;
        }
        Ok(bytes)
    }

    /// Takes in what was read, nothing at the end of the stream; yields the connection once it is upgraded.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<Frames>, Error> {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.is_empty() {
            return Err(hung_up(&self.address, &answer));
        }
        match &self.tls {
            None => answer.extend_from_slice(bytes),
            Some(tls) => drop(tls.open(bytes, &mut answer).map_err(|error| untrusted(&self.address, error))?),
        }
        if self.passed_on == 0 && !has_begun(&self.address, &mut answer)? {
            return Ok(None);
        }
        let searched = self.passed_on.saturating_sub(HEAD_END.len() - 1);
        let end = memchr::memmem::find(&answer[searched..], HEAD_END)
            .map_or(answer.len(), |found| searched + found + HEAD_END.len());
        self.memory.push(&answer[self.passed_on.min(end)..end]);
        self.passed_on = answer.len();
        let Some(state) = self.state.take() else { return Ok(None) };
        match state.handshake() {
            Ok((socket, _)) => {
                let (socket, first) =
                    (Arc::new(Mutex::new(socket)), Arc::new(Mutex::new(answer.split_off(end))));
                let (memory, tls) = (self.memory.clone(), self.tls.clone());
                Ok(Some(Frames { memory, tls, socket, first, limit: self.limit }))
            }
            Err(HandshakeError::Interrupted(state)) => {
                self.state = Some(state);
                Ok(None)
            }
            Err(HandshakeError::Failure(error)) => {
                let sent = if answer.starts_with(HEAD_START) { &[][..] } else { &answer };
                let error = refused(&self.address, error);
                Err(with_sent(error, sent))
            }
        }
    }
}

/// Whether the answer has begun. What a command has printed before is passed over.
fn has_begun(address: &Address, answer: &mut Vec<u8>) -> Result<bool, Error> {
    if !matches!(address, Address::Command(_)) {
        return Ok(true);
    }
    match memchr::memmem::find(answer, HEAD_START) {
        Some(0) => Ok(true),
        Some(begins) => {
            let noise: Vec<u8> = answer.drain(..begins).collect();
            tracing::warn!("passed over what {address} printed: `{}`", escaped(&noise));
            Ok(true)
        }
        None if answer.len() < NOISE_LIMIT => Ok(false),
        None => {
            let reason = format!("no answer of a server{}", Sent(answer));
            Err(failed(address, ConnectErrorKind::NotWebSocket, reason))
        }
    }
}

/// The codec of a connection, shared by its two halves.
#[derive(Clone)]
pub(crate) struct Frames {
    memory: Memory,
    tls: Option<Tls>,
    socket: Arc<Mutex<WebSocket<Memory>>>,
    /// What came with the handshake and is to be read first.
    first: Arc<Mutex<Vec<u8>>>,
    limit: usize,
}

impl Frames {
    fn lock(&self) -> MutexGuard<'_, WebSocket<Memory>> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frames of the lines, and whatever else is to be written, into the empty buffer.
    pub(crate) fn encode(&self, lines: &[u8], buffer: &mut Vec<u8>) -> io::Result<()> {
        let mut socket = self.lock();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            for frame in fragments(line, FRAME_BYTES) {
                socket.write(frame).map_err(io_error)?;
            }
        }
        socket.flush().map_err(io_error)?;
        self.take_outgoing(buffer)
    }

    /// Adds the frames of a message to the buffer, one after the other: after each of them `written` may empty it. What
    /// else is to be written comes between them.
    #[cfg(feature = "blocking")]
    pub(crate) fn encode_in_parts(
        &self,
        message: &[u8],
        buffer: &mut Vec<u8>,
        mut written: impl FnMut(&mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        for frame in fragments(message, SMALL_FRAME_BYTES) {
            self.lock().write(frame).map_err(io_error)?;
            self.add_outgoing(buffer)?;
            written(buffer)?;
        }
        Ok(())
    }

    /// Adds what is to be written to the buffer.
    #[cfg(feature = "blocking")]
    pub(crate) fn add_outgoing(&self, buffer: &mut Vec<u8>) -> io::Result<()> {
        let mut socket = self.lock();
        socket.flush().map_err(io_error)?;
        if buffer.is_empty() {
            return self.take_outgoing(buffer);
        }
        let mut more = Vec::new();
        self.take_outgoing(&mut more)?;
        buffer.append(&mut more);
        Ok(())
    }

    /// What is to be written, into the empty buffer.
    fn take_outgoing(&self, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.memory.take_outgoing(buffer);
        self.tls.as_ref().map_or(Ok(()), |tls| tls.seal(buffer))
    }

    /// Whether there is something to write that no line was given for; fails if there is too much.
    fn has_outgoing(&self) -> io::Result<bool> {
        match self.memory.lock().outgoing.len() {
            0 => Ok(self.tls.as_ref().is_some_and(Tls::has_output)),
            length if length > ANSWERS_LIMIT => Err(io::Error::other("the server does not read")),
            _ => Ok(true),
        }
    }

    /// Adds a ping to what is to be written. It fails only where the connection ends anyway.
    fn ping(&self) {
        let mut socket = self.lock();
        let _ = socket.write(Message::Ping(Bytes::new())).and_then(|()| socket.flush());
    }

    /// The goodbye, into the empty buffer.
    pub(crate) fn close(&self, buffer: &mut Vec<u8>) -> io::Result<()> {
        let mut socket = self.lock();
        socket.close(None).and_then(|()| socket.flush()).map_err(io_error)?;
        self.take_outgoing(buffer)?;
        let Some(tls) = &self.tls else { return Ok(()) };
        let mut goodbye = Vec::new();
        tls.close();
        tls.seal(&mut goodbye)?;
        buffer.extend(goodbye);
        Ok(())
    }
}

/// A line as a text message, a long one in parts.
fn fragments(line: &[u8], part_bytes: usize) -> impl Iterator<Item = Message> {
    let count = line.len().div_ceil(part_bytes);
    line.chunks(part_bytes).enumerate().map(move |(part, bytes)| {
        let kind = if part == 0 { Data::Text } else { Data::Continue };
        let bytes = Bytes::copy_from_slice(bytes);
        Message::Frame(Frame::message(bytes, OpCode::Data(kind), part + 1 == count))
    })
}

/// Why the server did not upgrade the connection.
fn refused(address: &Address, error: tungstenite::Error) -> Error {
    let kind = match &error {
        tungstenite::Error::Http(response) => match response.status().as_u16() {
            401 => ConnectErrorKind::Unauthorized,
            status => ConnectErrorKind::Refused(status),
        },
        _ => ConnectErrorKind::NotWebSocket,
    };
    let hint = match kind {
        ConnectErrorKind::Unauthorized => "; the server wants a token, see `bearer_token`",
        _ => "",
    };
    failed(address, kind, format!("{error}{hint}"))
}

/// Why TLS failed.
fn untrusted(address: &Address, error: io::Error) -> Error {
    let text = error.to_string();
    let hint = match text.contains("UnknownIssuer") {
        true => "; if its authority is one of your own, give that with `root_certificates`",
        false => "",
    };
    failed(address, ConnectErrorKind::Tls, format!("{text}{hint}"))
}

fn io_error(error: tungstenite::Error) -> io::Error {
    match error {
        tungstenite::Error::Io(error) => error,
        tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
            io::ErrorKind::ConnectionAborted.into()
        }
        other => io::Error::other(other),
    }
}
