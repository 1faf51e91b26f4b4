//! Makes the listing: rustdoc tells what is public, macros expanded, and `public-api` writes it down.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use codex_appserver_tests::repo::{cargo, root, text};
use public_api::{Builder, PublicItem};
use regex::Regex;

/// The one version of Rust whose JSON is read: its format changes from version to version, and so may the paths in
/// it. It is the lowest one supported, which CI has in any case.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Where rustc found something, and the name that users have for it.
const NAMES: &[(&str, &str)] = &[
    (
        r"codex_appserver_(?:types|enums|requests|notifications)::(?:\w+::)*?(method::)?([A-Z]\w*)",
        "protocol::$1$2",
    ),
    (r"codex_appserver_methods::call::(Call)\b", "$1"),
    (r"codex_appserver_methods::(?:[a-z_]+::)*([A-Z]\w*)", "codex_appserver_methods::$1"),
    (r"codex_appserver_client::(blocking::)?(?:[a-z_]+::)*([A-Z]\w*)", "client::$1$2"),
    (r"codex_appserver_wire::(?:[a-z_]+::)*(RpcError(?:Kind)?)\b", "client::$1"),
    (r"codex_appserver_wire::(?:[a-z_]+::)*(RequestId)\b", "protocol::wire::$1"),
    (r"\b(?:core|alloc|std)::(?:\w+::)*([A-Z]\w*)", "$1"),
    (r"\b(tokio::io|futures_core|serde_json)::[a-z_]+::", "$1::"),
    (r"\bserde_core::", "serde::"),
];

/// Every public item of the SDK with all of its features, a line each; nothing where another Rust than [`RUST`] is
/// at work.
pub fn public_api(test: &str) -> Option<&'static [String]> {
    static LINES: LazyLock<Vec<String>> = LazyLock::new(|| lines(&rustdoc_json()));
    if !is_the_right_rust() {
        eprintln!("SKIPPED {test}: it is made with Rust {RUST}, and this is another one");
        return None;
    }
    Some(&LINES)
}

fn is_the_right_rust() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("rustc runs");
    text(&output).starts_with(&format!("rustc {RUST}."))
}

/// Has rustdoc describe the SDK. In a target folder of its own: the build waits for nobody, and does not make cargo
/// build everything else again because of the variable.
fn rustdoc_json() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("public-api");
    let output = cargo()
        .current_dir(root())
        .args(["rustdoc", "--quiet", "--locked", "--offline", "-p", "codex-appserver", "--lib"])
        .args(["--all-features", "--target-dir"])
        .arg(&target)
        .args(["--", "-Zunstable-options", "--output-format=json", "--cap-lints=allow"])
        // Stable rustdoc has the JSON but keeps it behind an unstable option; this lets it through, for this call.
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTDOCFLAGS")
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "rustdoc cannot describe the SDK: {}", text(&output));
    target.join("doc/codex_appserver.json")
}

fn lines(json: &Path) -> Vec<String> {
    let api = Builder::from_rustdoc_json(json)
        .sorted(true)
        .omit_auto_trait_impls(true)
        .omit_blanket_impls(true)
        .include_function_parameter_names(true)
        .build()
        .expect("`public-api` reads what this rustdoc writes");
    let items: Vec<&PublicItem> = api.items().collect();
    let names: Vec<_> =
        NAMES.iter().map(|(found, name)| (Regex::new(found).expect("an expression"), *name)).collect();
    let shorten = |line: String| {
        names.iter().fold(line, |line, (found, name)| found.replace_all(&line, *name).into_owned())
    };
    // An implementation that is about two types comes with each of them.
    let mut told = HashSet::new();
    let is_new = |item: &&&PublicItem| is_told(item, &items) && told.insert((item.id(), item.to_string()));
    items.iter().filter(is_new).map(|item| shorten(item.to_string())).collect()
}

/// Leaves out what follows from other lines: that there are inherent methods, and what the methods of a trait are.
fn is_told(item: &PublicItem, items: &[&PublicItem]) -> bool {
    let line = item.to_string();
    if line.starts_with("impl") {
        let is_for_a_trait = line.contains(" for ");
        return !line.contains("::StructuralPartialEq ") && (is_for_a_trait || line.starts_with("impl<"));
    }
    let is_of = |parent: &PublicItem| item.parent_id() == Some(parent.id());
    let parent = items.iter().copied().find(|parent| is_of(parent)).map(PublicItem::to_string);
    let is_of_a_trait = parent.is_some_and(|parent| parent.starts_with("impl") && parent.contains(" for "));
    !is_of_a_trait || line.starts_with("pub type ")
}
