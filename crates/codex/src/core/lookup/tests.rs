//! A server with a thread of turns, which a lookup reads.

use codex_appserver_client::wire::{DecodeError, Request, RpcError};
use codex_appserver_methods::protocol::{ThreadStatus, method};
use serde_json::{Value, json};

use super::*;
use crate::core::fixtures;
use crate::core::records::Record;

/// What the server has and can.
struct Server {
    /// The turns, newest first: ids with status and root.
    turns: Vec<(String, &'static str, String)>,
    status: &'static str,
    /// The items of the turn `U`.
    items: usize,
    /// No answer may have more items.
    room: usize,
    /// Methods that are answered with this error.
    refuses: Vec<(&'static str, RpcError)>,
    /// Cursors go in a circle.
    endless: bool,
    /// The calls that were made, in short.
    log: Vec<String>,
}

/// A server with this many turns; the turn `U` is at this place and has ended.
fn server(turns: usize, place: usize) -> Server {
    let turn = |n| match n == place {
        true => ("U".to_owned(), "completed", "U".to_owned()),
        false => (format!("t{n}"), "completed", format!("t{n}")),
    };
    Server {
        turns: (0..turns).map(turn).collect(),
        status: "idle",
        items: 3,
        room: usize::MAX,
        refuses: Vec::new(),
        endless: false,
        log: Vec::new(),
    }
}

fn unknown(method: &str) -> RpcError {
    let list = "`, expected one of `initialize`, `thread/read`";
    RpcError::new(-32600, format!("Invalid request: unknown variant `{method}{list}"))
}

impl Server {
    fn refusing(mut self, method: &'static str, error: RpcError) -> Self {
        self.refuses.push((method, error));
        self
    }

    fn item(n: usize) -> Value {
        json!({"type": "agentMessage", "id": format!("i{n}"), "text": format!("text {n}")})
    }

    fn turn(&self, (id, status, root): &(String, &str, String), view: &str) -> Value {
        let items: Vec<Value> = match id == "U" && view == "full" {
            true => (0..self.items).map(Self::item).collect(),
            false => Vec::new(),
        };
        json!({"id": id, "status": status, "rootTurnId": root, "items": items, "itemsView": view})
    }

    /// Answers a call, or refuses it.
    fn answer<T: serde::de::DeserializeOwned>(
        &mut self,
        method: &'static str,
        what: String,
        answer: impl FnOnce(&Self) -> Result<Value, ClientError>,
    ) -> Result<T, ClientError> {
        self.log.push(what);
        if let Some((_, error)) = self.refuses.iter().find(|(refused, _)| *refused == method) {
            return Err(ClientError::Rpc { method: method.into(), error: error.clone() });
        }
        Ok(serde_json::from_value(answer(self)?).expect("a response"))
    }

    fn page(&self, cursor: Option<&str>, limit: usize, of: usize) -> (std::ops::Range<usize>, Value) {
        let start = cursor.map_or(0, |cursor| cursor.parse().expect("a cursor"));
        let end = (start + limit).min(of);
        let next = match (self.endless, end < of) {
            (true, _) => json!("0"),
            (_, true) => json!(end.to_string()),
            _ => Value::Null,
        };
        (start..end, next)
    }

    /// Runs a lookup to its end.
    fn run(&mut self, mut lookup: Lookup) -> Result<Records, ClientError> {
        for _ in 0..3000 {
            match lookup.next() {
                Query::Read(params) => {
                    let whole = params.include_turns == Some(true);
                    let what = if whole { "whole" } else { "status" };
                    let method = if whole { "includeTurns" } else { method::ThreadRead::METHOD };
                    let read = self.answer(method, what.into(), |server| {
                        let turns = server.turns.iter().filter(|_| whole);
                        let turns: Vec<_> = turns.map(|turn| server.turn(turn, "full")).collect();
                        Ok(serde_json::to_value(fixtures::read(server.status, json!(turns))).expect("JSON"))
                    });
                    lookup.on_read(read);
                }
                Query::Turns(params) => {
                    assert_eq!(params.sort_direction, Some(SortDirection::Desc));
                    let view = params.items_view.expect("a view");
                    let limit = params.limit.expect("a limit") as usize;
                    let what = format!(
                        "turns {} {limit} {}",
                        params.cursor.as_deref().unwrap_or("-"),
                        view.as_str()
                    );
                    let page = self.answer(method::ThreadTurnsList::METHOD, what, |server| {
                        let (range, next) = server.page(params.cursor.as_deref(), limit, server.turns.len());
                        let turns: Vec<_> =
                            server.turns[range].iter().map(|turn| server.turn(turn, view.as_str())).collect();
                        too_long(server.room, &turns)?;
                        Ok(json!({"data": turns, "nextCursor": next}))
                    });
                    lookup.on_turns(page);
                }
                Query::Items(params) => {
                    assert_eq!(params.turn_id.as_deref(), Some("U"));
                    let cursor = params.cursor.map(|cursor| serde_json::to_value(cursor).expect("JSON"));
                    let cursor = cursor.as_ref().and_then(Value::as_str);
                    let limit = params.limit.expect("a limit") as usize;
                    let what = format!("items {} {limit}", cursor.unwrap_or("-"));
                    let page = self.answer(method::ThreadItemsList::METHOD, what, |server| {
                        let (range, next) = server.page(cursor, limit, server.items);
                        if range.len() > server.room {
                            return Err(ClientError::Decode(DecodeError::other("too long")));
                        }
                        let entries: Vec<_> =
                            range.map(|n| json!({"turnId": "U", "item": Self::item(n)})).collect();
                        Ok(json!({"data": entries, "nextCursor": next}))
                    });
                    lookup.on_items(page);
                }
                Query::Done(records) => return records,
            }
        }
        panic!("it goes on forever: {:?}", &self.log[..20]);
    }

    /// The status of the turn, how many items it has, and the calls.
    fn look_up(mut self) -> (String, usize, Vec<String>) {
        let records = self.run(Lookup::with_items("T", "U")).expect("records");
        let (status, items) = match Record::of(records, "U", std::time::Duration::ZERO) {
            Record::Over(turn) => {
                let whole = turn.items_view == TurnItemsView::Full;
                (turn.status.as_str().to_owned(), if whole { turn.items.len() } else { 0 })
            }
            Record::Open(stalled) => {
                let status = stalled.turn_status.as_ref().map_or("unknown", |status| status.as_str());
                let active = matches!(stalled.status, ThreadStatus::Active(_));
                (format!("{status}, {}", if active { "active" } else { "idle" }), 0)
            }
        };
        (status, items, self.log)
    }
}

fn too_long(room: usize, turns: &[Value]) -> Result<(), ClientError> {
    let items: usize = turns.iter().filter_map(|turn| turn["items"].as_array()).map(Vec::len).sum();
    if items > room { Err(ClientError::Decode(DecodeError::other("too long"))) } else { Ok(()) }
}

#[track_caller]
fn check(server: Server, expected: &str, items: usize, calls: &[&str]) {
    assert_eq!(server.look_up(), (expected.into(), items, calls.iter().map(|call| (*call).into()).collect()));
}

#[test]
fn an_ended_turn_is_read_with_its_items() {
    check(server(5, 0), "completed", 3, &["turns - 100 notLoaded", "items - 20"]);
    let calls = ["turns - 100 notLoaded", "turns 100 100 notLoaded", "items - 20"];
    check(server(2000, 150), "completed", 3, &calls);
    let long = Server { items: 45, ..server(1, 0) };
    check(long, "completed", 45, &["turns - 100 notLoaded", "items - 20", "items 20 20", "items 40 20"]);
}

#[test]
fn a_status_is_read_without_items() {
    let mut server = server(5, 2);
    let records = server.run(Lookup::status("T", "U")).expect("records");
    assert_eq!((records.turns.len(), server.log), (1, vec!["turns - 100 notLoaded".to_owned()]));
}

#[test]
fn a_turn_that_runs_needs_the_status_of_its_thread() {
    let calls = ["turns - 100 notLoaded", "status"];
    for status in ["active", "idle"] {
        let mut server = Server { status, ..server(3, 0) };
        server.turns[0].1 = "inProgress";
        check(server, &format!("inProgress, {status}"), 0, &calls);
    }
    // A review is in the records under another id; the rest is not looked through.
    let mut server = Server { status: "active", ..server(500, 900) };
    server.turns[1] = ("inner".into(), "inProgress", "U".into());
    check(server, "inProgress, active", 0, &calls);
}

#[test]
fn a_turn_that_is_not_there_is_looked_for_to_the_end() {
    let calls = ["turns - 100 notLoaded", "turns 100 100 notLoaded", "turns 200 100 notLoaded", "status"];
    check(server(250, 900), "unknown, idle", 0, &calls);
    check(server(0, 900), "unknown, idle", 0, &["turns - 100 notLoaded", "status"]);
}

#[test]
fn cursors_that_go_in_a_circle_end() {
    let (status, _, calls) = Server { endless: true, ..server(250, 900) }.look_up();
    assert_eq!((&*status, calls.len()), ("unknown, idle", 3), "{calls:?}");
    let (status, items, calls) = Server { endless: true, ..server(1, 0) }.look_up();
    // Items of which some may be missing are not taken for all of them.
    assert_eq!((&*status, items), ("completed", 0), "{calls:?}");
}

#[test]
fn items_that_are_too_long_come_in_smaller_pages() {
    let calls = ["turns - 100 notLoaded", "items - 20", "items - 10", "items - 5", "items - 2", "items 2 2"];
    check(Server { room: 2, ..server(1, 0) }, "completed", 3, &calls);
    // One item alone is too long: the end counts all the same.
    let calls = [&calls[..5], &["items - 1"]].concat();
    check(Server { room: 0, ..server(1, 0) }, "completed", 0, &calls);
}

#[test]
fn without_a_method_for_items_the_page_has_them() {
    let items = method::ThreadItemsList::METHOD;
    let needs = RpcError::new(-32600, format!("{items} requires experimentalApi capability"));
    for error in [unknown(items), RpcError::new(-32601, "thread/items/list is not supported yet"), needs] {
        let calls = ["turns - 100 notLoaded", "turns 100 100 notLoaded", "items - 20", "turns 100 51 full"];
        check(server(2000, 150).refusing(items, error), "completed", 3, &calls);
    }
    let calls = ["turns - 100 notLoaded", "items - 20", "turns - 1 full"];
    check(Server { room: 2, ..server(1, 0) }.refusing(items, unknown(items)), "completed", 0, &calls);
}

#[test]
fn without_a_method_for_turns_the_thread_is_read() {
    let turns = method::ThreadTurnsList::METHOD;
    let needs = RpcError::new(-32600, format!("{turns} requires experimentalApi capability"));
    for error in [unknown(turns), needs] {
        let calls = ["turns - 100 notLoaded", "whole"];
        check(server(3, 1).refusing(turns, error), "completed", 3, &calls);
    }
    for message in [
        "ephemeral threads do not support includeTurns",
        "thread x is not materialized yet; includeTurns is unavailable before first user message",
        "paginated threads do not support thread/read(includeTurns=true)",
    ] {
        let none = RpcError::new(-32600, message);
        let server = server(3, 1).refusing(turns, unknown(turns)).refusing("includeTurns", none);
        check(server, "unknown, idle", 0, &["turns - 100 notLoaded", "whole", "status"]);
    }
}

#[test]
fn a_thread_without_records_has_a_status() {
    for message in [
        "ephemeral threads do not support thread/turns/list",
        "thread x is not materialized yet; thread/turns/list is unavailable before first user message",
    ] {
        let error = RpcError::new(-32600, message);
        let server = server(0, 900).refusing(method::ThreadTurnsList::METHOD, error);
        check(server, "unknown, idle", 0, &["turns - 100 notLoaded", "status"]);
    }
}

#[test]
fn other_errors_are_passed_on() {
    let failed = || RpcError::new(-32603, "disk full");
    for (method, place) in [
        (method::ThreadTurnsList::METHOD, 0),
        (method::ThreadItemsList::METHOD, 0),
        (method::ThreadRead::METHOD, 900),
    ] {
        let error = server(1, place).refusing(method, failed()).run(Lookup::with_items("T", "U"));
        assert_eq!(error.expect_err(method).rpc(), Some(&failed()), "{method}");
    }
}
