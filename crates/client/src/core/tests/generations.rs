//! One connection after the other: what ends with the old one, what waits for the new one, and in which order.

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::{Alarm, Bench, Failure, Output};
use crate::core::{CallTerms, Core, Filter};
use crate::error::{CloseReason, Closed, Error};
use crate::settings::EventSettings;

impl Bench {
    fn supervised() -> Self {
        let mut bench = Self::window(2, 10);
        bench.core.supervise().expect("it is open");
        bench
    }

    fn lose(&mut self) {
        let now = self.now;
        let (status, stderr, unreadable) = (None, Vec::new(), Vec::new());
        let closed = Closed { reason: CloseReason::EndOfStream, status, stderr, unreadable };
        self.act(|core, wakes| core.lose(&Arc::new(closed), now, wakes));
    }

    /// Begins a connection to this process and introduces the client.
    fn connect(&mut self, pid: Option<u32>) {
        assert!(self.act(|core, wakes| core.begin_connection(pid, wakes)));
        let id = self.begin_urgent();
        self.result(id);
    }

    fn begin_urgent(&mut self) -> i64 {
        let (now, terms) = (self.now, CallTerms { timeout: None, urgent: true });
        self.act(|core, wakes| core.begin("urgent".into(), Some("{}"), terms, now, wakes))
            .expect("it goes out")
    }

