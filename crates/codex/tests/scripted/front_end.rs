//! A front end, which answers everything that the server asks.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use codex_appserver::blocking::FrontEnd as BlockingFrontEnd;
use codex_appserver::client::wire::UnknownMethod;
use codex_appserver::client::{Context, HandlerError, blocking};
use codex_appserver::generic::Codex;
use codex_appserver::protocol::*;
use codex_appserver::{ApprovalRequest, Decision, Form, FormAnswer, FrontEnd};
use codex_appserver_testkit::scripted::{Answer, Ask, ScriptedServer, Step};
use serde_json::{Map, Value, json};

use crate::both;
use crate::scenarios::{completed, started, telling};
use crate::support::{Kit, PATIENCE, thread};

both!(
    every_kind_of_question_reaches_the_front_end,
    a_front_end_without_methods_declines_everything,
    a_form_is_accepted_as_it_asks_and_not_otherwise,
    approvals_that_are_set_later_replace_those_of_the_front_end,
    a_handler_that_is_set_later_replaces_the_front_end,
    a_withdrawn_question_is_known_to_be,
);

fn ask(method: &str, params: Value) -> Step {
    Step::Request(Ask::new(method, params).wait())
}

/// An elicitation of this mode.
fn elicit(mode: &str, more: &Value) -> Step {
    let mut params = json!({
        "threadId": "thread-1", "turnId": "turn-1", "serverName": "files", "mode": mode, "message": "Who?",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        params[name] = value.clone();
    }
    ask("mcpServer/elicitation/request", params)
}

fn form() -> Step {
    let name = json!({"type": "string", "minLength": 2});
    elicit(
        "form",
        &json!({"requestedSchema": {
            "type": "object", "properties": {"name": name}, "required": ["name"],
        }}),
    )
}

fn suggestion() -> Step {
    let nothing = json!({"type": "object", "properties": {}});
    elicit("form", &json!({"requestedSchema": nothing, "_meta": {"codex_approval_kind": "tool_suggestion"}}))
}

fn command() -> Step {
    let params = json!({"threadId": "thread-1", "turnId": "turn-1", "itemId": "call-1", "startedAtMs": 1});
    ask("item/commandExecution/requestApproval", params)
}

fn questions() -> Step {
    let question = json!({"id": "color", "header": "Color", "question": "Which?"});
    ask(
        "item/tool/requestUserInput",
        json!({
            "threadId": "thread-1", "turnId": "turn-1", "itemId": "call-1", "questions": [question], "isBlocking": true,
        }),
    )
}

/// Every kind of question, with the name of the method that gets it and what [`Willing`] answers.
fn kinds() -> Vec<(Step, &'static str, Value)> {
    let raw = json!({"requestedSchema": {"any": "thing"}});
    vec![
        (command(), "approve", json!({"decision": "accept"})),
        (questions(), "answer_questions", json!({"answers": {"color": {"answers": ["red"]}}})),
        (form(), "fill_form", json!({"action": "accept", "content": {"name": "Bo"}})),
        (
            elicit("url", &json!({"url": "https://example.com", "elicitationId": "e"})),
            "open_url",
            json!({"action": "accept"}),
        ),
        (suggestion(), "elicit", json!({"action": "cancel"})),
        (elicit("openai/form", &raw), "elicit", json!({"action": "cancel"})),
        (elicit("openaiForm", &raw), "elicit", json!({"action": "cancel"})),
        (elicit("hologram", &json!({})), "elicit", json!({"action": "cancel"})),
        (
            ask("account/chatgptAuthTokens/refresh", json!({"reason": "unauthorized"})),
            "refresh_tokens",
            json!({"accessToken": "new", "chatgptAccountId": "me"}),
        ),
        (ask("attestation/generate", json!({})), "attest", json!({"token": "proof"})),
        (ask("weather/ask", json!({"where": "here"})), "unknown", json!({"weather/ask": {"where": "here"}})),
    ]
}

/// Says yes to all, and keeps what it was asked by the names of its methods.
#[derive(Clone, Default)]
struct Willing {
    asked: Arc<Mutex<Vec<&'static str>>>,
    /// What it hands in for a form.
    form: Map<String, Value>,
}

impl Willing {
    fn new(form: &Value) -> Self {
        Self { form: form.as_object().cloned().expect("an object"), ..Self::default() }
    }

    fn note(&self, method: &'static str) {
        self.asked.lock().expect("no panic").push(method);
    }

    fn questions(&self) -> ToolRequestUserInputResponse {
        self.note("answer_questions");
        let red = ToolRequestUserInputAnswer::new(["red".to_owned()]);
        ToolRequestUserInputResponse::new(BTreeMap::from([("color".to_owned(), red)]))
    }

    fn unknown(&self, request: UnknownMethod) -> Value {
        self.note("unknown");
        json!({request.method: request.params})
    }
}

/// Implements the trait of either runtime by the same expressions.
macro_rules! willing {
    ($trait:ident, $context:ty, $($async:ident)?) => {
        impl $trait for Willing {
            $($async)? fn approve(&self, _: ApprovalRequest, _: $context) -> Result<Decision, HandlerError> {
                self.note("approve");
                Ok(Decision::Accept)
            }

            $($async)? fn answer_questions(
                &self,
                _: ToolRequestUserInputParams,
                context: $context,
            ) -> Result<ToolRequestUserInputResponse, HandlerError> {
                assert_eq!((context.thread_id(), context.turn_id()), (Some("thread-1"), Some("turn-1")));
                Ok(self.questions())
            }

            $($async)? fn fill_form(&self, form: Form, _: $context) -> Result<FormAnswer, HandlerError> {
                self.note("fill_form");
                assert_eq!((form.server(), form.message(), form.fields().len()), ("files", "Who?", 1));
                Ok(FormAnswer::Submit(self.form.clone()))
            }

            $($async)? fn open_url(
                &self,
                request: UrlMcpServerElicitationRequestParams,
                _: $context,
            ) -> Result<McpServerElicitationAction, HandlerError> {
                self.note("open_url");
                assert_eq!(request.url, "https://example.com");
                Ok(McpServerElicitationAction::Accept)
            }

            $($async)? fn elicit(
                &self,
                _: McpServerElicitationRequestParams,
                _: $context,
            ) -> Result<McpServerElicitationRequestResponse, HandlerError> {
                self.note("elicit");
                Ok(McpServerElicitationRequestResponse::new(McpServerElicitationAction::Cancel))
            }

            $($async)? fn refresh_tokens(
                &self,
                _: ChatgptAuthTokensRefreshParams,
                _: $context,
            ) -> Result<ChatgptAuthTokensRefreshResponse, HandlerError> {
                self.note("refresh_tokens");
                Ok(ChatgptAuthTokensRefreshResponse::new("me", "new"))
            }

            $($async)? fn attest(
                &self,
                _: AttestationGenerateParams,
                _: $context,
            ) -> Result<AttestationGenerateResponse, HandlerError> {
                self.note("attest");
                Ok(AttestationGenerateResponse::new("proof"))
            }

            $($async)? fn unknown(&self, request: UnknownMethod, _: $context) -> Result<Value, HandlerError> {
                Ok(Willing::unknown(self, request))
            }
        }
    };
}

willing!(FrontEnd, Context, async);
willing!(BlockingFrontEnd, blocking::Context,);

struct Absent;
impl FrontEnd for Absent {}
impl BlockingFrontEnd for Absent {}

/// Plays the questions in a turn.
async fn play<R: Kit>(
    front_end: impl FrontEnd + BlockingFrontEnd + 'static,
    steps: impl IntoIterator<Item = Step>,
) -> ScriptedServer {
    let scenario = telling([started()].into_iter().chain(steps).chain([completed("completed")]));
    let (server, thread) = thread::<R>(R::front_end(Codex::builder(), front_end), scenario).await;
    R::run_on(&thread, "go").await.expect("a result");
    server
}

fn results(server: &ScriptedServer) -> Vec<Value> {
    server.answers().into_iter().map(|answer| answer.result.unwrap_or_default()).collect()
}

async fn every_kind_of_question_reaches_the_front_end<R: Kit>() {
    let willing = Willing::new(&json!({"name": "Bo"}));
    let server = play::<R>(willing.clone(), kinds().into_iter().map(|(step, _, _)| step)).await;
    let methods: Vec<_> = kinds().into_iter().map(|(_, method, _)| method).collect();
    assert_eq!(*willing.asked.lock().expect("no panic"), methods);
    let expected: Vec<_> = kinds().into_iter().map(|(_, _, answer)| answer).collect();
    assert_eq!(results(&server), expected);
}

async fn a_front_end_without_methods_declines_everything<R: Kit>() {
    let server = play::<R>(Absent, kinds().into_iter().map(|(step, _, _)| step)).await;
    for ((_, method, _), answer) in kinds().into_iter().zip(server.answers()) {
        let declined = answer.result.as_ref().is_some_and(|result| {
            *result == json!({"decision": "decline"}) || *result == json!({"action": "decline"})
        });
        assert!(declined || answer.error.is_some(), "{method}: {answer:?}");
    }
}

async fn a_form_is_accepted_as_it_asks_and_not_otherwise<R: Kit>() {
    for (values, accepted) in [
        (json!({"name": "Bo"}), true),
        (json!({}), false),
        (json!({"name": 5}), false),
        (json!({"name": "B"}), false),
        (json!({"name": "Bo", "admin": true}), false),
    ] {
        let server = play::<R>(Willing::new(&values), [form()]).await;
        let expected = if accepted {
            json!({"action": "accept", "content": values})
        } else {
            json!({"action": "decline"})
        };
        assert_eq!(results(&server), [expected], "{values}");
    }
}

async fn approvals_that_are_set_later_replace_those_of_the_front_end<R: Kit>() {
    let scenario = telling([started(), command(), questions(), completed("completed")]);
    let willing = Willing::default();
    let builder =
        R::front_end(Codex::builder(), willing.clone()).approvals(R::ask(|_| Decision::AcceptForSession));
    let (server, thread) = thread::<R>(builder, scenario).await;
    R::run_on(&thread, "go").await.expect("a result");
    assert_eq!(results(&server)[0], json!({"decision": "acceptForSession"}));
    assert_eq!(*willing.asked.lock().expect("no panic"), ["answer_questions"]);
}

async fn a_handler_that_is_set_later_replaces_the_front_end<R: Kit>() {
    let tool = json!({"codex_approval_kind": "mcp_tool_call", "tool_name": "erase"});
    let nothing = json!({"type": "object", "properties": {}});
    let approval = elicit("form", &json!({"requestedSchema": nothing, "_meta": tool}));
    let scenario = telling([started(), form(), approval, completed("completed")]);
    let willing = Willing::default();
    let builder = R::front_end(Codex::builder(), willing.clone()).client(|client| {
        client.on_responder::<codex_appserver::client::method::McpServerElicitationRequest, _>(
            |_, responder| {
                let answer = McpServerElicitationRequestResponse::new(McpServerElicitationAction::Cancel);
                responder.respond(answer).expect("it is wanted");
            },
        )
    });
    let (server, thread) = thread::<R>(builder, scenario).await;
    R::run_on(&thread, "go").await.expect("a result");
    // Approvals are decided as before.
    assert_eq!(results(&server), [json!({"action": "cancel"}), json!({"action": "accept", "content": {}})]);
    assert_eq!(*willing.asked.lock().expect("no panic"), ["approve"]);
}

/// Waits until the question is withdrawn, and reports at the begin and at the end whether it is open.
struct Patient(Mutex<Sender<bool>>);

impl Patient {
    fn new() -> (Self, Receiver<bool>) {
        let (report, reported) = channel();
        (Self(Mutex::new(report)), reported)
    }

    fn reporter(&self) -> Sender<bool> {
        self.0.lock().expect("no panic").clone()
    }
}

impl FrontEnd for Patient {
    async fn fill_form(&self, _: Form, context: Context) -> Result<FormAnswer, HandlerError> {
        /// Reports when the future is dropped.
        struct Dropped(Sender<bool>, Context);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.send(self.1.is_open()).expect("the test waits");
            }
        }
        let dropped = Dropped(self.reporter(), context);
        dropped.0.send(dropped.1.is_open()).expect("the test waits");
        std::future::pending().await
    }
}

