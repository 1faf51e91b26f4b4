//! Searches of the threads that codex has kept, which yield hits as they are found.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use codex_appserver::protocol::{ThreadSearchParams, ThreadSearchResponse};
use codex_appserver::{Codex, Process};
use codex_appserver_testkit::{CodexHome, Reply};

use crate::stage::{PATIENCE, Stage};

const THREADS: usize = 100;

/// A codex that has never run, in a home with the session files of many threads, all of which have the word `zebra`.
/// Files that come into a home later are not found.
struct Library {
    home: CodexHome,
    codex: PathBuf,
}

impl Library {
    async fn open() -> Option<Self> {
        let stage = Stage::set([Reply::text("It sleeps.")])?;
        let codex = stage.codex().await;
        let thread = codex.thread_start().await.expect("a thread");
        thread.run("Where is the zebra?").await.expect("a result");
        let id = thread.id().to_owned();
        drop(thread);
        codex.close().await;
        let home = CodexHome::without_model().build().expect("a home");
        copies(&stage.home.codex_home().join("sessions"), &home.codex_home().join("sessions"), &id);
        Some(Self { home, codex: crate::codex::codex()? })
    }

    fn process(&self) -> Process {
        Process::from_command(&self.home.command(&self.codex)).env_clear()
    }
}

/// Copies a folder, in which each file of the thread becomes one for each of many threads.
fn copies(from: &Path, to: &Path, id: &str) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("text");
        if entry.path().is_dir() {
            copies(&entry.path(), &to.join(name), id);
            continue;
        }
        assert!(name.contains(id), "{name} is of the thread");
        let text = fs::read_to_string(entry.path()).expect("lines of JSON");
        for n in 0..THREADS {
            let other = format!("{}{n:04}", &id[..id.len() - 4]);
            fs::write(to.join(name.replace(id, &other)), text.replace(id, &other)).expect("a copy");
        }
    }
}

fn params() -> ThreadSearchParams {
    ThreadSearchParams::new("zebra").limit(10_u32)
}

/// Looks at a whole search: hits that were found on the way, and the page.
fn check(previews: &[String], page: &ThreadSearchResponse) {
    let ids: BTreeSet<_> = page.data.iter().map(|hit| &hit.thread.id).collect();
    assert_eq!((page.data.len(), ids.len()), (10, 10), "a page of ten threads");
    assert!(page.next_cursor.is_some(), "there are more");
    assert!(page.data.iter().all(|hit| hit.snippet.contains("zebra")), "{:?}", page.data[0].snippet);
    assert!(previews.iter().all(|snippet| snippet.contains("zebra")), "{previews:?}");
}

// The server does not send hits in each search, so there may have to be several.
#[tokio::test]
async fn the_real_server_sends_hits_then_a_page() {
    let Some(library) = Library::open().await else { return };
    let codex = Codex::builder().process(|_| library.process()).experimental_api(true);
    let codex = codex.start().await.expect("a codex");
    let begun = Instant::now();
    loop {
        let mut search = codex.thread_search_stream(params()).expect("it is sent");
        let mut previews = Vec::new();
        while let Some(hit) = search.next().await {
            previews.push(hit.expect("it is readable").snippet);
        }
        check(&previews, &search.finish().await.expect("the answer"));
        if !previews.is_empty() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "no search has hits before its answer");
    }
    drop(codex.thread_search_stream(params()).expect("it is sent"));
    while codex.client().stats().late_answers == 0 {
        assert!(begun.elapsed() < 2 * PATIENCE, "the search that was dropped has an end");
        codex.thread_list().limit(1_u32).await.expect("the connection goes on");
    }
    let mut search = codex.thread_search_stream(ThreadSearchParams::new("")).expect("it is sent");
    let error = search.next().await.expect("not the end").expect_err("there is nothing to look for");
    assert_eq!(error.rpc().map(|answer| answer.code), Some(-32600), "{error}");
    search.finish().await.expect_err("it fails again");
}

#[cfg(feature = "blocking")]
#[tokio::test]
async fn threads_search_the_real_server() {
    let Some(library) = Library::open().await else { return };
    let codex = codex_appserver::blocking::Codex::builder().process(|_| library.process());
    let codex = codex.experimental_api(true).start().expect("a codex");
    let mut search = codex.thread_search_stream(params()).expect("it is sent");
    let previews: Vec<_> = (&mut search).map(|hit| hit.expect("it is readable").snippet).collect();
    check(&previews, &search.finish().expect("the answer"));
}
