//! Loads: many calls, many turns at once, more events than anybody reads.

#![allow(clippy::await_holding_lock, reason = "nothing else runs on the thread that holds it")]

mod support;

use std::sync::{Mutex, MutexGuard, PoisonError};

use codex_appserver_client::generic::{Client, Events};
use codex_appserver_client::{Error, Event, EventSettings, Filter, Overflow, ServerNotification};
use codex_appserver_testkit::scripted::{Answer, Ask, Scenario, Step, Turn};
use serde_json::json;

use crate::support::{Kit, PATIENCE, event};

both!(
    calls_without_end_at_window_64,
    calls_without_end_at_window_1024,
    a_thousand_turns_are_complete_and_in_order,
    a_stalled_subscriber_costs_only_its_cap,
);

/// One load at a time: they measure memory, and fill both kinds of machines by themselves.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const CALLS: usize = 100_000;

/// More callers than places, so that the queue is in use all the time.
async fn calls_without_end<R: Kit>(window: usize) {
    let _alone = alone();
    let callers = window + window / 2;
    let builder = Client::<R>::builder().window(window).default_timeout(None);
    let (server, client) = R::attach(builder, Scenario::new().answer("echo", Answer::echo()).keep(0)).await;
    let at_work: Vec<_> = (0..callers)
        .map(|caller| {
            let client = client.clone();
            R::spawn(async move {
                for n in (caller..CALLS).step_by(callers) {
                    assert_eq!(R::call(&client, "echo", json!(n)).await.expect("an answer"), n);
                }
            })
        })
        .collect();
    for caller in at_work {
        caller.await;
    }
    let (seen, stats) = (server.max_pending(), client.stats());
    assert!((2..=window as u64).contains(&seen), "{seen} at once, with a window of {window}");
    assert_eq!((stats.calls, stats.answers), (CALLS as u64 + 1, CALLS as u64 + 1));
    assert_eq!((stats.in_flight, stats.queued, stats.late_answers, stats.unknown_answers), (0, 0, 0, 0));
}

async fn calls_without_end_at_window_64<R: Kit>() {
    calls_without_end::<R>(64).await;
}

async fn calls_without_end_at_window_1024<R: Kit>() {
    calls_without_end::<R>(1024).await;
}

async fn a_thousand_turns_are_complete_and_in_order<R: Kit>() {
    const TURNS: usize = 1000;
    const DELTAS: u64 = 20;
    let _alone = alone();
    let scenario = Scenario::new()
        .answer("thread/start", Answer::thread())
        .answer("turn/start", Answer::turn(Turn::counting(DELTAS)));
    let (_server, client) = R::attach(Client::builder().default_timeout(None), scenario.keep(0)).await;
    let text: String = (0..DELTAS).map(|n| format!("{n} ")).collect();
    let turns: Vec<_> = (0..TURNS)
        .map(|_| {
            let (client, text) = (client.clone(), text.clone());
            R::spawn(async move {
                let answer = R::call(&client, "thread/start", json!({})).await.expect("a thread");
                let thread = answer["thread"]["id"].as_str().expect("an id").to_owned();
                let mut events = client.events(Filter::thread(&thread));
                let answer = R::call(&client, "turn/start", json!({"threadId": thread, "input": []})).await;
                let turn = answer.expect("a turn")["turn"]["id"].as_str().expect("an id").to_owned();
                events.narrow(Filter::turn(turn));
                assert_eq!(message(&mut events).await, text);
            })
        })
        .collect();
    for turn in turns {
        turn.await;
    }
    assert_eq!(client.stats().skipped_events, 0);
}

/// The message of a turn by its deltas; all that belongs around them came, in order.
async fn message<R: Kit>(events: &mut Events<R>) -> String {
    let (mut message, mut around) = (String::new(), Vec::new());
    while around.last().is_none_or(|last| last != "turn/completed") {
        let notification = event(events).await.into_notification().expect("a notification");
        match notification {
            ServerNotification::ItemAgentMessageDelta(delta) => message.push_str(&delta.delta),
            other => around.push(other.method().to_owned()),
        }
    }
    let expected = [
        "turn/started",
        "item/started",
        "item/completed",
        "item/started",
        "item/completed",
        "thread/tokenUsage/updated",
        "turn/completed",
    ];
    assert_eq!(around, expected);
    message
}

