//! Whatever a peer sends: an answer or an error, never a panic, an overflow or work without end.
//!
//! Sizes are chosen so that anything quadratic would not come to an end.

use std::fmt::Debug;

use codex_appserver_notifications::{ClientNotification, ServerNotification};
use codex_appserver_requests::{ClientRequest, ServerRequest, ThreadStartResponse};
use codex_appserver_tests::{protocol, repo};
use codex_appserver_types::{CodexErrorInfo, McpElicitationPrimitiveSchema, ThreadItem};
use codex_appserver_wire::{
    DecodeError, Deserialize, ErrorEnvelope, JsonRpcMessage, LineBuffer, LineError, NotificationEnvelope,
    RequestEnvelope, RequestId, ResponseEnvelope, Serialize, decode, decode_bytes, encode,
};
use proptest::prelude::*;
use serde_json::Value;

/// A door into the codecs: what it makes of a text, encoded again.
type Door = fn(&[u8]) -> Result<String, DecodeError>;

fn door<T: for<'de> Deserialize<'de> + Serialize>(bytes: &[u8]) -> Result<String, DecodeError> {
    decode_bytes::<T>(bytes).map(|value| encode(&value).expect("what was read from JSON is written as JSON"))
}

const DOORS: &[(&str, Door)] = &[
    ("client requests", door::<RequestEnvelope<ClientRequest>>),
    ("server requests", door::<RequestEnvelope<ServerRequest>>),
    ("server notifications", door::<NotificationEnvelope<ServerNotification>>),
    ("client notifications", door::<NotificationEnvelope<ClientNotification>>),
    ("messages without their envelope", door::<ServerNotification>),
    ("any message", door::<JsonRpcMessage>),
    ("answers", door::<ResponseEnvelope<ThreadStartResponse>>),
    ("raw answers", door::<ResponseEnvelope<Value>>),
    ("errors", door::<ErrorEnvelope>),
    ("ids", door::<RequestId>),
    ("tagged unions", door::<ThreadItem>),
    ("unions of strings and objects", door::<CodexErrorInfo>),
    ("unions without a tag", door::<McpElicitationPrimitiveSchema>),
];

/// Sends bytes through every door. What comes out is JSON, comes out the same a second time, and was made
/// of JSON: serde_json is the judge.
fn through_all_doors(bytes: &[u8]) {
    for (name, door) in DOORS {
        match door(bytes) {
            Ok(written) => {
                assert!(is_json(bytes), "{name} take what is no JSON: {}", String::from_utf8_lossy(bytes));
                // serde_json takes an object that begins with this member for raw text, and what is kept is
                // written with its members sorted: a peer that sends it may get an error the second time.
                if written.contains("$serde_json::private::RawValue") {
                    continue;
                }
                let again =
                    door(written.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}: {written}"));
                assert_eq!(again, written, "{name}");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// Judged without building values, so that depth and numbers do not matter.
fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
}

/// Lines of real traffic, and messages of every method.
fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    for name in ["chat", "approval-accept", "file-change", "threads", "errors"] {
        let text =
            std::fs::read_to_string(repo::fixture(&format!("recorded/{name}.jsonl"))).expect("it is there");
        let rows = codex_appserver_tests::sessions::trace::read(&text).expect("a trace").1;
        lines.extend(rows.into_iter().map(|row| row.line).filter(|line| line.len() < 4000));
    }
    lines.extend(protocol::pinned().vectors().into_iter().map(|vector| vector.value.to_string()).step_by(7));
    lines
}

fn samples() -> &'static [String] {
    static LINES: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    LINES.get_or_init(lines)
}

/// A line with a few things done to it.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = prop_oneof![
        (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (any::<prop::sample::Index>(), "[\\[\\]{}\",:0-9eE.+\\\\-]{1,3}")
            .prop_map(|(at, text)| Edit::Insert(at, text)),
        (any::<prop::sample::Index>(), 1usize..20).prop_map(|(at, length)| Edit::Cut(at, length)),
        any::<prop::sample::Index>().prop_map(Edit::Truncate),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>())
            .prop_map(|(at, line)| Edit::Splice(at, line)),
    ];
    (any::<prop::sample::Index>(), prop::collection::vec(edit, 1..4)).prop_map(|(line, edits)| {
        let mut bytes = line.get(samples()).clone().into_bytes();
        edits.into_iter().for_each(|edit| edit.apply(&mut bytes));
        bytes
    })
}

#[derive(Clone, Debug)]
enum Edit {
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, String),
    Cut(prop::sample::Index, usize),
    Truncate(prop::sample::Index),
    Splice(prop::sample::Index, prop::sample::Index),
}

