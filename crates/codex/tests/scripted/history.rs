//! What a thread holds, read in pages: by the caller, and by turns whose end was missed.

use std::time::Duration;

use codex_appserver::generic::Codex;
use codex_appserver::protocol::{SortDirection, ThreadResumeParams, TurnItemsView};
use codex_appserver::{ClientError, Error};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::{completed, delta, started, thread_with, turn};
use crate::support::{Kit, thread};

both!(
    turns_and_items_come_in_pages,
    a_cursor_that_comes_again_is_an_error,
    an_error_between_pages_is_the_last_item,
    a_connection_that_ends_between_pages_is_an_error,
    threads_are_resumed_without_their_turns,
    the_watchdog_reads_no_items_of_a_running_turn,
    a_missed_end_is_found_on_a_later_page,
    items_beyond_the_line_limit_come_in_smaller_pages,
    an_interrupt_asks_for_no_items,
    records_that_cannot_be_read_are_an_error,
);

const SOON: Duration = Duration::from_millis(20);

/// A page of turns.
fn turns(turns: Value, next: Option<&str>) -> Answer {
    Answer::result(json!({"data": turns, "nextCursor": next}))
}

/// A turn without items in a page.
fn bare(id: &str, status: &str) -> Value {
    json!({"id": id, "items": [], "itemsView": "notLoaded", "status": status})
}

/// A page of items of the turn.
fn items(texts: &[&str], next: Option<&str>) -> Answer {
    let entry =
        |text: &&str| json!({"turnId": "turn-1", "item": {"type": "agentMessage", "id": text, "text": text}});
    Answer::result(json!({"data": texts.iter().map(entry).collect::<Vec<_>>(), "nextCursor": next}))
}

/// A server with one thread and one turn, which begins with these steps; it has all methods.
fn telling(steps: impl IntoIterator<Item = Step>) -> Scenario {
    let begun = Answer::result(json!({"turn": turn("inProgress")})).then(steps);
    Scenario::new().answer("thread/start", Answer::thread()).answer("turn/start", begun)
}

fn active() -> Answer {
    thread_with(json!({"type": "active", "activeFlags": []}), json!([]))
}

async fn turns_and_items_come_in_pages<R: Kit>() {
    let scenario = Scenario::new()
        .answer("thread/turns/list", turns(json!([bare("c", "completed"), bare("b", "failed")]), Some("2")))
        .answer("thread/turns/list", turns(json!([]), Some("3")))
        .answer("thread/turns/list", turns(json!([bare("a", "completed")]), None))
        .answer("thread/items/list", items(&["one"], Some("x")))
        .answer("thread/items/list", items(&["two"], None));
    let (server, codex) = R::start(scenario).await;
    let thread = codex.thread("thread-1");
    let call = thread.turns().limit(2_u32).items_view(TurnItemsView::NotLoaded);
    let ids: Vec<_> =
        R::collect(call.items()).await.into_iter().map(|turn| turn.expect("a turn").id).collect();
    assert_eq!(ids, ["c", "b", "a"]);
    let sent = |cursor: Option<&str>| {
        let mut params = json!({"threadId": "thread-1", "limit": 2, "itemsView": "notLoaded"});
        if let Some(cursor) = cursor {
            params["cursor"] = cursor.into();
        }
        params
    };
    assert_eq!(server.params("thread/turns/list"), [sent(None), sent(Some("2")), sent(Some("3"))]);
    let call = thread.items().sort_direction(SortDirection::Desc);
    let texts: Vec<_> =
        R::collect(call.items()).await.into_iter().map(|entry| entry.expect("an item").item).collect();
    assert_eq!(texts.iter().filter_map(|item| item.id()).collect::<Vec<_>>(), ["one", "two"]);
    let params = json!({"threadId": "thread-1", "sortDirection": "desc", "cursor": "x"});
    assert_eq!(server.params("thread/items/list")[1], params);
}

async fn a_cursor_that_comes_again_is_an_error<R: Kit>() {
    let scenario =
        Scenario::new().answer("thread/turns/list", turns(json!([bare("a", "completed")]), Some("2")));
    let (server, codex) = R::start(scenario).await;
    let thread = codex.thread("thread-1");
    let read = R::collect(thread.turns().items()).await;
    assert_eq!((read.len(), server.count("thread/turns/list")), (3, 2));
    let Some(Err(ClientError::Decode(error))) = read.last() else { panic!("{read:?}") };
    assert_eq!((error.method(), error.path()), (Some("thread/turns/list"), "result.nextCursor"));
}

async fn an_error_between_pages_is_the_last_item<R: Kit>() {
    let scenario = Scenario::new()
        .answer("thread/turns/list", turns(json!([bare("a", "completed")]), Some("2")))
        .answer("thread/turns/list", Answer::error(-32600, "invalid cursor: 2"));
    let (server, codex) = R::start(scenario).await;
    let thread = codex.thread("thread-1");
    let read = R::collect(thread.turns().items()).await;
    assert!(matches!(&read[..], [Ok(_), Err(ClientError::Rpc { .. })]), "{read:?}");
    assert_eq!(server.count("thread/turns/list"), 2);
}

async fn a_connection_that_ends_between_pages_is_an_error<R: Kit>() {
    let scenario = Scenario::new()
        .answer("thread/turns/list", turns(json!([bare("a", "completed")]), Some("2")))
        .answer("thread/turns/list", Answer::never().then([Step::CloseStdout]));
    let (_server, codex) = R::start(scenario).await;
    let thread = codex.thread("thread-1");
    let read = R::collect(thread.turns().items()).await;
    assert!(matches!(&read[..], [Ok(_), Err(ClientError::Closed(_))]), "{read:?}");
}

