//! Turns and what came of them.

use codex_appserver::protocol::{
    AskForApproval, CodexErrorInfo, PatchChangeKind, ReviewTarget, SandboxPolicy, ThreadItem,
    TurnPlanStepStatus,
};
use codex_appserver::{Approvals, Codex, Decision, Input, local_image, text};
use codex_appserver_testkit::Reply;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::stage::Stage;

/// The only test here that is about the version itself: with another codex it fails, and says that this is no fault of
/// the protocol. Where others fail as well, the protocol has changed.
#[tokio::test]
async fn the_codex_under_test_is_the_pinned_one() {
    let Some(stage) = Stage::set([]) else { return };
    let codex = stage.codex().await;
    if let Some(mismatch) = codex.client().server().mismatch() {
        panic!("a pin, not a break of the protocol: {mismatch}; test with that codex, or move the bindings");
    }
    codex.close().await;
}

#[tokio::test]
async fn a_turn_tells_everything_it_did() {
    let Some(stage) = Stage::set([
        Reply::plan([("look", "completed"), ("write", "in_progress")]),
        Reply::add_file("made.txt", "by codex\n"),
        Reply::text_chunks(["It is ", "made."]),
    ]) else {
        return;
    };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let result = thread.run("Make a file.").await.expect("a result").into_result().expect("it went well");
    assert_eq!(result.text(), "It is made.");
    assert!(result.diff.as_deref().is_some_and(|diff| diff.contains("+by codex")), "{:?}", result.diff);
    let plan = result.plan.as_ref().expect("a plan");
    assert_eq!((plan.steps.len(), &plan.steps[1].status), (2, &TurnPlanStepStatus::InProgress));
    let usage = result.usage.as_ref().expect("usage");
    assert_eq!((usage.last.total_tokens, usage.total.total_tokens), (15, 45));
    assert!(usage.model_context_window.is_some() && result.duration.is_some());
    let kinds: Vec<_> = result.items.iter().map(kind).collect();
    assert_eq!(kinds, ["user", "file", "agent"]);
    codex.close().await;
}

fn kind(item: &ThreadItem) -> &'static str {
    match item {
        ThreadItem::UserMessage(_) => "user",
        ThreadItem::AgentMessage(_) => "agent",
        ThreadItem::FileChange(_) => "file",
        ThreadItem::CommandExecution(_) => "command",
        _ => "other",
    }
}

