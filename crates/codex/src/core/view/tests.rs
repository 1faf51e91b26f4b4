//! Every order in which a page and an event may have an item.

use codex_appserver_client::wire::{DecodeError, RpcError};
use serde_json::{Value, json};

use super::*;
use crate::core::fixtures;

/// Input of a view.
#[derive(Clone, Debug)]
enum In {
    /// A page with these items, and where the next one begins.
    Page(&'static [&'static str], Option<&'static str>),
    /// An answer that cannot be read.
    TooLong,
    Refused(i64),
    /// There is no record of the thread.
    NotRecorded,
    Completed(&'static str),
    /// `item/completed` of another thread.
    Elsewhere(&'static str),
    TurnCompleted,
    /// A message of this method that cannot be decoded.
    Unreadable(Option<&'static str>),
    Overrun,
    Broken,
    ShutDown,
}

use In::*;

fn item(id: &str) -> Value {
    json!({"type": "agentMessage", "id": id, "text": ""})
}

fn failed(code: i64, message: &str) -> ClientError {
    ClientError::Rpc { method: "thread/items/list".into(), error: RpcError::new(code, message) }
}

struct Bench(View);

impl Bench {
    fn input(&mut self, input: In) {
        let view = &mut self.0;
        match input {
            Page(items, next) => {
                let entry = |id: &&str| json!({"turnId": "U", "item": item(id)});
                let data: Vec<Value> = items.iter().map(entry).collect();
                let page = serde_json::from_value(json!({"data": data, "nextCursor": next}));
                view.on_page(Ok(page.expect("a page")));
            }
            TooLong => view.on_page(Err(ClientError::Decode(DecodeError::other("too long")))),
            Refused(code) => view.on_page(Err(failed(code, "refused"))),
            NotRecorded => view.on_page(Err(failed(-32601, "thread/items/list is not supported yet"))),
            Completed(id) | Elsewhere(id) => {
                let thread = if matches!(input, Elsewhere(_)) { "other" } else { "T" };
                let params = json!({"threadId": thread, "turnId": "U", "item": item(id), "completedAtMs": 1});
                view.on_event(fixtures::event("item/completed", params));
            }
            TurnCompleted => {
                let turn = fixtures::turn("U", "completed", "U");
                view.on_event(fixtures::event("turn/completed", json!({"threadId": "T", "turn": turn})));
            }
            // Only the client makes such events.
            Unreadable(method) => view.on_unreadable(method),
            Overrun => view.on_overrun(ClientError::Overrun { byte_cap: 1 }),
            Broken => view.on_closed(Some(ClientError::Cancelled { method: "broken".into() })),
            ShutDown => view.on_closed(None),
        }
    }

    /// The steps up to the one that needs input, in words.
    fn steps(&mut self) -> String {
        let mut words = Vec::new();
        loop {
            let word = match self.0.next() {
                Step::Item(item) => item.item.id().expect("an id").to_owned(),
                Step::Fail(ClientError::Overrun { .. }) => "overrun".into(),
                Step::Fail(error) => error.rpc().map_or("broken".into(), |error| error.message.clone()),
                Step::Ask(params) => {
                    let cursor = params.cursor.map(|cursor| serde_json::to_value(cursor).expect("JSON"));
                    let cursor = cursor.as_ref().and_then(Value::as_str).unwrap_or("start");
                    words.push(format!("ask {cursor} {}", params.limit.expect("a limit")));
                    break;
                }
                Step::Wait => {
                    words.push("wait".into());
                    break;
                }
                Step::Done => {
                    words.push("done".into());
                    break;
                }
            };
            words.push(word);
        }
        words.join(" ")
    }
}

/// Checks the steps after each input.
#[track_caller]
fn check(script: &[(In, &str)]) {
    let mut bench = Bench(View::new("T", None));
    assert_eq!(bench.steps(), "ask start 20");
    for (n, (input, expected)) in script.iter().enumerate() {
        bench.input(input.clone());
        assert_eq!(bench.steps(), *expected, "after input {n}, {input:?}");
        // Asked again at once, it says the same.
        let last = expected.rsplit_once(' ').map_or(*expected, |(_, last)| last);
        assert!(bench.steps().ends_with(last), "after input {n}");
    }
}

#[test]
fn pages_come_first_and_events_after_them() {
    check(&[
        (Page(&["a", "b"], Some("2")), "a b ask 2 20"),
        (Page(&[], Some("3")), "ask 3 20"),
        (Page(&["c"], None), "c wait"),
        (Completed("d"), "d wait"),
        (Completed("e"), "e wait"),
    ]);
}

#[test]
fn an_item_in_both_comes_once() {
    // It was completed after the subscription began and before its page was read.
    check(&[
        (Page(&["a"], Some("2")), "a ask 2 20"),
        (Page(&["b", "c"], None), "b c wait"),
        (Completed("a"), "wait"),
        (Completed("c"), "wait"),
        (Completed("d"), "d wait"),
        (Completed("d"), "wait"),
    ]);
}

#[test]
fn an_item_completed_behind_the_last_page_comes_as_an_event() {
    check(&[(Page(&["a"], None), "a wait"), (Completed("b"), "b wait"), (Completed("a"), "wait")]);
    check(&[(Page(&[], None), "wait"), (Completed("a"), "a wait")]);
}

#[test]
fn a_turn_that_ends_meanwhile_changes_nothing() {
    check(&[
        (Page(&["a"], Some("2")), "a ask 2 20"),
        (Page(&["b"], None), "b wait"),
        (Completed("b"), "wait"),
        (TurnCompleted, "wait"),
        (Completed("late"), "late wait"),
        (Elsewhere("x"), "wait"),
    ]);
}

#[test]
fn what_an_overrun_has_lost_is_read_from_the_last_page_on() {
    check(&[
        (Page(&["a"], Some("2")), "a ask 2 20"),
        (Page(&["b"], None), "b wait"),
        (Completed("c"), "c wait"),
        (Overrun, "ask 2 20"),
        (Page(&["b", "c", "d"], Some("3")), "d ask 3 20"),
        (Page(&["e"], None), "e wait"),
        // It is in the new subscription as well.
        (Completed("e"), "wait"),
        (Completed("f"), "f wait"),
        (Overrun, "ask 3 20"),
        // Again before the page is read.
        (Overrun, "ask 3 20"),
        (Page(&["e", "f"], None), "wait"),
    ]);
    check(&[(Page(&["a"], None), "a wait"), (Overrun, "ask start 20"), (Page(&["a", "b"], None), "b wait")]);
}

#[test]
fn what_cannot_be_read_may_have_been_an_item() {
    check(&[
        (Page(&["a"], None), "a wait"),
        (Unreadable(Some("item/completed")), "ask start 20"),
        (Page(&["a", "b"], None), "b wait"),
        (Unreadable(None), "ask start 20"),
        (Page(&["a", "b"], None), "wait"),
        (Unreadable(Some("turn/completed")), "wait"),
    ]);
}

#[test]
fn a_cursor_that_comes_again_ends_the_pages() {
    check(&[(Page(&["a"], Some("2")), "a ask 2 20"), (Page(&["b"], Some("2")), "b wait")]);
}

#[test]
fn pages_that_are_too_long_get_smaller() {
    check(&[
        (TooLong, "ask start 10"),
        (TooLong, "ask start 5"),
        (Page(&["a"], Some("2")), "a ask 2 20"),
        (Page(&["b"], None), "b wait"),
    ]);
    let none = "broken done";
    let steps = ["ask start 10", "ask start 5", "ask start 2", "ask start 1", none];
    check(&steps.map(|step| (TooLong, step)));
}

#[test]
fn a_thread_without_records_begins_with_its_events() {
    check(&[(NotRecorded, "wait"), (Completed("a"), "a wait")]);
    // What is missed then cannot be read.
    check(&[(NotRecorded, "wait"), (Overrun, "ask start 20"), (NotRecorded, "overrun done")]);
    // It has records by then.
    check(&[
        (NotRecorded, "wait"),
        (Completed("a"), "a wait"),
        (Overrun, "ask start 20"),
        (Page(&["a", "b"], None), "b wait"),
    ]);
}

#[test]
fn errors_are_the_last_item() {
    check(&[(Page(&["a"], Some("2")), "a ask 2 20"), (Refused(-32603), "refused done")]);
    // A server that has no such method has to be told from a thread without items.
    check(&[(Refused(-32601), "refused done")]);
    check(&[(Page(&["a"], None), "a wait"), (Broken, "broken done")]);
    check(&[(Page(&["a"], None), "a wait"), (ShutDown, "done")]);
}

#[test]
fn a_view_may_begin_at_a_cursor() {
    let mut bench = Bench(View::new("T", Some("9".into())));
    assert_eq!(bench.steps(), "ask 9 20");
    bench.input(Page(&["i"], None));
    assert_eq!(bench.steps(), "i wait");
    bench.input(Overrun);
    assert_eq!(bench.steps(), "ask 9 20");
}
