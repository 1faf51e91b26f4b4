//! What users of the SDK see, one line per item: a snapshot for the eyes of a reviewer, and a comparison of the two
//! halves of it, for tasks and for threads.

mod listing;
mod parity;

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

#[test]
fn tasks_and_threads_are_offered_the_same() {
    let Some(lines) = public_api("the comparison of async and blocking") else { return };
    let complaints = parity::complaints(lines, parity::DIFFERENCES, parity::ONLY_ON_ONE_SIDE);
    assert!(complaints.is_empty(), "async and blocking have drifted apart:\n{}", complaints.join("\n"));
}
