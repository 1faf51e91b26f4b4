//! Pages of a server that answers well, never ends, or fails on the way; on both kinds of connections.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use codex_appserver_wire::{
    BlockingTransport, DecodeError, Direction, EncodeError, Endpoint, Items, Paged, Pages, Request, Transport,
};
use serde_json::{Value, json};

/// A method with params and a response of any JSON.
#[derive(Debug)]
struct List;

impl Request for List {
    const METHOD: &'static str = "all/list";
    const DIRECTION: Direction = Direction::ClientToServer;
    type Params = Value;
    type Response = Value;
}

impl Paged for List {
    type Item = Value;

    fn set_cursor(params: &mut Value, cursor: String) {
        params["cursor"] = cursor.into();
    }

    fn next_cursor(response: &Value) -> Option<&str> {
        response["next"].as_str()
    }

    fn backwards_cursor(response: &Value) -> Option<&str> {
        response["back"].as_str()
    }

    fn into_items(response: Value) -> Vec<Value> {
        response["data"].as_array().cloned().unwrap_or_default()
    }
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Encode(#[from] EncodeError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("refused")]
    Refused,
}

/// A server that answers by a function of the cursor, and remembers what it was asked.
struct Server<F> {
    answer: F,
    asked: Mutex<Vec<String>>,
}

impl<F: Fn(&str) -> Option<Value>> Server<F> {
    fn new(answer: F) -> Self {
        Self { answer, asked: Mutex::default() }
    }

    fn respond(&self, method: &str, params: Option<String>) -> Result<String, Error> {
        assert_eq!(method, "all/list");
        let params: Value = serde_json::from_str(&params.unwrap_or_default()).expect("JSON");
        let cursor = params["cursor"].as_str().unwrap_or("first").to_owned();
        assert_eq!(params["limit"], 2, "the other params stay");
        let answer = (self.answer)(&cursor);
        self.asked.lock().expect("no panic").push(cursor);
        answer.map(|page| page.to_string()).ok_or(Error::Refused)
    }

    fn asked(&self) -> String {
        self.asked.lock().expect("no panic").join(" ")
    }
}

impl<F> Endpoint for Server<F> {
    type Error = Error;
}

impl<F: Fn(&str) -> Option<Value>> BlockingTransport for Server<F> {
    fn send(&self, method: &'static str, params: Option<String>) -> Result<String, Error> {
        self.respond(method, params)
    }

    fn notify(&self, _: &'static str, _: Option<String>) -> Result<(), Error> {
        unreachable!("nothing is notified")
    }
}

/// The same, awaited: the first poll of each request is pending.
struct Slow<F>(Server<F>);

impl<F> Endpoint for Slow<F> {
    type Error = Error;
}

impl<F: Fn(&str) -> Option<Value> + Sync> Transport for Slow<F> {
    async fn send(&self, method: &'static str, params: Option<String>) -> Result<String, Error> {
        let mut polled = false;
        let second = |_: &mut Context<'_>| match std::mem::replace(&mut polled, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        };
        poll_fn(second).await;
        self.0.respond(method, params)
    }

    async fn notify(&self, _: &'static str, _: Option<String>) -> Result<(), Error> {
        unreachable!("nothing is notified")
    }
}

/// Polls until it is ready, and says how often it was not.
fn wait<T>(future: impl Future<Output = T>) -> (T, usize) {
    let (mut future, mut pending) = (pin!(future), 0);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => return (value, pending),
            Poll::Pending => pending += 1,
        }
    }
}

fn params() -> Value {
    json!({"limit": 2})
}

/// The number in a cursor, one higher for each page.
fn page_number(cursor: &str) -> usize {
    cursor.parse::<usize>().unwrap_or(0) + 1
}

/// What is read until the end, at most 500 items or pages, and what the server was asked for the items.
fn read<F: Fn(&str) -> Option<Value> + Sync>(answer: F) -> (Vec<String>, Vec<String>, String) {
    let show = |item: Result<Value, Error>| match item {
        Ok(item) => item.to_string(),
        Err(error) => error.to_string(),
    };
    let server = Server::new(&answer);
    let items: Vec<String> = Pages::<_, List>::new(&server, params()).items().take(500).map(show).collect();
    let asked = server.asked();
    let server = Server::new(&answer);
    let pages = Pages::<_, List>::new(&server, params()).take(500);
    let pages: Vec<String> = pages.map(|page| show(page.map(|page| page["data"].clone()))).collect();
    // The same where it is awaited.
    let slow = Slow(Server::new(&answer));
    let mut stream: Items<'_, _, List> = Pages::new(&slow, params()).items();
    let mut awaited = Vec::new();
    while awaited.len() < 500
        && let Some(item) = wait(stream.next()).0
    {
        awaited.push(show(item));
    }
    assert_eq!((&awaited, slow.0.asked()), (&items, asked.clone()));
    (items, pages, asked)
}

#[test]
fn pages_are_read_to_the_last() {
    let (items, pages, asked) = read(|cursor| match cursor {
        "first" => Some(json!({"data": [1, 2], "next": "b", "back": "z"})),
        "b" => Some(json!({"data": [], "next": "c"})),
        "c" => Some(json!({"data": [3], "next": null})),
        _ => None,
    });
    assert_eq!(
        (items.join(" "), pages.join(" "), &*asked),
        ("1 2 3".into(), "[1,2] [] [3]".into(), "first b c")
    );
}

