//! Where notifications go, and what happens to a subscriber that does not keep up.

use super::{Alarm, Bench};
use crate::core::Filter;
use crate::settings::{EventSettings, Overflow, Settings, Unhandled};

const OUTPUT: &str = "item/commandExecution/outputDelta";

fn notification(method: &str, params: &str) -> String {
    format!(r#"{{"method":"{method}","params":{params}}}"#)
}

impl Bench {
    fn tell(&mut self, method: &str, params: &str) {
        assert!(self.line(&notification(method, params)).is_none());
    }

    /// The number is as long for each, so that all weigh the same.
    fn tell_number(&mut self, method: &str, n: u64) {
        self.tell(method, &format!(r#"{{"n":{n}}}"#));
    }
}

/// A cap for so many of `notification(method, {"n":_})`, and half of one more.
fn room_for(count: usize, method: &str) -> EventSettings {
    let weight = notification(method, r#"{"n":0}"#).len() + 64;
    EventSettings::default().byte_cap(weight * count + weight / 2)
}

#[test]
fn an_event_goes_to_all_to_its_thread_and_to_its_turn() {
    let mut bench = Bench::new();
    let all = bench.subscribe(Filter::All);
    let thread = bench.subscribe(Filter::thread("T"));
    let turn = bench.subscribe(Filter::turn("U"));
    bench.tell("both", r#"{"threadId":"T","turnId":"U"}"#);
    bench.tell("nestedTurn", r#"{"turn":{"id":"U","items":[{"id":"X"}]},"threadId":"T"}"#);
    bench.tell("nestedThread", r#"{"thread":{"turns":[],"id":"T"}}"#);
    bench.tell("threadOnly", r#"{"threadId":"T","turnId":null}"#);
    bench.tell("turnOnly", r#"{"turnId":"U"}"#);
    bench.tell("other", r#"{"threadId":"U","turnId":"T"}"#);
    bench.tell("neither", r#"{"item":{"threadId":"T","turnId":"U"}}"#);
    bench.line(r#"{"method":"noParams"}"#);
    bench.line(r#"{"params":{"\u0074hreadId":"\u0054"},"method":"escaped"}"#);
    let everything = [
        "both",
        "nestedTurn",
        "nestedThread",
        "threadOnly",
        "turnOnly",
        "other",
        "neither",
        "noParams",
        "escaped",
    ];
    assert_eq!(bench.drain(all), everything);
    assert_eq!(bench.drain(thread), ["both", "nestedTurn", "nestedThread", "threadOnly", "escaped"]);
    assert_eq!(bench.drain(turn), ["both", "nestedTurn", "turnOnly"]);
    assert_eq!(bench.core.stats().notifications, 9);
}

#[test]
fn a_turn_within_a_turn_goes_to_both_and_once_where_they_are_the_same() {
    let mut bench = Bench::new();
    let (inner, root) = (bench.subscribe(Filter::turn("inner")), bench.subscribe(Filter::turn("root")));
    bench.tell("turn/started", r#"{"threadId":"T","turn":{"id":"inner","rootTurnId":"root"}}"#);
    bench.tell("turn/completed", r#"{"threadId":"T","turn":{"id":"root","rootTurnId":"root"}}"#);
    assert_eq!(bench.drain(inner), ["turn/started"]);
    assert_eq!(bench.drain(root), ["turn/started", "turn/completed"]);
}

#[test]
fn a_sub_agent_has_a_thread_of_its_own() {
    let mut bench = Bench::new();
    let (parent, child) = (bench.subscribe(Filter::thread("P")), bench.subscribe(Filter::thread("C")));
    bench.tell("thread/started", r#"{"thread":{"id":"C","parentThreadId":"P"}}"#);
    bench.tell("item/started", r#"{"threadId":"C","turnId":"U"}"#);
    assert!(bench.drain(parent).is_empty());
    assert_eq!(bench.drain(child), ["thread/started", "item/started"]);
}

/// A turn `U` of the thread `P`; `C` and `G` are turns of a sub-agent and of one that this one has started. All name the
/// turn at the top as their root.
fn tree(bench: &mut Bench) {
    bench.tell("turn/started", r#"{"threadId":"P","turn":{"id":"U","rootTurnId":"U"},"n":0}"#);
    bench.tell("turn/started", r#"{"threadId":"child","turn":{"id":"C","rootTurnId":"U"},"n":1}"#);
    bench.tell("delta", r#"{"threadId":"child","turnId":"C","n":2}"#);
    bench.tell("turn/started", r#"{"threadId":"grandchild","turn":{"id":"G","rootTurnId":"U"},"n":3}"#);
    bench.line(r#"{"method":"ask","id":0,"params":{"threadId":"grandchild","turnId":"G","n":4}}"#);
    bench.tell("thread/status/changed", r#"{"threadId":"child","n":5}"#);
    bench.tell("turn/started", r#"{"threadId":"X","turn":{"id":"V","rootTurnId":"V"},"n":6}"#);
    bench.tell("turn/completed", r#"{"threadId":"grandchild","turn":{"id":"G","rootTurnId":"U"},"n":7}"#);
    bench.tell("turn/completed", r#"{"threadId":"P","turn":{"id":"U","rootTurnId":"U"},"n":8}"#);
    bench.tell("item/completed", r#"{"threadId":"child","turnId":"C","n":9}"#);
}

#[test]
fn a_tree_has_all_turns_that_work_for_a_turn() {
    let filters = [Filter::turn("U"), Filter::tree("U"), Filter::thread_tree("P"), Filter::turn("C")];
    let mut bench = Bench::new();
    let at_once = filters.clone().map(|filter| bench.subscribe(filter));
    let later = filters.clone().map(|_| bench.subscribe(Filter::All));
    tree(&mut bench);
    for (filter, queue) in filters.iter().zip(later) {
        bench.core.narrow(&Filter::All, filter, queue);
    }
    let brief = |bench: &mut Bench, queue| {
        let all = bench.drain(queue);
        all.iter().map(|line| line.rsplit(' ').next().unwrap_or_default().to_owned()).collect::<String>()
    };
    for (queues, how) in [(at_once, "at once"), (later, "narrowed")] {
        let got = queues.map(|queue| brief(&mut bench, queue));
        assert_eq!(got, ["08", "01234789", "01234789", "129"], "{how}");
    }
}

#[test]
fn a_sub_agent_whose_root_started_unseen_is_of_the_tree() {
    let mut bench = Bench::new();
    let queues = [Filter::tree("U"), Filter::thread_tree("P")].map(|filter| bench.subscribe(filter));
    bench.tell("turn/started", r#"{"threadId":"child","turn":{"id":"C","rootTurnId":"U"}}"#);
    // It may name the turn of the sub-agent instead of the one at the top.
    bench.tell("turn/started", r#"{"threadId":"grandchild","turn":{"id":"G","rootTurnId":"C"}}"#);
    assert_eq!(queues.map(|queue| bench.drain(queue).len()), [2, 0], "the thread of the root is not known");
}

/// Older servers name no root where it is the turn itself, and the first message of a review is an item of it.
#[test]
fn a_turn_that_names_no_root_is_one() {
    let mut bench = Bench::new();
    let filters = [Filter::thread_tree("P"), Filter::tree("U"), Filter::turn("U")];
    let queues = filters.map(|filter| bench.subscribe(filter));
    bench.tell("item/started", r#"{"threadId":"P","turnId":"U"}"#);
    bench.tell("turn/started", r#"{"threadId":"P","turn":{"id":"inner","rootTurnId":"U"}}"#);
    bench.tell("turn/started", r#"{"threadId":"child","turn":{"id":"C","rootTurnId":"U"}}"#);
    bench.tell("item/started", r#"{"threadId":"P","turnId":"inner"}"#);
    assert_eq!(queues.map(|queue| bench.drain(queue).len()), [4, 4, 2]);
}

#[test]
fn of_sub_agents_only_some_methods_may_be_wanted() {
    let mut bench = Bench::new();
    let settings = EventSettings::default().agent_methods(&["turn/started", "turn/completed"]);
    let queue = bench.subscribe_with(&Filter::tree("U"), settings);
    tree(&mut bench);
    let outline =
        ["turn/started 0", "turn/started 1", "turn/started 3", "turn/completed 7", "turn/completed 8"];
    assert_eq!(bench.drain(queue), outline);
    bench.core.set_agent_methods(queue, None);
    bench.tell("delta", r#"{"threadId":"child","turnId":"C","n":10}"#);
    assert_eq!(bench.drain(queue), ["delta 10"]);
}

#[test]
fn requests_are_events_of_their_thread_and_turn_as_well() {
    let mut bench = Bench::new();
    let (thread, turn) = (bench.subscribe(Filter::thread("T")), bench.subscribe(Filter::turn("U")));
    bench.line(r#"{"method":"ask","id":0,"params":{"threadId":"T","turnId":"U"}}"#);
    bench.line(r#"{"method":"legacy","id":1,"params":{"conversationId":"T"}}"#);
    assert_eq!(
        (bench.drain(thread), bench.drain(turn)),
        (vec!["ask".into(), "legacy".into()], vec!["ask".into()])
    );
}

#[test]
fn narrowing_keeps_what_matches_and_loses_nothing() {
    let mut bench = Bench::new();
    let queue = bench.subscribe(Filter::All);
    bench.tell_number("a", 0);
    bench.tell("b", r#"{"threadId":"T","n":1}"#);
    bench.line("garbage");
    bench.tell("c", r#"{"threadId":"T","turnId":"U","n":2}"#);
    bench.tell("d", r#"{"threadId":"X","turnId":"U","n":3}"#);
    bench.tell("e", r#"{"threadId":"\u0054","turnId":"\u0055","n":9}"#);
    bench.core.narrow(&Filter::All, &Filter::thread("T"), queue);
    bench.tell("e", r#"{"threadId":"T","n":4}"#);
    bench.tell("f", r#"{"threadId":"X","n":5}"#);
    bench.core.narrow(&Filter::thread("T"), &Filter::turn("U"), queue);
    bench.tell("g", r#"{"threadId":"T","n":6}"#);
    bench.tell("h", r#"{"turnId":"U","n":7}"#);
    bench.tell("i", r#"{"turn":{"id":"V","rootTurnId":"U"},"n":8}"#);
    assert_eq!(bench.drain(queue), ["unreadable garbage", "c 2", "e 9", "h 7", "i 8"]);
}

#[test]
fn narrowing_makes_room_and_keeps_the_count_of_what_was_skipped() {
    let mut bench = Bench::new();
    let settings = room_for(4, OUTPUT);
    let queue = bench.subscribe_with(&Filter::All, settings);
    (0..3).for_each(|n| bench.tell_number(OUTPUT, n));
    assert_eq!(bench.core.skipped(queue), 1);
    bench.core.narrow(&Filter::All, &Filter::thread("T"), queue);
    bench.tell(OUTPUT, r#"{"threadId":"T"}"#);
    assert_eq!(bench.drain(queue), ["lagged 1".to_owned(), OUTPUT.to_owned()]);
    bench.core.unsubscribe(&Filter::thread("T"), queue);
    assert_eq!(bench.core.stats().skipped_events, 1);
}

#[test]
fn output_is_skipped_at_half_of_the_room_and_the_gap_is_told_where_it_is() {
    let mut bench = Bench::new();
    let queue = bench.subscribe_with(&Filter::All, room_for(6, OUTPUT));
    (0..5).for_each(|n| bench.tell_number(OUTPUT, n));
    bench.tell("a", r#"{"threadId":"T"}"#);
    bench.tell_number(OUTPUT, 5);
    bench.tell("b", "{}");
    let kept = |n| format!("{OUTPUT} {n}");
    let expected = [kept(0), kept(1), kept(2), "lagged 2".into(), "a".into(), "lagged 1".into(), "b".into()];
    assert_eq!(bench.drain(queue), expected);
    assert_eq!(bench.core.skipped(queue), 3);
    bench.tell_number(OUTPUT, 6);
    assert_eq!(bench.drain(queue), [kept(6)], "there is room again");
}

#[test]
fn what_must_not_be_lost_ends_the_subscription_after_what_it_holds() {
    let mut bench = Bench::new();
    let queue = bench.subscribe_with(&Filter::All, room_for(3, "m"));
    let (other, alarm) = (bench.subscribe(Filter::All), Alarm::new());
    (0..5).for_each(|n| bench.tell_number("m", n));
    assert_eq!(bench.drain(queue), ["m 0", "m 1", "m 2", "overrun", "end"]);
    bench.tell_number("m", 5);
    assert!(bench.poll_event(queue, &alarm.waker).is_ready(), "the end is the end");
    assert_eq!(bench.drain(other).len(), 6, "nobody else minds");
}

#[test]
fn an_overrun_wakes_the_one_who_waits() {
    let mut bench = Bench::new();
    let (queue, alarm) =
        (bench.subscribe_with(&Filter::All, EventSettings::default().byte_cap(0)), Alarm::new());
    assert!(bench.poll_event(queue, &alarm.waker).is_pending());
    bench.tell_number("m", 0);
    assert_eq!(alarm.rings(), 1);
    assert_eq!(bench.drain(queue), ["m 0"], "what is alone has room");
    assert!(bench.poll_event(queue, &alarm.waker).is_pending());
    bench.tell_number("m", 1);
    bench.tell_number("m", 2);
    assert_eq!(alarm.rings(), 2);
    assert_eq!(bench.drain(queue), ["m 1", "overrun", "end"]);
}

#[test]
fn a_subscription_that_skips_counts_and_goes_on() {
    let mut bench = Bench::new();
    let queue = bench.subscribe_with(&Filter::All, room_for(3, "m").overflow(Overflow::Skip));
    (0..5).for_each(|n| bench.tell_number("m", n));
    assert_eq!(bench.drain(queue), ["m 0", "m 1", "m 2", "lagged 2"]);
    bench.tell_number("m", 5);
    assert_eq!(bench.drain(queue), ["m 5"]);
}

#[test]
fn a_subscription_for_the_latest_drops_the_oldest() {
    let mut bench = Bench::new();
    let queue = bench.subscribe_with(&Filter::All, room_for(3, "m").overflow(Overflow::DropOldest));
    (0..5).for_each(|n| bench.tell_number("m", n));
    assert_eq!(bench.core.skipped(queue), 2);
    assert_eq!(bench.drain(queue), ["lagged 2", "m 2", "m 3", "m 4"]);
    bench.tell("long", &format!(r#"{{"text":"{}"}}"#, "x".repeat(10_000)));
    bench.tell_number("m", 5);
    assert_eq!(bench.drain(queue), ["lagged 1", "m 5"], "what is alone is kept, however long");
}

#[test]
fn a_subscription_may_be_about_some_methods_alone() {
    let mut bench = Bench::new();
    let queue = bench.subscribe_with(&Filter::thread("T"), EventSettings::default().methods(&["a", "b"]));
    for method in ["a", "c", "b"] {
        bench.tell(method, r#"{"threadId":"T"}"#);
    }
    assert_eq!(bench.drain(queue).len(), 2);
    assert!(bench.line("garbage").is_none());
    assert_eq!(bench.drain(queue).len(), 1, "it may have been one of them");
    assert!(bench.line(r#"{"id":7,"result":garbage"#).is_none());
    assert_eq!(bench.drain(queue).len(), 0, "it was an answer");
    bench.close();
    assert_eq!(bench.drain(queue).len(), 2, "it is told of the end: an error, and that nothing more comes");
}

#[test]
fn a_subscription_that_is_gone_gets_nothing() {
    let mut bench = Bench::new();
    let (gone, here) = (bench.subscribe(Filter::thread("T")), bench.subscribe(Filter::thread("T")));
    assert!(bench.core.unsubscribe(&Filter::thread("T"), gone).is_some());
    bench.tell("m", r#"{"threadId":"T"}"#);
    assert_eq!((bench.drain(gone), bench.drain(here)), (vec!["end".to_owned()], vec!["m".to_owned()]));
    assert!(bench.core.unsubscribe(&Filter::thread("T"), gone).is_none(), "once");
}

#[test]
fn a_subscription_that_has_ended_gives_out_what_waits_and_no_error() {
    let mut bench = Bench::new();
    let queue = bench.subscribe(Filter::All);
    bench.tell("before", "{}");
    bench.core.end_events(queue);
    bench.tell("after", "{}");
    bench.close();
    assert_eq!(bench.drain(queue), ["before", "end"]);
}

/// The server names only the thread of a request that it is done with.
#[test]
fn a_resolved_request_is_of_its_turn() {
    let mut bench = Bench::with(Settings { unhandled: Unhandled::LeaveToOthers, ..Settings::default() });
    let [turn, tree, other] =
        [Filter::turn("U"), Filter::tree("U"), Filter::turn("V")].map(|filter| bench.subscribe(filter));
    // As of a turn that has no id yet.
    let later = bench.subscribe(Filter::thread("T"));
    let asked = bench.line(r#"{"method":"q","id":"r","params":{"threadId":"T","turnId":"U"}}"#);
    assert!(!asked.expect("a request").must_answer);
    bench.tell("serverRequest/resolved", r#"{"threadId":"T","requestId":"r"}"#);
    // It is known once.
    bench.tell("serverRequest/resolved", r#"{"threadId":"T","requestId":"r"}"#);
    bench.core.narrow(&Filter::thread("T"), &Filter::tree("U"), later);
    for queue in [turn, tree, later] {
        assert_eq!(bench.drain(queue), ["q", "serverRequest/resolved"]);
    }
    assert!(bench.drain(other).is_empty());
}