#[tokio::test]
async fn a_failed_turn_tells_why() {
    let Some(stage) = Stage::set([Reply::fail(400, r#"{"error":{"message":"no such thing"}}"#)]) else {
        return;
    };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let result = thread.run("Fail.").await.expect("a value");
    assert!(
        matches!(result.error_info(), Some(CodexErrorInfo::BadRequest | CodexErrorInfo::Other)),
        "{result:?}"
    );
    let failed = result.into_result().expect_err("it failed").to_string();
    assert!(failed.contains("no such thing"), "{failed}");
    let result = thread.run("Again.").await.expect("the thread goes on");
    assert!(!result.is_completed(), "the mock has nothing left to say: {result:?}");
}

#[tokio::test]
async fn approvals_know_what_they_are_about() {
    let Some(stage) = Stage::set([
        Reply::command_to_approve("touch out-of-bounds", "for a test"),
        Reply::add_file("made.txt", "by codex\n"),
        Reply::text("Done."),
    ]) else {
        return;
    };
    let (tell, mut told) = mpsc::unbounded_channel();
    let approvals = Approvals::ask(move |request| {
        let tell = tell.clone();
        async move {
            let decision = if request.command().is_some() { Decision::Decline } else { Decision::Accept };
            tell.send(request).expect("the test waits");
            decision
        }
    });
    let codex = stage.builder().experimental_api(true).start().await.expect("a codex");
    let thread = codex.thread_start().approval_policy(AskForApproval::Untrusted).await.expect("a thread");
    thread.on_approval(approvals);
    let result = thread.run("Make files.").await.expect("a result");
    let command = told.recv().await.expect("the command was asked for");
    assert!(command.command().is_some_and(|command| command.contains("touch out-of-bounds")), "{command:?}");
    assert_eq!(command.reason(), Some("for a test"));
    assert!(
        command.cwd().is_some() && command.available_decisions().is_some_and(|all| all.len() > 1),
        "{command:?}"
    );
    let file = told.recv().await.expect("the file was asked for");
    assert!(matches!(file.changes(), Some([change]) if change.kind == PatchChangeKind::Add), "{file:?}");
    assert!(
        file.diff().is_some_and(|diff| diff.starts_with("add ") && diff.contains("by codex")),
        "{file:?}"
    );
    assert!(result.is_completed() && stage.home.workspace().join("made.txt").exists());
    assert!(!stage.home.workspace().join("out-of-bounds").exists());
    assert!(!command.asks_for_more() && !file.asks_for_more(), "{command:?} {file:?}");
}

#[tokio::test]
async fn twenty_turns_at_once_from_one_codex() {
    let prompts: Vec<_> = (0..20).map(|n| format!("turn number {n}.")).collect();
    let Some(stage) = Stage::set([]) else { return };
    stage.model.answer_with(|request| {
        let prompt = request.last_user_text().unwrap_or_default().to_owned();
        Reply::text_chunks([prompt, " It is done.".to_owned()])
    });
    let codex = stage.codex().await;
    let mut turns = JoinSet::new();
    for prompt in prompts.clone() {
        let codex: Codex = codex.clone();
        turns.spawn(async move {
            let thread = codex.thread_start().await.expect("a thread");
            (prompt.clone(), thread.run(prompt).await.expect("a result"))
        });
    }
    let mut seen = 0;
    while let Some(done) = turns.join_next().await {
        let (prompt, result) = done.expect("no panic");
        assert_eq!(result.text(), format!("{prompt} It is done."));
        assert_eq!(result.items.len(), 2);
        seen += 1;
    }
    assert_eq!(seen, prompts.len());
}

#[tokio::test]
async fn input_and_params_reach_the_model() {
    let Some(stage) = Stage::set([Reply::text("Seen.")]) else { return };
    let image = stage.home.workspace().join("dot.png");
    std::fs::write(&image, DOT).expect("it is written");
    let codex = stage.codex().await;
    let thread = codex.thread_start().ephemeral(true).await.expect("a thread");
    let input = [text("What is on it?"), local_image(&image)];
    let turn = thread.turn(input).effort("low").sandbox_policy(SandboxPolicy::DangerFullAccess).await;
    turn.expect("a turn").run().await.expect("a result").into_result().expect("it went well");
    let request = &stage.model.requests()[0];
    assert_eq!(request.body["reasoning"]["effort"], "low");
    let sent = serde_json::to_string(&request.body["input"]).expect("JSON");
    assert!(sent.contains("data:image/png;base64,") && sent.contains("What is on it?"), "{sent}");
}

/// A picture of one point.
const DOT: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0,
    0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53, 0xde, 0, 0, 0, 0x0c, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63,
    0xf8, 0xcf, 0xc0, 0, 0, 3, 1, 1, 0, 0xc9, 0xfe, 0x92, 0xef, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae,
    0x42, 0x60, 0x82,
];

#[tokio::test]
async fn the_output_of_a_tool_is_input() {
    let Some(stage) = Stage::set([Reply::text("Read.")]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let mail = codex_appserver::protocol::TurnToolOutput::new("mail", "Subject: hi".to_owned());
    let turn = thread.turn(Input::none()).tool_output(mail).await.expect("a turn");
    assert_eq!(turn.run().await.expect("a result").text(), "Read.");
    let sent = serde_json::to_string(&stage.model.requests()[0].body["input"]).expect("JSON");
    assert!(sent.contains("Subject: hi"), "{sent}");
}

#[tokio::test]
async fn a_review_is_a_turn() {
    let review = r#"{"findings":[],"overall_correctness":"patch is correct","overall_explanation":"Fine.","overall_confidence_score":1.0}"#;
    let Some(stage) = Stage::set([Reply::text(review)]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let target = ReviewTarget::Custom(codex_appserver::protocol::CustomReviewTarget::new("Look at it."));
    let turn = thread.review(target).await.expect("a review");
    let result = turn.run().await.expect("a result").into_result().expect("it went well");
    assert!(result.items.iter().any(|item| matches!(item, ThreadItem::ExitedReviewMode(_))), "{result:?}");
}

#[cfg(feature = "experimental")]
#[tokio::test]
async fn raw_answers_do_not_disturb() {
    let Some(stage) = Stage::set([Reply::text("Cooked.")]) else { return };
    let codex = stage.builder().experimental_api(true).start().await.expect("a codex");
    let thread = codex.thread_start().experimental_raw_events(true).await.expect("a thread");
    assert_eq!(thread.run("Go.").await.expect("a result").text(), "Cooked.");
}

#[cfg(feature = "structured")]
mod structured {
    use super::*;

    #[derive(Debug, PartialEq, serde_derive::Deserialize, codex_appserver::schemars::JsonSchema)]
    #[schemars(crate = "codex_appserver::schemars")]
    struct Verdict {
        good: bool,
        why: Option<String>,
    }

    #[tokio::test]
    async fn the_model_gets_the_schema_of_the_type() {
        let Some(stage) = Stage::set([Reply::text(r#"{"good":true,"why":null}"#)]) else { return };
        let codex = stage.codex().await;
        let thread = codex.thread_start().await.expect("a thread");
        let verdict = thread.run_as::<Verdict>("Is it good?").await.expect("a verdict");
        assert_eq!(verdict.value, Verdict { good: true, why: None });
        let format = &stage.model.requests()[0].body["text"]["format"];
        assert_eq!((&format["type"], &format["strict"]), (&"json_schema".into(), &true.into()));
        let schema = codex_appserver::output_schema::<Verdict>().expect("a schema");
        assert_eq!(format["schema"], schema);
    }
}
