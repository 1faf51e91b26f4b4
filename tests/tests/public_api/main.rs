//! What users of the SDK see, one line per item: a snapshot for the eyes of a reviewer, and the verbs that each
//! runtime has.

mod listing;

use std::collections::BTreeSet;

use listing::public_api;

/// Shown when the snapshot differs, and at its top.
const ABOUT: &str = "All that crates/codex offers. Where a change is meant: \
                     INSTA_UPDATE=always cargo test -p codex-appserver-tests --test public_api";

#[test]
fn the_public_api_of_the_sdk_is_the_one_that_was_reviewed() {
    let Some(lines) = public_api("the listing of the public API") else { return };
    insta::with_settings!(
        { description => ABOUT, omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../snapshots" },
        { insta::assert_snapshot!("public_api", lines.join("\n")) }
    );
}

/// The methods that wait are written once for each runtime.
#[test]
fn both_runtimes_have_the_same_verbs() {
    let Some(lines) = public_api("the verbs of the runtimes") else { return };
    let verbs = |runtime: &str| -> BTreeSet<String> {
        let of_runtime = format!("<client::{runtime}>::");
        let methods =
            lines.iter().filter(|line| line.starts_with("pub fn") || line.starts_with("pub async fn"));
        let found = methods.filter_map(|line| {
            let (before, after) = line.split_once(&of_runtime)?;
            let (_, name) = before.rsplit_once("::")?;
            let verb = after.split(['(', '<']).next()?;
            Some(format!("{name}::{verb}"))
        });
        found.collect()
    };
    let (tokio, threads) = (verbs("Tokio"), verbs("OsThreads"));
    assert!(tokio.contains("Turn::run"), "{tokio:?}");
    let alone = |these: &BTreeSet<String>, those| these.difference(those).cloned().collect::<Vec<_>>();
    // It spares users the trait of `futures`; the iterator of the other runtime has it.
    assert_eq!(alone(&tokio, &threads), ["ThreadSearchStream::next", "ThreadView::next", "TurnStream::next"]);
    // Tasks have the timeout of their runtime.
    assert_eq!(alone(&threads, &tokio), ["TurnStream::next_timeout"]);
}
