//! Ids, the window and its queue, deadlines, and calls that are given up.

use std::time::{Duration, Instant};

use super::{Alarm, Bench, is_timed_out};
use crate::core::CallTerms;
use crate::error::Error;

#[test]
fn each_call_has_an_id_of_its_own_and_goes_out_as_one_line() {
    let mut bench = Bench::new();
    bench.act(|core, wakes| {
        let params = "{\n  \"text\": \"a\\nb\",\r\n  \"n\": [1,\n2]\r}";
        core.begin("x/\"y\"\n".into(), Some(params), CallTerms::default(), Instant::now(), wakes)
            .expect("open");
        core.begin("plain".into(), None, CallTerms::default(), Instant::now(), wakes).expect("open");
        core.notify("note", Some("{\"a\":\n1}"), wakes).expect("open");
        core.notify("bare", None, wakes).expect("open");
    });
    let bytes = bench.bytes();
    assert_eq!(
        bytes.lines().map(|line| line.replace(' ', "")).collect::<Vec<_>>(),
        [
            r#"{"method":"x/\"y\"\n","id":1,"params":{"text":"a\nb","n":[1,2]}}"#,
            r#"{"method":"plain","id":2}"#,
            r#"{"method":"note","params":{"a":1}}"#,
            r#"{"method":"bare"}"#,
        ]
    );
    assert!(!bytes.contains('\r'));
    assert!(bench.sent().is_empty(), "it is written once");
}