    fn is_lost(&mut self, id: i64) -> bool {
        match self.outcome(id) {
            Err(Failure::Lost { may_have_run, .. }) => may_have_run,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn sent_calls_are_lost_and_queued_ones_wait() {
    let mut bench = Bench::supervised();
    let (sent, detached) = (bench.begin("a"), bench.begin("b"));
    bench.core.detach(detached);
    assert_eq!(bench.sent_ids(), [sent, detached]);
    let queued = bench.begin("c");
    bench.lose();
    assert!(bench.is_lost(sent));
    let later = bench.begin("d");
    assert_eq!(bench.load(), (0, 2));
    bench.connect(None);
    let restoring = bench.begin_urgent();
    let sent_first = bench.sent_ids();
    assert_eq!(sent_first.last(), Some(&restoring), "only what is urgent goes out");
    assert!(!sent_first.contains(&queued));
    bench.act(Core::open);
    assert_eq!(bench.sent_ids(), [queued], "one urgent call is still in the window of two");
    bench.result(restoring);
    assert_eq!(bench.sent_ids(), [later]);
    for id in [queued, later] {
        bench.result(id);
        assert!(bench.outcome(id).is_ok());
    }
}

#[test]
fn a_call_that_was_not_written_was_not_executed() {
    let mut bench = Bench::supervised();
    let written = bench.begin("a");
    assert_eq!(bench.sent_ids(), [written]);
    let unwritten = bench.begin("b");
    bench.lose();
    assert_eq!((bench.is_lost(written), bench.is_lost(unwritten)), (true, false));
    assert!(bench.sent_ids().is_empty(), "it is not sent over another connection");
}

#[test]
fn the_mark_comes_before_what_the_new_connection_brings() {
    let mut bench = Bench::supervised();
    bench.core.set_pid(Some(1));
    let queues = [Filter::All, Filter::thread("T"), Filter::turn("U")].map(|filter| bench.subscribe(filter));
    let few = EventSettings::default().methods(&["never"]).byte_cap(0);
    let narrow = bench.core.subscribe(&Filter::All, few);
    bench.line(r#"{"method":"before","params":{"threadId":"T","turnId":"U"}}"#);
    bench.line(r#"{"method":"ask","id":0,"params":{"threadId":"T","turnId":"U"}}"#).expect("a request");
    bench.lose();
    bench.pass(7);
    bench.connect(Some(2));
    bench.line(r#"{"method":"after","params":{"threadId":"T","turnId":"U"}}"#);
    bench.act(Core::open);
    let mark = "generation 2, restarted Some(true), 1 requests";
    for queue in queues {
        assert_eq!(bench.drain(queue), ["before", "ask", mark, "after"]);
    }
    assert_eq!(bench.drain(narrow), [mark]);
    assert_eq!(bench.core.generation(), 2);
}

#[test]
fn a_request_of_the_old_connection_is_over_and_its_id_free() {
    let mut bench = Bench::supervised();
    let asked = bench.line(r#"{"method":"ask","id":0}"#).expect("a request");
    assert!(bench.core.is_open(&asked.ticket));
    bench.lose();
    assert!(!bench.core.is_open(&asked.ticket));
    assert!(bench.core.poll_resolved(&asked.ticket, Waker::noop()).is_ready());
    bench.connect(None);
    let again =
        bench.line(r#"{"method":"ask","id":0}"#).expect("it is asked while the connection is restored");
    assert!(bench.core.is_open(&again.ticket) && !bench.core.is_open(&asked.ticket));
    let now = bench.now;
    let (late, timely) = (asked.ticket, again.ticket);
    assert!(!bench.act(|core, wakes| core.answer(&late, &Ok("1".into()), now, wakes)));
    assert!(bench.act(|core, wakes| core.answer(&timely, &Ok("2".into()), now, wakes)));
    assert!(!bench.bytes().contains("\"result\":1"));
}

#[test]
fn a_loss_while_it_is_restored_is_one_loss() {
    let mut bench = Bench::supervised();
    let all = bench.subscribe(Filter::All);
    bench.core.set_pid(Some(1));
    bench.line(r#"{"method":"ask","id":0}"#);
    bench.lose();
    assert!(bench.act(|core, wakes| core.begin_connection(Some(2), wakes)));
    let id = bench.begin_urgent();
    bench.lose();
    assert!(bench.is_lost(id) || bench.sent_ids().is_empty());
    bench.connect(Some(1));
    bench.act(Core::open);
    let seen = bench.drain(all);
    assert_eq!(
        seen,
        ["ask", "generation 2, restarted Some(false), 1 requests"],
        "one mark, by the first loss"
    );
    bench.lose();
    bench.connect(Some(3));
    assert_eq!(bench.drain(all), ["generation 3, restarted Some(true), 0 requests"]);
    // Lost once more before it is open: what was missed is what came after the last mark.
    bench.line(r#"{"method":"ask","id":0}"#);
    bench.lose();
    bench.connect(Some(3));
    assert_eq!(bench.drain(all), ["ask", "generation 4, restarted Some(false), 1 requests"]);
}

#[test]
fn nothing_is_written_without_a_connection() {
    let mut bench = Bench::supervised();
    bench.lose();
    assert!(matches!(bench.core.poll_output(&mut Vec::new(), Waker::noop()), Poll::Pending));
    let refused = bench.act(|core, wakes| core.notify("n", None, wakes)).expect_err("it cannot wait");
    assert!(matches!(refused, Error::ConnectionLost { may_have_run: false, .. }), "{refused}");
    let call = bench.try_begin("m", Some(Duration::from_secs(5))).expect("it waits");
    bench.pass(5);
    assert!(matches!(bench.outcome(call), Err(Failure::TimedOut(_))));
}

#[test]
fn stopping_ends_it_in_every_phase() {
    for connects in [false, true] {
        let mut bench = Bench::supervised();
        let watcher = Alarm::new();
        bench.lose();
        if connects {
            bench.connect(None);
        }
        let waits = bench.begin("m");
        bench.core.watch(7, &watcher.waker);
        bench.act(Core::stop);
        assert_eq!(watcher.rings(), 1);
        assert!(matches!(bench.outcome(waits), Err(Failure::Cancelled)));
        assert!(!bench.core.is_supervised(), "it is not made again");
        assert!(!bench.act(|core, wakes| core.begin_connection(None, wakes)));
        bench.bytes();
        assert!(matches!(bench.core.poll_output(&mut Vec::new(), Waker::noop()), Poll::Ready(Output::End)));
    }
    let mut closed = Bench::new();
    closed.close();
    assert!(closed.core.supervise().is_err());
}

#[test]
fn a_turn_is_known_by_the_connection_that_it_was_started_over() {
    let mut bench = Bench::supervised();
    let start = |bench: &mut Bench, turn: &str| {
        let id = bench.begin("turn/start");
        (id, format!(r#"{{"id":{id},"result":{{"turn":{{"id":"{turn}"}}}}}}"#))
    };
    let (_, answer) = start(&mut bench, "first");
    bench.line(&answer);
    bench.lose();
    let (waits, answer) = start(&mut bench, "second");
    bench.connect(None);
    bench.act(Core::open);
    assert!(bench.sent_ids().contains(&waits));
    bench.line(&answer);
    let known = ["first", "second", "another"].map(|turn| bench.core.started_in(turn));
    assert_eq!(known, [Some(1), Some(2), None]);
    bench.close();
    assert_eq!(bench.core.pid(), None);
}
