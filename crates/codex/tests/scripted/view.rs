//! The items of a thread, kept and new, of a server that has both at once.

use codex_appserver::generic::{Codex, ThreadView};
use codex_appserver::{ClientError, Error};
use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
use serde_json::{Value, json};

use crate::both;
use crate::support::Kit;

both!(
    kept_items_come_first_and_new_ones_follow,
    items_lost_by_a_slow_reader_are_read,
    an_ephemeral_thread_has_new_items_alone,
    a_broken_connection_is_an_error,
);

fn item(id: &str) -> Value {
    json!({"type": "agentMessage", "id": id, "text": ""})
}

fn page(ids: &[String], next: Option<&str>) -> Answer {
    let entries: Vec<Value> = ids.iter().map(|id| json!({"turnId": "turn-1", "item": item(id)})).collect();
    Answer::result(json!({"data": entries, "nextCursor": next}))
}

fn done(id: &str) -> Value {
    json!({"threadId": "thread-1", "turnId": "turn-1", "item": item(id), "completedAtMs": 1})
}

fn completed(id: &str) -> Step {
    Step::notify("item/completed", done(id))
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// The ids of the next items.
async fn read<R: Kit>(view: &mut ThreadView<R>, count: usize) -> Vec<String> {
    let mut read = Vec::new();
    while read.len() < count {
        let entry = R::next_item(view).await.expect("an item").expect("no error");
        assert_eq!(entry.turn_id, "turn-1");
        read.push(entry.item.id().expect("an id").to_owned());
    }
    read
}

async fn kept_items_come_first_and_new_ones_follow<R: Kit>() {
    let scenario = Scenario::new()
        .answer(
            "thread/items/list",
            page(&ids(&["a", "b"]), Some("2")).then([completed("c"), completed("d")]),
        )
        .answer("thread/items/list", page(&ids(&["c"]), None).then([completed("e")]));
    let (server, codex) = R::start(scenario).await;
    let mut view = codex.thread("thread-1").view();
    assert_eq!(read(&mut view, 5).await, ["a", "b", "c", "d", "e"]);
    assert_eq!(
        server.params("thread/items/list")[1],
        json!({
            "threadId": "thread-1", "limit": 20, "sortDirection": "asc", "cursor": "2"
        })
    );
    R::close(&codex).await;
    assert!(R::next_item(&mut view).await.is_none());
}

async fn items_lost_by_a_slow_reader_are_read<R: Kit>() {
    let all: Vec<String> = (0..1000).map(|n| format!("item {n}")).collect();
    let scenario = Scenario::new()
        .answer("thread/items/list", page(&ids(&["a"]), Some("2")))
        .answer("thread/items/list", page(&ids(&["b"]), None))
        .answer("thread/items/list", page(&[ids(&["b"]), all.clone()].concat(), Some("3")))
        .answer("thread/items/list", page(&[], None).then([completed("item 999"), completed("last")]))
        .answer(
            "thread/name/set",
            Answer::result(json!({})).then([Step::flood(1000, "item/completed", done("item $i"))]),
        );
    let (server, codex) = R::attach(Codex::builder().event_capacity(10_000), scenario).await;
    let thread = codex.thread("thread-1");
    let mut view = thread.view();
    assert_eq!(read(&mut view, 2).await, ["a", "b"]);
    R::send(thread.set_name("flood")).await.expect("it is named");
    while codex.client().stats().notifications < 1000 {
        std::thread::yield_now();
    }
    assert_eq!(read(&mut view, 1001).await, [all, ids(&["last"])].concat());
    let cursors: Vec<_> =
        server.params("thread/items/list").iter().map(|sent| sent["cursor"].clone()).collect();
    assert_eq!(cursors, [Value::Null, json!("2"), json!("2"), json!("3")]);
}

async fn an_ephemeral_thread_has_new_items_alone<R: Kit>() {
    let refused = Answer::error(-32601, "thread/items/list is not supported yet");
    let scenario = Scenario::new().answer("thread/items/list", refused.then([completed("a")]));
    let (_server, codex) = R::start(scenario).await;
    assert_eq!(read(&mut codex.thread("thread-1").view(), 1).await, ["a"]);
}

async fn a_broken_connection_is_an_error<R: Kit>() {
    let scenario =
        Scenario::new().answer("thread/items/list", page(&ids(&["a"]), None).then([Step::CloseStdout]));
    let (_server, codex) = R::start(scenario).await;
    let mut view = codex.thread("thread-1").view();
    assert_eq!(read(&mut view, 1).await, ["a"]);
    let error = R::next_item(&mut view).await.expect("an error").expect_err("it is gone");
    assert!(matches!(error, Error::Client(ClientError::Closed(_))), "{error}");
    assert!(R::next_item(&mut view).await.is_none());
}
