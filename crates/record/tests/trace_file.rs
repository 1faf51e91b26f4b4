//! The trace file format: what is written is read again, and what is broken concerns one line.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use codex_appserver_record::{Content, Direction, Entry, Header, ReadError, Reader, Row, Writer};
use proptest::prelude::*;

fn read(text: impl AsRef<[u8]>) -> Vec<(u64, Result<Entry, ReadError>)> {
    Reader::new(Cursor::new(text.as_ref().to_vec())).collect()
}

fn entry(line: &str) -> Entry {
    let mut entries = read(line);
    assert_eq!(entries.len(), 1, "{line}");
    entries.remove(0).1.unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn error(line: impl AsRef<[u8]>) -> String {
    let mut entries = read(line);
    assert_eq!(entries.len(), 1);
    entries.remove(0).1.expect_err("an error").to_string()
}

fn row(dir: Direction, line: &str) -> Row {
    Row { t: None, conn: None, dir, content: Content::Line(line.into()) }
}

#[test]
fn what_is_written_looks_like_this() {
    let mut writer = Writer::new(Vec::new());
    writer.header(&Header { v: 1, codex: Some("0.150.0".into()) }).unwrap();
    writer.header(&Header { v: 1, codex: None }).unwrap();
    writer.row(&Row { t: Some(0.000213), ..row(Direction::ClientToServer, "{\"id\":1}\r") }).unwrap();
    let content = Content::Bytes(vec![0xff]);
    let bytes = Row { t: None, conn: Some("a\"b".into()), dir: Direction::ServerToClient, content };
    writer.row(&bytes).unwrap();
    writer.row_without_eol(&row(Direction::ServerToClient, "é")).unwrap();
    let expected = r#"{"v":1,"codex":"0.150.0"}
{"v":1}
{"t":0.000213,"dir":"c2s","line":"{\"id\":1}\r"}
{"conn":"a\"b","dir":"s2c","b64":"/w=="}
{"dir":"s2c","line":"é","eol":false}
"#;
    assert_eq!(String::from_utf8(writer.into_inner()).unwrap(), expected);
    assert!(read(expected).iter().all(|(_, entry)| entry.is_ok()));
}

#[test]
fn rows_headers_and_bare_messages_are_told_apart() {
    let bare = |line: &str| assert_eq!(entry(line), Entry::Bare(line.trim().to_owned()), "{line}");
    bare(r#"{"method":"initialized"}"#);
    bare(r#"{"id":1,"result":{"dir":"c2s","line":"x","v":1}}"#);
    bare(r#"{"dir":"c2s"}"#);
    bare(r#"{"line":"x"}"#);
    bare(r#"{"v":"text"}"#);
    bare(r#"{"id":1,"v":1}"#);
    bare("{}");
    bare(r#"  {"t":"soon","t":null,"conn":5,"method":"x"}  "#);
    assert_eq!(entry(r#"{"v":2,"more":[]}"#), Entry::Header(Header { v: 2, codex: None }));
    assert_eq!(entry(r#"{"v":1,"codex":null}"#), Entry::Header(Header { v: 1, codex: None }));
    let line = r#"{"more":{},"line":"x","eol":false,"conn":null,"d\u0069r":"s2c","t":null,"v":1}"#;
    assert_eq!(entry(line), Entry::Row(row(Direction::ServerToClient, "x")));
}

#[test]
fn errors_name_the_member() {
    assert!(error(r#"{"dir":"up","line":"x"}"#).contains("`dir` of a row: `up` is no direction"));
    assert!(error(r#"{"dir":"c2s","line":5}"#).contains("`line` of a row"));
    assert!(error(r#"{"dir":"c2s","b64":"*"}"#).contains("`b64` of a row"));
    assert!(error(r#"{"dir":"c2s","line":"x","t":"1"}"#).contains("`t` of a row"));
    assert!(error(r#"{"dir":"c2s","line":"x","t":1e999}"#).contains("`t` of a row"));
    assert!(error(r#"{"dir":"c2s","line":"x","conn":1}"#).contains("`conn` of a row"));
    assert!(error(r#"{"v":1.5}"#).contains("`v` of a header"));
    assert!(error(r#"{"v":1,"codex":169}"#).contains("`codex` of a header"));
    for line in ["[]", "5", "null", "{", "{}{}", "text"] {
        assert!(error(line).contains("no JSON object"), "{line}");
    }
    assert!(error(b"{\"a\":\"\xff\"}").contains("not UTF-8"));
}

#[test]
fn a_bad_line_is_one_bad_line() {
    let text = b"{\"v\":1}\n\n  \r\nnonsense\n\xff\n{\"id\":1}\n{\"dir\":\"c2s\",\"line\":\"x\"}";
    let entries = read(text);
    let numbers: Vec<(u64, bool)> = entries.iter().map(|(number, entry)| (*number, entry.is_ok())).collect();
    assert_eq!(numbers, [(1, true), (4, false), (5, false), (6, true), (7, true)]);
}

#[test]
fn a_message_nested_deeper_than_serde_json_builds() {
    let line = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(entry(&line), Entry::Bare(line.clone()));
}

/// Gives `x` without end, then a line.
#[test]
fn a_line_beyond_the_limit_is_skipped() {
    let long = io::repeat(b'x').take(5 << 20);
    let file = BufReader::new(long.chain(&b"\n{\"id\":1}\n"[..]));
    let mut reader = Reader::new(file).limit(100);
    assert!(matches!(reader.next(), Some((1, Err(ReadError::TooLong { limit: 100 })))));
    assert!(matches!(reader.next(), Some((2, Ok(Entry::Bare(_))))));
    assert!(reader.next().is_none());
    assert_eq!(reader.bytes_read(), (5 << 20) + 10);

    // The limit itself is allowed, without its end of line.
    let line = format!("{{\"a\":\"{}\"}}", "x".repeat(92));
    let mut reader = Reader::new(Cursor::new(format!("{line}\n {line}"))).limit(100);
    assert!(matches!(reader.next(), Some((1, Ok(_)))));
    assert!(matches!(reader.next(), Some((2, Err(ReadError::TooLong { .. })))));
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

impl BufRead for Broken {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Err(io::Error::other("the disk is gone"))
    }

    fn consume(&mut self, _: usize) {}
}

#[test]
fn a_file_that_does_not_read_ends_the_trace() {
    let mut reader = Reader::new(Cursor::new("{}\n").chain(Broken));
    assert!(matches!(reader.next(), Some((1, Ok(_)))));
    let (number, error) = reader.next().expect("the error");
    assert_eq!(number, 2);
    assert!(error.unwrap_err().to_string().contains("the disk is gone"));
    assert!(reader.next().is_none());
}

fn any_row() -> impl Strategy<Value = Row> {
    let dir = prop_oneof![Just(Direction::ClientToServer), Just(Direction::ServerToClient)];
    let bytes = proptest::collection::vec(any::<u8>(), 0..40);
    // Bytes that are UTF-8 may stand as `b64` as well.
    let content = prop_oneof![
        any::<String>().prop_map(Content::Line),
        "\\PC*".prop_map(Content::Line),
        bytes.prop_map(Content::Bytes)
    ];
    let t = proptest::option::of(any::<f64>().prop_filter("a number", |t| t.is_finite()));
    (t, any::<Option<String>>(), dir, content).prop_map(|(t, conn, dir, content)| Row {
        t,
        conn,
        dir,
        content,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        codex in any::<Option<String>>(),
        rows in proptest::collection::vec((any_row(), any::<bool>()), 0..8),
    ) {
        let header = Header { v: Header::VERSION, codex };
        let mut writer = Writer::new(Vec::new());
        writer.header(&header).unwrap();
        for (row, eol) in &rows {
            if *eol { writer.row(row).unwrap() } else { writer.row_without_eol(row).unwrap() }
        }
        let text = writer.into_inner();
        prop_assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), rows.len() + 1);
        let expected = std::iter::once(Entry::Header(header)).chain(rows.into_iter().map(|(row, _)| Entry::Row(row)));
        let found: Vec<Entry> = read(&text).into_iter().map(|(_, entry)| entry.unwrap()).collect();
        prop_assert_eq!(found, expected.collect::<Vec<_>>());
    }

    #[test]
    fn no_file_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..200), limit in 0usize..50) {
        let length = text.len() as u64;
        let mut reader = Reader::new(Cursor::new(text)).limit(limit);
        while reader.next().is_some() {}
        prop_assert_eq!(reader.bytes_read(), length);
    }
}
