//! Threads that are kept, and turns whose events were missed.

use std::time::Duration;

use codex_appserver::{ClientError, Error};
use codex_appserver_testkit::{Gate, Reply};

use crate::stage::{PATIENCE, Stage};

#[tokio::test]
async fn a_thread_is_resumed_forked_and_archived() {
    let Some(stage) = Stage::set([Reply::text("First."), Reply::text("Second."), Reply::text("Third.")])
    else {
        return;
    };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    thread.run("One.").await.expect("a result");
    thread.set_name("numbers").await.expect("it is named");
    codex.close().await;

    let codex = stage.codex().await;
    let known = codex.thread_list().await.expect("a list").data;
    assert_eq!(known.iter().map(|kept| kept.name.as_deref()).collect::<Vec<_>>(), [Some("numbers")]);
    let thread = codex.thread_resume(&known[0].id).await.expect("it is there");
    assert_eq!(thread.run("Two.").await.expect("a result").text(), "Second.");
    assert_eq!(thread.read().include_turns(true).await.expect("it is kept").thread.turns.len(), 2);
    let fork = thread.fork().await.expect("a fork");
    assert_ne!(fork.id(), thread.id());
    assert_eq!(fork.run("Three.").await.expect("a result").text(), "Third.");
    let said = stage.model.requests()[2].user_texts().join(" ");
    assert!(said.contains("One.") && said.contains("Two."), "{said}");
    thread.archive().await.expect("it is archived");
    let back = codex.thread_unarchive(thread.id()).await.expect("it is back");
    assert_eq!(back.id(), thread.id());
}

#[tokio::test]
async fn the_watchdog_asks_the_real_server() {
    for ephemeral in [false, true] {
        let gate = Gate::new();
        let Some(stage) = Stage::set([Reply::hold(&gate).then(Reply::text("At last."))]) else { return };
        let codex = stage.builder().watchdog(Duration::from_millis(300)).start().await.expect("a codex");
        let thread = codex.thread_start().ephemeral(ephemeral).await.expect("a thread");
        let turn = thread.turn("Go.").await.expect("a turn");
        gate.wait_for_arrivals(1, PATIENCE).expect("the model is asked");
        let error = turn.run().await.expect_err("nothing is heard");
        let Error::Stalled(stalled) = &error else { panic!("{error}") };
        assert!(error.to_string().contains("the thread is active"), "{error}");
        if !ephemeral {
            assert_eq!(stalled.turn_status.as_ref().map(|status| status.as_str()), Some("inProgress"));
        }
        gate.open();
        let result = loop {
            match turn.run().await {
                Err(Error::Stalled(_)) => {}
                result => break result.expect("a result"),
            }
        };
        assert_eq!(result.text(), "At last.");
    }
}

#[tokio::test]
async fn a_missed_turn_is_read_from_the_records() {
    let text = "word ".repeat(2000);
    let chunks: Vec<_> = text.split_inclusive(' ').map(str::to_owned).collect();
    let Some(stage) = Stage::set([Reply::text_chunks(chunks)]) else { return };
    let codex = stage.builder().event_capacity(20_000).start().await.expect("a codex");
    let thread = codex.thread_start().await.expect("a thread");
    let mut ends = codex.client().events_with(
        codex_appserver::Filter::thread(thread.id()),
        codex_appserver::EventSettings::default().methods(&["turn/completed"]),
    );
    let turn = thread.turn("Go.").await.expect("a turn");
    ends.next().await.expect("an event").expect("it has ended");
    let error = turn.run().await.expect_err("there was no room");
    assert!(matches!(error, Error::Client(ClientError::Overrun { .. })), "{error}");
    let result = turn.run().await.expect("a result");
    assert_eq!((result.is_completed(), result.text()), (true, text.as_str()));
    assert_eq!(result.items.len(), 2, "{:?}", result.items.len());
}

#[tokio::test]
async fn a_missed_ephemeral_turn_has_an_end() {
    let chunks = (0..2000).map(|_| "word ".to_owned());
    let Some(stage) = Stage::set([Reply::text_chunks(chunks)]) else { return };
    let codex = stage.builder().event_capacity(60_000).start().await.expect("a codex");
    let thread = codex.thread_start().ephemeral(true).await.expect("a thread");
    let turn = thread.turn("Go.").await.expect("a turn");
    while turn.thread().codex().client().stats().notifications < 2000 {
        tokio::task::yield_now().await;
    }
    let error = turn.run().await.expect_err("there was no room");
    assert!(matches!(error, Error::Client(ClientError::Overrun { .. })), "{error}");
    assert!(turn.run().await.expect("its end is known, though not what was said").is_completed());
    let error = thread.follow("no-such-turn").run().await.expect_err("there is none");
    assert!(matches!(error, Error::Lost { .. }), "{error}");
}

#[tokio::test]
async fn a_turn_of_another_handle_is_followed() {
    let gate = Gate::new();
    let slow = Reply::unfinished_text(["At "]).then(Reply::hold(&gate)).then(Reply::text("last."));
    let Some(stage) = Stage::set([slow]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let id = thread.turn("Go.").await.expect("a turn").id().to_owned();
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    let turn = codex.thread(thread.id()).follow(&id);
    gate.open();
    let result = turn.run().await.expect("a result");
    assert!(result.is_completed() && result.text().ends_with("last."), "{result:?}");
    // Again, now that it is over.
    let again = thread.follow(&id).run().await.expect("the server keeps it");
    assert!(again.is_completed() && again.text().ends_with("last."), "{again:?}");
}