impl Edit {
    fn apply(self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Set(at, byte) => *at.get_mut(bytes) = byte,
            Self::Insert(at, text) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, text.into_bytes());
            }
            Self::Cut(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Self::Truncate(at) => bytes.truncate(at.index(bytes.len())),
            Self::Splice(at, line) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, line.get(samples()).bytes());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        through_all_doors(&bytes);
    }

    #[test]
    fn real_lines_with_something_broken(bytes in mutated()) {
        through_all_doors(&bytes);
    }

    #[test]
    fn random_json(value in json()) {
        through_all_doors(value.to_string().as_bytes());
        let message = format!(r#"{{"params":{value},"method":"item/completed","id":1}}"#);
        through_all_doors(message.as_bytes());
    }

    #[test]
    fn lines_come_out_whatever_the_chunks(text in "[a-z\n\r€]{0,200}", sizes in prop::collection::vec(1usize..9, 1..80)) {
        let whole: Vec<&str> = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
        let mut buffer = LineBuffer::new(1000);
        let (mut seen, mut rest) = (Vec::new(), text.as_bytes());
        for size in sizes.iter().cycle().take(1 + text.len()) {
            let (chunk, more) = rest.split_at((*size).min(rest.len()));
            rest = more;
            buffer.push(chunk);
            while let Some(line) = buffer.next_line() {
                seen.push(line.expect("UTF-8 within the limit").to_owned());
            }
        }
        seen.extend(buffer.finish().map(|line| line.expect("UTF-8 within the limit").to_owned()));
        if whole.last() == Some(&"") && !text.ends_with('\r') {
            prop_assert_eq!(seen, &whole[..whole.len() - 1]);
        } else {
            prop_assert_eq!(seen, whole);
        }
    }
}

/// JSON that likes the members that mean something.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec!["agentMessage", "item/completed", "text", "completed", "", "\u{0}é"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        let name = prop::sample::select(vec![
            "method",
            "params",
            "id",
            "type",
            "item",
            "threadId",
            "turnId",
            "text",
            "content",
            "error",
            "result",
            "code",
            "message",
            "$serde_json::private::RawValue",
            "new",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name.prop_map(str::to_owned), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn every_line_cut_off_anywhere() {
    for line in samples().iter().filter(|line| line.len() < 600).step_by(5) {
        for end in (0..line.len()).step_by(3) {
            for (name, door) in DOORS.iter().filter(|(name, _)| !name.contains("ids")) {
                let error = door(&line.as_bytes()[..end]).expect_err(name);
                assert!(!error.message().is_empty());
            }
        }
    }
}

