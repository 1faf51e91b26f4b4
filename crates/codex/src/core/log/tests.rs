//! Events of a turn, and the result that they add up to.

use serde_json::{Value, json};

use super::*;
use crate::core::fixtures;

/// The turn `U` of the thread `T`, built up event by event.
struct Session(Log);

impl Session {
    fn new() -> Self {
        Self(Log::new("T", "U"))
    }

    fn of(mut self, turn: &str, method: &str, mut params: Value) -> Self {
        params["threadId"] = "T".into();
        if params.get("turn").is_none() {
            params["turnId"] = turn.into();
        }
        self.0.on_event(&fixtures::event(method, params));
        self
    }

    fn tell(self, method: &str, params: Value) -> Self {
        self.of("U", method, params)
    }

    fn started(self, id: &str, phase: Value) -> Self {
        self.tell("item/started", json!({"item": message(id, "", phase), "startedAtMs": 1}))
    }

    fn delta(self, id: &str, text: &str) -> Self {
        self.tell("item/agentMessage/delta", json!({"itemId": id, "delta": text}))
    }

    fn completed(self, id: &str, text: &str, phase: Value) -> Self {
        self.tell("item/completed", json!({"item": message(id, text, phase), "completedAtMs": 1}))
    }

    fn end(self, status: &str, items: Value) -> Option<TurnResult> {
        self.tell("turn/completed", json!({"turn": turn("U", status, items)})).0.result()
    }

    fn text(self, items: Value) -> Option<String> {
        self.end("completed", items).expect("it has ended").final_text
    }
}

fn message(id: &str, text: &str, phase: Value) -> Value {
    json!({"type": "agentMessage", "id": id, "text": text, "phase": phase})
}

fn turn(id: &str, status: &str, items: Value) -> Value {
    json!({"id": id, "status": status, "items": items, "itemsView": "summary", "durationMs": 1500, "startedAt": 1,
        "completedAt": 2})
}

#[test]
fn the_last_answer_is_the_final_text() {
    let phases = |phases: &[&str]| {
        let events = phases.iter().enumerate().fold(Session::new(), |events, (n, phase)| {
            let phase = if phase.is_empty() { Value::Null } else { (*phase).into() };
            events.completed(&format!("m{n}"), &n.to_string(), phase)
        });
        events.text(json!([]))
    };
    assert_eq!(phases(&["", ""]).as_deref(), Some("1"));
    assert_eq!(phases(&["final_answer", "", "commentary"]).as_deref(), Some("0"));
    assert_eq!(phases(&["final_answer", "final_answer"]).as_deref(), Some("1"));
    assert_eq!(phases(&["", "partial_answer", "commentary"]).as_deref(), Some("0"));
    assert_eq!(phases(&["partial_answer", "commentary"]).as_deref(), Some("0"));
    assert_eq!(phases(&["commentary"]), None);
    assert_eq!(phases(&[]), None);
}

#[test]
fn deltas_are_the_text_of_uncompleted_messages() {
    let events = || Session::new().started("m", Value::Null).delta("m", "half ").delta("m", "a sentence");
    assert_eq!(events().text(json!([])).as_deref(), Some("half a sentence"));
    // A reader that joined late got a part of the deltas.
    assert_eq!(
        events().completed("m", "a whole sentence", Value::Null).text(json!([])).as_deref(),
        Some("a whole sentence")
    );
    assert_eq!(Session::new().delta("unannounced", "so").text(json!([])).as_deref(), Some("so"));
    let again = events().started("n", Value::Null).delta("n", "a whole").completed(
        "n",
        "a whole sentence",
        Value::Null,
    );
    assert_eq!(
        again.text(json!([])).as_deref(),
        Some("a whole sentence"),
        "an abandoned message is no answer"
    );
    let again =
        events().completed("k", "before", Value::Null).delta("n", "and then").end("interrupted", json!([]));
    assert_eq!(again.expect("it has ended").text(), "and then", "as far as it came");
    let commented = Session::new().started("m", "commentary".into()).delta("m", "hm");
    assert_eq!(commented.text(json!([])), None);
}

