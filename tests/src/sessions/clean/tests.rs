//! What cleaning takes out and what it leaves alone.

use std::path::Path;

use super::{Places, clean};
use crate::sessions::trace::{Direction, Row};

fn rows(lines: &[&str]) -> Vec<Row> {
    let row =
        |line: &&str| Row { seconds: 7.0, direction: Direction::ServerToClient, line: line.to_string() };
    lines.iter().map(row).collect()
}

fn cleaned(lines: &[&str]) -> Vec<String> {
    let mut places = Places::default();
    places.add(Path::new("/var/folders/x1/home"), "/home/user");
    places.add(Path::new("/var/folders/x1/home/deep/work"), "/workspace");
    let once = clean(&rows(lines), &places).expect("it is JSON");
    let twice = clean(&once, &places).expect("it is JSON");
    assert_eq!(once, twice, "a second cleaning changes something");
    once.into_iter().map(|row| row.line).collect()
}

fn one(line: &str) -> String {
    cleaned(&[line]).remove(0)
}

#[test]
fn ids_are_numbered_in_order_of_appearance_wherever_they_stand() {
    let lines = cleaned(&[
        r#"{"id":"01a1fce3-5c5a-7730-9846-0979fffa821f","b":"01a1fce3-5c5a-7730-9846-000000000000"}"#,
        r#"{"path":"/x/rollout-2026-11-21T06-55-21-01a1fce3-5c5a-7730-9846-0979fffa821f.jsonl"}"#,
        r#"{"01a1fce3-5c5a-7730-9846-000000000000":1}"#,
    ]);
    assert_eq!(
        lines,
        [
            r#"{"id":"00000000-0000-7000-8000-000000000001","b":"00000000-0000-7000-8000-000000000002"}"#,
            r#"{"path":"/x/rollout-2027-01-15T08-00-00-00000000-0000-7000-8000-000000000001.jsonl"}"#,
            r#"{"00000000-0000-7000-8000-000000000002":1}"#,
        ]
    );
}

#[test]
fn places_have_the_longest_name_that_fits() {
    let line = one(r#"{"cwd":"/var/folders/x1/home/deep/work/a.txt","home":"/var/folders/x1/home/.codex"}"#);
    assert_eq!(line, r#"{"cwd":"/workspace/a.txt","home":"/home/user/.codex"}"#);
}

#[test]
fn times_become_one_moment_and_keep_their_type() {
    let line = one(
        r#"{"startedAt":1795244121,"completedAtMs":1795244121171,"createdAtMs":0,"durationMs":1234,"n":42,"nul":null,"create_time":1795245457.97025,"cursor":"{\"at\":1795244121,\"ms\":1795244121171}","iso":"2026-11-21T06:55:21.142794Z","day":"sessions/2026/11/21"}"#,
    );
    assert_eq!(
        line,
        r#"{"startedAt":1800000000,"completedAtMs":1800000000000,"createdAtMs":0,"durationMs":5,"n":42,"nul":null,"create_time":1800000000.0,"cursor":"{\"at\":1800000000,\"ms\":1800000000000}","iso":"2027-01-15T08:00:00Z","day":"sessions/2027/01/15"}"#
    );
}

#[test]
fn rows_have_a_time_of_their_own() {
    let line = r#"{"method":"x","emittedAtMs":1795244121171}"#;
    let rows = clean(&rows(&[line, line]), &Places::default()).expect("it is JSON");
    assert_eq!(rows[1].line, r#"{"method":"x","emittedAtMs":1800000000010}"#);
    assert_eq!((rows[0].seconds, rows[1].seconds), (0.0, 0.01));
}

#[test]
fn the_machine_has_no_name() {
    let line = one(
        r#"{"userAgent":"probe/0.150.0 (Debian 12.0.0; x86_64) xterm-256color (probe; 0.1)","serverName":"vm-17","url":"http://127.0.0.1:37271/v1","process":{"id":4723,"residentMemoryBytes":153980928}}"#,
    );
    assert_eq!(
        line,
        r#"{"userAgent":"probe/0.150.0 (Linux 1.0; x86_64) terminal (probe; 0.1)","serverName":"host","url":"http://127.0.0.1:8080/v1","process":{"id":1000,"residentMemoryBytes":100000000}}"#
    );
}

#[test]
fn processes_are_numbered_but_names_of_the_client_stay() {
    let lines = cleaned(&[
        r#"{"processId":"44295"}"#,
        r#"{"processId":"71241","also":{"processId":"44295"}}"#,
        r#"{"processId":"my-process"}"#,
    ]);
    let expected = [
        r#"{"processId":"1001"}"#,
        r#"{"processId":"1002","also":{"processId":"1001"}}"#,
        r#"{"processId":"my-process"}"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn prose_is_cut_and_what_the_model_said_is_not() {
    let long = "word ".repeat(40);
    let sentence = "A sentence of somebody else that has more than forty letters.";
    let delta = |text: &str| {
        format!(r#"{{"method":"item/agentMessage/delta","params":{{"itemId":"m","delta":"{text}"}}}}"#)
    };
    let (first, second) = long.split_at(90);
    let lines = cleaned(&[
        &format!(r#"{{"text":"{long}","description":"{sentence}","note":"{sentence}"}}"#),
        &delta(first),
        &delta(second),
        &format!(r#"{{"text":"{long}"}}"#),
    ]);
    let beginning: String = long.chars().take(40).collect();
    assert_eq!(
        lines[0],
        format!(
            r#"{{"text":"{beginning}…","description":"A sentence of somebody else that has mor…","note":"{sentence}"}}"#
        )
    );
    assert_eq!(lines[3], format!(r#"{{"text":"{long}"}}"#));
}

#[test]
fn maps_are_sorted_and_other_objects_keep_their_order() {
    let line = one(r#"{"z":1,"config":{"b":{"y":1,"x":2},"a":1},"y":2}"#);
    assert_eq!(line, r#"{"z":1,"config":{"a":1,"b":{"y":1,"x":2}},"y":2}"#);
}

#[test]
fn hashes_are_numbered_and_keep_their_length() {
    let (sha1, sha256) = ("0123456789abcdef0123456789abcdef01234567", "f".repeat(64));
    let line = one(&format!(r#"{{"a":"sha256:{sha256}","b":"{sha1}"}}"#));
    let zeros = |count| "0".repeat(count);
    assert_eq!(line, format!(r#"{{"a":"sha256:{}1","b":"{}2"}}"#, zeros(63), zeros(39)));
}
