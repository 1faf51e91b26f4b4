//! Cuts the bytes of a WebSocket connection into messages, without changing any.

use std::io::{self, Cursor, Read};

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::OpCode;

const CHUNK: usize = 64 * 1024;

/// Bytes that belong together.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// A message with all its frames, and what it says.
    Message { bytes: Vec<u8>, text: Vec<u8> },
    /// All else: the handshake, a ping, a pong, a close, or what is no WebSocket.
    Other(Vec<u8>),
}

/// One direction of a connection.
pub(super) struct Pieces<R> {
    input: R,
    /// What was read and is not in a piece yet.
    buffer: Vec<u8>,
    /// How much of it is frames of the message that is not complete, and what they say.
    whole: usize,
    text: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Handshake,
    Frames,
    Unknown,
    Ended,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), whole: 0, text: Vec::new(), state: State::Handshake }
    }

    /// The next piece; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece>> {
        loop {
            let piece = match self.state {
                State::Handshake => self.handshake(),
                State::Frames => self.frame(),
                State::Unknown => self.rest(),
                State::Ended => return Ok(None),
            };
            if piece.is_some() {
                return Ok(piece);
            }
            let mut chunk = [0; CHUNK];
            match self.input.read(&mut chunk) {
                Ok(0) => {
                    self.state = State::Ended;
                    return Ok(self.rest());
                }
                Ok(length) => self.buffer.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The head of the request or the response.
    fn handshake(&mut self) -> Option<Piece> {
        let end = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
        let is_refused = self.buffer.starts_with(b"HTTP/") && !self.buffer.starts_with(b"HTTP/1.1 101");
        self.state = if is_refused { State::Unknown } else { State::Frames };
        Some(Piece::Other(self.buffer.drain(..end).collect()))
    }

    fn frame(&mut self) -> Option<Piece> {
        loop {
            let mut cursor = Cursor::new(&self.buffer[self.whole..]);
            let (header, length) = match FrameHeader::parse(&mut cursor) {
                Ok(parsed) => parsed?,
                Err(_) => {
                    self.state = State::Unknown;
                    return self.rest();
                }
            };
            let payload = self.whole.checked_add(usize::try_from(cursor.position()).ok()?)?;
            let end = payload.checked_add(usize::try_from(length).ok()?)?;
            let said = self.buffer.get(payload..end)?;
            if let OpCode::Control(_) = header.opcode {
                // One may come between the frames of a message, and goes first.
                return Some(Piece::Other(self.buffer.drain(self.whole..end).collect()));
            }
            match header.mask {
                Some(mask) => self.text.extend(said.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b)),
                None => self.text.extend_from_slice(said),
            }
            self.whole = end;
            if header.is_final {
                self.whole = 0;
                let bytes = self.buffer.drain(..end).collect();
                return Some(Piece::Message { bytes, text: std::mem::take(&mut self.text) });
            }
        }
    }

    /// All that there is.
    fn rest(&mut self) -> Option<Piece> {
        (!self.buffer.is_empty()).then(|| Piece::Other(std::mem::take(&mut self.buffer)))
    }
}

#[cfg(test)]
mod tests {
    use tungstenite::protocol::frame::Frame;
    use tungstenite::protocol::frame::coding::Data;

    use super::*;

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(self.0.len()).min(into.len());
            into[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    fn pieces(bytes: &[u8], at_once: usize) -> Vec<Piece> {
        let mut pieces = Pieces::new(Slow(bytes, at_once));
        std::iter::from_fn(|| pieces.next().expect("it reads")).collect()
    }

    fn bytes(frame: Frame, mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut frame = frame;
        frame.header_mut().mask = mask;
        let mut bytes = Vec::new();
        frame.format(&mut bytes).expect("a frame");
        bytes
    }

    #[test]
    fn messages_are_whole_whatever_comes_between() {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n".to_vec();
        let mask = Some([1, 2, 3, 4]);
        let short = bytes(Frame::message("short", OpCode::Data(Data::Text), true), mask);
        let first = bytes(Frame::message("fir", OpCode::Data(Data::Text), false), mask);
        let ping = bytes(Frame::ping("?"), mask);
        let last = bytes(Frame::message("st", OpCode::Data(Data::Continue), true), Some([9, 8, 7, 6]));
        let text = "x".repeat(100_000);
        let long = bytes(Frame::message(text.clone(), OpCode::Data(Data::Text), true), None);
        let close = bytes(Frame::close(None), None);
        let sent = [&head, &short, &first, &ping, &last, &long, &close].map(Vec::as_slice).concat();
        for at_once in [1, 7, sent.len()] {
            let message = |bytes: Vec<u8>, text: &str| Piece::Message { bytes, text: text.into() };
            let expected = [
                Piece::Other(head.clone()),
                message(short.clone(), "short"),
                Piece::Other(ping.clone()),
                message([first.clone(), last.clone()].concat(), "first"),
                message(long.clone(), &text),
                Piece::Other(close.clone()),
            ];
            assert!(pieces(&sent, at_once) == expected, "{at_once} at once");
        }
    }

    #[test]
    fn what_is_no_websocket_passes_as_it_is() {
        let refusals: [&[u8]; 4] = [
            b"HTTP/1.1 403 Forbidden\r\n\r\nno",
            b"{\"id\":1}\n",
            b"",
            b"GET / HTTP/1.1\r\n\r\n\xff\xff\xff",
        ];
        for sent in refusals {
            let passed = pieces(sent, 5).into_iter().map(|piece| match piece {
                Piece::Other(bytes) => bytes,
                Piece::Message { .. } => panic!("a message"),
            });
            assert_eq!(passed.collect::<Vec<_>>().concat(), sent);
        }
    }
}
