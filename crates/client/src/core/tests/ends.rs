//! Stopping and closing: everything that waits ends, and nothing new begins.

use std::task::{Poll, Waker};

use super::{Alarm, Bench, Failure, Output};
use crate::core::Core;
use crate::core::Filter;
use crate::error::Error;

#[test]
fn stopping_cancels_calls_and_lets_the_writer_finish() {
    let mut bench = Bench::window(1, 10);
    let (flying, queued, given_up) = (bench.begin("a"), bench.begin("b"), bench.begin("c"));
    let (answered, alarm, watcher) = (flying, Alarm::new(), Alarm::new());
    let all = bench.subscribe(Filter::All);
    assert!(bench.core.poll_call(queued, &alarm.waker).is_pending());
    bench.core.watch(7, &watcher.waker);
    bench.core.watch(7, &watcher.waker);
    bench.give_up(given_up);
    bench.act(Core::stop);
    assert_eq!((alarm.rings(), watcher.rings()), (1, 1));
    assert!(matches!(bench.outcome(flying), Err(Failure::Cancelled)));
    assert!(matches!(bench.outcome(queued), Err(Failure::Cancelled)));
    assert!(bench.core.is_stopping() && bench.core.closed().is_none());
    assert_eq!(bench.load(), (0, 0));
    let refused = bench.try_begin("late", None).expect_err("it is stopped");
    assert!(matches!(&refused, Error::Cancelled { method } if method == "late"), "{refused}");
    assert!(bench.act(|core, wakes| core.notify("late", None, wakes)).is_err());
    assert_eq!(bench.sent_ids(), [flying], "what was written goes out, the queue does not");
    assert!(matches!(bench.core.poll_output(&mut Vec::new(), Waker::noop()), Poll::Ready(Output::End)));
    bench.result(answered);
    bench.line(r#"{"method":"m"}"#);
    assert_eq!(bench.drain(all), ["m"], "events come until the end");
}

#[test]
fn stopping_wakes_the_writer_that_waits() {
    let mut bench = Bench::new();
    assert!(bench.bytes().is_empty());
    bench.act(Core::stop);
    assert_eq!(bench.alarm.rings(), 1);
    bench.act(Core::stop);
    assert_eq!(bench.alarm.rings(), 1);
}

#[test]
fn closing_ends_everything_that_waits() {
    let mut bench = Bench::window(1, 10);
    let (flying, queued) = (bench.begin_within(5), bench.begin("b"));
    let (alarm, watcher) = (Alarm::new(), Alarm::new());
    for id in [flying, queued] {
        assert!(bench.core.poll_call(id, &alarm.waker).is_pending());
    }
    let asked = bench.line(r#"{"method":"ask","id":0}"#).expect("a request");
    assert!(bench.core.poll_resolved(&asked.ticket, &alarm.waker).is_pending());
    let queues = [Filter::All, Filter::thread("T"), Filter::turn("U")].map(|filter| bench.subscribe(filter));
    bench.line(r#"{"method":"m","params":{"threadId":"T","turnId":"U"}}"#);
    bench.core.watch(7, &watcher.waker);
    bench.close();
    bench.pass(5);
    assert_eq!((alarm.rings(), watcher.rings()), (3, 1), "each is woken once");
    for id in [flying, queued] {
        assert!(matches!(bench.outcome(id), Err(Failure::Closed)));
    }
    assert!(bench.core.poll_resolved(&asked.ticket, Waker::noop()).is_ready());
    for queue in queues {
        let seen = bench.drain(queue);
        assert_eq!((seen.len(), seen[0].as_str(), seen[2].as_str()), (3, "m", "end"), "{seen:?}");
        assert!(seen[1].contains("it closed the connection") && seen[1].contains("ouch"), "{seen:?}");
    }
    assert!(matches!(bench.try_begin("late", None), Err(Error::Closed(_))));
    assert_eq!(bench.load(), (0, 0));
}

#[test]
fn a_subscription_to_a_closed_connection_ends_at_once() {
    let mut bench = Bench::new();
    bench.close();
    let queue = bench.subscribe(Filter::All);
    assert_eq!(bench.drain(queue).len(), 2);
    bench.core.narrow(&Filter::All, &Filter::thread("T"), queue);
    assert_eq!(bench.drain(queue), ["end"]);
}

#[test]
fn the_first_end_counts() {
    let mut bench = Bench::new();
    bench.close();
    bench.act(Core::stop);
    bench.close();
    let closed = bench.core.closed().expect("it is closed");
    assert!(!closed.is_shutdown());
}
