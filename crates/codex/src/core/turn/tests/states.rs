//! The step that follows each input in each state.

use super::In::*;
use super::*;

/// For each input, the step that follows in the state after `setup`.
fn table(bench: fn() -> Bench, setup: &[In], rows: &[(In, &str)]) {
    for (input, expected) in rows {
        let mut bench = bench().after(setup);
        bench.step();
        bench.input(*input);
        assert_eq!(bench.step(), *expected, "{input:?} after {setup:?}");
        if !matches!(*expected, "done" | "wait" | "read" | "ask") && !expected.starts_with("wait") {
            let next = bench.step();
            let ends = !expected.starts_with("stalled");
            assert_eq!(next == "done", ends, "{next} after {expected}");
        }
    }
}

const ENDED: Read = Read::Ended("completed");
const MISSED_END: In = Unreadable(Some("turn/completed"));
const MISSED_ITEM: In = Unreadable(Some("item/completed"));

#[test]
fn while_the_turn_is_read() {
    let rows = [
        (Started("T", "U"), "wait"),
        (Delta("a"), "wait"),
        (Completed("U", "completed"), "done"),
        (Completed("U", "failed"), "done"),
        (Completed("V", "completed"), "wait"),
        (Unreadable(None), "ask"),
        (MISSED_END, "ask"),
        (MISSED_ITEM, "wait"),
        (Unreadable(Some("turn/started")), "wait"),
        (Lagged, "wait"),
        (Overrun, "overrun"),
        (Broken, "broken"),
        (ShutDown, "disconnected"),
        (NoticedStart("T", "U"), "wait"),
        (NoticedEnd("U", "completed"), "wait"),
        (GaveUp, "wait"),
        (NewReader, "wait"),
        (Pass(600_000), "wait"),
    ];
    table(Bench::new, &[], &rows);
}

#[test]
fn while_the_server_is_asked() {
    let rows = [
        (Records(ENDED), "read"),
        (Records(Read::Ended("interrupted")), "read"),
        (Records(Read::Ended("failed")), "read"),
        (Records(Read::Ended("unheardOf")), "wait 250 ms"),
        (Records(Read::Running), "wait 5000 ms"),
        (Records(Read::Abandoned), "wait 5000 ms"),
        (Records(Read::Review("inner")), "wait 5000 ms"),
        (Records(Read::Busy), "wait 5000 ms"),
        (Records(Read::Unknown), "wait 250 ms"),
        (Records(Read::TimedOut), "timed out"),
        (Records(Read::Overloaded), "overloaded"),
        (Postponed, "wait"),
        (NoticedEnd("U", "completed"), "ask"),
        (NewReader, "ask"),
        (Pass(1_000_000_000), "ask"),
    ];
    table(Bench::new, &[MISSED_END], &rows);
    table(Bench::new, &[Unreadable(None)], &rows);
    table(Bench::new, &[Overrun, NewReader], &rows);
    table(Bench::joined, &[], &rows);
}

#[test]
fn while_the_server_says_it_runs() {
    let rows = [
        (Delta("a"), "wait"),
        (Completed("U", "completed"), "ask"),
        (Lagged, "wait"),
        (MISSED_END, "ask"),
        (Broken, "broken"),
        (ShutDown, "disconnected"),
        (Timeout, "ask"),
        (Pass(4_999), "wait 1 ms"),
        (Pass(5_000), "ask"),
        (NewReader, "wait 5000 ms"),
        (NoticedEnd("U", "completed"), "wait 5000 ms"),
    ];
    table(Bench::joined, &[Records(Read::Running)], &rows);
}

#[test]
fn while_the_server_does_not_know_it() {
    let rows = [
        (Started("T", "U"), "wait"),
        (Completed("U", "completed"), "ask"),
        (Broken, "broken"),
        (Timeout, "ask"),
        (Pass(249), "wait 1 ms"),
        (Pass(250), "ask"),
        (NewReader, "wait 250 ms"),
    ];
    table(Bench::joined, &[Records(Read::Unknown)], &rows);
}

