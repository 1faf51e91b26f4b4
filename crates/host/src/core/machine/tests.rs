//! Every state and every input.

use super::*;

fn state(status: Status) -> State {
    State { status, ..State::new(IfLost::Fail) }
}

/// What an event makes of a state, written as `status`, with what else there is.
fn after(mut state: State, event: &Event<'_>) -> String {
    let outcome = state.apply(event);
    let mut text = state.status.to_string();
    if let Some(end) = outcome.end {
        text += &format!(" by {}", end.by);
        text += &end.error.map(|error| format!(": {error}")).unwrap_or_default();
        text += &end.note.map(|note| format!(" ({note})")).unwrap_or_default();
    }
    if outcome.settle {
        text += ", settles";
    }
    if state.paused {
        text += ", paused";
    }
    text
}

const APPROVAL: Input = Input::Active { waits_for_approval: true, waits_for_user_input: false };
const QUESTION: Input = Input::Active { waits_for_approval: false, waits_for_user_input: true };
const ACTIVE: Input = Input::Active { waits_for_approval: false, waits_for_user_input: false };

fn error(will_retry: bool) -> Input {
    Input::Error { message: "overloaded".to_owned(), will_retry }
}

fn inputs() -> Vec<(&'static str, Input)> {
    vec![
        ("started", Input::TurnStarted),
        ("completed", Input::TurnCompleted(TurnEnd::Completed)),
        ("interrupted", Input::TurnCompleted(TurnEnd::Interrupted)),
        ("failed", Input::TurnCompleted(TurnEnd::Failed(Some("no".to_owned())))),
        ("failed, no reason", Input::TurnCompleted(TurnEnd::Failed(None))),
        ("new end", Input::TurnCompleted(TurnEnd::Unknown("paused".to_owned()))),
        ("error, retried", error(true)),
        ("error", error(false)),
        ("system error", Input::SystemError),
        ("active", ACTIVE),
        ("active, approval", APPROVAL),
        ("active, question", QUESTION),
        ("start failed", Input::StartFailed { error: "no".to_owned() }),
        ("lost", Input::TurnLost { reason: "the server ended".to_owned() }),
    ]
}