/// A million in a release build. A debug build decodes some ten times slower, and takes a quarter.
const EVENTS: u64 = if cfg!(debug_assertions) { 250_000 } else { 1_000_000 };
const CAP: usize = 4 << 20;

async fn a_stalled_subscriber_costs_only_its_cap<R: Kit>() {
    /// The active one keeps up with that, as the next batch waits for it.
    const BATCH: u64 = 10_000;
    let _alone = alone();
    let output = "item/commandExecution/outputDelta";
    let params = json!({"threadId": "T", "turnId": "U", "itemId": "i", "delta": "$i "});
    let then = [
        Step::flood(BATCH / 2, "item/agentMessage/delta", params.clone()),
        Step::flood(BATCH / 2, output, params),
    ];
    let scenario = Scenario::new().answer("go", Answer::result(json!("$count")).then(then)).keep(0);
    let (server, client) = R::attach(Client::builder().default_timeout(None), scenario).await;
    let settings = EventSettings::default().byte_cap(CAP);
    let mut active = client.events(Filter::turn("U"));
    let mut stalled = client.events_with(Filter::All, settings);
    let mut skipping = client.events_with(Filter::thread("T"), settings.overflow(Overflow::Skip));
    let mut before = 0;
    for batch in 1..=EVENTS / BATCH {
        assert_eq!(R::call(&client, "go", json!({})).await.expect("an answer"), batch);
        for n in (0..BATCH / 2).chain(0..BATCH / 2) {
            assert_eq!(number(event(&mut active).await), n, "all of them, in order");
        }
        if batch == 2 {
            before = memory();
        }
    }
    // Nothing handles it, so it is declined: at once, whoever is stalled.
    server.play([Step::Request(Ask::new("item/fileChange/requestApproval", json!({"turnId": "U"})))]);
    server.wait_for_answers(1, PATIENCE).expect("an answer");
    assert_eq!(server.answers()[0].result, Some(json!({"decision": "decline"})));
    let grown = memory().saturating_sub(before);
    // Two stalled ones, and what an allocator holds on to.
    assert!(grown < 4 * CAP, "{} KiB more", grown >> 10);
    assert_eq!((active.skipped(), client.stats().notifications), (0, EVENTS));
    let held = until_overrun(&mut stalled).await;
    assert!(held > 1000 && held < EVENTS, "{held}");
    let (kept, lagged) = drain(&mut skipping, &client).await;
    assert_eq!((kept + lagged, skipping.skipped()), (EVENTS, lagged));
    assert!(kept > 1000, "{kept}");
}

fn number(event: Event) -> u64 {
    let text = match event.into_notification() {
        Some(ServerNotification::ItemAgentMessageDelta(delta)) => delta.delta,
        Some(ServerNotification::ItemCommandExecutionOutputDelta(delta)) => delta.delta,
        other => panic!("{other:?}"),
    };
    text.trim().parse().expect("a number")
}

/// How many events there are before the overrun, which is the end.
async fn until_overrun<R: Kit>(events: &mut Events<R>) -> u64 {
    let mut count = 0;
    loop {
        match R::next(events).await.expect("an overrun before the end") {
            Ok(Event::Lagged { skipped }) => assert!(skipped > 0),
            Ok(_) => count += 1,
            Err(error) => {
                assert!(matches!(error, Error::Overrun { byte_cap: CAP }), "{error}");
                assert!(R::next(events).await.is_none());
                return count;
            }
        }
    }
}

/// How many events wait, and how many were skipped. Ends the connection.
async fn drain<R: Kit>(events: &mut Events<R>, client: &Client<R>) -> (u64, u64) {
    R::shutdown(client).await;
    let (mut kept, mut lagged) = (0, 0);
    while let Some(event) = R::next(events).await {
        match event.expect("no error") {
            Event::Lagged { skipped } => lagged += skipped,
            _ => kept += 1,
        }
    }
    (kept, lagged)
}

/// The memory of this process in bytes; 0 where it is not known.
fn memory() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident: usize = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    // 4 KiB or more, depending on the machine; the least is enough to compare.
    resident * 4096
}
