//! The bytes of a WebSocket, taken apart: what messages hold, and control frames as they are.
//!
//! The library holds a whole message before it gives it out, and ends the connection over one that is too long. Here
//! messages come in the pieces that were read, so that one without an end costs no memory and the next one is read.

use std::io::{self, Cursor};

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

/// A control frame has no more bytes than these after its header.
const CONTROL_BYTES: u64 = 125;

/// What comes next in the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Bytes of a text message.
    Text(&'a [u8]),
    /// The text message has ended.
    End,
    /// A whole control frame, its header included.
    Control(Vec<u8>),
}

/// Takes frames apart, however the bytes are cut.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// A header that is not complete.
    header: Vec<u8>,
    frame: Option<Frame>,
    /// The kind of the message whose last frame has not come.
    message: Option<Kind>,
}

#[derive(Debug)]
struct Frame {
    kind: Kind,
    is_final: bool,
    /// How many bytes of it are still to come.
    left: u64,
    /// A control frame, so far.
    control: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// The server sends none; they are passed over.
    Binary,
    Control,
}

impl Decoder {
    /// The next part of the bytes, which are shortened by it; none once they are used up.
    ///
    /// # Errors
    ///
    /// They are no frames that a server may send. The connection is of no use then.
    pub(super) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> io::Result<Option<Part<'a>>> {
        loop {
            let Some(frame) = &mut self.frame else {
                match self.begin(bytes)? {
                    true => continue,
                    false => return Ok(None),
                }
            };
            let length = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len());
            let (taken, rest) = bytes.split_at(length);
            *bytes = rest;
            frame.left -= taken.len() as u64;
            match frame.kind {
                Kind::Text if !taken.is_empty() => return Ok(Some(Part::Text(taken))),
                Kind::Text | Kind::Binary => {}
                Kind::Control => frame.control.extend_from_slice(taken),
            }
            if frame.left > 0 {
                return Ok(None);
            }
            let Some(Frame { kind, is_final, control, .. }) = self.frame.take() else { return Ok(None) };
            match kind {
                Kind::Control => return Ok(Some(Part::Control(control))),
                _ if !is_final => {}
                Kind::Text => {
                    self.message = None;
                    return Ok(Some(Part::End));
                }
                Kind::Binary => self.message = None,
            }
        }
    }

    /// Reads the header of a frame; tells whether it is complete.
    fn begin(&mut self, bytes: &mut &[u8]) -> io::Result<bool> {
        while self.header.len() < header_length(&self.header) {
            let Some((first, rest)) = bytes.split_first() else { return Ok(false) };
            self.header.push(*first);
            *bytes = rest;
        }
        let parsed = FrameHeader::parse(&mut Cursor::new(&self.header)).map_err(io::Error::other)?;
        let Some((header, length)) = parsed else { return Err(refused("an incomplete header")) };
        if header.mask.is_some() {
            return Err(refused("a masked frame"));
        }
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(refused("a frame of an extension that was not agreed on"));
        }
        let kind = match (header.opcode, self.message) {
            (OpCode::Control(_), _) if length > CONTROL_BYTES || !header.is_final => {
                return Err(refused("a control frame that is too long or in parts"));
            }
            (OpCode::Control(_), _) => Kind::Control,
            (OpCode::Data(Data::Continue), Some(kind)) => kind,
            (OpCode::Data(Data::Text), None) => Kind::Text,
            (OpCode::Data(Data::Binary), None) => Kind::Binary,
            _ => return Err(refused("the parts of messages out of order")),
        };
        let control = if kind == Kind::Control { self.header.clone() } else { Vec::new() };
        if kind != Kind::Control {
            self.message = Some(kind);
        }
        self.header.clear();
        self.frame = Some(Frame { kind, is_final: header.is_final, left: length, control });
        Ok(true)
    }
}

/// How long a header is that begins like this, as far as that can be told.
fn header_length(header: &[u8]) -> usize {
    let Some(second) = header.get(1) else { return 2 };
    let length = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    2 + length + mask
}

fn refused(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

#[cfg(test)]
mod tests {
    use tungstenite::Bytes;
    use tungstenite::protocol::frame::Frame;
    use tungstenite::protocol::frame::coding::Control;

    use super::*;

    fn frame(payload: &[u8], opcode: OpCode, is_final: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let header = FrameHeader { is_final, opcode, ..FrameHeader::default() };
        let frame = Frame::from_payload(header, Bytes::copy_from_slice(payload));
        frame.format(&mut bytes).expect("memory");
        bytes
    }

    /// The messages and control frames in the bytes, read in chunks of a size.
    fn decode(bytes: &[u8], chunk: usize) -> io::Result<Vec<String>> {
        let (mut decoder, mut out, mut message) = (Decoder::default(), Vec::new(), Vec::new());
        for mut chunk in bytes.chunks(chunk) {
            while let Some(part) = decoder.next(&mut chunk)? {
                match part {
                    Part::Text(piece) => message.extend_from_slice(piece),
                    Part::End => out.push(String::from_utf8(std::mem::take(&mut message)).expect("UTF-8")),
                    Part::Control(frame) => out.push(format!("control {}", frame.len())),
                }
            }
        }
        Ok(out)
    }

    #[test]
    fn messages_and_control_frames_are_told_apart_however_they_are_cut() {
        let (text, next) = (OpCode::Data(Data::Text), OpCode::Data(Data::Continue));
        let long = "x".repeat(70_000);
        let bytes = [
            frame(b"one", text, true),
            frame(b"t", text, false),
            frame(b"there?", OpCode::Control(Control::Ping), true),
            frame(b"w", next, false),
            frame(b"o", next, true),
            frame(b"\xff\xff", OpCode::Data(Data::Binary), false),
            frame(b"\xff", next, true),
            frame(b"", text, true),
            frame("y".repeat(300).as_bytes(), text, true),
            frame(long.as_bytes(), text, true),
            frame(b"", OpCode::Control(Control::Close), true),
        ]
        .concat();
        let expected = ["one", "control 8", "two", "", &"y".repeat(300), &long, "control 2"];
        for chunk in [1, 2, 3, 7, 1000, bytes.len()] {
            assert_eq!(decode(&bytes, chunk).expect("frames"), expected, "{chunk}");
        }
    }

    #[test]
    fn what_no_server_may_send_is_refused() {
        let (text, next) = (OpCode::Data(Data::Text), OpCode::Data(Data::Continue));
        let ping = OpCode::Control(Control::Ping);
        for (bytes, word) in [
            (frame(b"x", next, true), "out of order"),
            ([frame(b"x", text, false), frame(b"y", text, true)].concat(), "out of order"),
            (frame(b"x", ping, false), "control frame"),
            (frame(&[0; 126], ping, true), "control frame"),
            (vec![0x81, 0x81, 1, 2, 3, 4, 5], "masked"),
            (vec![0xc1, 1, 5], "extension"),
            (vec![0x83, 0], "opcode"),
        ] {
            let error = decode(&bytes, 1).expect_err(word).to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
