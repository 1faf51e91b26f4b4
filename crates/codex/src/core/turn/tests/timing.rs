//! When the server is asked about a silent turn.

use super::In::*;
use super::*;

#[test]
fn the_watchdog_counts_from_the_last_event() {
    let mut bench = Bench::watched().after(&[]);
    bench.expect(&[
        (Pass(59_000), "wait 1000 ms"),
        (Delta("a"), "wait 60000 ms"),
        (Pass(1_000), "wait 59000 ms"),
    ]);
}

#[test]
fn the_watchdog_begins_anew_after_a_stall() {
    let mut bench = Bench::watched().after(&[Pass(60_000), Timeout]);
    bench.expect(&[(Records(Read::Running), "stalled inProgress"), (Pass(0), "wait 60000 ms")]);
    bench.expect(&[(Delta("a"), "wait 60000 ms"), (Completed("U", "completed"), "done")]);
}

#[test]
fn a_turn_stalled_unknown_twice_is_lost() {
    let mut bench = Bench::watched().after(&[Pass(60_000), Timeout]);
    let unknown = Records(Read::Unknown);
    bench.expect(&[(unknown, "stalled unknown"), (Pass(60_000), "wait 60000 ms"), (Timeout, "ask")]);
    bench.expect(&[(unknown, "read"), (Empty, "lost"), (Pass(0), "done")]);
}

/// A doubt must not shorten the time that the user has set.
#[test]
fn a_watchdog_takes_the_place_of_doubts() {
    let mut bench = Bench::watched().after(&[Unreadable(None)]);
    bench.expect(&[
        (Records(Read::Unknown), "wait 60000 ms"),
        (Pass(10_000), "wait 50000 ms"),
        (Timeout, "ask"),
    ]);
    bench.expect(&[(Records(Read::Busy), "stalled unknown")]);
}

#[test]
fn a_doubted_turn_is_asked_every_five_seconds() {
    let mut bench = Bench::joined().after(&[]);
    for _ in 0..3 {
        bench.expect(&[(Records(Read::Running), "wait 5000 ms"), (Pass(4_000), "wait 1000 ms")]);
        bench.expect(&[(Pass(1_000), "ask")]);
    }
    bench.expect(&[(Records(Read::Running), "wait 5000 ms"), (Timeout, "ask")]);
    bench.expect(&[(Records(Read::Ended("completed")), "read"), (Empty, "done")]);
}

/// A caller that waits a little at a time still has the server asked about a doubt.
#[test]
fn short_waits_add_up_for_doubts() {
    let mut bench = Bench::joined().after(&[Records(Read::Running)]);
    bench.expect(&[(Pass(2_000), "wait 3000 ms"), (GaveUp, "wait 3000 ms"), (Pass(2_000), "wait 1000 ms")]);
    bench.expect(&[(GaveUp, "wait 1000 ms"), (Pass(1_000), "ask")]);
}

#[test]
fn short_waits_do_not_add_up_for_watchdogs() {
    let mut bench = Bench::watched().after(&[]);
    bench.expect(&[(Pass(50_000), "wait 10000 ms"), (GaveUp, "wait 60000 ms")]);
}

#[test]
fn postponed_records_are_asked_for_again() {
    for again in [Delta("a"), GaveUp, NewReader] {
        let mut bench = Bench::joined().after(&[Postponed]);
        bench.expect(&[(Pass(60_000), "wait"), (again, "ask")]);
    }
}

#[test]
fn asking_for_a_silence_ends_with_its_reader() {
    let mut bench = Bench::watched().after(&[Pass(60_000), Timeout]);
    bench.expect(&[(NewReader, "wait 60000 ms")]);
}

#[test]
fn a_watchdog_without_end_never_asks() {
    let mut bench = Bench::of(Turn::new("T", "U", Some(Duration::MAX)));
    assert_eq!(bench.step(), "wait");
}
