//! What users of the SDK see, one line per item: a snapshot for the eyes of a reviewer.

mod listing;

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
