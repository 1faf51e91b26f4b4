//! A turn with subscriptions that are lists.

use std::collections::VecDeque;

use codex_appserver_client::{Error as ClientError, Event};
use codex_appserver_methods::protocol::wire::NotificationEnvelope;
use serde_json::json;

use super::*;
use crate::core::Step;

/// A subscription that holds these events and counts how many were taken.
#[derive(Default)]
struct List {
    events: VecDeque<Event>,
    taken: Arc<Mutex<usize>>,
    filter: Option<Filter>,
    all_of_agents: bool,
}

impl List {
    fn of(events: &[Event]) -> Self {
        Self { events: events.iter().cloned().collect(), ..Self::default() }
    }
}

impl EventSource for List {
    fn next_now(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        *self.taken.lock().expect("no panic") += 1;
        Some(event)
    }

    fn narrow_to(&mut self, filter: Filter) {
        self.filter = Some(filter);
    }

    fn include_agents(&mut self) {
        self.all_of_agents = true;
    }
}

/// The turn `U`, with these notices, and the counter of those that were taken.
fn turn(notices: &[Event]) -> (Arc<SharedTurn<List, &'static str>>, Arc<Mutex<usize>>) {
    let notices = List::of(notices);
    let taken = notices.taken.clone();
    let subscriptions = Subscriptions { events: List::default(), notices };
    let approvals = Arc::new(Registry::new("default"));
    let turn = Turn::new("T", "U", None, Instant::now()).begun();
    (Arc::new(SharedTurn::new(turn, subscriptions, approvals, Arc::default())), taken)
}

fn event(method: &str, id: &str, status: &str) -> Event {
    let turn = json!({"id": id, "items": [], "status": status});
    let line = json!({"method": method, "params": {"threadId": "T", "turn": turn}}).to_string();
    Event::Notification(NotificationEnvelope::decode(&line).expect("a notification"))
}

fn end() -> Event {
    event("turn/completed", "U", "completed")
}

/// Passes in an event and takes it out again.
fn read(reader: &mut TurnReader<List, &'static str>, event: Event) {
    reader.on_events(Some(Ok(event)), || None, List::default);
    let step = reader.next(Instant::now());
    assert!(matches!(step, Step::Event(_)), "{step:?}");
}

#[test]
fn subscriptions_are_narrowed_to_the_turn() {
    let (turn, _) = turn(&[]);
    let state = turn.lock();
    for list in [&state.events, &state.notices] {
        assert_eq!(list.as_ref().and_then(|list| list.filter.clone()), Some(Filter::tree("U")));
    }
}

#[test]
fn a_read_turn_decodes_no_notices() {
    let started = event("turn/started", "U", "inProgress");
    let (turn, taken) = turn(&[started.clone(), end()]);
    let mut reader = turn.reader();
    read(&mut reader, started);
    read(&mut reader, end());
    assert!(matches!(reader.next(Instant::now()), Step::Done));
    assert!(turn.is_over());
    assert_eq!(*taken.lock().expect("no panic"), 0);
    assert!(turn.lock().notices.is_none() && turn.lock().events.is_none(), "nothing is kept");
}

#[test]
fn notices_tell_what_is_not_read() {
    let (turn, taken) = turn(&[event("turn/started", "inner", "inProgress")]);
    assert_eq!(turn.active_id(), "inner");
    assert!(!turn.is_over());
    turn.lock().notices = Some(List::of(&[end()]));
    assert!(turn.is_over() && turn.result().is_none());
    assert_eq!(*taken.lock().expect("no panic"), 1);
}

fn of_agent(method: &str, status: &str) -> Event {
    let turn = json!({"id": "C", "items": [], "status": status, "rootTurnId": "U"});
    let line = json!({"method": method, "params": {"threadId": "child", "turn": turn}}).to_string();
    Event::Notification(NotificationEnvelope::decode(&line).expect("a notification"))
}

/// A report of usage: the thread, the turn, the total and the last request.
fn used(thread: &str, turn: &str, total: u64, last: u64) -> Event {
    let counted = |tokens: u64| {
        json!({"totalTokens": tokens, "inputTokens": tokens, "cachedInputTokens": 0, "outputTokens": 0,
            "reasoningOutputTokens": 0})
    };
    let usage = json!({"total": counted(total), "last": counted(last), "modelContextWindow": null});
    let params = json!({"threadId": thread, "turnId": turn, "tokenUsage": usage});
    let line = json!({"method": "thread/tokenUsage/updated", "params": params}).to_string();
    Event::Notification(NotificationEnvelope::decode(&line).expect("a notification"))
}

