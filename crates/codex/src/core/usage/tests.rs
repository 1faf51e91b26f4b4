//! Reports as the server sends them, and what they mean for each turn.

use serde_json::json;

use super::*;
use crate::core::fixtures;

/// A report: the turn, the total of the thread, its last request.
fn report(turn: &str, total: i64, last: i64) -> Event {
    on("T", turn, total, last)
}

/// Of a request 4 in 5 tokens are input.
fn on(thread: &str, turn: &str, total: i64, last: i64) -> Event {
    let counted = |total: i64| {
        json!({"totalTokens": total, "inputTokens": total - total / 5, "cachedInputTokens": total / 10,
            "outputTokens": total / 5, "reasoningOutputTokens": 0})
    };
    let usage = json!({"total": counted(total), "last": counted(last), "modelContextWindow": null});
    fixtures::event(METHOD, json!({"threadId": thread, "turnId": turn, "tokenUsage": usage}))
}

fn usages(events: impl IntoIterator<Item = Event>) -> Usages {
    let mut usages = Usages::default();
    usages.on_new_thread("T");
    events.into_iter().for_each(|event| usages.on_event(&event));
    usages
}

/// All tokens of a turn, and whether that is exact.
fn of(usages: &Usages, turn: &str) -> Option<(u64, bool)> {
    usages.of("T", turn).map(|usage| (usage.tokens.total, usage.is_exact))
}

#[test]
fn a_turn_costs_all_its_requests() {
    let known = usages([report("A", 15, 15), report("A", 40, 25), report("B", 50, 10), report("B", 80, 30)]);
    assert_eq!(
        (of(&known, "A"), of(&known, "B"), of(&known, "C")),
        (Some((40, true)), Some((40, true)), None)
    );
    let tokens = known.of("T", "B").expect("it was reported").tokens;
    assert_eq!((tokens.input, tokens.output, tokens.cached_input), (32, 8, 4));
}

/// The server reports the total again, with the last request of an earlier turn.
#[test]
fn a_failed_request_costs_nothing() {
    let known = usages([report("A", 40, 25), report("B", 40, 25), report("B", 55, 15), report("B", 55, 15)]);
    assert_eq!((of(&known, "A"), of(&known, "B")), (Some((40, true)), Some((15, true))));
}

#[test]
fn a_replay_is_not_counted() {
    let mut known = Usages::default();
    // The thread is resumed, forked, and resumed again.
    for event in [report("old", 180, 75), report("A", 265, 85), report("old", 265, 85), report("A", 265, 85)]
    {
        known.on_event(&event);
    }
    known.on_event(&on("fork", "A", 265, 85));
    known.on_event(&on("fork", "F", 360, 95));
    assert_eq!(of(&known, "A"), Some((85, true)));
    let fork = known.of("fork", "F").expect("it was reported");
    assert_eq!((fork.tokens.total, fork.is_exact), (95, true));
}

/// Its request is counted, and the estimate that follows is not.
#[test]
fn a_compaction_costs_its_request() {
    let estimate = json!({"totalTokens": 7929, "inputTokens": 0, "cachedInputTokens": 0, "outputTokens": 0,
        "reasoningOutputTokens": 0});
    let total = json!({"totalTokens": 105, "inputTokens": 84, "cachedInputTokens": 10, "outputTokens": 21,
        "reasoningOutputTokens": 0});
    let usage = json!({"total": total, "last": estimate, "modelContextWindow": null});
    let estimated = fixtures::event(METHOD, json!({"threadId": "T", "turnId": "C", "tokenUsage": usage}));
    let known = usages([report("A", 40, 40), report("C", 40, 40), report("C", 105, 65), estimated]);
    assert_eq!(of(&known, "C"), Some((65, true)));
    // The server may count from zero again.
    let known =
        usages([report("A", 100, 100), report("A", 30, 30), report("A", 50, 20), report("B", 60, 10)]);
    assert_eq!((of(&known, "A"), of(&known, "B")), (Some((150, false)), Some((10, true))));
    let known = usages([report("A", 100, 100), report("B", 30, 30)]);
    assert_eq!(of(&known, "B"), Some((30, false)));
}

#[test]
fn lost_reports_are_made_up_for_by_the_next_one() {
    let gap = || Event::Lagged { skipped: 3 };
    let known = usages([report("A", 15, 15), gap()]);
    assert_eq!(of(&known, "A"), Some((15, false)), "more may have followed");
    let known = usages([report("A", 15, 15), report("B", 20, 5), gap(), report("B", 90, 30)]);
    assert_eq!(of(&known, "B"), Some((75, true)), "the total tells");
    let known = usages([report("A", 15, 15), gap(), report("B", 90, 30)]);
    assert_eq!(of(&known, "B"), Some((30, false)), "the rest may be of the turn before");
}

#[test]
fn a_turn_of_unknown_beginning_is_estimated() {
    let mut known = Usages::default();
    known.on_event(&report("A", 500, 20));
    known.on_event(&report("A", 530, 30));
    assert_eq!(of(&known, "A"), Some((50, false)));
    known.on_new_thread("T");
    assert_eq!(of(&known, "A"), Some((530, true)), "it began at zero after all");
}

#[test]
fn old_turns_make_room_and_leave_no_false_beginning() {
    let mut known = usages([report("A", 15, 15)]);
    for n in 0..KEPT {
        known.on_event(&on(&n.to_string(), "crowd", 10, 10));
    }
    assert_eq!(known.turns.len(), KEPT);
    known.on_event(&report("B", 40, 25));
    assert_eq!((of(&known, "A"), of(&known, "B")), (None, Some((25, false))));
}
