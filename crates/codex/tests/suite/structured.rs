//! Answers as Rust types.

use codex_appserver::Error;
use codex_appserver_testkit::scripted::Turn;
use serde_json::json;

use super::playing;
use crate::sdk;

#[derive(Debug, PartialEq, serde_derive::Deserialize, codex_appserver::schemars::JsonSchema)]
#[schemars(crate = "codex_appserver::schemars")]
struct Verdict {
    good: bool,
}

test! {
    fn an_answer_can_be_a_type() {
        let turns = [Turn::new([r#"{"good""#, ":true}"]), Turn::new(["I'd rather ","not."])];
        let (server, codex) = attach!(sdk::Codex::builder(), playing(turns));
        let thread = send!(codex.expect("a connection").thread_start()).expect("a thread");
        let answer = wait!(thread.run_as::<Verdict>("Is it good?")).expect("a verdict");
        assert_eq!((answer.value, answer.result.items.len()), (Verdict { good: true }, 2));
        let schema = &server.params("turn/start")[0]["outputSchema"];
        assert_eq!(schema["required"], json!(["good"]));
        let error = wait!(thread.run_as::<Verdict>("Really?")).expect_err("no verdict");
        let Error::Output(mismatch) = &error else { panic!("{error}") };
        assert_eq!(mismatch.result.text(), "I'd rather not.");
        assert!(error.to_string().contains("Verdict") && error.to_string().contains("turn-2"), "{error}");
    }
}
