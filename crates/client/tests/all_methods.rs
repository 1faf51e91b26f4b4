//! Every method of the protocol, called on the real codex: all answer, and all that comes back can be decoded.
//!
//! The example does it; this test holds its table against the protocol.

mod programs;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use codex_appserver_shapes::METHODS;
use codex_appserver_shapes::wire::shape::Kind;
use programs::{codex, example};

/// Methods that a server may leave without an answer, and why.
const SILENT: &[(&str, &str)] = &[];

/// Methods that only create, list or read what the sweep made itself: an error means that the call was wrong.
const NEVER_REFUSED: &[&str] = &[
    "thread/start",
    "turn/start",
    "project/create",
    "project/read",
    "threadSection/create",
    "process/spawn",
    "fs/writeFile",
    "fs/readFile",
    "fs/copy",
    "fs/remove",
    "command/exec",
    "config/read",
    "config/value/write",
    "model/list",
    "thread/list",
    "thread/read",
    "thread/turns/list",
    "thread/items/list",
    "thread/timeline/list",
    "thread/name/set",
    "thread/fork",
    "thread/archive",
    "thread/unarchive",
    "process/kill",
    "account/read",
    "account/logout",
];

#[test]
#[cfg_attr(not(feature = "experimental"), ignore = "it needs `--features experimental`")]
fn every_method_answers_what_the_bindings_can_read() {
    let Some(codex) = codex() else { return };
    let output = Command::new(example("all_methods")).arg("--codex").arg(codex).output();
    let output = output.expect("the example runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let all = format!("{text}{}", String::from_utf8_lossy(&output.stderr));

    let rows: Vec<_> = text.lines().filter_map(|line| line.split_once(" | ")).collect();
    let outcomes: BTreeMap<_, _> = rows.iter().copied().collect();
    let requests = METHODS.iter().filter(|method| method.kind == Kind::ClientRequest);
    let protocol: BTreeSet<_> = requests.map(|method| method.name).collect();
    assert_eq!(outcomes.keys().copied().collect::<BTreeSet<_>>(), protocol, "{all}");
    assert_eq!(rows.len(), protocol.len(), "a method was called twice: {all}");

    for (method, outcome) in &outcomes {
        let silent = SILENT.iter().any(|(name, _)| name == method);
        let expected = match *outcome {
            "no answer" => silent,
            "ok" => !silent,
            refused => !silent && refused.starts_with("error -") && !NEVER_REFUSED.contains(method),
        };
        assert!(expected, "{method}: {outcome}");
    }
    // The sweep judges by itself as well: events that cannot be read, methods that one side does not know.
    assert_eq!(output.status.success(), SILENT.is_empty(), "{all}");
}

#[test]
#[cfg_attr(not(feature = "experimental"), ignore = "it needs `--features experimental`")]
fn says_what_it_does() {
    let output = Command::new(example("all_methods")).arg("--help").output().expect("the example runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("--codex") && text.contains("every method"), "{text}");
}

#[test]
#[cfg_attr(not(feature = "experimental"), ignore = "it needs `--features experimental`")]
fn says_that_there_is_no_such_codex() {
    let output = Command::new(example("all_methods")).args(["--codex", "no/such/codex"]).output();
    let output = output.expect("the example runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("no/such/codex"), "{text}");
}
