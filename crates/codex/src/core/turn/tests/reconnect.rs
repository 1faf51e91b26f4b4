//! A turn whose connection is lost and made again.

use std::sync::Arc;

use codex_appserver_client::{CloseReason, Closed, Missed, MissedRequest};
use codex_appserver_methods::protocol::ThreadItem;

use super::In::*;
use super::*;

const ENDED: Read = Read::Ended("interrupted");

impl Bench {
    fn reconnect(&mut self, generation: u64, restarted: Option<bool>) {
        let mut missed = Missed::default();
        missed.duration = Duration::from_secs(1);
        missed.restarted = restarted;
        missed.requests = ["T", "other"].map(request).into();
        self.turn.on_event(Event::Reconnected { generation, missed: Arc::new(missed) });
    }

    /// The event that the reader gets next.
    fn mark(&mut self) -> (u64, Missed) {
        match self.turn.next(self.now) {
            Step::Event(Event::Reconnected { generation, missed }) => (generation, (*missed).clone()),
            step => panic!("{step:?}"),
        }
    }

    /// The records have the turn, in progress, with these messages.
    fn records(&mut self, ids: &[&str]) {
        let items: Vec<_> =
            ids.iter().map(|id| json!({"type": "agentMessage", "id": id, "text": id})).collect();
        let turns = json!([{"id": "U", "items": items, "status": "inProgress", "itemsView": "full"}]);
        self.turn.on_records(Ok(fixtures::read("active", turns).into()), self.now);
    }

    fn completes(&mut self, id: &str) {
        let item = json!({"type": "agentMessage", "id": id, "text": id});
        let params = json!({"threadId": "T", "turnId": "U", "item": item, "completedAtMs": 1});
        self.event(fixtures::event("item/completed", params));
    }
}

fn request(thread: &str) -> MissedRequest {
    MissedRequest::new(0, "ask", Some(thread.to_owned()))
}

fn ids(items: &[ThreadItem]) -> Vec<&str> {
    items.iter().filter_map(ThreadItem::id).collect()
}

fn lost() -> ClientError {
    let closed = Closed::new(CloseReason::EndOfStream);
    ClientError::ConnectionLost { method: "m".into(), may_have_run: true, closed: Arc::new(closed) }
}

#[test]
fn the_reader_gets_what_was_missed_and_goes_on() {
    let mut bench = Bench::new().after(&[Started("T", "U")]);
    bench.completes("one");
    bench.reconnect(2, Some(false));
    assert_eq!(bench.step(), "ask");
    bench.records(&["one", "two"]);
    let (generation, missed) = bench.mark();
    assert_eq!((generation, ids(&missed.items)), (2, vec!["two"]));
    assert_eq!(missed.requests.len(), 1, "the other one is of another thread");
    assert_eq!(bench.step(), "wait 5000 ms");
    bench.completes("three");
    bench.expect(&[(Completed("U", "completed"), "ask"), (Records(Read::Ended("completed")), "done")]);
    assert_eq!(bench.outcome(), outcome("completed", "kept"), "what was missed is in the records");
}

#[test]
fn the_end_may_have_been_missed() {
    for restarted in [None, Some(false), Some(true)] {
        let mut bench = Bench::new();
        bench.reconnect(2, restarted);
        assert_eq!(bench.step(), "ask");
        bench.input(Records(ENDED));
        let (_, missed) = bench.mark();
        assert_eq!(ids(&missed.items), ["item-1"]);
        bench.expect(&[(Pass(0), "read"), (Empty, "done")]);
        assert_eq!(bench.outcome(), outcome("interrupted", "kept"));
    }
}

#[test]
fn a_turn_that_is_nowhere_is_lost() {
    let mut restarted = Bench::new();
    restarted.reconnect(2, Some(true));
    restarted.input(Records(Read::Unknown));
    restarted.mark();
    restarted.expect(&[(Pass(0), "read"), (Empty, "lost"), (Pass(0), "done")]);

    // The same server may be about to say more.
    let mut same = Bench::new();
    same.reconnect(2, None);
    same.input(Records(Read::Unknown));
    same.mark();
    same.expect(&[
        (Pass(0), "wait 250 ms"),
        (Timeout, "ask"),
        (Records(Read::Unknown), "read"),
        (Empty, "lost"),
    ]);
}

#[test]
fn a_thread_that_is_nowhere_is_lost_with_its_server() {
    for (restarted, expected) in [(Some(true), "read"), (None, "thread not found: T")] {
        let mut bench = Bench::new();
        bench.reconnect(2, restarted);
        let error = RpcError::new(-32600, "thread not found: T");
        bench.turn.on_records(Err(ClientError::Rpc { method: "m".into(), error }), bench.now);
        bench.mark();
        assert_eq!(bench.step(), expected);
    }
}

#[test]
fn two_losses_before_the_records_are_one_mark() {
    let mut bench = Bench::new();
    bench.reconnect(2, Some(true));
    assert_eq!(bench.step(), "ask");
    bench.turn.on_lost();
    assert_eq!(bench.step(), "wait", "the next connection has it ask again");
    bench.reconnect(3, Some(false));
    assert_eq!(bench.step(), "ask");
    bench.input(Records(ENDED));
    let (generation, missed) = bench.mark();
    assert_eq!((generation, missed.duration, missed.restarted), (3, Duration::from_secs(2), Some(true)));
    assert_eq!(missed.requests.len(), 2);
}

#[test]
fn a_question_at_the_end_is_asked_again() {
    let mut bench = Bench::new().after(&[Unreadable(Some("item/completed")), Completed("U", "completed")]);
    assert_eq!(bench.step(), "ask");
    bench.turn.on_lost();
    bench.expect(&[(Pass(0), "ask"), (Records(Read::Ended("completed")), "done")]);
}

#[test]
fn an_interrupt_is_repeated_over_the_next_connection() {
    let mut bench = Bench::limited(Duration::from_secs(1));
    bench.input(Pass(1_000));
    assert_eq!(bench.step(), "interrupt");
    bench.turn.on_interrupted(Err(lost().into()), bench.now);
    assert_eq!(bench.step(), "interrupt");
    bench.expect(&[(Interrupted, "wait 5000 ms")]);
}

#[test]
fn a_connection_that_is_given_up_ends_it() {
    let mut bench = Bench::new();
    bench.reconnect(2, None);
    bench.input(Broken);
    bench.mark();
    bench.expect(&[(Pass(0), "broken"), (Pass(0), "done")]);
}

#[test]
fn a_turn_that_began_over_the_new_connection_is_not_cut_off() {
    let mut bench = Bench::of(|now| Turn::new("T", "U", None, now).begun().started_in(Some(2)));
    bench.turn.silences.heard = true;
    bench.reconnect(2, Some(true));
    bench.expect(&[(Started("T", "U"), "wait"), (Delta("a"), "wait")]);
    bench.reconnect(3, Some(true));
    bench.input(Records(ENDED));
    assert_eq!(bench.mark().0, 3);
}

#[test]
fn a_lost_turn_stays_lost() {
    let mut bench = Bench::new();
    bench.reconnect(2, Some(true));
    bench.input(Records(Read::Unknown));
    bench.mark();
    bench.expect(&[(Pass(0), "read"), (Empty, "lost")]);
    assert!(matches!(bench.turn.disconnected(None), Error::Lost { .. }));
}
