//! What handles of a turn know and do beside its reader: reviews, sub-agents, interrupts.

use super::In::*;
use super::*;

#[test]
fn the_active_id_is_the_last_that_started() {
    for (inputs, expected) in [
        (&[][..], "U"),
        (&[NoticedStart("T", "U")], "U"),
        (&[NoticedStart("T", "inner")], "inner"),
        (&[NoticedStart("T", "inner"), NoticedStart("T", "next")], "next"),
        // A sub-agent has a thread of its own.
        (&[NoticedStart("T", "U"), NoticedStart("H", "errand")], "U"),
        (&[NoticedStart("H", "errand")], "U"),
        // Notices are ahead of the reader, so what it reads is no news.
        (&[NoticedStart("T", "next"), Started("T", "inner")], "next"),
        (&[NoticedStart("T", "inner"), NoticedEnd("inner", "completed")], "inner"),
    ] {
        let bench = Bench::new().after(inputs);
        assert_eq!(bench.turn.active_id(), expected, "{inputs:?}");
        assert!(!bench.turn.is_over(), "{inputs:?}");
    }
}

#[test]
fn a_joined_review_has_the_recorded_id() {
    let mut turn = Turn::joined("T", "U", None, Instant::now());
    assert_eq!(turn.on_status(Read::Review("inner").result().ok()), Progress::Running);
    assert_eq!(turn.active_id(), "inner");
    turn.on_notice(&started("T", "next"));
    assert_eq!(turn.active_id(), "next");
    turn.on_status(Read::Running.result().ok());
    assert_eq!(turn.active_id(), "next", "the records do not say more");
}

#[test]
fn a_review_ends_by_its_own_id() {
    let mut bench = Bench::new().after(&[Started("T", "inner"), Delta("looks good")]);
    bench.expect(&[(Completed("inner", "completed"), "wait"), (Completed("U", "completed"), "done")]);
    assert_eq!(bench.outcome(), outcome("completed", "looks good"));
}

#[test]
fn the_end_of_a_sub_agent_is_no_end() {
    let mut bench = Bench::new().after(&[Started("H", "errand")]);
    bench.expect(&[(EndedElsewhere("H", "errand"), "wait"), (Completed("U", "completed"), "done")]);
    assert_eq!(bench.outcome(), outcome("completed", ""));
}

#[test]
fn events_of_sub_agents_are_handed_out_if_that_is_wanted() {
    for wanted in [false, true] {
        let mut bench = Bench::new();
        if wanted {
            bench.turn.include_agents();
        }
        for event in [started("H", "errand"), ended_elsewhere("H", "errand"), started("T", "U")] {
            let own = event == started("T", "U");
            bench.turn.on_event(event.clone());
            let step = bench.turn.next(bench.now);
            match step {
                Step::Event(same) => assert!(same == event && (own || wanted), "{event:?}"),
                step => assert!(!own && !wanted, "{step:?}"),
            }
        }
        assert!(!bench.turn.is_over());
        assert_eq!(bench.turn.agents().iter().count(), 1, "it is known in any case");
    }
}

#[test]
fn notices_tell_of_sub_agents_as_well() {
    let mut bench = Bench::new().after(&[NoticedStart("H", "errand")]);
    let threads: Vec<_> = bench.turn.threads().map(str::to_owned).collect();
    assert_eq!(threads, ["T", "H"]);
    assert!(bench.turn.agents().are_active() && bench.turn.active_id() == "U");
    bench.turn.on_notice(&ended_elsewhere("H", "errand"));
    // The reader comes later to what was noticed.
    bench.expect(&[(Started("H", "errand"), "wait")]);
    assert!(!bench.turn.agents().are_active());
}

#[test]
fn the_status_says_how_far_it_is() {
    for (read, progress) in [
        (Read::Ended("completed"), Progress::Over),
        (Read::Ended("interrupted"), Progress::Over),
        (Read::Running, Progress::Running),
        (Read::Review("inner"), Progress::Running),
        (Read::Abandoned, Progress::Unknown),
        (Read::Busy, Progress::Unknown),
        (Read::Unknown, Progress::Unknown),
        (Read::TimedOut, Progress::Unknown),
    ] {
        let mut bench = Bench::joined();
        assert_eq!(bench.turn.on_status(read.result().ok()), progress, "{read:?}");
        assert_eq!(bench.turn.is_over(), progress == Progress::Over, "{read:?}");
        assert_eq!(bench.step(), "ask", "the reader finds out for itself");
    }
}

#[test]
fn a_turn_is_over_once_anything_says_so() {
    for inputs in [&[NoticedEnd("U", "completed")][..], &[Completed("U", "completed")]] {
        let bench = Bench::new().after(inputs);
        assert!(bench.turn.is_over() && !bench.turn.wants_notices(), "{inputs:?}");
    }
    // The records say that it is over; how it ended may still be noticed.
    let mut turn = Turn::new("T", "U", None, Instant::now()).begun();
    turn.on_status(Read::Ended("completed").result().ok());
    assert!(turn.is_over() && turn.wants_notices());
}

/// An interrupt that the server refuses is made again until the turn runs, is over, or ten seconds are up.
#[test]
fn a_refused_call_is_tried_again() {
    use Progress::{Over, Running, Unknown};
    for (answers, expected) in [
        (&[(0, Over)][..], false),
        (&[(0, Unknown), (9_999, Unknown)], true),
        (&[(0, Unknown), (10_000, Unknown)], false),
        // A running turn has more time.
        (&[(9_000, Running), (18_999, Unknown)], true),
        (&[(9_000, Running), (19_000, Unknown)], false),
        (&[(60_000, Running)], true),
        (&[(9_000, Running), (9_001, Over)], false),
    ] {
        let start = Instant::now();
        let mut attempts = Attempts::new(start);
        let mut goes_on = true;
        for (ms, progress) in answers {
            assert!(goes_on, "{answers:?}");
            goes_on = attempts.go_on(*progress, start + Duration::from_millis(*ms));
        }
        assert_eq!(goes_on, expected, "{answers:?}");
    }
}

#[test]
fn only_a_refusal_says_it_does_not_run() {
    let refusal = |message: &str| ClientError::Rpc {
        method: "turn/interrupt".into(),
        error: RpcError::new(-32600, message),
    };
    for (error, expected) in [
        (refusal("no active turn to interrupt"), true),
        (refusal("no active turn to steer"), true),
        (refusal("expected active turn id U but found inner"), true),
        (refusal("disk full"), false),
        (ClientError::TimedOut { method: "turn/interrupt".into(), after: BEGINNING }, false),
    ] {
        assert_eq!(is_not_running(&error), expected, "{error}");
    }
}
