//! What is read of a WebSocket, as messages.

use std::io;
use std::sync::{Arc, PoisonError};

use codex_appserver_wire::{LineBuffer, LineError};
use tungstenite::Message;
use tungstenite::protocol::CloseFrame;

use super::decoder::{Decoder, Part};
use super::{Frames, io_error};
use crate::conn::Link;
use crate::core::Wakes;

/// Makes messages of what is read, and hands them to the link.
pub(crate) struct FrameReader {
    messages: MessageReader,
    link: Arc<Link>,
    wakes: Wakes,
}

impl FrameReader {
    pub(crate) fn new(frames: Frames, link: Arc<Link>) -> Self {
        let pinging = frames.clone();
        link.set_ping(move || pinging.ping());
        Self { messages: MessageReader::new(frames), link, wakes: Wakes::new() }
    }

    /// Takes in what was read; tells whether more may come.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let Self { messages, link, wakes } = self;
        link.on_bytes();
        let open = messages.push(bytes, &mut |message| {
            link.receive(message.as_ref().map(|text| *text), wakes);
        })?;
        // The locks are free again when the writer is woken, which may write at once.
        if messages.has_answers()? {
            link.nudge_writer();
        }
        Ok(open)
    }
}

/// What takes the messages that are read.
type Take<'a> = dyn FnMut(Result<&str, LineError>) + 'a;

/// Makes messages of what is read.
pub(crate) struct MessageReader {
    frames: Frames,
    decoder: Decoder,
    /// What TLS has opened; empty between two reads.
    plain: Vec<u8>,
    /// A message is a line of it.
    messages: LineBuffer,
    /// How the server has said goodbye: a code and a reason, where it gave them.
    goodbye: Option<CloseFrame>,
}

impl MessageReader {
    pub(crate) fn new(frames: Frames) -> Self {
        let messages = LineBuffer::new(frames.limit);
        Self { frames, decoder: Decoder::default(), plain: Vec::new(), messages, goodbye: None }
    }

    /// Takes in what was read, and hands on the messages that are whole; tells whether more may come.
    pub(crate) fn push(&mut self, bytes: &[u8], take: &mut Take<'_>) -> io::Result<bool> {
        let first = std::mem::take(&mut *self.frames.first.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(self.read(&first, take)? && self.open_and_read(bytes, take)?)
    }

    /// Whether answers to pings and goodbyes are to be written; fails if there are too many.
    pub(crate) fn has_answers(&self) -> io::Result<bool> {
        self.frames.has_outgoing()
    }

    /// How the server has said goodbye, if it has and gave a reason.
    #[cfg(feature = "blocking")]
    pub(crate) fn goodbye(&self) -> Option<&CloseFrame> {
        self.goodbye.as_ref()
    }

    fn open_and_read(&mut self, bytes: &[u8], take: &mut Take<'_>) -> io::Result<bool> {
        let Some(tls) = &self.frames.tls else { return self.read(bytes, take) };
        let mut plain = std::mem::take(&mut self.plain);
        let open = tls.open(bytes, &mut plain)?;
        let goes_on = self.read(&plain, take)? && open;
        plain.clear();
        self.plain = plain;
        Ok(goes_on)
    }

    fn read(&mut self, mut bytes: &[u8], take: &mut Take<'_>) -> io::Result<bool> {
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
                take(message);
            }
        }
        Ok(true)
    }

    /// The library answers pings and goodbyes; tells whether more may come.
    fn control(&mut self, frame: &[u8]) -> io::Result<bool> {
        self.frames.memory.push(frame);
        loop {
            match self.frames.lock().read() {
                Ok(Message::Close(frame)) => {
                    self.goodbye = frame;
                    return Ok(false);
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(true);
                }
                Err(error) => return Err(io_error(error)),
            }
        }
    }
}
