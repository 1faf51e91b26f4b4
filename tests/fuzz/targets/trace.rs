//! Reads bytes as a trace, checks every entry, prints the report, and redacts the same bytes.
#![no_main]

use std::io::BufReader;
use std::path::Path;
use std::sync::LazyLock;

use codex_appserver_record::{Content, Entry, Reader, Redactor, Writer};
use codex_appserver_trace::{Checker, Line, Report};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    read_and_report(bytes);
    redact(bytes);
});

/// Longer lines are refused. Few inputs have one, so the limit is small.
const LIMIT: usize = 1 << 11;

fn read_and_report(bytes: &[u8]) {
    let mut checker = Checker::new();
    let mut report = Report::new(10);
    report.file("trace.jsonl");
    // A small buffer, so that lines span several reads.
    let mut reader = Reader::new(BufReader::with_capacity(64, bytes)).limit(LIMIT);
    let mut last = 0;
    for (number, entry) in reader.by_ref() {
        assert!(number > last, "line {number} follows line {last}");
        last = number;
        let line = match entry {
            Ok(entry) => {
                assert_writes_back(&entry);
                checker.entry(&entry)
            }
            Err(error) => Line::broken(error.to_string()),
        };
        report.line(number, line);
    }
    assert_eq!(reader.bytes_read(), bytes.len() as u64);

    let text = report.to_string();
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "the report steers a terminal: {text:?}");
    serde_json::to_string(&report).expect("a report is JSON");
}

/// A header or a row that was read is written as a line that reads the same.
fn assert_writes_back(entry: &Entry) {
    let mut writer = Writer::new(Vec::new());
    match entry {
        Entry::Header(header) => writer.header(header),
        Entry::Row(row) => writer.row(row),
        Entry::Bare(_) => return,
    }
    .expect("a vector takes all bytes");
    let line = writer.into_inner();
    let (_, again) = Reader::new(line.as_slice()).next().expect("a line was written");
    assert_eq!(&again.expect("the line reads"), entry);
}

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| Redactor::new().home(Path::new("/home/ann")));

/// JSON stays JSON, and redacting twice is redacting once.
fn redact(bytes: &[u8]) {
    REDACTOR.content(Content::from(bytes.to_vec()));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for line in text.lines() {
        let once = REDACTOR.text(line);
        assert!(is_json(&once) || !is_json(line), "{line} became {once}");
        let twice = REDACTOR.text(&once);
        assert_eq!(once, twice, "{line}");
    }
}

/// Builds no value, so that neither depth nor the size of a number matters.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
