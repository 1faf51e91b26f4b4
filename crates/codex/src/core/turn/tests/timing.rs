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
    let mut bench = Bench::of(|now| Turn::new("T", "U", Some(Duration::MAX), now).begun());
    assert_eq!(bench.step(), "wait");
}

#[test]
fn waiting_for_an_answer_is_not_silence() {
    let mut bench = Bench::watched().after(&[]);
    bench.expect(&[(Asked, "wait 60000 ms"), (Pass(60_000), "wait 0 ms")]);
    for _ in 0..3 {
        bench.expect(&[(Timeout, "wait 60000 ms"), (Pass(60_000), "wait 0 ms")]);
    }
    // Silence is counted from the answer.
    bench.expect(&[
        (Timeout, "wait 60000 ms"),
        (Pass(59_000), "wait 1000 ms"),
        (Answered(0), "wait 1000 ms"),
    ]);
    bench.expect(&[(Pass(1_000), "wait 0 ms"), (Timeout, "wait 59000 ms"), (Pass(59_000), "wait 0 ms")]);
    bench.expect(&[(Timeout, "ask"), (Records(Read::Running), "stalled inProgress")]);
}

#[test]
fn a_request_that_comes_while_the_server_is_asked_is_no_stall() {
    let mut bench = Bench::watched().after(&[Pass(60_000), Timeout]);
    bench.expect(&[(Asked, "ask"), (Records(Read::Running), "wait 60000 ms")]);
    // That the turn is over, or lost, is said in any case.
    let mut bench = Bench::watched().after(&[Pass(60_000), Timeout, Asked]);
    bench.expect(&[(Records(Read::Ended("completed")), "read"), (Empty, "done")]);
}

#[test]
fn sub_agents_are_signs_of_life() {
    let mut bench = Bench::watched().after(&[Pass(59_000)]);
    bench.turn.on_event(started("child", "C"));
    assert_eq!(bench.step(), "wait 60000 ms");
    // How the turn itself is remains in doubt.
    let mut bench = Bench::joined().after(&[Records(Read::Unknown), Started("child", "C")]);
    bench.expect(&[(Pass(250), "ask"), (Records(Read::Unknown), "read"), (Empty, "lost")]);
}

#[test]
fn a_turn_that_takes_too_long_is_interrupted_once() {
    let mut bench = Bench::limited(Duration::from_secs(10));
    assert_eq!(bench.step(), "wait 10000 ms");
    bench.expect(&[(Delta("half"), "wait 10000 ms"), (Pass(9_000), "wait 1000 ms")]);
    bench.expect(&[(Timeout, "interrupt"), (Pass(0), "interrupt"), (Interrupted, "wait 5000 ms")]);
    bench.expect(&[(Delta(" way"), "wait"), (Pass(60_000), "wait")]);
    bench.expect(&[(Completed("U", "interrupted"), "done")]);
    assert_eq!(bench.outcome(), outcome("interrupted", "half way"));
    assert!(bench.turn.result().is_some_and(|result| result.timed_out));
}

#[test]
fn a_turn_that_ended_before_its_interrupt_did_not_time_out() {
    let mut bench = Bench::limited(Duration::from_secs(10)).after(&[Pass(10_000), Interrupted]);
    bench.expect(&[(Completed("U", "completed"), "done")]);
    assert!(bench.turn.result().is_some_and(|result| !result.timed_out));
    // Once the end is known there is nothing to interrupt.
    let mut bench =
        Bench::limited(Duration::from_secs(10)).after(&[Unreadable(None), Records(Read::Ended("completed"))]);
    bench.expect(&[(Pass(20_000), "read"), (Empty, "done")]);
}

/// The server does not say that the turn has ended; it is asked.
#[test]
fn the_end_of_an_interrupted_turn_is_asked_for() {
    let mut bench = Bench::limited(Duration::from_secs(10)).after(&[Pass(10_000), Interrupted]);
    bench.expect(&[(Pass(5_000), "ask"), (Records(Read::Ended("interrupted")), "read"), (Empty, "done")]);
    assert!(bench.turn.result().is_some_and(|result| result.timed_out));
}

#[test]
fn the_next_reader_interrupts_again_what_could_not_be_interrupted() {
    let mut bench = Bench::limited(Duration::from_secs(10)).after(&[Pass(10_000)]);
    bench.expect(&[(NotInterrupted, "not interrupted"), (Pass(0), "done"), (NewReader, "interrupt")]);
    bench.expect(&[(Interrupted, "wait 5000 ms"), (NewReader, "wait 5000 ms")]);
}

#[test]
fn time_spent_on_people_does_not_count_unless_wanted() {
    let mut bench = Bench::limited(Duration::from_secs(10));
    bench.step();
    bench.expect(&[(Pass(4_000), "wait 6000 ms"), (Asked, "wait 6000 ms"), (Pass(6_000), "wait 6000 ms")]);
    // It is looked at now and then.
    bench.expect(&[(Timeout, "wait 6000 ms"), (Pass(30_000), "wait 6000 ms")]);
    bench.expect(&[(Answered(0), "wait 6000 ms"), (Pass(5_000), "wait 1000 ms"), (Pass(1_000), "interrupt")]);
    let mut bench = Bench::limited(MaxDuration::in_all(Duration::from_secs(10)));
    bench.step();
    bench.expect(&[(Pass(4_000), "wait 6000 ms"), (Asked, "wait 6000 ms"), (Pass(6_000), "interrupt")]);
}

/// Of what is left next to nothing may be left, and it does not get less meanwhile.
#[test]
fn a_limit_is_not_checked_all_the_time_while_a_person_is_asked() {
    let mut bench = Bench::limited(Duration::from_secs(10)).after(&[Pass(9_999), Asked, Timeout]);
    bench.expect(&[(Pass(0), "wait 50 ms"), (Pass(50), "wait 50 ms"), (Answered(0), "wait 50 ms")]);
    bench.expect(&[(Timeout, "interrupt")]);
}

#[test]
fn the_watchdog_and_the_limit_mind_their_own_time() {
    let mut bench = Bench::watched();
    bench.turn.set_limit(MaxDuration::in_all(Duration::from_secs(90)));
    assert_eq!(bench.step(), "wait 60000 ms");
    bench.expect(&[
        (Pass(30_000), "wait 30000 ms"),
        (Delta("a"), "wait 60000 ms"),
        (Pass(60_000), "interrupt"),
    ]);
    let mut bench = Bench::watched();
    bench.turn.set_limit(MaxDuration::in_all(Duration::from_secs(90)));
    bench.step();
    bench.expect(&[
        (Pass(60_000), "wait 0 ms"),
        (Timeout, "ask"),
        (Records(Read::Running), "stalled inProgress"),
    ]);
    bench.expect(&[(Pass(0), "wait 30000 ms"), (Pass(30_000), "interrupt")]);
}

#[test]
fn a_limit_beyond_the_clock_is_none() {
    let mut bench = Bench::limited(Duration::MAX);
    assert_eq!(bench.step(), "wait");
}