#[test]
fn an_answer_in_any_order_wakes_the_one_who_asked() {
    let mut bench = Bench::new();
    let (one, two) = (bench.begin("one"), bench.begin("two"));
    let (alarm_one, alarm_two) = (Alarm::new(), Alarm::new());
    assert!(bench.core.poll_call(one, &alarm_one.waker).is_pending());
    assert!(bench.core.poll_call(two, &alarm_two.waker).is_pending());
    bench.result(two);
    assert_eq!((alarm_one.rings(), alarm_two.rings()), (0, 1));
    assert_eq!(bench.outcome(two).expect("a result"), r#"{"of":2}"#);
    assert!(bench.poll(one).is_pending());
    bench.result(one);
    assert_eq!(bench.outcome(one).expect("a result"), r#"{"of":1}"#);
    assert_eq!(bench.core.stats().answers, 2);
}

#[test]
fn the_last_waker_counts() {
    let mut bench = Bench::new();
    let id = bench.begin("m");
    let (early, late) = (Alarm::new(), Alarm::new());
    assert!(bench.core.poll_call(id, &early.waker).is_pending());
    assert!(bench.core.poll_call(id, &late.waker).is_pending());
    bench.result(id);
    assert_eq!((early.rings(), late.rings()), (0, 1));
}

#[test]
fn no_more_than_the_window_is_in_flight_and_the_rest_goes_first_come_first_served() {
    let mut bench = Bench::window(2, 3);
    let ids: Vec<i64> = (0..5).map(|_| bench.begin("m")).collect();
    assert_eq!((bench.sent_ids(), bench.load()), (vec![1, 2], (2, 3)));
    let full = bench.try_begin("over/much", None).expect_err("the queue is full");
    assert!(matches!(&full, Error::QueueFull { method } if method == "over/much"), "{full}");
    bench.result(ids[1]);
    assert_eq!((bench.sent_ids(), bench.load()), (vec![3], (2, 2)));
    let sixth = bench.begin("m");
    assert_eq!(sixth, 6, "the refused call took no id");
    for id in [1, 3, 4, 5, 6] {
        bench.result(id);
    }
    assert_eq!((bench.sent_ids(), bench.load()), (vec![4, 5, 6], (0, 0)));
}

#[test]
fn a_window_of_none_is_one() {
    let mut bench = Bench::window(0, 0);
    bench.begin("m");
    assert!(matches!(bench.try_begin("m", None), Err(Error::QueueFull { .. })));
    assert_eq!(bench.sent_ids(), [1]);
}

#[test]
fn a_deadline_ends_a_call_in_flight_and_frees_its_place() {
    let mut bench = Bench::window(1, 10);
    let (dead, next) = (bench.begin_within(5), bench.begin("m"));
    assert!(bench.poll(dead).is_pending());
    bench.pass(4);
    assert!(bench.poll(dead).is_pending());
    bench.pass(1);
    assert!(is_timed_out(&bench.outcome(dead)));
    assert_eq!((bench.sent_ids(), bench.load()), (vec![dead, next], (1, 0)));
    bench.result(dead);
    bench.result(next);
    assert!(bench.outcome(next).is_ok());
    let stats = bench.core.stats();
    assert_eq!((stats.late_answers, stats.answers, stats.duplicate_answers), (1, 1, 0));
}

#[test]
fn an_answer_after_the_deadline_is_late_also_before_the_caller_looks() {
    let mut bench = Bench::new();
    let dead = bench.begin_within(1);
    bench.pass(1);
    bench.result(dead);
    assert!(is_timed_out(&bench.outcome(dead)), "what was decided stays");
    let stats = bench.core.stats();
    assert_eq!((stats.late_answers, stats.duplicate_answers), (1, 0));
    bench.result(dead);
    assert_eq!(bench.core.stats().duplicate_answers, 1);
}

#[test]
fn a_deadline_ends_a_call_in_the_queue() {
    let mut bench = Bench::window(1, 10);
    let first = bench.begin("m");
    let (dead, next) = (bench.begin_within(5), bench.begin("m"));
    bench.pass(5);
    assert!(is_timed_out(&bench.outcome(dead)));
    assert_eq!(bench.load(), (1, 1));
    bench.result(first);
    assert_eq!(bench.sent_ids(), [first, next], "the dead one is never sent");
    bench.result(dead);
    let stats = bench.core.stats();
    assert_eq!((stats.late_answers, stats.answers), (0, 1), "an answer to what was not asked is not late");
}

#[test]
fn a_timeout_beyond_the_clock_is_none() {
    let mut bench = Bench::new();
    let id = bench.try_begin("m", Some(Duration::MAX)).expect("open");
    bench.pass(u64::from(u32::MAX));
    assert!(bench.poll(id).is_pending());
}

#[test]
fn giving_up_frees_the_place_and_the_late_answer_is_late() {
    let mut bench = Bench::window(1, 10);
    let (gone, queued, last) = (bench.begin("m"), bench.begin("m"), bench.begin("m"));
    bench.give_up(queued);
    assert_eq!(bench.load(), (1, 1));
    bench.give_up(gone);
    assert_eq!((bench.sent_ids(), bench.load()), (vec![gone, last], (1, 0)));
    bench.result(gone);
    assert_eq!(bench.core.stats().late_answers, 1);
    bench.result(gone);
    assert_eq!(bench.core.stats().duplicate_answers, 1, "the second one is a duplicate");
    assert!(bench.poll(last).is_pending());
}

#[test]
fn giving_up_what_is_over_changes_nothing() {
    let mut bench = Bench::window(1, 10);
    let id = bench.begin_within(3);
    bench.result(id);
    bench.give_up(id);
    bench.give_up(id);
    bench.pass(3);
    assert_eq!(bench.load(), (0, 0));
}

#[test]
fn many_given_up_in_the_queue_leave_no_trace() {
    let mut bench = Bench::window(1, 100);
    let first = bench.begin("m");
    for _ in 0..10_000 {
        let id = bench.begin("m");
        bench.give_up(id);
    }
    let last = bench.begin("m");
    assert_eq!(bench.load(), (1, 1));
    bench.result(first);
    assert_eq!(bench.sent_ids(), [first, last]);
}

/// A peer that reads nothing while calls are made and given up: each frees its place, so that the window
/// alone holds nothing back.
#[test]
fn what_nobody_reads_does_not_fill_the_memory() {
    let mut bench = Bench::new();
    let params = format!("\"{}\"", "x".repeat(1 << 20));
    let now = bench.now;
    let begin = |bench: &mut Bench| {
        bench.act(|core, wakes| core.begin("m".into(), Some(&params), CallTerms::default(), now, wakes))
    };
    let mut refused = None;
    for _ in 0..200 {
        match begin(&mut bench) {
            Ok(id) => bench.give_up(id),
            Err(error) => refused = Some(error),
        }
    }
    assert!(matches!(refused, Some(Error::QueueFull { .. })), "{refused:?}");
    assert!(bench.act(|core, wakes| core.notify("n", None, wakes)).is_err());
    assert!(bench.bytes().len() < 80 << 20);
    assert!(begin(&mut bench).is_ok(), "it goes on once something is read");
}

#[test]
fn the_writer_is_woken_when_there_is_something_to_write() {
    let mut bench = Bench::window(1, 10);
    assert!(bench.bytes().is_empty());
    let first = bench.begin("m");
    assert_eq!(bench.alarm.rings(), 1);
    assert_eq!(bench.sent_ids(), [first]);
    assert!(bench.bytes().is_empty());
    let second = bench.begin("m");
    assert_eq!(bench.alarm.rings(), 1, "it waits for its place");
    bench.give_up(first);
    assert_eq!((bench.alarm.rings(), bench.sent_ids()), (2, vec![second]));
}

#[cfg(feature = "async")]
#[test]
fn the_clock_is_woken_for_an_earlier_deadline_only() {
    let mut bench = Bench::new();
    let (clock, now) = (Alarm::new(), bench.now);
    let next = |bench: &mut Bench| bench.act(|core, wakes| core.poll_clock(now, &clock.waker, wakes));
    assert_eq!(next(&mut bench), None);
    bench.begin_within(10);
    assert_eq!(clock.rings(), 1);
    assert_eq!(next(&mut bench), Some(now + Duration::from_secs(10)));
    bench.begin_within(20);
    bench.begin("m");
    assert_eq!(clock.rings(), 1, "later is no news");
    let early = bench.begin_within(5);
    assert_eq!(clock.rings(), 2);
    assert_eq!(next(&mut bench), Some(now + Duration::from_secs(5)));
    bench.give_up(early);
    assert_eq!(next(&mut bench), Some(now + Duration::from_secs(10)));
}

#[test]
fn a_detached_call_is_sent_and_forgotten() {
    let mut bench = Bench::window(1, 10);
    let held = bench.begin("held");
    let detached = bench.begin_within(5);
    bench.core.detach(detached);
    assert_eq!((bench.sent_ids(), bench.load()), (vec![held], (1, 1)), "it waits as every call does");
    bench.result(held);
    assert_eq!((bench.sent_ids(), bench.load()), (vec![detached], (1, 0)));
    bench.result(detached);
    assert_eq!((bench.load(), bench.core.stats().answers), ((0, 0), 2));
    assert!(bench.core.calls.method(detached).is_none(), "nothing is kept of it");
    bench.result(detached);
    assert_eq!(bench.core.stats().duplicate_answers, 1);
}

#[test]
fn a_detached_call_frees_its_place_in_time() {
    let mut bench = Bench::window(1, 10);
    let detached = bench.begin_within(5);
    bench.core.detach(detached);
    let next = bench.begin("next");
    bench.pass(5);
    assert_eq!((bench.sent_ids(), bench.load()), (vec![detached, next], (1, 0)));
    assert!(bench.core.calls.method(detached).is_none(), "nothing is kept of it");
    bench.result(detached);
    assert_eq!(bench.core.stats().late_answers, 1);
    bench.core.detach(next);
    bench.close();
    assert!(bench.core.calls.method(next).is_none(), "nor is it when the connection ends");
}

#[test]
fn giving_up_tells_whether_the_server_may_be_at_work() {
    let mut bench = Bench::window(1, 10);
    let (sent, waiting) = (bench.begin("sent"), bench.begin("waiting"));
    assert!(!bench.act(|core, wakes| core.give_up(waiting, wakes)));
    assert!(bench.act(|core, wakes| core.give_up(sent, wakes)));
    assert!(!bench.act(|core, wakes| core.give_up(sent, wakes)), "once");
    let answered = bench.begin("answered");
    bench.result(answered);
    assert!(!bench.act(|core, wakes| core.give_up(answered, wakes)));
}
