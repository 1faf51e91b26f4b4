//! A turn belongs to the params that its call is sent with, and follows the thread from then on.

#![cfg(feature = "async")]

use codex_appserver::protocol::{TurnStartParams, TurnStatus};
use codex_appserver::{Codex, Event, Filter, Input};
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Step, Turn};
use serde_json::json;

async fn attach(event_capacity: usize) -> (ScriptedServer, Codex) {
    let scenario = Scenario::new()
        .answer("thread/start", Answer::thread())
        .answer("turn/start", Answer::turn(Turn::new(["Hello"])));
    let (server, stdout, stdin) = ScriptedServer::start_async(scenario).expect("it starts");
    let codex = Codex::builder().event_capacity(event_capacity).attach(stdout, stdin).await;
    (server, codex.expect("a connection"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn params_of_another_thread_move_the_turn() {
    let (server, codex) = attach(16 << 20).await;
    let here = codex.thread_start().await.expect("a thread");
    let there = codex.thread_start().await.expect("a thread");
    let params = TurnStartParams::new(there.id(), Vec::from(Input::from("over there")));
    let turn = here.turn("here").with_params(params).await.expect("it starts");
    assert_eq!(turn.thread().id(), there.id());
    assert_eq!(server.params("turn/start")[0]["threadId"], there.id());
    let result = turn.run().await.expect("its events arrive");
    assert_eq!((result.text(), &result.status), ("Hello", &TurnStatus::Completed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_to_be_sent_keeps_no_events() {
    let (server, codex) = attach(4096).await;
    let thread = codex.thread_start().await.expect("a thread");
    let call = thread.turn("later");
    let mut events = codex.client().events_with(
        Filter::thread(thread.id()),
        codex_appserver::EventSettings::default().methods(&["test/last"]),
    );
    let delta = json!({"threadId": thread.id(), "turnId": "other", "itemId": "i", "delta": "x".repeat(100)});
    server.play([
        Step::flood(1000, "item/agentMessage/delta", delta),
        Step::notify("test/last", json!({"threadId": thread.id()})),
    ]);
    let last = events.next().await.expect("it arrives").expect("an event");
    assert!(matches!(last, Event::Notification(_)), "{last:?}");
    // A subscription from before the flood would have overrun.
    let result = call.await.expect("it starts").run().await.expect("nothing was lost");
    assert_eq!(result.text(), "Hello");
}
