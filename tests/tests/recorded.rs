//! Recorded traffic of the real codex: every line decodes and comes back as the same message.

use std::fs::File;
use std::io::BufReader;

use codex_appserver_record::Reader;
use codex_appserver_shapes::CODEX_VERSION;
use codex_appserver_tests::repo;
use codex_appserver_trace::{Checker, Report};

/// What the trace checker says of every recording.
fn report() -> Report {
    let mut report = Report::new(100);
    let folder = std::fs::read_dir(repo::fixture("recorded")).expect("the folder is there");
    let mut paths: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        report.file(&path.file_stem().expect("a name").to_string_lossy());
        let mut checker = Checker::new();
        for (number, entry) in Reader::new(BufReader::new(File::open(&path).expect("it opens"))) {
            let entry = entry.unwrap_or_else(|error| panic!("{}:{number}: {error}", path.display()));
            report.line(number, checker.entry(&entry));
        }
    }
    report
}

#[test]
fn every_line_round_trips() {
    let report = report();
    let problems: Vec<String> = report
        .problems
        .iter()
        .map(|problem| format!("{} {}: {}: {}", problem.file, problem.method, problem.path, problem.message))
        .collect();
    // What the client of that session gets wrong on purpose.
    assert_eq!(
        problems,
        [
            "invalid-params thread/read: params: missing field `threadId`",
            "invalid-params thread/list: params.limit: invalid type: string \"five\", expected u32",
        ],
        "{report}"
    );
    assert_eq!(report.totals.unmatched, 0, "{report}");
    assert!(report.totals.decoded > 1000, "{report}");
    assert!(report.files.iter().all(|file| file.codex_versions == [CODEX_VERSION]), "{:?}", report.files);
}

/// With everything compiled nothing is unknown but what was asked for, so a new member of the server shows
/// when the recordings are renewed.
#[cfg(feature = "experimental")]
#[test]
fn what_is_unknown_is_known_here() {
    let report = report();
    let unknown: Vec<&str> =
        report.methods.iter().filter(|row| row.counts.unknown > 0).map(|row| row.method.as_str()).collect();
    assert_eq!(unknown, ["no/suchMethod", "no/suchMethod"]);
    let passthrough = "params.item.internal_chat_message_metadata_passthrough";
    let members: Vec<&str> = report.unknown_members.keys().map(String::as_str).collect();
    let of_the_item =
        |name: &str| format!("server notification rawResponseItem/completed: {passthrough}.{name}");
    assert_eq!(
        members,
        [
            "client request thread/list: params.unheardOf",
            &of_the_item("content_item_kinds"),
            &of_the_item("content_item_metadata"),
            &of_the_item("create_time"),
        ]
    );
    assert_eq!(report.unknown_values.len(), 0, "{report}");
}
