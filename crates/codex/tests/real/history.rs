//! Threads with a long history: nothing that is read grows with it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use codex_appserver::protocol::{SortDirection, TurnItemsView};
use codex_appserver::{ClientError, Codex, Error, Thread};
use codex_appserver_testkit::{Gate, Reply};
use serde_json::Value;

use crate::stage::{PATIENCE, Stage};

/// A thread with one turn, to which so many are added in its file, each with an answer of so many bytes. The server has
/// ended; the ids of the new turns end in their number.
async fn thread_of(stage: &Stage, turns: usize, bytes: usize) -> String {
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    thread.run("One.").await.expect("a result");
    let id = thread.id().to_owned();
    drop(thread);
    codex.close().await;
    grow(&rollout(&stage.home.codex_home().join("sessions"), &id).expect("its file"), turns, bytes);
    id
}

/// The file of a thread.
fn rollout(folder: &Path, id: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).expect("a folder").find_map(|entry| {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => rollout(&path, id),
            false => path.to_string_lossy().contains(id).then_some(path),
        }
    })
}

/// Repeats the turn in a thread's file: the beginning, what was said, and the end.
fn grow(file: &Path, turns: usize, bytes: usize) {
    let text = std::fs::read_to_string(file).expect("JSON lines");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let kept = |line: &&Value| {
        let kind = line["payload"]["type"].as_str().unwrap_or_default();
        line["type"] == "event_msg" && ["task_started", "item_completed", "task_complete"].contains(&kind)
    };
    let turn: Vec<&Value> = lines.iter().filter(kept).collect();
    let old_id = turn[0]["payload"]["turn_id"].as_str().expect("the id of the turn");
    let mut ordinal = lines.last().expect("a line")["ordinal"].as_u64().expect("a number");
    let mut file = std::io::BufWriter::new(OpenOptions::new().append(true).open(file).expect("the file"));
    for number in 0..turns {
        for line in &turn {
            ordinal += 1;
            let mut line: Value =
                serde_json::from_str(&line.to_string().replace(old_id, &turn_id(number))).expect("JSON");
            line["ordinal"] = ordinal.into();
            let item = &mut line["payload"]["item"];
            if let Some(id) = item["id"].as_str().map(str::to_owned) {
                item["id"] = format!("{id}-{number}").into();
                if item["type"] == "AgentMessage" {
                    item["content"][0]["text"] = format!("{number} {}", "x".repeat(bytes)).into();
                }
            }
            writeln!(file, "{line}").expect("space");
        }
    }
}

fn turn_id(number: usize) -> String {
    format!("01a30000-0000-7000-8000-{number:012}")
}

#[tokio::test]
async fn a_thread_of_two_thousand_turns_is_resumed_and_read_in_small_messages() {
    const TURNS: usize = 2000;
    let Some(stage) = Stage::set([Reply::text("First."), Reply::text("Next.")]) else { return };
    let id = thread_of(&stage, TURNS, 500).await;
    // The history has more than a megabyte.
    let builder = stage.builder().client(|client| client.line_limit(100_000));
    let codex = builder.watchdog(PATIENCE).start().await.expect("a codex");
    let thread = codex.thread_resume(&id).await.expect("it is there");
    let error = thread.read().include_turns(true).await;
    assert!(matches!(&error, Err(ClientError::Decode(_))), "it is too long: {error:?}");

    let mut turns = thread.turns().limit(100_u32).items_view(TurnItemsView::NotLoaded).items();
    let (mut count, mut last) = (0, None);
    while let Some(turn) = turns.next().await {
        let turn = turn.expect("a turn");
        if count < TURNS {
            assert_eq!(turn.id, turn_id(TURNS - 1 - count), "the newest comes first");
        }
        (count, last) = (count + 1, Some(turn.id));
    }
    assert_eq!(count, TURNS + 1);
    let mut oldest = thread.turns().sort_direction(SortDirection::Asc).items();
    assert_eq!(oldest.next().await.expect("a turn").expect("a turn").id, last.expect("the first turn"));
    let mut items = thread.items().items();
    let mut count = 0;
    while let Some(entry) = items.next().await {
        entry.expect("an item");
        count += 1;
    }
    assert_eq!(count, 2 * (TURNS + 1));

    // A turn of long ago is followed.
    let result = thread.follow(turn_id(7)).run().await.expect("the server keeps it");
    assert!(result.is_completed() && result.text().starts_with("7 x"), "{:?}", result.status);
    assert_eq!(result.items.len(), 2);
    assert_eq!(thread.run("Go on.").await.expect("a result").text(), "Next.");
    assert_eq!(thread.fork().await.expect("a fork").turns().await.expect("a page").data.len(), 25);
}