impl BlockingFrontEnd for Patient {
    fn fill_form(&self, _: Form, context: blocking::Context) -> Result<FormAnswer, HandlerError> {
        self.reporter().send(context.is_open()).expect("the test waits");
        context.wait_resolved();
        self.reporter().send(context.is_open()).expect("the test waits");
        Ok(FormAnswer::Submit(Map::from_iter([("name".to_owned(), json!("late"))])))
    }
}

async fn a_withdrawn_question_is_known_to_be<R: Kit>() {
    let Step::Request(ask) = form() else { panic!("it is a request") };
    let withdrawn = Step::notify("serverRequest/resolved", json!({"threadId": "thread-1", "requestId": 0}));
    let named = Answer::result(json!({})).then([withdrawn]);
    let scenario =
        telling([started(), Step::Request(Ask { wait: false, ..ask })]).answer("thread/name/set", named);
    let (patient, reported) = Patient::new();
    let (server, thread) = thread::<R>(R::front_end(Codex::builder(), patient), scenario).await;
    R::send(thread.turn("go")).await.expect("a turn");
    assert!(reported.recv_timeout(PATIENCE).expect("it is asked"));
    R::send(thread.set_name("now")).await.expect("it is named");
    assert!(!reported.recv_timeout(PATIENCE).expect("it is withdrawn"));
    assert!(server.answers().is_empty(), "{:?}", server.answers());
}
