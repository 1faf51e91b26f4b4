//! The service against a scripted server.

use codex_appserver::Codex;
use codex_appserver_testkit::scripted::{Answer, Ask, Scenario, ScriptedServer, Turn};
use full_async::{Summary, open, pieces, summary};
use serde_json::{Value, json};

/// A server with these turns.
async fn server(turns: impl IntoIterator<Item = Turn>) -> (ScriptedServer, Codex) {
    let scenario = Scenario::new().answer("thread/start", Answer::thread());
    let scenario =
        turns.into_iter().fold(scenario, |scenario, turn| scenario.answer("turn/start", Answer::turn(turn)));
    let (server, stdout, stdin) = ScriptedServer::start_async(scenario).expect("it starts");
    (server, Codex::builder().attach(stdout, stdin).await.expect("a connection"))
}

/// The agent asks to run a command, and waits.
fn wants(command: &str) -> Ask {
    let params = json!({
        "threadId": "$params.threadId", "turnId": "turn-$count", "itemId": "call-1", "startedAtMs": 1, "command": command,
    });
    Ask::new("item/commandExecution/requestApproval", params).resolved()
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_stream_at_the_same_time() {
    let (_server, codex) = server([Turn::new(["One ", "two."])]).await;
    let threads = [open(&codex, "/a").await.expect("a thread"), open(&codex, "/b").await.expect("a thread")];
    let told = threads.map(|thread| tokio::spawn(async move { pieces(&thread, "Count.").await }));
    for told in told {
        let (pieces, result) = told.await.expect("no panic").expect("a turn");
        assert_eq!(pieces, ["One ", "two."]);
        assert_eq!(result.into_result().expect("it completed").text(), "One two.");
    }
    codex.close().await;
}

#[tokio::test]
async fn only_what_looks_may_run() {
    let (server, codex) = server([Turn::new(["Done."]).ask(wants("ls")).ask(wants("rm -r /"))]).await;
    let thread = open(&codex, "/a").await.expect("a thread");
    assert!(thread.run("Tidy up.").await.expect("a result").is_completed());
    let decisions: Vec<Value> = server.answers().into_iter().filter_map(|answer| answer.result).collect();
    assert_eq!(decisions, [json!({"decision": "accept"}), json!({"decision": "decline"})]);
    codex.close().await;
}

#[tokio::test]
async fn an_answer_is_a_rust_type() {
    let (server, codex) = server([Turn::new([r#"{"title":"A day","#, r#""tasks":["rest"]}"#])]).await;
    let thread = open(&codex, "/a").await.expect("a thread");
    let told = summary(&thread, "It is Sunday.").await.expect("an answer");
    assert_eq!(told, Summary { title: "A day".into(), tasks: vec!["rest".into()] });
    let schema = &server.params("turn/start")[0]["outputSchema"];
    assert_eq!(schema["properties"]["tasks"]["type"], "array", "{schema}");
    codex.close().await;
}
