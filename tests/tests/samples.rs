//! Values for tests as a program that depends on the crates makes them: built, sent by a scripted server, and received.

use codex_appserver::protocol::{
    AgentMessageThreadItem, ServerNotification, Thread, ThreadItem, ThreadStartedNotification, Turn,
    TurnCompletedNotification, TurnStatus,
};
use codex_appserver_client::{Client, Filter, Methods};
use codex_appserver_requests::ThreadReadResponse;
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Step};

fn step(notification: &ServerNotification) -> Step {
    Step::Json(serde_json::to_value(notification).expect("it encodes"))
}

#[tokio::test]
async fn built_values_reach_the_client() {
    let thread = Thread::sample().id("thread-1").preview("Hello.").name("Greetings");
    let message = ThreadItem::AgentMessage(AgentMessageThreadItem::new("item-1", "Hello there.").into());
    let turn = Turn::new("turn-1", [message], TurnStatus::Completed).duration_ms(20);
    let started = ServerNotification::ThreadStarted(ThreadStartedNotification::new(thread.clone()).into());
    let completed = TurnCompletedNotification::new("thread-1", turn.clone());
    let completed = ServerNotification::TurnCompleted(completed.into());

    let response = serde_json::to_value(ThreadReadResponse::new(thread.clone())).expect("it encodes");
    let answer = Answer::result(response).then([step(&started), step(&completed)]);
    let scenario = Scenario::new().answer("thread/read", answer);
    let (_server, reader, writer) = ScriptedServer::start_async(scenario).expect("it starts");
    let client = Client::builder().attach(reader, writer).await.expect("it connects");
    let mut events = client.events(Filter::thread("thread-1"));

    assert_eq!(client.thread_read("thread-1").await.expect("it answers").thread, thread);
    for expected in [started, completed] {
        let event = events.next().await.expect("an event").expect("it decodes");
        assert_eq!(event.notification(), Some(&expected));
    }
}

/// A sample is a start: every member of what the server writes has a setter, and the fields are public.
#[test]
fn samples_are_changed_by_setters() {
    let turn = Turn::sample().id("turn-1").status(TurnStatus::Failed).completed_at(5);
    assert_eq!((turn.id.as_str(), &turn.status, turn.completed_at), ("turn-1", &TurnStatus::Failed, Some(5)));
    assert_eq!(Turn::new("sample", Vec::new(), TurnStatus::Completed), Turn::sample());
}
