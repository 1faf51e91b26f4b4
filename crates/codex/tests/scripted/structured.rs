//! Answers as Rust types.

use codex_appserver::Error;
use codex_appserver::generic::Codex;
use codex_appserver_testkit::scripted::Turn;
use serde_json::json;

use crate::both;
use crate::scenarios::playing;
use crate::support::{Kit, thread};

both!(an_answer_can_be_a_type,);

#[derive(Debug, PartialEq, serde_derive::Deserialize, codex_appserver::schemars::JsonSchema)]
#[schemars(crate = "codex_appserver::schemars")]
struct Verdict {
    good: bool,
}

async fn an_answer_can_be_a_type<R: Kit>() {
    let turns = [Turn::new([r#"{"good""#, ":true}"]), Turn::new(["I'd rather ", "not."])];
    let (server, thread) = thread::<R>(Codex::builder(), playing(turns)).await;
    let answer = R::run_as::<Verdict>(&thread, "Is it good?").await.expect("a verdict");
    assert_eq!((answer.value, answer.result.items.len()), (Verdict { good: true }, 2));
    let schema = &server.params("turn/start")[0]["outputSchema"];
    assert_eq!(schema["required"], json!(["good"]));
    let error = R::run_as::<Verdict>(&thread, "Really?").await.expect_err("no verdict");
    let Error::Output(mismatch) = &error else { panic!("{error}") };
    assert_eq!(mismatch.result.text(), "I'd rather not.");
    assert!(error.to_string().contains("Verdict") && error.to_string().contains("turn-2"), "{error}");
}
