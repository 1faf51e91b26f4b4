//! WebSocket as a codec: bytes in, messages and bytes out, over whatever the driver reads and writes.
//!
//! The library works on a stream. Here that is a pair of buffers, so that it needs neither the socket nor a
//! runtime, and the reading and the writing half of a driver can share it. It does the handshake, writes, and answers
//! control frames; messages are read by [`Decoder`] and are lines from there on, with the same limit.

mod decoder;

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codex_appserver_wire::LineBuffer;
use tungstenite::client::{IntoClientRequest, client};
use tungstenite::handshake::MidHandshake;
use tungstenite::handshake::client::{ClientHandshake, Request};
use tungstenite::http::HeaderValue;
use tungstenite::http::header::AUTHORIZATION;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{Bytes, HandshakeError, Message, WebSocket};

use self::decoder::{Decoder, Part};
use crate::address::Address;
use crate::conn::Link;
use crate::core::Wakes;
use crate::error::Error;

/// The app-server refuses frames of more than 16 MiB; longer messages go in parts.
const FRAME_BYTES: usize = 8 << 20;

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
pub(crate) struct Handshake<'a> {
    address: &'a Address,
    memory: Memory,
    state: Option<MidHandshake<ClientHandshake<Memory>>>,
    /// The answer so far. What follows its head are messages already.
    answer: Vec<u8>,
    limit: usize,
}

/// How the head of the answer ends.
const HEAD_END: &[u8] = b"\r\n\r\n";

impl<'a> Handshake<'a> {
    /// Begins with the request, which is to be written then. No message may have more bytes than the limit.
    pub(crate) fn begin(address: &'a Address, request: Request, limit: usize) -> Result<Self, Error> {
        let memory = Memory::default();
        match client(request, memory.clone()) {
            Err(HandshakeError::Interrupted(state)) => {
                Ok(Self { address, memory, state: Some(state), answer: Vec::new(), limit })
            }
            Err(HandshakeError::Failure(error)) => Err(refused(address, error)),
            // There is no answer yet.
            Ok(_) => Err(failed(address, "the handshake ended before its answer")),
        }
    }

    /// What is to be written next.
    pub(crate) fn outgoing(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.memory.take_outgoing(&mut bytes);
        bytes
    }

    /// Takes in what was read, nothing at the end of the stream; yields the connection once it is upgraded.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<Frames>, Error> {
        if bytes.is_empty() {
            return Err(failed(self.address, "it hung up during the handshake"));
        }
        let (searched, start) = (self.answer.len().saturating_sub(HEAD_END.len() - 1), self.answer.len());
        self.answer.extend_from_slice(bytes);
        let end = memchr::memmem::find(&self.answer[searched..], HEAD_END)
            .map_or(self.answer.len(), |found| searched + found + HEAD_END.len());
        self.memory.push(&self.answer[start.min(end)..end]);
        let Some(state) = self.state.take() else { return Ok(None) };
        match state.handshake() {
            Ok((socket, _)) => {
                let socket = Arc::new(Mutex::new(socket));
                let first = Arc::new(Mutex::new(self.answer.split_off(end)));
                Ok(Some(Frames { memory: self.memory.clone(), socket, first, limit: self.limit }))
            }
            Err(HandshakeError::Interrupted(state)) => {
                self.state = Some(state);
                Ok(None)
            }
            Err(HandshakeError::Failure(error)) => Err(refused(self.address, error)),
        }
    }
}

/// The codec of a connection, shared by its two halves.
#[derive(Clone)]
pub(crate) struct Frames {
    memory: Memory,
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
        for message in fragments(lines) {
            socket.write(message).map_err(io_error)?;
        }
        socket.flush().map_err(io_error)?;
        self.memory.take_outgoing(buffer);
        Ok(())
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
        self.memory.take_outgoing(buffer);
        Ok(())
    }
}

/// Makes messages of what is read, and hands them to the link.
pub(crate) struct FrameReader {
    frames: Frames,
    decoder: Decoder,
    /// A message is a line of it.
    messages: LineBuffer,
    link: Arc<Link>,
    wakes: Wakes,
}