#[test]
fn one_page_without_a_cursor_is_all() {
    let (items, pages, asked) = read(|_| Some(json!({"data": []})));
    assert_eq!((items.len(), pages.join(" "), &*asked), (0, "[]".into(), "first"));
}

#[test]
fn a_page_is_requested_when_it_is_read() {
    let server = Server::new(|cursor: &str| {
        let next = page_number(cursor);
        Some(json!({"data": [next, next], "next": next.to_string(), "back": cursor}))
    });
    let mut items = Pages::<_, List>::new(&server, params()).items();
    assert_eq!((&*server.asked(), items.cursor(), items.backwards_cursor()), ("", None, None));
    for (asked, cursor) in [("first", "1"), ("first", "1"), ("first 1", "2")] {
        items.next().expect("an item").expect("no error");
        assert_eq!((&*server.asked(), items.cursor()), (asked, Some(cursor)));
        assert_eq!(items.backwards_cursor(), Some("first"), "that of the first page");
    }
}

const REPEATED: &str = "all/list: result.nextCursor: the server names a cursor that it has named before";

#[test]
fn the_same_cursor_again_is_an_error_after_the_page() {
    let (items, _, asked) = read(|_| Some(json!({"data": [1], "next": "a"})));
    assert_eq!((items, &*asked), (vec!["1".into(), "1".into(), REPEATED.to_owned()], "first a"));
}

#[test]
fn cursors_that_go_in_a_circle_end_in_an_error() {
    for (tail, circle) in [(0, 1), (0, 2), (1, 3), (5, 7), (20, 10), (3, 50)] {
        let (items, pages, _) = read(|cursor| {
            let at = page_number(cursor);
            let next = if at < tail + circle { at } else { tail };
            Some(json!({"data": [at], "next": next.to_string()}))
        });
        assert_eq!(items.last().map(String::as_str), Some(REPEATED), "{tail} {circle}");
        assert!(items.len() <= 4 * (tail + circle) + 2, "{tail} {circle}: {}", items.len());
        assert_eq!(items.len(), pages.len());
    }
}

#[test]
fn pages_without_items_are_skipped_but_not_without_end() {
    let (items, pages, _) = read(|cursor| {
        let at = page_number(cursor);
        let data = if at == 99 { json!([99]) } else { json!([]) };
        Some(json!({"data": data, "next": at.to_string()}))
    });
    let error = "all/list: result.nextCursor: a hundred pages in a row have no item and name a next page";
    assert_eq!((items, pages.len()), (vec!["99".to_owned(), error.into()], 500));
    // The last one may be empty.
    let (items, _, asked) = read(|cursor| {
        let at = page_number(cursor);
        Some(json!({"data": [], "next": (at < 100).then(|| at.to_string())}))
    });
    assert_eq!((items.len(), asked.split(' ').count()), (0, 100));
}

#[test]
fn an_error_on_the_way_is_the_last_item() {
    let (items, pages, asked) = read(|cursor| (cursor == "first").then(|| json!({"data": [1], "next": "b"})));
    assert_eq!(
        (items.join(" "), pages.join(" "), &*asked),
        ("1 refused".into(), "[1] refused".into(), "first b")
    );
    // It can be read on from there.
    let fails = RefCell::new(true);
    let server = Server::new(|cursor: &str| match cursor {
        "b" if fails.replace(false) => None,
        "b" => Some(json!({"data": [2]})),
        _ => Some(json!({"data": [1], "next": "b"})),
    });
    let mut items = Pages::<_, List>::new(&server, params()).items();
    let read: Vec<bool> = items.by_ref().map(|item| item.is_ok()).collect();
    assert_eq!((read, items.cursor()), (vec![true, false], Some("b")));
    let rest = Pages::<_, List>::new(&server, json!({"limit": 2, "cursor": items.cursor()})).items();
    assert_eq!(rest.map(|item| item.expect("no error")).collect::<Vec<_>>(), [2]);
}

#[test]
fn an_answer_that_does_not_decode_names_the_method() {
    struct Garbage;
    impl Endpoint for Garbage {
        type Error = Error;
    }
    impl BlockingTransport for Garbage {
        fn send(&self, _: &'static str, _: Option<String>) -> Result<String, Error> {
            Ok("{\"data\": [".into())
        }

        fn notify(&self, _: &'static str, _: Option<String>) -> Result<(), Error> {
            unreachable!("nothing is notified")
        }
    }
    let mut pages = Pages::<_, List>::new(&Garbage, params());
    let Some(Err(Error::Decode(error))) = pages.next() else { panic!("no error") };
    assert_eq!((error.method(), error.raw()), (Some("all/list"), Some("{\"data\": [")));
    assert!(error.path().starts_with("result"), "{error}");
    assert!(pages.next().is_none());
}

#[test]
fn a_future_that_is_dropped_loses_nothing() {
    let slow = Slow(Server::new(|cursor: &str| {
        let next = (cursor == "first").then_some("b");
        Some(json!({"data": [cursor], "next": next}))
    }));
    let mut items = Pages::<_, List>::new(&slow, params()).items();
    for expected in ["first", "b"] {
        assert!(pin!(items.next()).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        let (item, pending) = wait(items.next());
        // The request was on its way.
        assert_eq!((item.expect("an item").expect("no error"), pending), (json!(expected), 0));
    }
    assert_eq!((wait(items.next()).0.is_none(), &*slow.0.asked()), (true, "first b"));
}
