//! Turns whose end is late, missed, or never comes.

use std::time::Duration;

use codex_appserver::generic::Codex;
use codex_appserver::{ClientError, Error};
use codex_appserver_testkit::scripted::{Answer, Step, Turn, TurnEnd};
use serde_json::json;

use crate::both;
use crate::scenarios::{
    completed, delta, flooding, left_behind, playing, started, telling, thread_with, turn,
};
use crate::support::{Kit, PATIENCE, thread};

both!(
    the_watchdog_asks_and_reports,
    a_stall_does_not_end_a_stream,
    a_thread_without_records_is_asked_without_them,
    the_end_of_the_connection_is_an_error,
    closing_ends_streams_with_an_error,
    an_unreadable_end_is_asked_for,
    a_slow_reader_is_told_and_may_ask,
    a_turn_of_another_client_can_be_followed,
    an_unknown_end_is_an_error,
    an_end_heard_beside_the_reader_counts,
    missed_events_are_read_after_the_end,
    garbage_may_have_been_the_end,
);

const SOON: Duration = Duration::from_millis(50);

fn active() -> serde_json::Value {
    json!({"type": "active", "activeFlags": ["waitingOnApproval"]})
}

async fn the_watchdog_asks_and_reports<R: Kit>() {
    let message = json!({"type": "agentMessage", "id": "m", "text": "kept"});
    let over = json!([{"id": "turn-1", "status": "completed", "items": [message]}]);
    let scenario = telling([started()])
        .answer("thread/read", thread_with(active(), json!([turn("inProgress")])))
        .answer("thread/read", thread_with(json!({"type": "idle"}), over));
    let (server, thread) = thread::<R>(Codex::builder().watchdog(SOON), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let error = R::run_turn(&turn).await.expect_err("nothing is heard");
    let Error::Stalled(stalled) = &error else { panic!("{error}") };
    assert_eq!((&*stalled.turn_id, stalled.silent_for), ("turn-1", SOON));
    assert_eq!(stalled.turn_status.as_ref().map(|status| status.as_str()), Some("inProgress"));
    assert!(stalled.waits_for_approval());
    let text = error.to_string();
    assert!(text.contains("is active (waitingOnApproval)") && text.len() < 240, "{text}");
    let result = R::run_turn(&turn).await.expect("the server keeps what came of it");
    assert_eq!((result.text(), result.is_completed()), ("kept", true));
    assert_eq!(server.params("thread/read")[0], json!({"threadId": "thread-1", "includeTurns": true}));
}

async fn a_stall_does_not_end_a_stream<R: Kit>() {
    let scenario =
        telling([started(), Step::Until("thread/read".into()), Step::PauseMs(100), completed("completed")])
            .answer("thread/read", thread_with(active(), json!([])));
    let (_server, thread) = thread::<R>(Codex::builder().watchdog(SOON), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let (mut stream, mut stalls) = (turn.stream(), 0);
    while let Some(event) = R::next(&mut stream).await {
        stalls += u32::from(matches!(event, Err(Error::Stalled(_))));
    }
    assert!(stalls > 0 && stream.result().expect("a result").is_completed());
}

async fn a_thread_without_records_is_asked_without_them<R: Kit>() {
    let scenario = telling([started()])
        .answer("thread/read", Answer::error(-32600, "ephemeral threads do not support includeTurns"))
        .answer("thread/read", thread_with(active(), json!([])));
    let (server, thread) = thread::<R>(Codex::builder().watchdog(SOON), scenario).await;
    let error = R::run_on(&thread, "go").await.expect_err("nothing is heard");
    assert!(error.to_string().contains("not in its records"), "{error}");
    assert_eq!(server.count("thread/read"), 2);
}

async fn the_end_of_the_connection_is_an_error<R: Kit>() {
    let (server, thread) =
        thread::<R>(Codex::builder(), playing([Turn::new(["a"]).end(TurnEnd::Never)])).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let mut stream = turn.stream();
    R::next(&mut stream).await.expect("an event").expect("it has begun");
    server.close();
    let error = loop {
        match R::next(&mut stream).await {
            Some(Ok(_)) => {}
            Some(Err(error)) => break error,
            None => panic!("the end of the connection is no end of the turn"),
        }
    };
    assert!(matches!(error, Error::Client(ClientError::Closed(_))), "{error}");
    assert!(R::next(&mut stream).await.is_none());
    drop(stream);
    let error = R::run_turn(&turn).await.expect_err("there is no server any more");
    assert!(matches!(error, Error::Client(ClientError::Closed(_))), "{error}");
}

async fn closing_ends_streams_with_an_error<R: Kit>() {
    let (server, codex) = R::start(playing([Turn::new(["a"]).end(TurnEnd::Never)])).await;
    let thread = R::send(codex.thread_start()).await.expect("a thread");
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let running = R::spawn(async move { R::run_turn(&turn).await });
    server.wait_for("turn/start", 1, PATIENCE).expect("it begins");
    R::close(&codex).await;
    let error = running.await.expect_err("the turn did not end");
    assert!(matches!(&error, Error::Disconnected { turn_id, .. } if turn_id == "turn-1"), "{error}");
}

async fn an_unreadable_end_is_asked_for<R: Kit>() {
    let unreadable = Step::notify(
        "turn/completed",
        json!({"threadId": "thread-1", "turn": {"id": "turn-1", "status": 5}}),
    );
    let over = json!([{"id": "turn-1", "status": "completed", "items": []}]);
    let scenario = telling([started(), delta("said"), unreadable])
        .answer("thread/read", thread_with(json!({"type": "idle"}), over))
        .answer("thread/read", Answer::never());
    let (server, thread) = thread::<R>(Codex::builder(), scenario).await;
    assert_eq!(R::run_on(&thread, "go").await.expect("a result").text(), "said");
    assert_eq!(server.count("thread/read"), 1);
}

async fn a_slow_reader_is_told_and_may_ask<R: Kit>() {
    let over = json!([{"id": "turn-1", "status": "completed", "items": [{"type": "agentMessage", "id": "m", "text": "all of it"}]}]);
    let scenario = flooding().answer("thread/read", thread_with(json!({"type": "idle"}), over));
    let (_server, _codex, turn) = left_behind::<R>(scenario).await;
    let error = R::run_turn(&turn).await.expect_err("there was no room");
    assert!(matches!(error, Error::Client(ClientError::Overrun { byte_cap: 10_000 })), "{error}");
    let result = R::run_turn(&turn).await.expect("the server keeps it");
    assert_eq!((result.text(), result.is_completed()), ("all of it", true));
}

async fn a_turn_of_another_client_can_be_followed<R: Kit>() {
    let scenario = telling([])
        .answer("thread/read", thread_with(json!({"type": "idle"}), json!([turn("interrupted")])))
        .answer(
            "thread/read",
            thread_with(active(), json!([turn("inProgress")])).then([delta("late"), completed("completed")]),
        );
    let (_server, codex) = R::start(scenario).await;
    let thread = codex.thread("thread-1");
    let result = R::run_turn(&thread.follow("turn-1")).await.expect("it is over already");
    assert_eq!(result.status.as_str(), "interrupted");
    assert_eq!(R::run_turn(&thread.follow("turn-1")).await.expect("it ends later").text(), "late");
}

async fn an_unknown_end_is_an_error<R: Kit>() {
    // The end cannot be read, and the server keeps nothing.
    let unreadable = Step::notify(
        "turn/completed",
        json!({"threadId": "thread-1", "turn": {"id": "turn-1", "status": 5}}),
    );
    let scenario = telling([started(), unreadable])
        .answer("thread/read", thread_with(json!({"type": "idle"}), json!([])));
    let (_server, thread) = thread::<R>(Codex::builder(), scenario).await;
    let error = R::run_on(&thread, "go").await.expect_err("its end is not known");
    assert!(matches!(&error, Error::Lost { turn_id, .. } if turn_id == "turn-1"), "{error}");
    let unknown = thread.follow("no such turn");
    for _ in 0..2 {
        let error = R::run_turn(&unknown).await.expect_err("there is none, however often one asks");
        assert!(matches!(&error, Error::Lost { .. }), "{error}");
    }
}

async fn an_end_heard_beside_the_reader_counts<R: Kit>() {
    // The thread has no records, and the reader did not keep up.
    let scenario = flooding().answer("thread/read", thread_with(json!({"type": "idle"}), json!([])));
    let (_server, _codex, turn) = left_behind::<R>(scenario).await;
    R::run_turn(&turn).await.expect_err("there was no room");
    assert!(R::run_turn(&turn).await.expect("its end was heard").is_completed());
}

async fn missed_events_are_read_after_the_end<R: Kit>() {
    let unreadable = Step::notify(
        "item/completed",
        json!({"threadId": "thread-1", "turnId": "turn-1", "item": {"type": "agentMessage", "id": 5}}),
    );
    let over = json!([{"id": "turn-1", "status": "completed", "items": [{"type": "agentMessage", "id": "m", "text": "kept"}]}]);
    for (read, text) in
        [(thread_with(json!({"type": "idle"}), over), "kept"), (Answer::error(-32603, "disk full"), "said")]
    {
        let scenario = telling([started(), delta("said"), unreadable.clone(), completed("completed")])
            .answer("thread/read", read);
        let (_server, thread) = thread::<R>(Codex::builder(), scenario).await;
        assert_eq!(R::run_on(&thread, "go").await.expect("a result").text(), text);
    }
}

async fn garbage_may_have_been_the_end<R: Kit>() {
    let over = json!([{"id": "turn-1", "status": "completed", "items": []}]);
    let scenario = telling([started(), Step::line("{\"method\":\"turn/completed\",")])
        .answer("thread/read", thread_with(json!({"type": "idle"}), over));
    let (_server, thread) = thread::<R>(Codex::builder(), scenario).await;
    assert!(R::run_on(&thread, "go").await.expect("a result").is_completed());
}