fn events<'a>(inputs: &'a [(&'static str, Input)]) -> Vec<(&'static str, Event<'a>)> {
    let mut events: Vec<_> = inputs.iter().map(|(name, input)| (*name, Event::Turn(input))).collect();
    events.extend([
        ("claimed", Event::Claimed),
        ("approval opened", Event::Opened(Class::Approval)),
        ("question opened", Event::Opened(Class::Input)),
        ("approval closed", Event::Closed(Class::Approval)),
        ("interrupt", Event::InterruptAsked("ann")),
        ("settled", Event::Settled),
        ("resume", Event::Resume { goes_on: true, by: "ann" }),
    ]);
    events
}

#[test]
fn every_input_in_every_status() {
    let inputs = inputs();
    let mut table = String::new();
    for (name, event) in events(&inputs) {
        table += &format!("{name}\n");
        for status in Status::ALL {
            table += &format!("  {status} -> {}\n", after(state(*status), &event));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_task_that_has_ended_stays_as_it_is() {
    let inputs = inputs();
    for (name, event) in events(&inputs) {
        for status in Status::ALL.iter().filter(|status| status.is_terminal()) {
            let mut ended = state(*status);
            assert_eq!(ended.apply(&event), Outcome::default(), "{name}");
            assert_eq!(ended, state(*status), "{name}");
        }
    }
}

/// Applies inputs one after the other and lists the statuses.
fn course(mut state: State, events: &[Event<'_>]) -> String {
    let statuses: Vec<&str> = events
        .iter()
        .map(|event| {
            state.apply(event);
            state.status.as_str()
        })
        .collect();
    statuses.join(" ")
}

#[test]
fn a_task_waits_until_the_last_request_is_closed() {
    let opened = Event::Opened(Class::Approval);
    let closed = Event::Closed(Class::Approval);
    let statuses = course(
        state(Status::Working),
        &[
            Event::Turn(&APPROVAL),
            opened.clone(),
            opened,
            closed.clone(),
            // The server's flags say nothing of the second one: the open row counts.
            Event::Turn(&ACTIVE),
            closed,
        ],
    );
    let waiting = "waiting_for_approval ".repeat(5);
    assert_eq!(statuses, format!("{waiting}working"));
}

#[test]
fn the_flags_of_the_server_count_without_a_request() {
    let statuses = course(
        state(Status::Starting),
        &[Event::Turn(&QUESTION), Event::Turn(&APPROVAL), Event::Turn(&ACTIVE)],
    );
    assert_eq!(statuses, "waiting_for_user_input waiting_for_approval working");
}

#[test]
fn the_server_has_the_last_word_on_an_interrupt() {
    let end = |end| {
        let mut state = state(Status::Working);
        state.apply(&Event::InterruptAsked("ann"));
        state.apply(&Event::InterruptAsked("bob"));
        assert_eq!(state.status, Status::Working);
        after(state, &Event::Turn(&Input::TurnCompleted(end)))
    };
    assert_eq!(end(TurnEnd::Interrupted), "cancelled by ann");
    assert_eq!(
        end(TurnEnd::Completed),
        "completed by server (ann asked for an interrupt, and the turn had completed)"
    );
    assert_eq!(end(TurnEnd::Failed(Some("no".to_owned()))), "failed by server: no");
}

#[test]
fn a_final_error_waits_for_the_end_of_the_turn() {
    let mut failing = state(Status::Working);
    failing.apply(&Event::Turn(&Input::SystemError));
    failing.apply(&Event::Turn(&error(false)));
    assert_eq!(failing.status, Status::Working);
    let note = "the server sent a final error, and no end of the turn";
    assert_eq!(after(failing.clone(), &Event::Settled), format!("failed by server: overloaded ({note})"));
    let end = Input::TurnCompleted(TurnEnd::Failed(None));
    assert_eq!(after(failing.clone(), &Event::Turn(&end)), "failed by server: overloaded");
    // A turn that starts has overcome it.
    failing.apply(&Event::Turn(&Input::TurnStarted));
    assert_eq!(after(failing, &Event::Settled), "working");
}

#[test]
fn the_task_decides_what_becomes_of_a_lost_turn() {
    let lost = Input::TurnLost { reason: "the server ended".to_owned() };
    let with = |if_lost| State { status: Status::Working, ..State::new(if_lost) };
    assert_eq!(after(with(IfLost::Fail), &Event::Turn(&lost)), "failed by host: the server ended");
    assert_eq!(after(with(IfLost::Continue), &Event::Turn(&lost)), "queued");
    assert_eq!(after(with(IfLost::Ask), &Event::Turn(&lost)), "waiting_for_user_input, paused");

    let mut asks = with(IfLost::Ask);
    asks.apply(&Event::Turn(&lost));
    let answer = |goes_on| after(asks.clone(), &Event::Resume { goes_on, by: "ann" });
    assert_eq!(answer(true), "queued");
    assert_eq!(answer(false), "failed by ann: the turn was lost");
    assert_eq!(after(asks.clone(), &Event::InterruptAsked("ann")), "cancelled by ann");

    let mut interrupted = with(IfLost::Continue);
    interrupted.apply(&Event::InterruptAsked("ann"));
    assert_eq!(after(interrupted, &Event::Turn(&lost)), "cancelled by ann: the server ended");
}

#[test]
fn a_new_owner_keeps_open_requests_and_drops_flags() {
    let mut waiting = state(Status::WaitingForApproval);
    waiting.flags.approval = true;
    assert_eq!(after(waiting.clone(), &Event::Claimed), "starting");
    waiting.open.approvals = 1;
    assert_eq!(after(waiting, &Event::Claimed), "waiting_for_approval");
}