async fn threads_are_resumed_without_their_turns<R: Kit>() {
    let (server, codex) = R::start(Scenario::new()).await;
    // The answer is of no interest.
    drop(R::send(codex.thread_resume("T")).await);
    drop(R::send(codex.thread_resume("T").exclude_turns(false)).await);
    drop(R::send(codex.thread_resume("T").with_params(ThreadResumeParams::new("U"))).await);
    drop(R::send(codex.thread_fork("T")).await);
    let params = [
        json!({"threadId": "T", "excludeTurns": true}),
        json!({"threadId": "T", "excludeTurns": false}),
        json!({"threadId": "U"}),
    ];
    assert_eq!(server.params("thread/resume"), params);
    assert_eq!(server.params("thread/fork"), params[..1]);
}

async fn the_watchdog_reads_no_items_of_a_running_turn<R: Kit>() {
    let scenario = telling([started()])
        .answer("thread/turns/list", turns(json!([bare("turn-1", "inProgress")]), Some("2")))
        .answer("thread/turns/list", turns(json!([bare("turn-1", "completed")]), Some("2")))
        .answer("thread/items/list", items(&["first", "last"], None))
        .answer("thread/read", active());
    let (server, thread) = thread::<R>(Codex::builder().watchdog(SOON), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let error = R::run_turn(&turn).await.expect_err("nothing is heard");
    let Error::Stalled(stalled) = &error else { panic!("{error}") };
    assert_eq!(stalled.turn_status.as_ref().map(|status| status.as_str()), Some("inProgress"));
    assert!(error.to_string().contains("is active"), "{error}");
    assert_eq!((server.count("thread/items/list"), server.count("thread/read")), (0, 1));
    let result = R::run_turn(&turn).await.expect("the server keeps it");
    assert_eq!((result.text(), result.items.len()), ("last", 2));
    assert_eq!(server.params("thread/read"), [json!({"threadId": "thread-1"})]);
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "limit": 20, "sortDirection": "asc"});
    assert_eq!(server.params("thread/items/list"), [params]);
}

async fn a_missed_end_is_found_on_a_later_page<R: Kit>() {
    let scenario = Scenario::new()
        .answer("thread/turns/list", turns(json!([bare("turn-3", "completed")]), Some("2")))
        .answer(
            "thread/turns/list",
            turns(json!([bare("turn-2", "completed"), bare("turn-1", "failed")]), Some("3")),
        )
        .answer("thread/items/list", items(&["kept"], None));
    let (server, codex) = R::start(scenario).await;
    let result = R::run_turn(&codex.thread("thread-1").follow("turn-1")).await.expect("it is over");
    assert_eq!((result.status.as_str(), result.text()), ("failed", "kept"));
    assert_eq!((server.count("thread/turns/list"), server.count("thread/read")), (2, 0));
}

async fn items_beyond_the_line_limit_come_in_smaller_pages<R: Kit>() {
    let long = "x".repeat(20_000);
    let scenario = Scenario::new()
        .answer("thread/turns/list", turns(json!([bare("turn-1", "completed")]), None))
        .answer("thread/items/list", items(&[&long], None))
        .answer("thread/items/list", items(&["one"], Some("2")))
        .answer("thread/items/list", items(&["two"], None));
    let builder = Codex::builder().client(|client| client.line_limit(10_000));
    let (server, codex) = R::attach(builder, scenario).await;
    let result = R::run_turn(&codex.thread("thread-1").follow("turn-1")).await.expect("it is over");
    assert_eq!((result.text(), result.items.len()), ("two", 2));
    let limits: Vec<_> =
        server.params("thread/items/list").iter().map(|sent| sent["limit"].clone()).collect();
    assert_eq!(limits, [20, 10, 10]);
}

async fn an_interrupt_asks_for_no_items<R: Kit>() {
    let scenario = Scenario::new()
        .answer("turn/interrupt", Answer::error(-32600, "no active turn to interrupt"))
        .answer("thread/turns/list", turns(json!([bare("turn-1", "completed")]), None));
    let (server, codex) = R::start(scenario).await;
    R::interrupt_turn(&codex.thread("thread-1").follow("turn-1")).await.expect("it is over");
    assert_eq!((server.count("thread/turns/list"), server.count("thread/items/list")), (1, 0));
}

async fn records_that_cannot_be_read_are_an_error<R: Kit>() {
    let failed = || Answer::error(-32603, "disk full");
    let over = turns(json!([bare("turn-1", "completed")]), None);
    for scenario in [
        Scenario::new().answer("thread/turns/list", failed()),
        Scenario::new().answer("thread/turns/list", over).answer("thread/items/list", failed()),
    ] {
        let (_server, codex) = R::start(scenario).await;
        let error = R::run_turn(&codex.thread("thread-1").follow("turn-1")).await.expect_err("disk full");
        assert!(error.to_string().contains("disk full"), "{error}");
    }
    // The events go on where the records are of no use.
    let scenario =
        telling([started(), Step::Until("thread/name/set".into()), delta("said"), completed("completed")])
            .answer("thread/name/set", Answer::result(json!({})))
            .answer("thread/turns/list", failed());
    let (_server, thread) = thread::<R>(Codex::builder().watchdog(SOON), scenario).await;
    let turn = R::send(thread.turn("go")).await.expect("a turn");
    let error = R::run_turn(&turn).await.expect_err("disk full");
    assert!(error.to_string().contains("disk full"), "{error}");
    R::send(thread.set_name("go on")).await.expect("it is named");
    let result = loop {
        match R::run_turn(&turn).await {
            Err(error) => assert!(error.to_string().contains("disk full"), "{error}"),
            Ok(result) => break result,
        }
    };
    assert_eq!(result.text(), "said");
}