#[test]
fn while_an_unknown_turn_is_asked_again() {
    let rows = [
        (Records(Read::Unknown), "read"),
        (Records(ENDED), "read"),
        (Records(Read::Running), "wait 5000 ms"),
        (Records(Read::Busy), "wait 5000 ms"),
        (Records(Read::TimedOut), "timed out"),
    ];
    table(Bench::joined, &[Records(Read::Unknown), Pass(250)], &rows);
}

#[test]
fn while_events_wait_before_the_recorded_end() {
    let rows = [
        (Delta("a"), "read"),
        (Completed("U", "completed"), "done"),
        (Empty, "done"),
        (Broken, "done"),
        (ShutDown, "done"),
        (Overrun, "overrun"),
        (Unreadable(None), "ask"),
        (NewReader, "read"),
    ];
    table(Bench::joined, &[Records(ENDED)], &rows);
}

#[test]
fn while_events_wait_before_the_loss() {
    let rows = [
        (Delta("a"), "read"),
        (Completed("U", "completed"), "ask"),
        (Empty, "lost"),
        (Broken, "broken"),
        (ShutDown, "disconnected"),
        (NewReader, "read"),
    ];
    table(Bench::joined, &[Records(Read::Unknown), Pass(250), Records(Read::Unknown)], &rows);
}

#[test]
fn while_items_are_missing_at_the_end() {
    let rows = [
        (Records(ENDED), "done"),
        (Records(Read::Running), "done"),
        (Records(Read::Unknown), "done"),
        (Records(Read::TimedOut), "done"),
        (NewReader, "ask"),
    ];
    table(Bench::new, &[MISSED_ITEM, Completed("U", "completed")], &rows);
    table(Bench::new, &[Unreadable(None), Records(Read::Running), Completed("U", "completed")], &rows);
}

#[test]
fn after_the_end_of_a_reader() {
    let rows = [(NewReader, "wait"), (NoticedEnd("U", "completed"), "done"), (Pass(60_000), "done")];
    table(Bench::new, &[Broken], &rows);
    table(Bench::new, &[ShutDown], &rows);
    let rows = [(NewReader, "ask"), (NoticedEnd("U", "completed"), "done"), (Pass(60_000), "done")];
    table(Bench::new, &[Overrun], &rows);
    table(Bench::joined, &[Records(Read::TimedOut)], &rows);
    let lost = [Records(Read::Unknown), Pass(250), Records(Read::Unknown), Empty];
    table(Bench::joined, &lost, &rows);
}

#[test]
fn after_the_end_of_the_turn() {
    let rows = [(NewReader, "done"), (NoticedEnd("U", "completed"), "done"), (Pass(60_000), "done")];
    table(Bench::new, &[Completed("U", "completed")], &rows);
    table(Bench::joined, &[Records(ENDED), Empty], &rows);
}

#[test]
fn while_a_watched_turn_is_read() {
    let rows = [
        (Delta("a"), "wait 60000 ms"),
        (Completed("U", "completed"), "done"),
        (Pass(59_999), "wait 1 ms"),
        // Events that have arrived come before the watchdog.
        (Pass(60_000), "wait 0 ms"),
        (Timeout, "ask"),
        (MISSED_END, "ask"),
    ];
    table(Bench::watched, &[], &rows);
}

#[test]
fn while_the_watchdog_asks() {
    let rows = [
        (Records(Read::Running), "stalled inProgress"),
        (Records(Read::Review("inner")), "stalled inProgress"),
        (Records(Read::Busy), "stalled unknown"),
        (Records(Read::Unknown), "stalled unknown"),
        (Records(ENDED), "read"),
        (Records(Read::TimedOut), "timed out"),
        (NewReader, "wait 60000 ms"),
    ];
    table(Bench::watched, &[Pass(60_000), Timeout], &rows);
}