#[test]
fn missed_text_comes_from_the_end() {
    let items = json!([message("m", "at last", Value::Null)]);
    assert_eq!(Session::new().text(items.clone()).as_deref(), Some("at last"));
    assert_eq!(Session::new().completed("n", "before", Value::Null).text(items).as_deref(), Some("before"));
}

#[cfg(feature = "experimental")]
#[test]
fn raw_responses_are_the_last_resort() {
    let said = |role: &str, text: &str| {
        json!({"item": {"type": "message", "role": role,
            "content": [{"type": "output_text", "text": text}, {"type": "output_text", "text": "!"}]}})
    };
    let events = || {
        let events = Session::new().tell("rawResponseItem/completed", said("assistant", "raw"));
        events.tell("rawResponseItem/completed", said("user", "asked"))
    };
    assert_eq!(events().text(json!([])).as_deref(), Some("raw!"));
    assert_eq!(events().completed("m", "cooked", Value::Null).text(json!([])).as_deref(), Some("cooked"));
}

#[test]
fn events_of_other_turns_are_ignored() {
    let events = Session::new()
        .of("V", "item/completed", json!({"item": message("m", "theirs", Value::Null), "completedAtMs": 1}))
        .of("V", "turn/diff/updated", json!({"diff": "theirs"}))
        .of("V", "turn/completed", json!({"turn": turn("V", "failed", json!([]))}));
    assert!(!events.0.is_over());
    let result = events.end("completed", json!([])).expect("its own end");
    assert_eq!((result.items.len(), result.diff, result.final_text), (0, None, None));
}

#[test]
fn the_result_has_all_that_was_reported() {
    let tokens = |n: i64| {
        json!({"inputTokens": n, "cachedInputTokens": 0, "outputTokens": 0, "reasoningOutputTokens": 0,
            "totalTokens": n})
    };
    let usage = |n: i64| json!({"tokenUsage": {"last": tokens(n), "total": tokens(10 * n), "modelContextWindow": 99}});
    let failure = |message: &str, will_retry: bool| json!({"error": {"message": message, "codexErrorInfo": "other"}, "willRetry": will_retry});
    let result = Session::new()
        .tell("thread/tokenUsage/updated", usage(1))
        .tell("thread/tokenUsage/updated", usage(2))
        .tell(
            "turn/plan/updated",
            json!({"explanation": "why", "plan": [{"step": "a", "status": "pending"}]}),
        )
        .tell("turn/diff/updated", json!({"diff": "+1"}))
        .tell("turn/diff/updated", json!({"diff": "+2"}))
        .tell("error", failure("for good", false))
        .tell("error", failure("once more", true))
        .end("failed", json!([]))
        .expect("it has ended");
    let usage = result.usage.as_ref().expect("usage");
    assert_eq!(
        (usage.last.total_tokens, usage.total.total_tokens, usage.model_context_window),
        (2, 20, Some(99))
    );
    let plan = result.plan.as_ref().expect("a plan");
    assert_eq!((plan.explanation.as_deref(), plan.steps.len()), (Some("why"), 1));
    assert_eq!(result.diff.as_deref(), Some("+2"));
    assert_eq!(result.duration, Some(Duration::from_millis(1500)));
    assert_eq!((result.started_at, result.completed_at), (Some(1), Some(2)));
    assert_eq!(result.error_info(), Some(&CodexErrorInfo::Other));
    let failed = result.into_result().expect_err("it failed").to_string();
    assert_eq!(failed, "failed to complete turn U of thread T: it is failed: for good");
}

#[test]
fn complete_records_replace_the_items_read() {
    let adopted = |view: &str| {
        let mut events = Session::new().completed("m", "seen", Value::Null).delta("n", "half");
        let items = json!([message("item-1", "seen", Value::Null), message("item-2", "whole", Value::Null)]);
        let mut turn = turn("U", "completed", items);
        turn["itemsView"] = view.into();
        events.0.adopt(serde_json::from_value(turn).expect("a turn"));
        let result = events.0.result().expect("it has ended");
        (result.items.len(), result.text().to_owned())
    };
    assert_eq!(adopted("full"), (2, "whole".to_owned()));
    assert_eq!(adopted("summary"), (1, "seen".to_owned()), "not all that there is");
}
