//! Feeds bytes to every entry point of the codecs, and to `LineBuffer` in chunks.
#![no_main]

use codex_appserver_notifications::{ClientNotification, ServerNotification};
use codex_appserver_requests::{ClientRequest, ServerRequest, ThreadStartResponse};
use codex_appserver_types::{CodexErrorInfo, McpElicitationPrimitiveSchema, ThreadItem};
use codex_appserver_wire::{
    DecodeError, Deserialize, ErrorEnvelope, JsonRpcMessage, LineBuffer, LineError, NotificationEnvelope,
    RequestEnvelope, RequestId, ResponseEnvelope, Serialize, decode_bytes, encode,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    codecs(bytes);
    line_buffer(bytes);
});

/// Decodes bytes as one type, and encodes the value again.
type Codec = fn(&[u8]) -> Result<String, DecodeError>;

fn codec<T: for<'de> Deserialize<'de> + Serialize>(bytes: &[u8]) -> Result<String, DecodeError> {
    decode_bytes::<T>(bytes).map(|value| encode(&value).expect("a decoded value encodes"))
}

/// The same entry points as `DOORS` in `tests/tests/hostile.rs`.
const CODECS: &[(&str, Codec)] = &[
    ("client request", codec::<RequestEnvelope<ClientRequest>>),
    ("server request", codec::<RequestEnvelope<ServerRequest>>),
    ("server notification", codec::<NotificationEnvelope<ServerNotification>>),
    ("client notification", codec::<NotificationEnvelope<ClientNotification>>),
    ("server notification without its envelope", codec::<ServerNotification>),
    ("any message", codec::<JsonRpcMessage>),
    ("typed response", codec::<ResponseEnvelope<ThreadStartResponse>>),
    ("untyped response", codec::<ResponseEnvelope<Value>>),
    ("error", codec::<ErrorEnvelope>),
    ("request id", codec::<RequestId>),
    ("tagged union", codec::<ThreadItem>),
    ("union of strings and objects", codec::<CodexErrorInfo>),
    ("union without a tag", codec::<McpElicitationPrimitiveSchema>),
];

/// Whatever decodes is JSON, and its encoded form decodes and encodes to itself.
fn codecs(bytes: &[u8]) {
    for (name, codec) in CODECS {
        match codec(bytes) {
            Ok(encoded) => {
                assert!(is_json(bytes), "{name}: decoded what is not JSON");
                // serde_json reads an object with this member as raw text and sorts the members of the others when it
                // writes them, so the second attempt can fail.
                if encoded.contains("$serde_json::private::RawValue") {
                    continue;
                }
                let again = codec(encoded.as_bytes());
                assert_eq!(again.as_ref(), Ok(&encoded), "{name}: the encoded form changed");
            }
            Err(error) => assert!(!error.to_string().is_empty(), "{name}: an error without a text"),
        }
    }
}

/// Builds no value, so that neither depth nor the size of a number matters.
fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

type Line = Result<String, LineError>;

/// The lines do not depend on the chunks, and are those of a split on `\n`.
fn line_buffer(bytes: &[u8]) {
    let Some((&limit, bytes)) = bytes.split_first() else { return };
    let limit = usize::from(limit);
    let lines = lines_of_chunks(bytes, limit);

    let mut whole = LineBuffer::new(limit);
    whole.push(bytes);
    let mut lines_of_whole = Vec::new();
    take(&mut whole, usize::MAX, &mut lines_of_whole);
    lines_of_whole.extend(whole.finish().map(owned));
    assert_eq!(lines, lines_of_whole, "the chunks matter");

    let mut expected: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    // Nothing follows the last line break.
    expected.pop_if(|last| last.is_empty());
    assert_eq!(lines.len(), expected.len());
    for (line, expected) in lines.iter().zip(expected) {
        let expected = expected.strip_suffix(b"\r").unwrap_or(expected);
        match line {
            Ok(line) => assert!(line.as_bytes() == expected && line.len() <= limit, "{line:?}"),
            Err(LineError::TooLong { limit: named, head }) => {
                assert!(expected.len() > limit && *named == limit, "{line:?}");
                assert_head(head, expected);
            }
            Err(LineError::NotUtf8 { head, source }) => {
                assert!(expected.len() <= limit, "{line:?}");
                assert_eq!(std::str::from_utf8(expected), Err(*source));
                assert_head(head, expected);
            }
            Err(other) => panic!("an unknown error: {other}"),
        }
    }
}

/// Pushes chunks whose first byte decides how long the chunk is, and how many lines are taken after it.
fn lines_of_chunks(mut bytes: &[u8], limit: usize) -> Vec<Line> {
    let mut buffer = LineBuffer::new(limit);
    let mut lines = Vec::new();
    while let Some(&first) = bytes.first() {
        let (chunk, rest) = bytes.split_at(bytes.len().min(1 + usize::from(first % 16)));
        buffer.push(chunk);
        take(&mut buffer, usize::from(first / 16), &mut lines);
        bytes = rest;
    }
    take(&mut buffer, usize::MAX, &mut lines);
    lines.extend(buffer.finish().map(owned));
    lines
}

/// Takes at most so many lines.
fn take(buffer: &mut LineBuffer, most: usize, lines: &mut Vec<Line>) {
    for _ in 0..most {
        let Some(line) = buffer.next_line() else { break };
        lines.push(owned(line));
    }
}

fn owned(line: Result<&str, LineError>) -> Line {
    line.map(str::to_owned)
}

/// The head of a refused line is how the line begins. It may be cut within bytes that are not UTF-8, which more than one
/// character then stands for.
fn assert_head(head: &str, line: &[u8]) {
    let head = head.trim_end_matches(char::REPLACEMENT_CHARACTER);
    assert!(String::from_utf8_lossy(line).starts_with(head), "{head:?} does not begin {line:?}");
}
