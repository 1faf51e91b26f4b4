//! What a turn without a watchdog does about a silence that may never end.

use super::In::*;
use super::*;

/// Runs on until the server is asked.
fn ask(bench: &mut Bench, ms: u64, answer: Read, expected: &str) {
    bench.expect(&[(Pass(ms - 1), "wait 1 ms"), (Pass(1), "wait 0 ms"), (Timeout, "ask")]);
    bench.expect(&[(Records(answer), expected)]);
}

#[test]
fn a_turn_of_which_nothing_is_heard_is_asked_for() {
    let mut bench = Bench::fresh();
    assert_eq!(bench.step(), "wait 5000 ms");
    ask(&mut bench, 5_000, Read::Running, "wait 5000 ms");
    bench.expect(&[(Pass(5_000), "ask"), (Records(Read::Ended("completed")), "read"), (Empty, "done")]);
    assert_eq!(bench.outcome(), outcome("completed", "kept"));
}

/// The caller may have let it wait: what has come is read before the server is asked.
#[test]
fn a_turn_that_is_read_late_is_not_asked_for() {
    let mut bench = Bench::fresh();
    bench.expect(&[(Pass(60_000), "wait 0 ms"), (Delta("a"), "wait"), (Pass(600_000), "wait")]);
}

#[test]
fn a_turn_may_take_long_to_begin() {
    let mut bench = Bench::fresh();
    assert_eq!(bench.step(), "wait 5000 ms");
    ask(&mut bench, 5_000, Read::Unknown, "wait 30000 ms");
    bench.expect(&[(Delta("late"), "wait"), (Pass(600_000), "wait")]);
    let mut bench = Bench::fresh();
    assert_eq!(bench.step(), "wait 5000 ms");
    ask(&mut bench, 5_000, Read::Unknown, "wait 30000 ms");
    bench.expect(&[(Pass(30_000), "ask"), (Records(Read::Unknown), "read"), (Empty, "lost")]);
}

#[test]
fn an_answer_that_nothing_here_gives_is_reported() {
    let mut bench = Bench::new();
    assert_eq!(bench.step(), "wait");
    bench.expect(&[(Request, "wait 5000 ms")]);
    ask(&mut bench, 5_000, Read::Waiting, "wait 5000 ms");
    for _ in 0..2 {
        for _ in 0..5 {
            bench.expect(&[(Pass(5_000), "ask"), (Records(Read::Waiting), "wait 5000 ms")]);
        }
        bench.expect(&[(Pass(5_000), "ask"), (Records(Read::Waiting), "stalled inProgress for 30000 ms")]);
        assert_eq!(bench.step(), "wait 5000 ms");
    }
    // Another client has answered.
    bench.expect(&[(Delta("on"), "wait"), (Pass(600_000), "wait")]);
}

#[test]
fn a_request_that_was_answered_costs_one_look() {
    let mut bench = Bench::new();
    bench.expect(&[(Request, "wait 5000 ms")]);
    ask(&mut bench, 5_000, Read::Running, "wait");
    bench.expect(&[(Pass(600_000), "wait")]);
}

#[test]
fn a_request_that_waits_here_is_not_asked_for() {
    let mut bench = Bench::new();
    bench.expect(&[(Request, "wait 5000 ms"), (Asked, "wait 5000 ms")]);
    for _ in 0..100 {
        bench.expect(&[(Pass(5_000), "wait 0 ms"), (Timeout, "wait 5000 ms")]);
    }
}

#[test]
fn a_turn_that_does_not_end_when_it_is_interrupted_is_reported() {
    let mut bench = Bench::new();
    assert_eq!(bench.step(), "wait");
    bench.expect(&[(Interrupt, "wait 5000 ms")]);
    ask(&mut bench, 5_000, Read::Running, "wait 5000 ms");
    bench.expect(&[(Pass(5_000), "ask"), (Records(Read::Running), "stalled inProgress for 10000 ms")]);
    bench.expect(&[(Pass(0), "wait 5000 ms"), (Pass(5_000), "ask"), (Records(Read::TimedOut), "timed out")]);
}

#[test]
fn a_refused_interrupt_changes_nothing() {
    let mut bench = Bench::new();
    bench.expect(&[(Interrupt, "wait 5000 ms"), (InterruptRefused, "wait"), (Pass(600_000), "wait")]);
}

/// As after `thread/unsubscribe`: nothing tells this connection of the end.
#[test]
fn a_turn_that_is_silent_for_a_minute_is_asked_for() {
    let mut bench = Bench::new();
    bench.expect(&[(Delta("a"), "wait"), (Pass(60_000), "wait")]);
    bench.expect(&[(Timeout, "ask"), (Records(Read::Running), "wait"), (Pass(60_000), "wait")]);
    bench.expect(&[(Timeout, "ask"), (Records(Read::Ended("completed")), "read"), (Empty, "done")]);
    assert_eq!(bench.outcome(), outcome("completed", "kept"));
}

/// A call of a dynamic tool shows in no status.
#[test]
fn an_answer_that_was_left_is_reported_whatever_the_status() {
    let mut bench = Bench::new();
    bench.waits.is_left = true;
    bench.expect(&[(Request, "wait 5000 ms")]);
    ask(&mut bench, 5_000, Read::Running, "wait 5000 ms");
    for _ in 0..5 {
        bench.expect(&[(Pass(5_000), "ask"), (Records(Read::Running), "wait 5000 ms")]);
    }
    bench.expect(&[(Pass(5_000), "ask"), (Records(Read::Running), "stalled inProgress for 30000 ms")]);
}

/// A handle that joins a turn in the middle has missed its first items.
#[test]
fn the_items_of_a_turn_whose_start_was_not_read_are_asked_for() {
    let mut bench = Bench::of(|now| Turn::new("T", "U", None, now));
    bench.expect(&[(Completed("U", "completed"), "ask"), (Records(Read::Ended("completed")), "done")]);
    assert_eq!(bench.outcome(), outcome("completed", "kept"));
    let mut refused = Bench::of(|now| Turn::new("T", "U", None, now));
    refused.expect(&[(Delta("a"), "wait"), (Completed("U", "completed"), "ask")]);
    refused.expect(&[(Records(Read::TimedOut), "done")]);
    assert_eq!(refused.outcome(), outcome("completed", "a"));
}
