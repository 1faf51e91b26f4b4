//! Asks fake codex binaries for their version and their schema.
#![cfg(unix)]

use std::fs;
use std::time::{Duration, Instant};

use codex_appserver_runtime::{Codex, Error, Surface};

use common::script;

mod common;

#[test]
fn tells_path_and_version() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = script(folder.path(), "codex", "echo codex-cli 1.2.3-alpha.4");
    let codex = Codex::at(&path).expect("a codex");
    assert_eq!(codex.path(), path);
    assert_eq!(codex.version().expect("a version"), "1.2.3-alpha.4");
}

#[test]
fn runs_in_an_empty_home_of_its_own() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let seen = folder.path().join("seen");
    let text = format!(
        "echo \"$CODEX_HOME\" >> '{}'; ls -A \"$CODEX_HOME\" | wc -l >> '{0}'; \
         echo codex-cli 1.2.3",
        seen.display()
    );
    let codex = Codex::at(script(folder.path(), "codex", &text)).expect("a codex");
    codex.version().expect("a version");
    codex.version().expect("a version");

    let seen = fs::read_to_string(seen).expect("what codex saw");
    let seen: Vec<_> = seen.lines().map(str::trim).collect();
    let [home, files, other_home, other_files] = seen[..] else {
        panic!("{seen:?}");
    };
    assert_ne!(home, other_home);
    assert_eq!((files, other_files), ("0", "0"));
    assert!(!fs::exists(home).expect("an answer"), "{home} was left behind");
}

#[test]
fn shows_what_is_not_a_version() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let codex = Codex::at(script(folder.path(), "codex", "echo GNU coreutils")).expect("a codex");
    let error = codex.version().expect_err("not a version");
    assert!(matches!(error, Error::UnknownVersion { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("codex --version` printed `GNU coreutils`"), "{text}");
}

#[test]
fn returns_the_schema_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = r#"
        [ "$1 $2" = "app-server generate-json-schema" ] || exit 2
        shift 2
        surface=stable
        [ "$1" = --experimental ] && { surface=experimental; shift; }
        [ "$1" = --out ] && [ -d "$2" ] && [ "$2" != "$CODEX_HOME" ] || exit 3
        printf '{ "%s" }\r\n' "$surface" > "$2/codex_app_server_protocol.schemas.json"
    "#;
    let codex = Codex::at(script(folder.path(), "codex", text)).expect("a codex");
    let schema = |surface| codex.json_schema(surface).expect("a schema");
    assert_eq!(schema(Surface::Stable), b"{ \"stable\" }\r\n");
    assert_eq!(schema(Surface::Experimental), b"{ \"experimental\" }\r\n");
}

#[test]
fn returns_the_typescript_files_by_their_paths() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = r#"
        [ "$1 $2" = "app-server generate-ts" ] || exit 2
        shift 2
        [ "$1" = --experimental ] && shift
        mkdir "$2/v2"
        printf 'export type A = 1;' > "$2/v2/A.ts"
        printf 'export type B = 2;' > "$2/B.ts"
        touch "$2/notes.md"
    "#;
    let codex = Codex::at(script(folder.path(), "codex", text)).expect("a codex");
    let files = codex.typescript(Surface::Experimental).expect("TypeScript");
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    assert_eq!(files, [("B.ts", "export type B = 2;"), ("v2/A.ts", "export type A = 1;")]);
}

#[test]
fn tells_when_no_schema_was_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let codex = Codex::at(script(folder.path(), "codex", "exit 0")).expect("a codex");
    let error = codex.json_schema(Surface::Stable).expect_err("no schema");
    assert!(matches!(error, Error::SchemaMissing { .. }), "{error:?}");
    let error = codex.typescript(Surface::Stable).expect_err("no TypeScript").to_string();
    assert!(error.contains("wrote no *.ts; check that"), "{error}");
}

#[test]
fn shows_command_and_stderr_of_a_failure() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = "echo \"error: unexpected argument '--experimental'\" >&2; exit 2";
    let codex = Codex::at(script(folder.path(), "codex", text)).expect("a codex");
    let error = codex.json_schema(Surface::Experimental).expect_err("a failure");
    let text = error.to_string();
    for part in [
        "codex app-server generate-json-schema --experimental --out ",
        "exit status: 2",
        "  | error: unexpected argument '--experimental'",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

#[test]
fn kills_a_hanging_codex() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // The second one does not listen when asked to end.
    for text in ["exec sleep 600", "trap '' TERM; exec sleep 600"] {
        let codex = Codex::at(script(folder.path(), "codex", text))
            .expect("a codex")
            .time_limit(Duration::from_millis(200));
        let started = Instant::now();
        let error = codex.version().expect_err("a time limit");
        assert!(started.elapsed() < Duration::from_secs(300), "it was waited for");
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("codex --version`: killed because"), "{text}");
        assert!(text.contains("after 0.2 seconds"), "{text}");
    }
}

#[test]
fn passes_the_end_on_through_a_wrapper() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = folder.path().join("ended");
    let text = format!(
        "sh -c 'trap \"touch \\\"$0\\\"; exit\" TERM; while :; do sleep 0.01; done' '{}' & \
         trap 'kill -TERM $!; wait' TERM; wait",
        ended.display()
    );
    let codex = Codex::at(script(folder.path(), "codex", &text)).expect("a codex");
    // On a busy machine the shells may need a while until they can listen.
    for limit in [0.2, 2.0, 20.0] {
        let codex = codex.clone().time_limit(Duration::from_secs_f32(limit));
        codex.version().expect_err("a time limit");
        if ended.exists() {
            return;
        }
    }
    panic!("the wrapped program was not ended");
}

#[test]
fn refuses_a_path_without_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for path in [folder.path().join("codex"), folder.path().to_path_buf()] {
        let error = Codex::at(&path).expect_err("no file");
        assert!(matches!(error, Error::NoSuchFile { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&*path.to_string_lossy()), "{text}");
    }
}

#[test]
fn tells_when_the_file_cannot_be_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("codex");
    fs::write(&path, "no program").expect("a file");
    let error = Codex::at(&path).expect("a file").version().expect_err("no program");
    assert!(matches!(error, Error::Start { .. }), "{error:?}");
}
