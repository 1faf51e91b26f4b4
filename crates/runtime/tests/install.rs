//! Installs from a fake npm.
#![cfg(unix)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use codex_appserver_runtime::{Error, Installer, Progress};
use tempfile::TempDir;

use common::script;

mod common;

/// Counts its runs, then installs a codex that tells the version which was asked for.
const NPM: &str = r#"
    echo "$*" >> "$(dirname "$0")/runs"
    while [ $# -gt 0 ]; do
        case "$1" in
            --prefix) root=$2; shift ;;
            @openai/codex@*) version=${1#@openai/codex@} ;;
        esac
        shift
    done
    folder=$root/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin
    mkdir -p "$folder"
    printf '#!/bin/sh\necho codex-cli %s\n' "$version" > "$folder/codex"
    chmod +x "$folder/codex"
"#;

/// A folder with a fake npm and, once installed into, a cache.
struct World(TempDir);

impl World {
    fn new(npm: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        script(folder.path(), "npm", npm);
        Self(folder)
    }

    fn cache(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn installer(&self) -> Installer {
        Installer::new(self.cache()).npm(self.0.path().join("npm"))
    }

    /// The arguments of each npm run.
    fn runs(&self) -> Vec<String> {
        let runs = fs::read_to_string(self.0.path().join("runs")).unwrap_or_default();
        runs.lines().map(str::to_owned).collect()
    }

    /// What lies in the cache.
    fn cached(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache()).into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// A callback for progress, and the events that it has got.
fn recorder() -> (impl Fn(&Progress) + Send + Sync + 'static, Arc<Mutex<Vec<Progress>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&events);
    let callback = move |event: &Progress| record.lock().expect("no panic elsewhere").push(event.clone());
    (callback, events)
}

#[test]
fn installs_once() {
    let world = World::new(NPM);
    let (callback, events) = recorder();
    let installer = world.installer().progress(callback);

    let codex = installer.install("1.2.3").expect("an install");
    assert!(codex.path().starts_with(world.cache().join("codex-1.2.3")), "{codex:?}");
    assert_eq!(codex.version().expect("a version"), "1.2.3");
    assert_eq!(world.cached(), ["codex-1.2.3", "codex-1.2.3.lock"]);
    {
        let events = events.lock().expect("no panic elsewhere");
        assert!(
            matches!(events[..], [Progress::Downloading { bytes_so_far: 0, .. }, .., Progress::Done { .. }]),
            "{events:?}"
        );
    }

    let events_before = events.lock().expect("no panic elsewhere").len();
    let again = installer.install("1.2.3").expect("an install");
    assert_eq!(again.path(), codex.path());
    assert_eq!(events.lock().expect("no panic elsewhere").len(), events_before);

    let runs = world.runs();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert!(runs[0].starts_with("install --no-audit --no-fund "), "{}", runs[0]);
    assert!(runs[0].contains(" --ignore-scripts "), "{}", runs[0]);
    assert!(runs[0].ends_with(" @openai/codex@1.2.3"), "{}", runs[0]);
}

#[test]
fn installs_once_for_many_at_a_time() {
    // npm ends only after somebody has been seen waiting for it (or after some ten seconds).
    let wait = r#"
        tries=0
        while [ ! -e "$(dirname "$0")/waiting" ] && [ $tries -lt 1000 ]; do
            sleep 0.01
            tries=$((tries + 1))
        done
    "#;
    let world = World::new(&format!("{wait}{NPM}"));
    let barrier = Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let waiting = world.0.path().join("waiting");
                let installer = world.installer().progress(move |event| {
                    if matches!(event, Progress::Waiting { .. }) {
                        File::create(&waiting).expect("a file");
                    }
                });
                barrier.wait();
                let codex = installer.install("1.2.3").expect("an install");
                assert_eq!(codex.version().expect("a version"), "1.2.3");
            });
        }
    });
    assert!(world.0.path().join("waiting").exists(), "nobody had to wait");
    assert_eq!(world.runs().len(), 1);
    assert_eq!(world.cached(), ["codex-1.2.3", "codex-1.2.3.lock"]);
}