impl FrameReader {
    pub(crate) fn new(frames: Frames, link: Arc<Link>) -> Self {
        let messages = LineBuffer::new(frames.limit);
        let pinging = frames.clone();
        link.set_ping(move || pinging.ping());
        Self { frames, decoder: Decoder::default(), messages, link, wakes: Wakes::new() }
    }

    /// Takes in what was read; tells whether more may come.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<bool> {
        self.link.on_bytes();
        let first = std::mem::take(&mut *self.frames.first.lock().unwrap_or_else(PoisonError::into_inner));
        let open = self.read(&first)? && self.read(bytes)?;
        // Answers to pings and goodbyes. The lock is free again when the writer is woken, which may write at once.
        let length = self.frames.memory.lock().outgoing.len();
        match length {
            0 => {}
            length if length > ANSWERS_LIMIT => return Err(io::Error::other("the server does not read")),
            _ => self.link.nudge_writer(),
        }
        Ok(open)
    }

    fn read(&mut self, mut bytes: &[u8]) -> io::Result<bool> {
        while let Some(part) = self.decoder.next(&mut bytes)? {
            match part {
                Part::Text(piece) => {
                    // Between tokens a space is as good as a line break, which would end the message here.
                    let mut lines = piece.split(|byte| *byte == b'\n');
                    self.messages.push(lines.next().unwrap_or_default());
                    for line in lines {
                        self.messages.push(b" ");
                        self.messages.push(line);
                    }
                }
                Part::End => self.messages.push(b"\n"),
                Part::Control(frame) => match self.control(&frame)? {
                    true => continue,
                    false => return Ok(false),
                },
            }
            while let Some(message) = self.messages.next_line() {
                self.link.receive(message.as_ref().map(|text| *text), &mut self.wakes);
            }
        }
        Ok(true)
    }

    /// The library answers pings and goodbyes; tells whether more may come.
    fn control(&mut self, frame: &[u8]) -> io::Result<bool> {
        self.frames.memory.push(frame);
        loop {
            match self.frames.lock().read() {
                Ok(Message::Close(_)) => return Ok(false),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(true);
                }
                Err(error) => return Err(io_error(error)),
            }
        }
    }
}

/// The request to upgrade. It has no `Origin`, which the app-server refuses.
pub(crate) fn request(address: &Address, bearer_token: Option<&str>) -> Result<Request, Error> {
    let url = match address {
        Address::WebSocket(url) if !url.starts_with("ws://") => {
            return Err(failed(address, "app-servers speak ws:// only"));
        }
        Address::WebSocket(url) => url,
        Address::Unix(_) => "ws://localhost/",
    };
    let mut request = url.into_client_request().map_err(|error| refused(address, error))?;
    if let Some(token) = bearer_token {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| failed(address, "the bearer token has characters that no header can have"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}

/// Where the request goes. An IPv6 address has brackets in a URL, and none elsewhere.
pub(crate) fn host_and_port(request: &Request) -> (String, u16) {
    let uri = request.uri();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    (host.to_owned(), uri.port_u16().unwrap_or(80))
}

/// The lines as text messages, long ones in parts.
fn fragments(lines: &[u8]) -> impl Iterator<Item = Message> {
    lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).flat_map(|line| {
        let line = Bytes::copy_from_slice(line);
        let count = line.len().div_ceil(FRAME_BYTES);
        (0..count).map(move |part| {
            let bytes = line.slice(part * FRAME_BYTES..line.len().min((part + 1) * FRAME_BYTES));
            let kind = if part == 0 { Data::Text } else { Data::Continue };
            Message::Frame(Frame::message(bytes, OpCode::Data(kind), part + 1 == count))
        })
    })
}

/// The server did not answer in time.
pub(crate) fn silent(address: &Address, patience: Duration) -> Error {
    failed(address, format!("no answer within {patience:?}"))
}

/// Why there is no connection.
pub(crate) fn failed(address: &Address, reason: impl ToString) -> Error {
    Error::Connect { address: address.to_string(), reason: reason.to_string() }
}

/// Why the server did not upgrade the connection.
fn refused(address: &Address, error: tungstenite::Error) -> Error {
    let hint = match &error {
        tungstenite::Error::Http(response) if response.status().as_u16() == 401 => {
            "; the server wants a token, see `bearer_token`"
        }
        _ => "",
    };
    failed(address, format!("{error}{hint}"))
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
