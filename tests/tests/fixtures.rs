//! The committed recordings: nothing of a person, a machine or a moment is in them, and they are ours.

#[cfg(feature = "experimental")]
use std::collections::BTreeSet;
use std::path::PathBuf;

use codex_appserver_shapes::CODEX_VERSION;
use codex_appserver_tests::repo;
use codex_appserver_tests::sessions::clean::{Places, clean};
use codex_appserver_tests::sessions::trace::{self, Row};
use regex::Regex;

/// The recordings by name, with their text.
fn recordings() -> Vec<(String, String)> {
    let files = std::fs::read_dir(repo::fixture("recorded")).expect("the folder is there");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("the folder can be read").path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
    let text = |path: &PathBuf| std::fs::read_to_string(path).expect("the recording is text");
    let recordings: Vec<_> = paths.iter().map(|path| (name(path), text(path))).collect();
    assert!(recordings.len() > 10, "most recordings are gone");
    recordings
}

fn rows(name: &str, text: &str) -> Vec<Row> {
    let (codex, rows) = trace::read(text).unwrap_or_else(|error| panic!("{name}: {error:#}"));
    assert_eq!(codex.as_deref(), Some(CODEX_VERSION), "{name}");
    rows
}

/// What may not be in a recording, and what of it may all the same.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("a home folder", r"/(home|Users)/[A-Za-z0-9_.-]+", r"^/home/user$"),
    ("a folder of this machine", r"/(root|var|tmp|private|nix|opt)/[^ ]*", "^$"),
    ("a temporary folder", "codex-testkit-[A-Za-z0-9]+", "^$"),
    ("a Windows path", r"[A-Z]:\\+[A-Za-z]+", "^$"),
    ("an e-mail address", r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+\.[a-z]{2,}", "^$"),
    ("a key", r"\b(sk|ghp|gho|xox[bp])[-_][A-Za-z0-9_-]{8,}", "^$"),
    ("a token", r"\beyJ[A-Za-z0-9_-]{10,}", "^$"),
    ("an address", r"\b[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\b", r"^127\.0\.0\.1$"),
    ("a port", r"(127\.0\.0\.1|localhost):[0-9]+", ":8080$"),
    ("a hash", r"\b[0-9a-f]{32,}\b", "^0{30}"),
    (
        "an id",
        r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
        "^00000000-0000-7000-8000-0",
    ),
    (
        "a moment",
        r"\b1[5-9][0-9]{8}([0-9]{3})?\b|\b20[0-9]{2}[-/][01][0-9][-/][0-3][0-9]",
        "^18000|^2027.01.15",
    ),
    ("a host", r#""serverName":"[^"]*""#, r#":"host"$"#),
    ("a system", r#"\([A-Z][a-z]+ [0-9][^)]*\)"#, "^.Linux 1.0; x86_64.$"),
];

#[test]
fn nothing_private_is_in_a_recording() {
    let rules: Vec<(&str, Regex, Regex)> =
        FORBIDDEN.iter().map(|(what, found, allowed)| (*what, regex(found), regex(allowed))).collect();
    let mut findings = Vec::new();
    for (name, text) in recordings() {
        for (index, row) in rows(&name, &text).iter().enumerate() {
            for (what, found, allowed) in &rules {
                let bad = found.find_iter(&row.line).map(|found| found.as_str());
                let bad = bad.filter(|found| !allowed.is_match(found));
                findings.extend(bad.map(|found| format!("{name}:{}: {what}: {found}", index + 2)));
            }
        }
    }
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is sound")
}

/// The rules above do find what they are there for.
#[test]
fn what_is_private_is_found() {
    for (line, what) in [
        ("/home/mary/x", "a home folder"),
        ("/Users/mary", "a home folder"),
        ("/root/.codex", "a folder of this machine"),
        ("/tmp/abc", "a folder of this machine"),
        ("mary@example.org", "an e-mail address"),
        ("sk-proj-12345678", "a key"),
        ("10.0.0.7", "an address"),
        ("http://127.0.0.1:4711/v1", "a port"),
        ("01a1fce3-5c5a-7730-9846-0979fffa821f", "an id"),
        ("1795244121", "a moment"),
        ("2026-11-21T06:55", "a moment"),
        (r#""serverName":"vm""#, "a host"),
    ] {
        let (_, found, allowed) = FORBIDDEN.iter().find(|(rule, ..)| *rule == what).expect("a rule");
        let found = regex(found).find(line).unwrap_or_else(|| panic!("{line} is not found"));
        assert!(!regex(allowed).is_match(found.as_str()), "{line} is allowed");
    }
}

/// Prose of others is cut, times and ids are in their fixed form: cleaning finds nothing more to do.
#[test]
fn every_recording_is_clean() {
    for (name, text) in recordings() {
        let before = rows(&name, &text);
        let after = clean(&before, &Places::default()).expect("it can be cleaned");
        for (index, (before, after)) in before.iter().zip(&after).enumerate() {
            assert_eq!(before.line, after.line, "{name}: line {} is not clean", index + 2);
        }
    }
}

#[test]
fn recordings_are_small() {
    let sizes: Vec<usize> = recordings().iter().map(|(_, text)| text.len()).collect();
    let sum: usize = sizes.iter().sum();
    assert!(sum < 1_000_000, "the recordings have grown to {sum} bytes");
}

/// Each session has its recording, and each recording its session.
#[cfg(feature = "experimental")]
#[test]
fn sessions_and_recordings_belong_together() {
    let recorded: BTreeSet<String> = recordings().into_iter().map(|(name, _)| name).collect();
    let sessions = codex_appserver_tests::sessions::all();
    let expected: BTreeSet<String> = sessions.iter().map(|session| session.name.to_owned()).collect();
    assert_eq!(expected.len(), sessions.len(), "two sessions have one name");
    assert_eq!(recorded, expected);
}