#[test]
fn sub_agents_that_outlive_the_turn_are_noticed() {
    let (turn, taken) = turn(&[of_agent("turn/completed", "completed")]);
    turn.ledger.listen(List::of(&[
        used("T", "before", 100, 60),
        used("T", "U", 150, 50),
        used("child", "other", 5, 5),
        used("child", "C", 20, 15),
    ]));
    turn.ledger.on_folder("T", "/later");
    let mut reader = turn.reader();
    reader.on_events(Some(Ok(of_agent("turn/started", "inProgress"))), || None, List::default);
    assert!(matches!(reader.next(Instant::now()), Step::Wait { .. }), "it is not the turn's own event");
    read(&mut reader, end());
    assert!(turn.lock().notices.is_some() && *taken.lock().expect("no panic") == 0, "it still works");
    let usage = turn.result().and_then(|result| result.turn_usage).expect("it was reported");
    assert_eq!((usage.own.total, usage.agents.total, usage.sum().total), (50, 15, 65));
    assert!(usage.is_exact);
    let [agent] = &turn.agents()[..] else { panic!("{:?}", turn.agents()) };
    assert_eq!((agent.state, agent.usage.map(|usage| usage.total)), (crate::AgentState::Completed, Some(15)));
    assert_eq!(turn.result().and_then(|result| result.cwd), None, "it was not known when the turn began");
}

#[test]
fn a_turn_keeps_what_was_forgotten_about_its_usage() {
    let (turn, _) = turn(&[]);
    turn.ledger.on_new_thread("T");
    turn.ledger.listen(List::of(&[used("T", "U", 40, 25)]));
    read(&mut turn.reader(), end());
    let usage = || turn.result().and_then(|result| result.turn_usage).map(|usage| usage.own.total);
    assert_eq!(usage(), Some(40));
    turn.ledger
        .listen(List::of(&(0..2000).map(|n| used(&n.to_string(), &n.to_string(), 1, 1)).collect::<Vec<_>>()));
    assert_eq!(usage(), Some(40));
}

#[test]
fn a_full_subscription_loses_no_sub_agent() {
    let (turn, _) = turn(&[of_agent("turn/started", "inProgress"), of_agent("turn/completed", "failed")]);
    let mut reader = turn.reader();
    reader.on_events(Some(Err(ClientError::Overrun { byte_cap: 1 })), || None, || List::of(&[]));
    assert!(matches!(reader.next(Instant::now()), Step::Fail(_)));
    drop(reader);
    let [agent] = &turn.agents()[..] else { panic!("{:?}", turn.agents()) };
    assert_eq!(agent.state, crate::AgentState::Failed);
}

#[test]
fn a_stream_may_have_the_events_of_sub_agents() {
    let (turn, _) = turn(&[]);
    turn.include_agents();
    assert!(turn.lock().events.as_ref().is_some_and(|events| events.all_of_agents));
    let mut reader = turn.reader();
    read(&mut reader, of_agent("turn/completed", "completed"));
    assert!(!turn.is_over());
}

#[test]
fn there_is_one_reader_at_a_time() {
    let (turn, _) = turn(&[]);
    let mut first = turn.reader();
    let mut second = turn.reader();
    let refusal = second.next(Instant::now());
    assert!(matches!(&refusal, Step::Fail(Error::Followed { turn_id }) if turn_id == "U"), "{refusal:?}");
    assert!(matches!(second.next(Instant::now()), Step::Done));
    read(&mut first, event("turn/started", "U", "inProgress"));
    drop(first);
    let mut third = turn.reader();
    read(&mut third, end());
    // At once with the last event, for all.
    assert!(third.result().is_some() && turn.result().is_some() && turn.reader().result().is_some());
    assert!(second.result().is_none(), "it did not read the end");
}

#[test]
fn a_full_subscription_is_replaced() {
    let (turn, _) = turn(&[]);
    let mut reader = turn.reader();
    let fresh = List::of(&[end()]);
    reader.on_events(Some(Err(ClientError::Overrun { byte_cap: 1 })), || None, || fresh);
    let error = reader.next(Instant::now());
    assert!(matches!(error, Step::Fail(Error::Client(ClientError::Overrun { .. }))), "{error:?}");
    drop(reader);
    let mut reader = turn.reader();
    assert!(matches!(reader.next(Instant::now()), Step::AskRecords));
    assert_eq!(reader.events().and_then(List::next_now), Some(end()));
}

#[test]
fn a_reader_that_stops_early_has_no_result() {
    let (turn, _) = turn(&[]);
    let mut reader = turn.reader();
    read(&mut reader, event("turn/started", "U", "inProgress"));
    let error = reader.into_result(None).expect_err("no result");
    assert!(matches!(error, Error::Disconnected { .. }), "{error}");
}

#[test]
fn approvals_end_with_the_last_event() {
    let (turn, _) = turn(&[]);
    turn.on_approval("own");
    assert_eq!(turn.approvals.choose("T", Some("U")).as_deref(), Some(&"own"));
    read(&mut turn.reader(), end());
    assert_eq!(turn.approvals.choose("T", Some("U")), None);
}

#[test]
fn approvals_set_after_the_end_are_void() {
    let (turn, _) = turn(&[end()]);
    turn.on_approval("own");
    assert_eq!(turn.approvals.choose("T", Some("U")), None);
}

#[test]
fn a_dropped_turn_is_interrupted_once() {
    for (wanted, notices, expected) in [(true, &[][..], true), (false, &[], false), (true, &[end()], false)] {
        let (turn, _) = turn(notices);
        if wanted {
            turn.interrupt_on_drop();
        }
        assert_eq!(turn.take_interrupt(), expected, "{wanted} {notices:?}");
        assert!(!turn.take_interrupt());
    }
}
