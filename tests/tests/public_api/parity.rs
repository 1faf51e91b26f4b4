//! The SDK for tasks and the one for threads, item by item: what differs beyond `async` is in the two lists here.

use std::collections::BTreeSet;

use regex::Regex;

/// An item that both have, and how its line for tasks reads for threads.
pub struct Difference {
    pub item: &'static str,
    pub tasks: &'static str,
    pub threads: &'static str,
    pub why: &'static str,
}

/// The items that both have and that differ.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        item: "Approvals::ask",
        tasks: "ask<F, D>(decide: F) -> Self where F: Fn(ApprovalRequest) -> D + Send + Sync + 'static, \
                D: Future<Output = Decision> + Send + 'static",
        threads: "ask(decide: impl Fn(ApprovalRequest) -> Decision + Send + Sync + 'static) -> Self",
        why: "a function that yields a future needs a name for it",
    },
    Difference {
        item: "CodexBuilder::attach",
        tasks: "R: tokio::io::AsyncRead + Unpin + Send + 'static, W: tokio::io::AsyncWrite + Unpin + Send",
        threads: "R: Read + Send + 'static, W: Write + Send",
        why: "streams are tokio's, or those of the standard library",
    },
    Difference {
        item: "retry_on_overload",
        tasks: "<T, E, F, O>(policy: client::RetryPolicy, operation: O) -> Result<T, E> where E: Retryable, \
                F: Future<Output = Result<T, E>>, O: FnMut() -> F",
        threads: "<T, E, O>(policy: client::RetryPolicy, operation: O) -> Result<T, E> where E: Retryable, \
                  O: FnMut() -> Result<T, E>",
        why: "a function that yields a future needs a name for it",
    },
];

/// The items that one side alone has, as its line begins once `async` is out of it, and why.
pub const ONLY_ON_ONE_SIDE: &[(Side, &str, &str)] = &[
    (Side::Tasks, "impl futures_core::Stream for TurnStream", "streams are for tasks"),
    (Side::Tasks, "impl futures_core::Stream for ThreadSearchStream", "streams are for tasks"),
    (
        Side::Tasks,
        "pub fn ThreadSearchStream::next(",
        "spares users the trait of `futures`; an iterator has it",
    ),
    (Side::Tasks, "pub fn TurnStream::next(", "spares users the trait of `futures`; an iterator has it"),
    (Side::Threads, "impl Iterator for ThreadSearchStream", "iterators are for threads"),
    (Side::Threads, "impl Iterator for TurnStream", "iterators are for threads"),
    (Side::Threads, "pub fn TurnStream::next_timeout(", "tasks have the timeout of their runtime"),
];

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    /// For tasks: the root of the crate.
    Tasks,
    /// For threads: the module `blocking`.
    Threads,
}

/// What is wrong, a line each.
pub fn complaints(
    listing: &[String],
    differences: &[Difference],
    only: &[(Side, &str, &str)],
) -> Vec<String> {
    let (mut tasks, mut threads) = (BTreeSet::new(), BTreeSet::new());
    let twins: BTreeSet<&str> =
        listing.iter().filter_map(|line| subject(line)).filter_map(threads_name).collect();
    let mut complaints = Vec::new();
    for line in listing {
        let Some(subject) = subject(line) else { continue };
        if threads_name(subject).is_some() {
            threads.insert(neutral(line));
        } else if twins.contains(first_name(subject)) {
            tasks.insert(neutral(line));
        } else if is_for_tasks(line) {
            complaints.push(format!("threads have nothing like this: {line}"));
        }
    }
    for difference in differences {
        let Difference { item, tasks: found, threads: instead, why } = difference;
        let of_item =
            |line: &&String| subject(line).is_some_and(|subject| subject == *item) && line.contains(found);
        match tasks.iter().find(of_item).cloned() {
            Some(line) => {
                tasks.remove(&line);
                tasks.insert(line.replace(found, instead));
            }
            None => complaints.push(format!("{item} is listed to differ ({why}), and does not")),
        }
    }
    for (side, start, why) in only {
        let (here, there) =
            if *side == Side::Tasks { (&mut tasks, &threads) } else { (&mut threads, &tasks) };
        let line = here.iter().find(|line| line.starts_with(start) && !there.contains(*line)).cloned();
        if line.is_none_or(|line| !here.remove(&line)) {
            complaints.push(format!("{start}… is listed for one side ({why}), and is not there alone"));
        }
    }
    complaints.extend(tasks.difference(&threads).map(|line| format!("only for tasks: {line}")));
    complaints.extend(threads.difference(&tasks).map(|line| format!("only for threads: {line}")));
    complaints
}

/// What a line is about: its path in the crate, or that of what implements a trait.
fn subject(line: &str) -> Option<&str> {
    let pattern = r"^(?:#\[\S+\] )*(?:impl.*? for |pub (?:async )?(?:fn |struct |enum |trait |type |const )?)(?:codex_appserver::)?([\w:]*\w)";
    let found = Regex::new(pattern).expect("an expression").captures(line)?;
    Some(found.get(1)?.as_str())
}

/// The name in the module `blocking`, of what is in it.
fn threads_name(subject: &str) -> Option<&str> {
    subject.strip_prefix("blocking::").map(first_name)
}

fn first_name(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

/// A line without what the two sides differ in by their nature: `async`, and whose module a type is of.
fn neutral(line: &str) -> String {
    line.replace("pub async fn", "pub fn").replace("blocking::", "").replace("codex_appserver::", "")
}

/// Whether only tasks can make use of it.
fn is_for_tasks(line: &str) -> bool {
    let types = r"\basync fn\b|\bFuture<|\btokio::|futures_core::|client::(Client|ClientBuilder|Events)\b";
    Regex::new(types).expect("an expression").is_match(line)
}

#[test]
fn a_drift_is_told() {
    let listing: Vec<String> = [
        "pub struct codex_appserver::Turn",
        "pub async fn codex_appserver::Turn::run(&self, seconds: u64)",
        "pub fn codex_appserver::Turn::id(&self) -> &str",
        "impl Clone for codex_appserver::Turn",
        "pub fn codex_appserver::fetch() -> client::Events",
        "pub fn codex_appserver::text()",
        "pub struct codex_appserver::blocking::Turn",
        "pub fn codex_appserver::blocking::Turn::run(&self, seconds: u32)",
        "pub fn codex_appserver::blocking::Turn::id(&self) -> &str",
    ]
    .map(Into::into)
    .into();
    let unused = Difference { item: "Turn::id", tasks: "u8", threads: "u16", why: "sizes" };
    assert_eq!(
        complaints(&listing, &[unused], &[(Side::Threads, "pub fn Turn::id(", "ids")]),
        [
            "threads have nothing like this: pub fn codex_appserver::fetch() -> client::Events",
            "Turn::id is listed to differ (sizes), and does not",
            "pub fn Turn::id(… is listed for one side (ids), and is not there alone",
            "only for tasks: impl Clone for Turn",
            "only for tasks: pub fn Turn::run(&self, seconds: u64)",
            "only for threads: pub fn Turn::run(&self, seconds: u32)",
        ]
    );
    let run = Difference { item: "Turn::run", tasks: "u64", threads: "u32", why: "" };
    let told = complaints(&listing[..4], &[], &[]);
    assert_eq!(told.len(), 1, "without the module nothing is a twin: {told:?}");
    let only = [(Side::Tasks, "impl Clone for Turn", "")];
    assert_eq!(complaints(&listing, &[run], &only).len(), 1, "of `fetch` alone");
}
