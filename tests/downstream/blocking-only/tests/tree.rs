//! What the SDK for threads takes along.

use std::process::Command;

#[test]
fn there_is_no_tokio_in_the_tree() {
    let normal = tree("normal");
    assert!(normal.contains("codex-appserver-client"), "the SDK is another one: {normal}");
    assert!(!normal.contains("tokio") && !normal.contains("futures"), "{normal}");
    assert!(tree("normal,dev").contains("tokio"), "the name is another one");
}

/// What this crate depends on.
fn tree(edges: &str) -> String {
    let output = Command::new(std::env::var_os("CARGO").expect("cargo runs this"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "-e", edges])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("names")
}