#[test]
fn waits_for_a_lock_held_elsewhere_and_then_installs() {
    let world = World::new(NPM);
    fs::create_dir(world.cache()).expect("a folder");
    let lock = File::create(world.cache().join("codex-1.2.3.lock")).expect("a file");
    lock.lock().expect("a lock");
    // The holder goes away without installing anything, as if it had been killed.
    let lock = Mutex::new(Some(lock));
    let installer = world.installer().progress(move |event| {
        if matches!(event, Progress::Waiting { .. }) {
            drop(lock.lock().expect("no panic elsewhere").take());
        }
    });
    installer.install("1.2.3").expect("an install");
    assert_eq!(world.runs().len(), 1);
}

#[test]
fn does_not_wait_for_another_version() {
    let world = World::new(NPM);
    fs::create_dir(world.cache()).expect("a folder");
    let lock = File::create(world.cache().join("codex-1.2.3.lock")).expect("a file");
    lock.lock().expect("a lock");
    world.installer().install("1.2.4").expect("an install");
}

#[test]
fn recovers_from_a_broken_off_install() {
    let world = World::new(NPM);
    let junk = |folder: &str| {
        let folder = world.cache().join(folder);
        fs::create_dir_all(folder.join("root/node_modules")).expect("a folder");
        fs::write(folder.join("root/half"), "half").expect("a file");
    };
    junk("codex-1.2.3");
    junk("codex-1.2.3_staging_a");
    junk("codex-1.2.3_staging_b");
    junk("codex-1.2.3-alpha.1_staging_c");

    let codex = world.installer().install("1.2.3").expect("an install");
    assert_eq!(codex.version().expect("a version"), "1.2.3");
    assert!(!world.cache().join("codex-1.2.3/root/half").exists());
    // What belongs to another version may be at work.
    assert_eq!(world.cached(), ["codex-1.2.3", "codex-1.2.3-alpha.1_staging_c", "codex-1.2.3.lock"]);
}

#[test]
fn tells_what_to_do_without_npm() {
    let world = World::new(NPM);
    let nowhere = world.0.path().join("nowhere/npm");
    let error = Installer::new(world.cache()).npm(nowhere).install("1.2.3").expect_err("no npm");
    assert!(matches!(error, Error::NpmMissing { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("install Node.js"), "{text}");
    assert_eq!(world.cached(), ["codex-1.2.3.lock"]);
}

#[test]
fn shows_what_npm_says_and_cleans_up() {
    let failing = "mkdir -p \"${9}/x\"; echo 'npm error code ETARGET' >&2; exit 7";
    let world = World::new(failing);
    let error = world.installer().install("1.2.3").expect_err("a failure");
    assert!(matches!(error, Error::NpmFailed { .. }), "{error:?}");
    let text = error.to_string();
    for part in ["exit status: 7", "  | npm error code ETARGET", "@openai/codex@1.2.3`"] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    assert_eq!(world.cached(), ["codex-1.2.3.lock"]);
}

#[test]
fn tells_when_npm_installs_no_binary() {
    let world = World::new("exit 0");
    let error = world.installer().install("1.2.3").expect_err("no binary");
    assert!(matches!(error, Error::BinaryMissing { .. }), "{error:?}");
    assert_eq!(world.cached(), ["codex-1.2.3.lock"]);
}

#[test]
fn refuses_a_binary_of_another_version() {
    let world = World::new(&NPM.replace("codex-cli %s", "codex-cli 9.9.9 # %s"));
    let error = world.installer().install("1.2.3").expect_err("another version");
    let text = error.to_string();
    assert!(text.contains("says it is 9.9.9"), "{text}");
    assert_eq!(world.cached(), ["codex-1.2.3.lock"]);
}

#[test]
fn refuses_what_is_not_a_version() {
    let world = World::new(NPM);
    for bad in ["", "latest", "../1.2.3", "1.2.3 --global", "--help", "1.2.3/../../x"] {
        let error = world.installer().install(bad).expect_err(bad);
        assert!(matches!(error, Error::BadVersion { .. }), "{error:?}");
    }
    assert!(world.runs().is_empty());
    assert!(!world.cache().exists(), "the cache was touched");
}

#[test]
fn takes_a_relative_cache_folder() {
    let world = World::new(NPM);
    let here = std::env::current_dir().expect("a current folder");
    let up: PathBuf = here.components().skip(1).map(|_| Path::new("..")).collect();
    let cache = up.join(world.cache().strip_prefix("/").expect("an absolute path"));
    let codex = Installer::new(cache).npm(world.0.path().join("npm")).install("1.2.3").expect("an install");
    assert!(codex.path().is_absolute(), "{codex:?}");
    assert_eq!(codex.version().expect("a version"), "1.2.3");
}
