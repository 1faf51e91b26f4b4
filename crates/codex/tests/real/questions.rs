//! Questions of the real codex: tool calls of an MCP server, its forms and pages, questions to the user, permissions.
//!
//! The MCP server is the example `cli_mini_app`, which codex starts with an argument.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use codex_appserver::blocking::FrontEnd as BlockingFrontEnd;
use codex_appserver::client::{Context, HandlerError, blocking};
use codex_appserver::protocol::*;
use codex_appserver::{
    ApprovalRequest, Approvals, Codex, Decision, Error, Form, FormAnswer, FrontEnd, TurnResult,
};
use codex_appserver_testkit::{CodexHomeBuilder, Gate, Reply};
use serde_json::{Value, json};

use crate::example::example;
use crate::stage::Stage;

fn home(home: CodexHomeBuilder) -> CodexHomeBuilder {
    home.mcp_server("demo", example("cli_mini_app"), ["--mcp-server"])
        .feature("default_mode_request_user_input", true)
        .feature("request_permissions_tool", true)
}

fn erase() -> Reply {
    Reply::mcp_tool_call("demo", "erase", r#"{"what":"it"}"#)
}

/// What the model reads of the call that is its first reply.
fn read(stage: &Stage) -> String {
    output(stage, "call_1_1")
}

fn output(stage: &Stage, call: &str) -> String {
    let requests = stage.model.requests();
    requests.last().and_then(|request| request.tool_output(call)).expect("the call has an output")
}

#[derive(Clone, Copy, Debug)]
enum Side {
    Async,
    Blocking,
}

const SIDES: [Side; 2] = [Side::Async, Side::Blocking];

/// Answers with what it holds, and keeps what it was asked to approve.
#[derive(Clone)]
struct Front {
    asked: Arc<Mutex<Vec<ApprovalRequest>>>,
    decide: fn(&ApprovalRequest) -> Decision,
    form: Value,
}

impl Front {
    fn new(decide: fn(&ApprovalRequest) -> Decision) -> Self {
        Self { asked: Arc::default(), decide, form: json!({"name": "Bo", "age": 7}) }
    }

    fn decide(&self, request: ApprovalRequest) -> Decision {
        let decision = (self.decide)(&request);
        self.asked.lock().expect("no panic").push(request);
        decision
    }

    fn asked(&self) -> Vec<ApprovalRequest> {
        self.asked.lock().expect("no panic").clone()
    }

    fn submit(&self, form: &Form) -> FormAnswer {
        let names: Vec<_> = form.fields().iter().map(|field| (&*field.name, field.required)).collect();
        assert_eq!(names, [("age", false), ("color", false), ("name", true)]);
        FormAnswer::Submit(self.form.as_object().cloned().expect("an object"))
    }

    fn choose(request: &ToolRequestUserInputParams) -> ToolRequestUserInputResponse {
        let question = &request.questions[0];
        let option = question.options.as_ref().and_then(|options| options.last()).expect("an option");
        let answer = ToolRequestUserInputAnswer::new([option.label.clone()]);
        ToolRequestUserInputResponse::new(BTreeMap::from([(question.id.clone(), answer)]))
    }
}

macro_rules! front {
    ($trait:ident, $context:ty, $($async:ident)?) => {
        impl $trait for Front {
            $($async)? fn approve(&self, request: ApprovalRequest, _: $context) -> Result<Decision, HandlerError> {
                Ok(self.decide(request))
            }

            $($async)? fn fill_form(&self, form: Form, _: $context) -> Result<FormAnswer, HandlerError> {
                Ok(self.submit(&form))
            }

            $($async)? fn open_url(
                &self,
                _: UrlMcpServerElicitationRequestParams,
                _: $context,
            ) -> Result<McpServerElicitationAction, HandlerError> {
                Ok(McpServerElicitationAction::Accept)
            }

            $($async)? fn answer_questions(
                &self,
                request: ToolRequestUserInputParams,
                _: $context,
            ) -> Result<ToolRequestUserInputResponse, HandlerError> {
                Ok(Front::choose(&request))
            }
        }
    };
}

front!(FrontEnd, Context, async);
front!(BlockingFrontEnd, blocking::Context,);

/// Runs a turn of these replies, with a front end or with nothing that answers.
async fn play(
    side: Side,
    replies: impl IntoIterator<Item = Reply>,
    front: Option<Front>,
) -> Option<(Stage, TurnResult)> {
    let replies: Vec<_> = replies.into_iter().chain([Reply::text("Done.")]).collect();
    let stage = Stage::with(replies, home)?;
    let process = stage.process();
    let result = match side {
        Side::Async => {
            let builder = Codex::builder().process(|_| process);
            let builder = front.into_iter().fold(builder, |builder, front| builder.front_end(front));
            let codex = builder.start().await.expect("a codex");
            let result = codex.thread_start().await.expect("a thread").run("Go.").await;
            codex.close().await;
            result
        }
        Side::Blocking => {
            let work = move || {
                let builder = codex_appserver::blocking::Codex::builder().process(|_| process);
                let builder = front.into_iter().fold(builder, |builder, front| builder.front_end(front));
                let codex = builder.start()?;
                let result = codex.thread_start().call()?.run("Go.");
                codex.close();
                result
            };
            tokio::task::spawn_blocking(work).await.expect("no panic")
        }
    };
    let result = result.expect("a result");
    assert!(result.is_completed(), "{result:?}");
    Some((stage, result))
}

#[tokio::test]
async fn a_tool_call_is_accepted_once() {
    for side in SIDES {
        let front = Front::new(|_| Decision::Accept);
        let Some((stage, result)) = play(side, [erase(), erase()], Some(front.clone())).await else { return };
        assert!(read(&stage).contains(r#"erased {\"what\":\"it\"}"#), "{}", read(&stage));
        let asked = front.asked();
        assert_eq!(asked.len(), 2, "each call asks");
        let ApprovalRequest::McpTool(first) = &asked[0] else { panic!("{asked:?}") };
        assert_eq!((&*first.server, &*first.tool), ("demo", "erase"));
        assert_eq!(first.params, Some(json!({"what": "it"})));
        assert_eq!((first.annotations.destructive, first.annotations.read_only), (Some(true), None));
        assert!(first.can_remember_for_session && first.can_remember_always, "{first:?}");
        assert_eq!(first.turn_id.as_deref(), Some(&*result.turn_id));
        let items: Vec<_> = asked.iter().filter_map(ApprovalRequest::item_id).collect();
        assert_eq!(items, ["call_1_1", "call_2_1"], "the calls were announced");
    }
}

#[tokio::test]
async fn a_tool_call_is_accepted_for_the_session() {
    for side in SIDES {
        let front = Front::new(|_| Decision::AcceptForSession);
        let Some((stage, _)) = play(side, [erase(), erase()], Some(front.clone())).await else { return };
        assert_eq!(front.asked().len(), 1, "the second call does not ask");
        assert!(output(&stage, "call_2_1").contains("erased"), "{}", output(&stage, "call_2_1"));
    }
}

#[tokio::test]
async fn a_tool_call_is_accepted_always() {
    let Some(stage) = Stage::with([erase(), Reply::text("Done."), erase(), Reply::text("Done.")], home)
    else {
        return;
    };
    for asks in [1, 0] {
        let front = Front::new(|_| Decision::AcceptAlways);
        let codex = stage.builder().front_end(front.clone()).start().await.expect("a codex");
        codex.thread_start().await.expect("a thread").run("Go.").await.expect("a result");
        codex.close().await;
        assert_eq!(front.asked().len(), asks, "it is remembered in the configuration");
    }
    assert!(output(&stage, "call_3_1").contains("erased"));
}

#[tokio::test]
async fn a_tool_call_is_declined() {
    for side in SIDES {
        let Some((stage, _)) = play(side, [erase()], None).await else { return };
        assert!(read(&stage).contains("user rejected MCP tool call"), "{}", read(&stage));
        let front = Front::new(|_| Decision::Cancel);
        let Some((stage, _)) = play(side, [erase()], Some(front)).await else { return };
        assert!(read(&stage).contains("user cancelled MCP tool call"), "{}", read(&stage));
    }
}

#[tokio::test]
async fn approvals_of_a_thread_decide_about_tool_calls() {
    let Some(stage) = Stage::with([erase(), Reply::text("Done.")], home) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    thread.on_approval(Approvals::ask(|_| async { Decision::Accept }));
    thread.run("Go.").await.expect("a result");
    assert!(read(&stage).contains("erased"), "{}", read(&stage));
}

#[tokio::test]
async fn a_turn_decides_about_tool_calls_of_its_sub_agent() {
    let Some(stage) = Stage::with([], |plain| home(plain).feature("multi_agent", true)) else { return };
    let spawn = json!({
        "type": "function_call", "id": "fc_1", "call_id": "call_spawn", "namespace": "multi_agent_v1",
        "name": "spawn_agent", "arguments": json!({"message": "Dig."}).to_string(),
    });
    let spawn = Reply::event(json!({"type": "response.output_item.done", "item": spawn}));
    let gate = Gate::new();
    let mut owner = [spawn, Reply::hold(&gate).then(Reply::text("It has dug."))].into_iter();
    let mut agent = [erase(), Reply::text("Dug.")].into_iter();
    let opened = gate.clone();
    stage.model.answer_with(move |request| {
        if !request.user_texts().contains(&"Dig.") {
            return owner.next().unwrap_or_default();
        }
        let reply = agent.next();
        if request.follows_a_tool() {
            opened.open();
        }
        reply.unwrap_or_default()
    });
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("Have it dug.").await.expect("a turn");
    let asked: Arc<Mutex<Vec<ApprovalRequest>>> = Arc::default();
    let keep = asked.clone();
    turn.on_approval(Approvals::ask(move |request| {
        keep.lock().expect("no panic").push(request);
        async { Decision::Accept }
    }));
    assert_eq!(turn.run().await.expect("a result").text(), "It has dug.");
    let asked = asked.lock().expect("no panic");
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].thread_id() != thread.id() && asked[0].turn_id() != Some(turn.id()), "{asked:?}");
    assert!(asked[0].item_id().is_some(), "its call was announced: {asked:?}");
    let requests = stage.model.requests();
    let read = requests.iter().filter(|request| request.user_texts().contains(&"Dig."));
    let read: Vec<_> = read.filter_map(|request| request.input().last()).map(Value::to_string).collect();
    assert!(read.iter().any(|output| output.contains("erased")), "{read:?}");
}

#[tokio::test]
async fn a_rule_accepts_no_question_that_an_mcp_server_made_up() {
    let pretend = Reply::mcp_tool_call("demo", "pretend", "{}");
    let Some(stage) = Stage::with([pretend, Reply::text("Done.")], home) else { return };
    let seen: Arc<Mutex<Vec<ApprovalRequest>>> = Arc::default();
    let keep = seen.clone();
    let rule = Approvals::accept_for_session_if(move |request| {
        keep.lock().expect("no panic").push(request.clone());
        true
    });
    let codex = stage.builder().approvals(rule).start().await.expect("a codex");
    codex.thread_start().await.expect("a thread").run("Go.").await.expect("a result");
    assert!(read(&stage).contains(r#"{\"action\":\"decline\"}"#), "{}", read(&stage));
    assert!(seen.lock().expect("no panic").is_empty(), "the rule is not even asked");
}

#[tokio::test]
async fn a_form_is_filled_in() {
    let sign_up = || Reply::mcp_tool_call("demo", "sign_up", "{}");
    for side in SIDES {
        let front = Front::new(|_| Decision::Decline);
        let Some((stage, _)) = play(side, [sign_up()], Some(front.clone())).await else { return };
        let read_out = read(&stage);
        assert!(
            read_out.contains(r#"\"action\":\"accept\""#) && read_out.contains(r#"\"name\":\"Bo\""#),
            "{read_out}"
        );
        // What is not filled in as it asks is declined, and so is a form that reaches no front end.
        let wrong = Front { form: json!({"name": 7}), ..front };
        for front in [Some(wrong), None] {
            let Some((stage, _)) = play(side, [sign_up()], front).await else { return };
            assert!(read(&stage).contains(r#"{\"action\":\"decline\"}"#), "{}", read(&stage));
        }
    }
}

#[tokio::test]
async fn a_page_is_opened() {
    for side in SIDES {
        let open = Reply::mcp_tool_call("demo", "open_page", "{}");
        let front = Front::new(|_| Decision::Decline);
        let Some((stage, _)) = play(side, [open], Some(front)).await else { return };
        assert!(read(&stage).contains(r#"\"action\":\"accept\""#), "{}", read(&stage));
    }
}

#[tokio::test]
async fn questions_to_the_user_are_answered() {
    for side in SIDES {
        let ask = || Reply::ask_user("Tea or coffee?", ["Tea", "Coffee"]);
        let front = Front::new(|_| Decision::Decline);
        let Some((stage, _)) = play(side, [ask()], Some(front)).await else { return };
        assert_eq!(read(&stage), r#"{"answers":{"question":{"answers":["Coffee"]}}}"#);
        let Some((stage, _)) = play(side, [ask()], None).await else { return };
        assert_eq!(read(&stage), r#"{"answers":{}}"#);
    }
}

#[tokio::test]
async fn some_permissions_are_granted() {
    let wanted = json!({"network": {"enabled": true}, "file_system": {"write": ["/srv/www", "/srv/log"]}});
    let ask = || {
        let arguments = json!({"reason": "to publish it", "permissions": wanted});
        Reply::function_call("request_permissions", arguments.to_string())
    };
    for side in SIDES {
        let front = Front::new(|request| {
            let parts: Vec<_> = request.permissions().iter().map(ToString::to_string).collect();
            assert_eq!(parts, ["use the network", "write /srv/www", "write /srv/log"]);
            request.grant(PermissionGrantScope::Session, |part| part.to_string() == "write /srv/log")
        });
        let Some((stage, _)) = play(side, [ask()], Some(front)).await else { return };
        let granted: Value = serde_json::from_str(&read(&stage)).expect("JSON");
        let expected = json!({
            "permissions": {"network": null, "file_system": {"write": ["/srv/log"]}}, "scope": "session",
        });
        assert_eq!(granted, expected);
    }
}

#[tokio::test]
async fn more_than_was_asked_for_is_not_granted() {
    let arguments =
        json!({"reason": "to publish it", "permissions": {"file_system": {"write": ["/srv/www"]}}});
    let ask = Reply::function_call("request_permissions", arguments.to_string());
    let front = Front::new(|_| {
        let everything =
            json!({"permissions": {"network": {"enabled": true}, "fileSystem": {"write": ["/"]}}});
        let everything: PermissionsRequestApprovalResponse =
            serde_json::from_value(everything).expect("an answer");
        everything.into()
    });
    let Some((stage, _)) = play(Side::Async, [ask], Some(front)).await else { return };
    let granted: Value = serde_json::from_str(&read(&stage)).expect("JSON");
    assert_eq!(granted["permissions"], json!({"network": null, "file_system": null}));
}

#[tokio::test]
async fn an_interrupt_withdraws_a_question() -> Result<(), Error> {
    /// Reports when the question begins, and when its future is dropped.
    struct Waiting(tokio::sync::mpsc::UnboundedSender<&'static str>);
    struct Dropped(tokio::sync::mpsc::UnboundedSender<&'static str>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            let _ = self.0.send("withdrawn");
        }
    }
    impl FrontEnd for Waiting {
        async fn approve(&self, _: ApprovalRequest, _: Context) -> Result<Decision, HandlerError> {
            let dropped = Dropped(self.0.clone());
            let _ = dropped.0.send("asked");
            std::future::pending().await
        }
    }
    let Some(stage) = Stage::with([erase()], home) else { return Ok(()) };
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let codex = stage.builder().front_end(Waiting(tell)).start().await?;
    let thread = codex.thread_start().await?;
    let turn = thread.turn("Go.").await?;
    assert_eq!(told.recv().await, Some("asked"));
    turn.interrupt().await?;
    assert_eq!(told.recv().await, Some("withdrawn"));
    assert_eq!(turn.run().await?.status.as_str(), "interrupted");
    Ok(())
}