#[tokio::test]
async fn the_watchdog_minds_a_turn_of_a_thread_beyond_the_line_limit() {
    let gate = Gate::new();
    let Some(stage) = Stage::set([Reply::text("First."), Reply::hold(&gate).then(Reply::text("At last."))])
    else {
        return;
    };
    let id = thread_of(&stage, 10, 300_000).await;
    let builder = stage.builder().client(|client| client.line_limit(1 << 20));
    let codex = builder.watchdog(Duration::from_millis(300)).start().await.expect("a codex");
    let thread = codex.thread_resume(&id).await.expect("it is there");
    let turn = thread.turn("Go.").await.expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is asked");
    let error = turn.run().await.expect_err("nothing is heard");
    let Error::Stalled(stalled) = &error else { panic!("{error}") };
    assert_eq!(stalled.turn_status.as_ref().map(|status| status.as_str()), Some("inProgress"));
    gate.open();
    let result = loop {
        match turn.run().await {
            Err(Error::Stalled(_)) => {}
            result => break result.expect("a result"),
        }
    };
    assert_eq!(result.text(), "At last.");
}

/// A server that listens on a socket, killed when this is dropped.
struct Listening(Child);

impl Drop for Listening {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Over a socket a message beyond the limit ended the connection, and all that was going on over it.
#[cfg(all(unix, feature = "ws"))]
#[tokio::test]
async fn an_overlong_answer_over_a_socket_fails_its_call_alone() {
    let gate = Gate::new();
    let Some(stage) = Stage::set([Reply::text("First."), Reply::hold(&gate).then(Reply::text("At last."))])
    else {
        return;
    };
    let id = thread_of(&stage, 10, 300_000).await;
    let address = format!("unix://{}", stage.home.tmp().join("socket").display());
    let mut command = stage.command();
    let command =
        command.args(["--listen", &address]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _server = Listening(command.spawn().expect("it starts"));
    let begun = Instant::now();
    let codex = loop {
        let builder = Codex::builder().client(|client| client.line_limit(1 << 20));
        match builder.connect(&address).await {
            Ok(codex) => break codex,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let other = codex.thread_start().await.expect("a thread");
    let turn = other.turn("Go.").await.expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is asked");
    let error = codex.thread_resume(&id).exclude_turns(false).await.expect_err("it is too long");
    assert!(error.to_string().contains("more than 1048576 bytes"), "{error}");
    let thread = codex.thread_resume(&id).await.expect("without turns it is short");
    assert_eq!(thread.turns().limit(1_u32).await.expect("a page").data.len(), 1);
    gate.open();
    assert_eq!(turn.run().await.expect("the other turn goes on").text(), "At last.");
}

/// Runs a turn to its end that has more events than there is room for.
async fn run_through(thread: &Thread, input: &str) {
    let turn = thread.turn(input).await.expect("a turn");
    let mut overruns = 0;
    while let Err(error) = turn.run().await {
        overruns += 1;
        assert!(overruns < 100 && matches!(error, Error::Client(ClientError::Overrun { .. })), "{error}");
    }
}

#[tokio::test]
async fn a_view_has_every_item_once_however_slow_its_reader_is() {
    let long = "word ".repeat(6000);
    let replies = (0..6).map(|_| Reply::text(&long)).chain([Reply::text("Live."), Reply::text("Later.")]);
    let Some(stage) = Stage::set(replies) else { return };
    let codex = stage.builder().event_capacity(60_000).start().await.expect("a codex");
    let thread = codex.thread_start().await.expect("a thread");
    // Nothing is kept yet.
    let mut view = thread.view();
    run_through(&thread, "0").await;
    let mut seen = vec![view.next().await.expect("an item").expect("the input of the first turn")];
    for n in 1..6 {
        run_through(&thread, &n.to_string()).await;
    }
    assert_eq!(thread.turns().await.expect("a page").data.len(), 6);
    while seen.len() < 12 {
        seen.push(view.next().await.expect("an item").expect("no error"));
    }
    thread.run("6").await.expect("a result");
    for _ in 0..2 {
        seen.push(view.next().await.expect("an item").expect("no error"));
    }
    let kept: Vec<_> = thread.items().limit(100_u32).await.expect("a page").data;
    assert_eq!(
        seen.iter().map(|entry| (entry.turn_id.as_str(), entry.item.id())).collect::<Vec<_>>(),
        kept.iter().map(|entry| (entry.turn_id.as_str(), entry.item.id())).collect::<Vec<_>>()
    );
    // The last ones alone, and what comes then.
    let page = thread.items().sort_direction(SortDirection::Desc).limit(3_u32).await.expect("a page");
    let mut later = thread.view_from(page.backwards_cursor.expect("a cursor"));
    assert_eq!(later.next().await.expect("an item").expect("no error").item, page.data[0].item);
    thread.run("7").await.expect("a result");
    assert_ne!(later.next().await.expect("an item").expect("the input").turn_id, page.data[0].turn_id);
    drop((thread, later));
    codex.close().await;
    while let Some(entry) = view.next().await {
        entry.expect("it ends with the connection");
    }
}
