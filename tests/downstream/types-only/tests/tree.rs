//! What the types alone take along.

use std::process::Command;

#[test]
fn the_types_take_along_the_protocol_and_nothing_else() {
    let direct = tree("1");
    assert_eq!(direct, ["codex-appserver", "codex-appserver-methods", "serde_json", "thiserror"]);
    let all = tree("100");
    let ours: Vec<&str> = all.iter().filter_map(|name| name.strip_prefix("codex-appserver-")).collect();
    assert_eq!(ours, ["enums", "methods", "notifications", "requests", "types", "wire"]);
    // What runs code on its own, or wants a system, is not for a browser.
    for heavy in ["tokio", "tracing", "schemars", "tungstenite", "libc", "getrandom"] {
        assert!(!all.iter().any(|name| name == heavy), "{heavy} is among {all:?}");
    }
}

/// The names of what the SDK depends on, itself included.
fn tree(depth: &str) -> Vec<String> {
    let output = Command::new(std::env::var_os("CARGO").expect("cargo runs this"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}", "--no-dedupe"])
        .args(["-e", "normal", "-p", "codex-appserver", "--depth", depth])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("names");
    let mut names: Vec<String> =
        lines.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}
