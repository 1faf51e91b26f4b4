//! Every codex from 0.99.0 on: generated from canonical files and from raw bundles, and compiled in the full tier.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use codex_appserver_runtime::{Codex, Surface};
use codex_appserver_shapes::CODEX_VERSION;
use codex_appserver_tests::repo::{cargo, fixture, raw_bundle, real_codex, root, text, xtask};

/// Generates crates from a schema into a folder.
fn generate(schema: &str, version: Option<&str>, out: &Path) {
    let mut arguments = vec!["codegen", "--schema", schema, "--out", out.to_str().expect("UTF-8")];
    arguments.extend(version.map(|_| "--codex-version"));
    arguments.extend(version);
    let output = xtask(arguments);
    assert!(output.status.success(), "{schema}: {}", text(&output));
}

/// Generates and compiles without warnings.
///
/// All share one target folder, in which cargo takes crates of one name in two workspaces for the same
/// crate and looks at file times alone. So each is generated right before it is compiled, one at a time.
fn generate_and_check(schema: &str, version: Option<&str>, out: &Path) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    generate(schema, version, out);
    // The same dependencies as the workspace has.
    fs::copy(root().join("Cargo.lock"), out.join("Cargo.lock")).expect("copies");
    for features in [&[][..], &["--all-features"][..]] {
        let output = cargo()
            .args(["check", "--quiet", "--workspace"])
            .args(features)
            .env("RUSTFLAGS", "-D warnings")
            .env("CARGO_TARGET_DIR", root().join("target/versions"))
            .current_dir(out)
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{schema} {features:?}: {}", text(&output));
    }
}

/// Has `make` do something with each fixture and a folder for it.
fn each_canonical_file(make: fn(&str, Option<&str>, &Path)) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut versions = 0;
    for entry in fs::read_dir(fixture("protocols")).expect("the fixtures are there") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        make(path.to_str().expect("UTF-8"), None, &dir.path().join(name));
        versions += 1;
    }
    assert!(versions >= 5, "{versions}");
}

/// Has `make` do something with what the real codex prints: the stable bundle, and both.
fn each_raw_bundle(test: &str, make: fn(&str, Option<&str>, &Path)) {
    let Some(codex) = real_codex(test) else { return };
    let codex = Codex::at(&codex).expect("a codex");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let bundle = |name: &str, surface| raw_bundle(&codex, surface, &dir.path().join(name));
    let stable = bundle("stable.json", Surface::Stable);
    let both = format!("{stable},{}", bundle("experimental.json", Surface::Experimental));
    make(&stable, Some(CODEX_VERSION), &dir.path().join("stable"));
    make(&both, Some(CODEX_VERSION), &dir.path().join("both"));
}

#[test]
fn canonical_files_of_older_versions_generate() {
    each_canonical_file(generate);
}

#[test]
#[ignore = "full tier: it compiles five protocols"]
fn canonical_files_of_older_versions_compile() {
    each_canonical_file(generate_and_check);
}

#[test]
fn raw_bundles_of_the_pinned_version_generate() {
    each_raw_bundle("raw_bundles_of_the_pinned_version_generate", generate);
}

#[test]
#[ignore = "full tier: it compiles two protocols"]
fn raw_bundles_of_the_pinned_version_compile() {
    each_raw_bundle("raw_bundles_of_the_pinned_version_compile", generate_and_check);
}

#[test]
fn the_canonical_schema_is_what_the_pinned_codex_prints() {
    let Some(codex) = real_codex("the_canonical_schema_is_what_the_pinned_codex_prints") else { return };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let out = dir.path().join("app-server.json");
    let path = |path: &Path| path.display().to_string();
    let output = xtask(["schema", "sync", "--codex", &path(&codex), "--out", &path(&out)]);
    assert!(output.status.success(), "{}", text(&output));
    let fresh = fs::read(&out).expect("it was written");
    assert!(
        fresh == fs::read(root().join("schema/app-server.json")).expect("it is there"),
        "schema/ is stale"
    );
}

/// The TypeScript of the pinned codex says what its JSON Schema says, but for the reviewed rows; `sync` compares them.
#[test]
fn the_typescript_of_the_pinned_codex_agrees() {
    let Some(codex) = real_codex("the_typescript_of_the_pinned_codex_agrees") else { return };
    let output = xtask(["schema".as_ref(), "sync".as_ref(), "--codex".as_ref(), codex.as_os_str()]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("schema/ is up to date"), "{}", text(&output));
}

#[test]
fn an_upgrade_to_the_pinned_codex_has_nothing_to_do() {
    if real_codex("an_upgrade_to_the_pinned_codex_has_nothing_to_do").is_none() {
        return;
    }
    let output = xtask(["upgrade", CODEX_VERSION, "--dry-run"]);
    assert_eq!(text(&output), format!("codex {CODEX_VERSION}: nothing is to do\n"));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_answer_of_the_server_names_its_type() {
    let Some(codex) = real_codex("the_answer_of_the_server_names_its_type") else { return };
    let probe = |method: &str| {
        let arguments = ["schema", "probe", method, "--codex"].map(OsStr::new);
        text(&xtask(arguments.into_iter().chain([codex.as_os_str()])))
    };
    let said = probe("model/list");
    assert!(said.contains("which fits ModelListResponse ("), "{said}");
    let said = probe("no/such/method");
    assert!(said.contains("the server answers {} with an error: "), "{said}");
}
