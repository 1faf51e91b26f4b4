//! How a turn ends where events, notices and records do not agree, or some of them are missing.

use super::In::*;
use super::*;

#[test]
fn the_end_is_the_last_event() {
    let mut bench = Bench::new().after(&[Started("T", "U"), Delta("a")]);
    bench.expect(&[(Delta("b"), "wait"), (Completed("U", "completed"), "done")]);
    assert_eq!(bench.outcome(), outcome("completed", "ab"));
    assert!(bench.turn.is_over());
}

#[test]
fn a_missed_end_comes_from_the_records() {
    for missed in [Unreadable(None), Unreadable(Some("turn/completed"))] {
        let mut bench = Bench::new().after(&[Delta("said")]);
        bench.expect(&[(missed, "ask"), (Records(Read::Ended("failed")), "read"), (Empty, "done")]);
        assert_eq!(bench.outcome(), outcome("failed", "kept"));
    }
}

#[test]
fn waiting_events_come_before_the_recorded_end() {
    let mut bench = Bench::joined().after(&[Records(Read::Ended("completed"))]);
    bench.expect(&[(Diff("+1"), "read"), (Completed("U", "completed"), "done")]);
    let result = bench.turn.result().expect("a result");
    assert_eq!(result.diff.as_deref(), Some("+1"));
    let mut bench = Bench::joined().after(&[Records(Read::Ended("completed"))]);
    bench.expect(&[(Diff("+1"), "read"), (Empty, "done")]);
    let result = bench.turn.result().expect("a result");
    assert_eq!((result.diff.as_deref(), result.text()), (Some("+1"), "kept"));
}

#[test]
fn missed_items_come_from_the_records() {
    let missed = [Delta("said"), Unreadable(Some("item/completed")), Completed("U", "completed")];
    for (read, text) in [
        (Read::Ended("completed"), "kept"),
        // The end was read, so the records cannot deny it.
        (Read::Running, "said"),
        (Read::Unknown, "said"),
        (Read::TimedOut, "said"),
    ] {
        let mut bench = Bench::new().after(&missed);
        // There is no whole message, so its deltas are not the answer of a completed turn, but better than nothing.
        bench.expect(&[(Records(read), "done")]);
        assert_eq!(bench.outcome(), outcome("completed", text), "{read:?}");
    }
}

#[test]
fn a_noticed_end_outweighs_the_records() {
    for read in [Read::Running, Read::Abandoned, Read::Busy, Read::Unknown, Read::TimedOut, Read::Overloaded]
    {
        let mut bench = Bench::new().after(&[Delta("said"), Overrun, NewReader]);
        let noticed = NoticedEnd("U", "interrupted");
        bench.expect(&[(noticed, "ask"), (Records(read), "read"), (Empty, "done")]);
        assert_eq!(bench.outcome(), outcome("interrupted", "said"), "{read:?}");
    }
}

#[test]
fn the_notice_of_another_end_is_ignored() {
    let mut bench = Bench::joined().after(&[NoticedEnd("V", "completed")]);
    bench.expect(&[(Records(Read::Running), "wait 5000 ms")]);
    assert!(!bench.turn.is_over() && bench.turn.wants_notices());
}

#[test]
fn a_turn_unknown_twice_is_lost() {
    let mut bench = Bench::joined().after(&[]);
    let unknown = Records(Read::Unknown);
    bench.expect(&[(unknown, "wait 250 ms"), (Pass(250), "ask"), (unknown, "read"), (Empty, "lost")]);
    // The next reader asks again, and is told the same at once.
    bench.expect(&[(NewReader, "ask"), (unknown, "read"), (Empty, "lost"), (NewReader, "ask")]);
    bench.expect(&[(Records(Read::Ended("completed")), "read"), (Empty, "done")]);
    assert_eq!(bench.outcome(), outcome("completed", "kept"));
}

#[test]
fn an_event_between_clears_the_doubt() {
    let mut bench = Bench::joined().after(&[Records(Read::Unknown)]);
    bench.expect(&[(Started("T", "U"), "wait"), (Pass(600_000), "wait")]);
    let unknown = Records(Read::Unknown);
    bench.expect(&[
        (Unreadable(None), "ask"),
        (unknown, "wait 250 ms"),
        (Pass(250), "ask"),
        (unknown, "read"),
    ]);
}

#[test]
fn a_busy_thread_between_clears_the_doubt() {
    let (unknown, busy) = (Records(Read::Unknown), Records(Read::Busy));
    let mut bench = Bench::joined().after(&[unknown, Pass(250)]);
    bench.expect(&[
        (busy, "wait 5000 ms"),
        (Pass(5_000), "ask"),
        (unknown, "wait 250 ms"),
        (Pass(250), "ask"),
    ]);
    bench.expect(&[(unknown, "read"), (Empty, "lost")]);
}

#[test]
fn a_connection_may_end_after_the_turn() {
    for closed in [Broken, ShutDown] {
        let mut bench = Bench::new().after(&[Overrun, NewReader, NoticedEnd("U", "completed")]);
        bench.expect(&[(Records(Read::TimedOut), "read"), (closed, "done")]);
        assert_eq!(bench.outcome().0, "completed");
    }
}

#[test]
fn a_connection_may_end_before_the_turn() {
    for (closed, error) in [(Broken, "broken"), (ShutDown, "disconnected")] {
        let mut bench = Bench::new().after(&[Delta("half")]);
        bench.expect(&[(closed, error), (Pass(0), "done"), (NewReader, "wait"), (closed, error)]);
        assert!(bench.turn.result().is_none() && !bench.turn.is_over());
    }
}

#[test]
fn an_overloaded_server_is_no_reason_to_retry() {
    let mut bench = Bench::joined();
    bench.step();
    bench.input(Records(Read::Overloaded));
    let Step::Fail(error) = bench.turn.next(bench.now) else { panic!("an error") };
    assert!(!error.is_retryable(), "{error}");
}

#[test]
fn the_next_reader_asks_after_an_overrun() {
    let mut bench = Bench::new().after(&[Delta("half")]);
    bench.expect(&[(Overrun, "overrun"), (Pass(0), "done"), (NewReader, "ask")]);
    bench.expect(&[(Records(Read::Running), "wait 5000 ms"), (Completed("U", "completed"), "ask")]);
    bench.expect(&[(Records(Read::Ended("completed")), "done")]);
    assert_eq!(bench.outcome(), outcome("completed", "kept"), "with the items that were missed");
}