/// Depth is an error, or skipped where nobody looks: also on a thread with little stack.
#[test]
fn deep_json() {
    let shapes: [(&str, &str); 4] =
        [("[", "]"), ("{\"a\":", "}"), ("{\"items\":[", "]}"), ("[{\"type\":", "}]")];
    let places = [
        "DEEP",
        r#"{"method":"DEEP","params":{}}"#,
        r#"{"method":"item/completed","params":DEEP}"#,
        r#"{"params":DEEP,"method":"item/completed"}"#,
        r#"{"method":"no/such","params":DEEP}"#,
        r#"{"method":"no/such","new":DEEP}"#,
        r#"{"method":"item/completed","params":{"item":{"type":"agentMessage","id":"a","text":DEEP}}}"#,
        r#"{"method":"item/completed","params":{"item":{"new":DEEP,"type":"agentMessage"}}}"#,
        r#"{"type":"hologram","new":DEEP}"#,
        r#"{"type":"array","items":DEEP}"#,
        r#"{"newArm":DEEP}"#,
        r#"{"id":1,"result":DEEP}"#,
        r#"{"id":DEEP,"result":1}"#,
        r#"{"id":1,"error":{"code":1,"message":"m","data":DEEP}}"#,
    ];
    let run = move || {
        for depth in [126, 127, 128, 10_000] {
            for (open, close) in shapes {
                let deep = format!("{}0{}", open.repeat(depth), close.repeat(depth));
                for place in places {
                    through_all_doors(place.replace("DEEP", &deep).as_bytes());
                    // Unclosed as well.
                    through_all_doors(place.split("DEEP").next().unwrap_or_default().as_bytes());
                    through_all_doors(place.replace("DEEP", &open.repeat(depth)).as_bytes());
                }
            }
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(run).expect("a thread");
    thread.join().expect("no panic, no overflow");
}

#[test]
fn huge_numbers() {
    let digits = "9".repeat(100_000);
    let numbers =
        ["1e400", "-1e400", "1e-400", &digits, "18446744073709551616", "-9223372036854775809", "0.1e1", "-0"];
    for number in numbers {
        for place in [
            r#"{"method":"turn/started","params":{"turn":{"id":"a","items":[],"status":"completed","startedAt":N}}}"#,
            r#"{"method":"x","id":N}"#,
            r#"{"method":"no/such","params":[N]}"#,
            r#"{"method":"turn/started","params":{},"emittedAtMs":N}"#,
            r#"{"error":{"code":N,"message":"m"},"id":1}"#,
            r#"{"type":"number","maximum":N}"#,
        ] {
            through_all_doors(place.replace('N', number).as_bytes());
        }
    }
    // An integer beyond its type is an error, not another number.
    let error = decode::<RequestId>("9223372036854775808").expect_err("no i64");
    assert_eq!(
        error.message(),
        "invalid value: integer `9223372036854775808`, expected a request id (string or 64-bit integer)"
    );
}

#[test]
fn lone_surrogates_are_errors_and_pairs_are_not() {
    for text in [r#""\ud800""#, r#""\udc00 a""#, r#""\ud800\u0041""#] {
        for place in [
            r#"{"method":S,"params":{}}"#,
            r#"{"method":"warning","params":{"message":S}}"#,
            r#"{"params":{"message":S},"method":"warning"}"#,
            r#"{"method":"no/such","params":{"a":S}}"#,
            r#"{"method":"no/such","params":{S:1}}"#,
            r#"{"id":S,"result":1}"#,
            r#"{"type":"hologram","text":S}"#,
        ] {
            through_all_doors(place.replace('S', text).as_bytes());
        }
        let line = format!(r#"{{"method":"warning","params":{{"message":{text}}}}}"#);
        let error = ServerNotification::decode(&line).expect_err("no text");
        assert!(error.message().contains("not valid JSON"), "{error}");
    }
    let pair = ServerNotification::decode(r#"{"method":"warning","params":{"message":"\ud83d\ude00"}}"#);
    assert!(
        matches!(pair.expect("a pair").notification, ServerNotification::Warning(warning) if warning.message == "\u{1F600}")
    );
}

/// Each is a megabyte or more; nothing may look at all of it for each of its parts.
#[test]
fn large_messages() {
    const MANY: usize = 50_000;
    let members: String = (0..MANY).map(|index| format!("\"k{index}\":{index},")).collect();
    let same: String = "\"id\":1,".repeat(MANY);
    let items = format!("[{}1]", "{},".repeat(MANY));
    let escapes = r"\u0041\n".repeat(MANY);
    for text in [
        format!(r#"{{{members}"method":"item/completed","params":{{}}}}"#),
        format!(r#"{{{same}"method":"x"}}"#),
        format!(r#"{{"method":"no/such","params":{{{members}"a":1}}}}"#),
        format!(r#"{{"params":{{{members}"a":1}},"method":"item/completed"}}"#),
        format!(r#"{{{members}"type":"agentMessage","id":"a","text":5}}"#),
        format!(r#"{{{members}"type":"array","items":{{}}}}"#),
        format!(r#"{{{members}"httpConnectionFailed":{{}}}}"#),
        format!(r#"{{"method":"item/completed","params":{items}}}"#),
        format!(r#"{{"params":{items},"method":"item/completed"}}"#),
        format!(r#"{{"method":"warning","params":{{"message":"{escapes}"}}}}"#),
        format!(r#"{{"method":"warning","params":{{"{escapes}":1,"message":5}}}}"#),
        "\n".repeat(10 * MANY),
    ] {
        for (_, door) in DOORS {
            let _ = door(text.as_bytes());
        }
    }
}

#[test]
fn a_line_of_100_mb_is_refused_by_the_limit_and_the_next_is_read() {
    let mut buffer = LineBuffer::new(1 << 20);
    let chunk = vec![b'x'; 1 << 16];
    let mut seen = Vec::new();
    for _ in 0..100 * 16 {
        buffer.push(&chunk);
        while let Some(line) = buffer.next_line() {
            seen.push(line.map(str::to_owned));
        }
    }
    buffer.push(b"\n{\"method\":\"initialized\"}\n");
    while let Some(line) = buffer.next_line() {
        seen.push(line.map(str::to_owned));
    }
    let next = Ok("{\"method\":\"initialized\"}".to_owned());
    let head = "x".repeat(256).into();
    assert_eq!(seen, [Err(LineError::TooLong { limit: 1 << 20, head }), next]);
}

/// The same through every route that serde has.
#[test]
fn text_bytes_reader_and_value_agree() {
    fn result<T: Serialize, E: Debug>(decoded: Result<T, E>) -> Option<Value> {
        decoded.ok().map(|value| serde_json::to_value(&value).expect("it encodes"))
    }
    type Envelope = NotificationEnvelope<ServerNotification>;
    let mut seen = 0;
    for line in samples().iter().filter(|line| line.contains("\"method\"")) {
        let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
        let text = result(serde_json::from_str::<Envelope>(line));
        seen += usize::from(text.is_some());
        assert_eq!(text, result(serde_json::from_slice::<Envelope>(line.as_bytes())), "{line}");
        assert_eq!(text, result(serde_json::from_reader::<_, Envelope>(line.as_bytes())), "{line}");
        assert_eq!(text, result(serde_json::from_value::<Envelope>(value)), "{line}");
    }
    assert!(seen > 50, "{seen}");
}
