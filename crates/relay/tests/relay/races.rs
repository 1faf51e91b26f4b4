//! The end of the input races with the answers, many times.

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::real::Codex;
use crate::support::{INITIALIZE, accept, command, echo_all, listen, request, socket};

const RUNS: usize = 10_000;

/// Runs the program so often, on both cores.
fn race(start: impl Fn(usize) -> Child + Sync, check: impl Fn(usize, &str) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let run = next.fetch_add(1, Ordering::Relaxed);
                    if run >= RUNS {
                        return;
                    }
                    let output = start(run).wait_with_output().expect("a child");
                    let errors = String::from_utf8_lossy(&output.stderr);
                    assert_eq!(output.status.code(), Some(0), "run {run}: {errors}");
                    check(run, &String::from_utf8(output.stdout).expect("UTF-8"));
                }
            });
        }
    });
}

#[test]
#[ignore = "full tier: it starts the program ten thousand times"]
fn every_answer_comes_whenever_the_input_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = Arc::new(listen(&folder));
    let serve = |listener: Arc<UnixListener>| {
        thread::spawn(move || {
            for connection in listener.incoming() {
                let socket = connection.expect("a client");
                thread::spawn(move || echo_all(accept(socket)));
            }
        })
    };
    serve(listener);
    let address = format!("unix://{}", socket(&folder).display());
    let start = |run: usize| {
        let mut child = command([&address]).spawn().expect("the program starts");
        let mut input = child.stdin.take().expect("a pipe");
        // One to three requests in one write or in two, with a pause or without one, with a last line break or without.
        let requests: Vec<_> = (0..1 + run % 3).map(|id| request(id as u64)).collect();
        let text = requests.join("\n") + ["", "\n"][run / 3 % 2];
        let (first, second) = text.split_at(text.len() * (run % 7) / 7);
        input.write_all(first.as_bytes()).expect("the program reads");
        if run.is_multiple_of(5) {
            thread::sleep(Duration::from_micros((run % 1000) as u64));
        }
        input.write_all(second.as_bytes()).expect("the program reads");
        child
    };
    race(start, |run, output| {
        let mut lines: Vec<_> = output.lines().collect();
        lines.sort_unstable();
        let expected: Vec<_> =
            (0..1 + run % 3).map(|id| format!(r#"{{"id":{id},"result":{{"x":1}}}}"#)).collect();
        assert_eq!(lines, expected, "run {run}");
    });
}

#[test]
#[ignore = "full tier: it starts the program ten thousand times"]
fn the_real_codex_answers_whenever_the_input_ends() {
    let Some(codex) = Codex::listen() else { return };
    let start = |run: usize| {
        let mut child = codex.relay(&["unix://"]).spawn().expect("the program starts");
        let text = INITIALIZE.to_owned() + ["", "\n"][run % 2];
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("the program reads");
        child
    };
    race(start, |run, output| {
        assert!(output.starts_with(r#"{"id":"i","result":{"#), "run {run}: {output}");
    });
}
