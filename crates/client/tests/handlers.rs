//! Requests of the server: who answers them, and what happens to those that no handler answers.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use codex_appserver_client::generic::{Client, ClientBuilder};
use codex_appserver_client::{
    BlockingServerRequestHandler, Error, Event, Filter, HandlerError, RequestResponder, RpcError,
    ServerRequestHandler, Unhandled, method,
};
use codex_appserver_enums::FileChangeApprovalDecision as FileDecision;
use codex_appserver_requests::{
    CommandExecutionRequestApprovalResponse as CommandResponse,
    FileChangeRequestApprovalParams as FileParams, FileChangeRequestApprovalResponse as FileResponse,
};
use codex_appserver_testkit::scripted::{Answer, Ask, ClientAnswer, Scenario, ScriptedServer, Step, Turn};
use codex_appserver_types::CommandExecutionApprovalDecision as Decision;
use serde_json::{Value, json};

use crate::support::{Kit, PATIENCE, event, methods_until};

both!(
    a_closure_gets_the_params_and_the_context,
    the_last_closure_counts_before_the_trait,
    what_is_claimed_reaches_no_other_handler,
    unknown_methods_have_a_handler_of_their_own,
    every_method_that_nothing_handles_is_declined,
    a_handler_may_refuse_or_pass,
    a_panic_declines,
    params_that_cannot_be_decoded_are_told,
    a_responder_answers_whenever_and_declines_when_dropped,
    a_resolved_request_wants_no_answer,
    a_handler_may_call_the_client,
    a_thousand_requests_each_get_their_answer,
    a_handler_at_work_delays_nothing_else,
    a_watcher_answers_for_its_own_threads_only,
    requests_are_events_as_well,
    a_turn_goes_on_after_its_approval,
);

type Command = method::ItemCommandExecutionRequestApproval;
type Files = method::ItemFileChangeRequestApproval;

const COMMAND: &str = "item/commandExecution/requestApproval";
const FILES: &str = "item/fileChange/requestApproval";

fn command(item: &str) -> Step {
    let params = json!({"threadId": "T", "turnId": "U", "itemId": item, "startedAtMs": 1});
    Step::Request(Ask::new(COMMAND, params))
}

fn files(reason: &str) -> Step {
    let params = json!({"threadId": "T", "turnId": "U", "itemId": "i", "startedAtMs": 1, "reason": reason});
    Step::Request(Ask::new(FILES, params))
}

fn ask(method: &str) -> Step {
    Step::Request(Ask::new(method, json!({})))
}

/// Plays steps and waits for so many answers in all, by their ids.
fn answers(server: &ScriptedServer, steps: impl IntoIterator<Item = Step>, count: u64) -> Vec<ClientAnswer> {
    server.play(steps);
    server.wait_for_answers(count, PATIENCE).expect("all answers");
    let mut answers = server.answers();
    answers.sort_by_key(|answer| answer.id.as_i64());
    answers
}

fn result(answer: &ClientAnswer) -> &Value {
    answer.result.as_ref().unwrap_or_else(|| panic!("{answer:?}"))
}

fn code(answer: &ClientAnswer) -> &Value {
    &answer.error.as_ref().unwrap_or_else(|| panic!("{answer:?}"))["code"]
}

fn accepted() -> CommandResponse {
    CommandResponse::new(Decision::Accept)
}

/// A handler by the trait: it accepts the file changes of the reason `fine`, and passes on the others.
struct Fine;

impl Fine {
    fn answer(params: &FileParams) -> Result<FileResponse, HandlerError> {
        match params.reason.as_deref() {
            Some("fine") => Ok(FileResponse::new(FileDecision::Accept)),
            _ => Err(HandlerError::Unhandled),
        }
    }
}

impl ServerRequestHandler for Fine {
    async fn item_file_change_request_approval(
        &self,
        params: FileParams,
    ) -> Result<FileResponse, HandlerError> {
        Self::answer(&params)
    }
}

impl BlockingServerRequestHandler for Fine {
    fn item_file_change_request_approval(&self, params: FileParams) -> Result<FileResponse, HandlerError> {
        Self::answer(&params)
    }
}

async fn a_closure_gets_the_params_and_the_context<R: Kit>() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = seen.clone();
    let builder = Client::<R>::builder().on::<Command, _, _>(move |params, context| {
        let (thread, turn) = (context.thread_id().map(str::to_owned), context.turn_id().map(str::to_owned));
        let seen = (params.item_id, context.id().clone(), context.method().to_owned(), thread, turn);
        sees.lock().expect("no panic").push(seen);
        R::answer(async { Ok(accepted()) })
    });
    let (server, _client) = R::attach(builder, Scenario::new()).await;
    let answers = answers(&server, [command("call-1")], 1);
    assert_eq!((&answers[0].id, result(&answers[0])), (&json!(0), &json!({"decision": "accept"})));
    let seen = seen.lock().expect("no panic").pop().expect("it was asked");
    assert_eq!(seen, ("call-1".into(), 0.into(), COMMAND.into(), Some("T".into()), Some("U".into())));
}

async fn the_last_closure_counts_before_the_trait<R: Kit>() {
    let file = |decision: FileDecision| {
        move |_, _| {
            let answer = FileResponse::new(decision.clone());
            R::answer(async { Ok(answer) })
        }
    };
    let (server, _client) = R::attach(R::handler(Client::builder(), Fine), Scenario::new()).await;
    let by_trait = answers(&server, [files("fine"), files("else"), command("x")], 3);
    assert_eq!(result(&by_trait[0]), &json!({"decision": "accept"}));
    assert_eq!(result(&by_trait[1]), &json!({"decision": "decline"}), "the trait passed it on");
    assert_eq!(result(&by_trait[2]), &json!({"decision": "decline"}), "the trait says nothing");
    let builder = Client::<R>::builder()
        .on::<Files, _, _>(file(FileDecision::Decline))
        .on::<Files, _, _>(file(FileDecision::Cancel));
    let builder = R::handler(builder, Fine);
    let (server, _client) = R::attach(builder, Scenario::new()).await;
    assert_eq!(result(&answers(&server, [files("fine")], 1)[0]), &json!({"decision": "cancel"}));
}

async fn what_is_claimed_reaches_no_other_handler<R: Kit>() {
    let by = |word: FileDecision| {
        move |_: FileParams, _| {
            let word = word.clone();
            R::answer(async move { Ok(FileResponse::new(word)) })
        }
    };
    let builder = Client::<R>::builder()
        .on_if::<Files, _, _, _>(|params| params.reason.as_deref() == Some("mine"), by(FileDecision::Cancel));
    let builder = R::handler(builder, Fine);
    let broken = Step::Request(Ask::new(FILES, json!({"threadId": 5})));
    let (server, _client) = R::attach(builder, Scenario::new()).await;
    let answers = answers(&server, [files("mine"), files("fine"), files("?"), broken], 4);
    for (answer, word) in answers.iter().zip(["cancel", "accept", "decline"]) {
        assert_eq!(result(answer)["decision"], word);
    }
    assert!(answers[3].error.is_some(), "{:?}", answers[3]);
    // A closure for the method does not replace the one that claims.
    let builder = Client::<R>::builder()
        .on_if::<Files, _, _, _>(|params| params.reason.as_deref() == Some("mine"), by(FileDecision::Cancel))
        .on::<Files, _, _>(by(FileDecision::AcceptForSession));
    let (server, _client) = R::attach(builder, Scenario::new()).await;
    let answers = self::answers(&server, [files("mine"), files("other")], 2);
    for (answer, word) in answers.iter().zip(["cancel", "acceptForSession"]) {
        assert_eq!(result(answer)["decision"], word);
    }
}

async fn unknown_methods_have_a_handler_of_their_own<R: Kit>() {
    let builder = R::handler(Client::builder(), Fine).on_unknown(|request, _| {
        R::answer(async move {
            match request.method.as_str() {
                "new/refuse" => Err(HandlerError::Rpc(RpcError::new(-7, "no"))),
                "new/pass" => Err(HandlerError::Unhandled),
                name => Ok(json!({"name": name})),
            }
        })
    });
    let (server, _client) = R::attach(builder, Scenario::new()).await;
    let names = ["new/thing", "new/refuse", "new/pass", "with\0null", "attestation/generate"];
    let answers = answers(&server, names.map(ask), 5);
    assert_eq!(result(&answers[0]), &json!({"name": "new/thing"}));
    assert_eq!((code(&answers[1]), code(&answers[2])), (&json!(-7), &json!(-32601)));
    assert_eq!(result(&answers[3]), &json!({"name": "with\0null"}));
    assert_eq!(code(&answers[4]), &json!(-32601), "a known one is not unknown");
}

async fn every_method_that_nothing_handles_is_declined<R: Kit>() {
    let denied = json!({"decision": {"denied": {"rejection": "declined by the client"}}});
    let no_tool = "failed to run the tool: the client declined the call, or does not have the tool";
    let declined = [
        (COMMAND, json!({"decision": "decline"})),
        (FILES, json!({"decision": "decline"})),
        ("item/permissions/requestApproval", json!({"permissions": {}})),
        ("mcpServer/elicitation/request", json!({"action": "decline"})),
        ("applyPatchApproval", denied.clone()),
        ("execCommandApproval", denied),
        (
            "item/tool/call",
            json!({"contentItems": [{"type": "inputText", "text": no_tool}], "success": false}),
        ),
    ];
    let refused = [
        "account/chatgptAuthTokens/refresh",
        "attestation/generate",
        "currentTime/read",
        "item/tool/requestUserInput",
        "new/thing",
    ];
    let (server, _client) = R::start(Scenario::new()).await;
    let steps = declined.iter().map(|(method, _)| *method).chain(refused).map(ask);
    let answers = answers(&server, steps.collect::<Vec<_>>(), 12);
    for ((method, expected), answer) in declined.iter().zip(&answers) {
        assert_eq!((result(answer), answer.method.as_deref()), (expected, Some(*method)));
    }
    for (method, answer) in refused.iter().zip(&answers[declined.len()..]) {
        let expected = json!({"code": -32601, "message": format!("no handler for {method}")});
        assert_eq!(answer.error, Some(expected));
    }
}

async fn a_handler_may_refuse_or_pass<R: Kit>() {
    let builder = Client::<R>::builder().on::<Command, _, _>(|params, _| {
        R::answer(async move {
            match params.item_id.as_str() {
                "refuse" => Err(RpcError::new(-7, "not today").into()),
                _ => Err(HandlerError::Unhandled),
            }
        })
    });
    let (server, _client) = R::attach(builder, Scenario::new()).await;
    let answers = answers(&server, [command("refuse"), command("pass")], 2);
    assert_eq!(answers[0].error, Some(json!({"code": -7, "message": "not today"})));
    assert_eq!(result(&answers[1]), &json!({"decision": "decline"}));
}

async fn a_panic_declines<R: Kit>() {
    let builder = Client::<R>::builder()
        .on::<Command, _, _>(|params, _| {
            R::answer(async move {
                assert_ne!(params.item_id, "panic", "a test of panics");
                Ok(accepted())
            })
        })
        // This one panics before there is an answer to wait for.
        .on::<Files, _, _>(|params, _| {
            assert_ne!(params.reason.as_deref(), Some("panic"), "a test of panics");
            R::answer(async { Ok(FileResponse::new(FileDecision::Accept)) })
        });
    let (server, client) = R::attach(builder, Scenario::new()).await;
    let answers = answers(&server, [command("panic"), files("panic"), command("fine")], 3);
    assert_eq!(result(&answers[0]), &json!({"decision": "decline"}));
    assert_eq!(result(&answers[1]), &json!({"decision": "decline"}));
    assert_eq!(result(&answers[2]), &json!({"decision": "accept"}));
    R::call(&client, "m", json!({})).await.expect("the connection lives");
}

async fn params_that_cannot_be_decoded_are_told<R: Kit>() {
    let builder =
        R::handler(Client::builder(), Fine).on::<Command, _, _>(|_, _| R::answer(async { Ok(accepted()) }));
    let (server, _client) = R::attach(builder, Scenario::new()).await;
    let wrong = |method| Step::Request(Ask::new(method, json!({"threadId": 7})));
    for answer in answers(&server, [wrong(COMMAND), wrong(FILES)], 2) {
        assert_eq!(code(&answer), &json!(-32602));
        let message = answer.error.as_ref().map(|error| error["message"].to_string()).unwrap_or_default();
        assert!(message.contains("threadId") || message.contains("params"), "{message}");
    }
}

type Responder<R> = RequestResponder<Command, Client<R>>;

/// A builder whose responders for commands come out of a channel.
fn held<R: Kit>() -> (ClientBuilder<R>, mpsc::Receiver<Responder<R>>) {
    let (sender, responders) = mpsc::channel();
    let builder = Client::builder()
        .on_responder::<Command, _>(move |_, responder| sender.send(responder).expect("a test"));
    (builder, responders)
}

fn next<R: Kit>(responders: &mpsc::Receiver<Responder<R>>) -> Responder<R> {
    responders.recv_timeout(PATIENCE).expect("a responder")
}

async fn a_responder_answers_whenever_and_declines_when_dropped<R: Kit>() {
    let (builder, responders) = held::<R>();
    let (server, client) = R::attach(builder, Scenario::new()).await;
    server.play((0..5).map(|_| command("x")));
    let held: Vec<_> = (0..5).map(|_| next(&responders)).collect();
    assert!(held.iter().all(|held| held.is_open() && held.context().thread_id() == Some("T")));
    R::call(&client, "m", json!({})).await.expect("nothing waits for the answers");
    assert!(server.answers().is_empty());
    let mut held = held.into_iter();
    let mut one = || held.next().expect("five");
    one().respond(accepted()).expect("it is open");
    server.wait_for_answers(1, PATIENCE).expect("an answer");
    one().reject(RpcError::new(-7, "no")).expect("it is open");
    server.wait_for_answers(2, PATIENCE).expect("an answer");
    one().decline().expect("it is open");
    one().pass();
    drop(one());
    server.wait_for_answers(5, PATIENCE).expect("all answers");
    let answers = server.answers();
    assert_eq!((result(&answers[0]), code(&answers[1])), (&json!({"decision": "accept"}), &json!(-7)));
    for answer in &answers[2..] {
        assert_eq!(result(answer), &json!({"decision": "decline"}));
    }
}

async fn a_resolved_request_wants_no_answer<R: Kit>() {
    let (builder, responders) = held::<R>();
    let (server, client) = R::attach(builder, Scenario::new()).await;
    let resolved =
        |id: u64| Step::notify("serverRequest/resolved", json!({"threadId": "T", "requestId": id}));
    let mut events = client.events(Filter::thread("T"));
    server.play([command("x"), command("y")]);
    let (one, other) = (next(&responders), next(&responders));
    server.play([resolved(0), resolved(1)]);
    methods_until(&mut events, "serverRequest/resolved").await;
    methods_until(&mut events, "serverRequest/resolved").await;
    assert!(!one.is_open() && !other.is_open());
    std::future::poll_fn(|context| one.poll_resolved(context)).await;
    std::future::poll_fn(|context| other.context().poll_resolved(context)).await;
    let error = one.respond(accepted()).expect_err("it is resolved");
    assert!(matches!(&error, Error::Resolved { method } if method == COMMAND), "{error}");
    drop(other);
    R::call(&client, "m", json!({})).await.expect("it lives");
    assert!(server.answers().is_empty(), "nothing was said late");
}

async fn a_handler_may_call_the_client<R: Kit>() {
    let builder = Client::<R>::builder().on::<Command, _, _>(|params, context| {
        R::answer(async move {
            let client = context.client().expect("it is there");
            let echo = R::call(&client, "echo", json!(params.item_id)).await;
            assert_eq!(echo.expect("an answer"), "call-1");
            Ok(accepted())
        })
    });
    let (server, _client) = R::attach(builder, Scenario::new().answer("echo", Answer::echo())).await;
    assert_eq!(result(&answers(&server, [command("call-1")], 1)[0]), &json!({"decision": "accept"}));
}

async fn a_thousand_requests_each_get_their_answer<R: Kit>() {
    const REQUESTS: usize = 1000;
    let (builder, responders) = held::<R>();
    let (server, client) = R::attach(builder, Scenario::new()).await;
    server.play((0..REQUESTS).map(|n| command(&n.to_string())));
    let held: Vec<_> = (0..REQUESTS).map(|_| next(&responders)).collect();
    R::call(&client, "m", json!({})).await.expect("calls go on");
    for held in held {
        held.respond(accepted()).expect("it is open");
    }
    let answers = answers(&server, [], REQUESTS as u64);
    for (id, answer) in answers.iter().enumerate() {
        assert_eq!((&answer.id, result(answer)), (&json!(id), &json!({"decision": "accept"})));
    }
    assert_eq!(client.stats().server_requests, REQUESTS as u64);
}

async fn a_handler_at_work_delays_nothing_else<R: Kit>() {
    let (let_go, go) = mpsc::channel::<()>();
    let (go, begun) = (Arc::new(Mutex::new(go)), Arc::new(AtomicUsize::new(0)));
    let began = begun.clone();
    let builder = Client::<R>::builder()
        .on::<Command, _, _>(move |_, _| {
            began.fetch_add(1, Ordering::SeqCst);
            let go = go.clone();
            R::answer(async move {
                // Blocks its thread, as a handler should not.
                let _ = go.lock().expect("no panic").recv_timeout(PATIENCE);
                Ok(accepted())
            })
        })
        .on::<Files, _, _>(|_, _| R::answer(async { Ok(FileResponse::new(FileDecision::Accept)) }));
    let (server, client) = R::attach(builder, Scenario::new()).await;
    let mut events = client.events(Filter::All);
    let answered = answers(&server, [command("slow"), files("quick")], 1);
    assert_eq!((answered.len(), &answered[0].id), (1, &json!(1)));
    R::call(&client, "m", json!({})).await.expect("calls go on");
    assert_eq!(methods_until(&mut events, FILES).await, [COMMAND, FILES]);
    let_go.send(()).expect("it waits");
    server.wait_for_answers(2, PATIENCE).expect("both");
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}

async fn a_watcher_answers_for_its_own_threads_only<R: Kit>() {
    let agent = json!({"thread": {"id": "agent", "parentThreadId": "thread-1"}});
    let scenario = Scenario::chat(["x"]);
    let builder = Client::<R>::builder().unhandled(Unhandled::LeaveToOthers);
    let (server, client) = R::attach(builder, scenario).await;
    R::call(&client, "thread/start", json!({})).await.expect("a thread");
    let about = |thread| Step::Request(Ask::new(COMMAND, json!({"threadId": thread})));
    let steps = [about("theirs"), about("thread-1"), Step::notify("thread/started", agent), about("agent")];
    let answers = answers(&server, steps, 2);
    R::call(&client, "m", json!({})).await.expect("an answer");
    assert_eq!(answers.iter().map(|answer| &answer.id).collect::<Vec<_>>(), [&json!(1), &json!(2)]);
    assert_eq!(server.answers().len(), 2, "nothing is said about threads of others");
}

async fn requests_are_events_as_well<R: Kit>() {
    let (server, client) = R::start(Scenario::new()).await;
    let mut turn = client.events(Filter::turn("U"));
    server.play([command("call-1")]);
    let Event::Request(envelope) = event(&mut turn).await else { panic!("no request") };
    assert_eq!((envelope.id, envelope.request.method()), (0.into(), COMMAND));
}

async fn a_turn_goes_on_after_its_approval<R: Kit>() {
    let params = json!({"threadId": "$params.threadId", "turnId": "turn-$count", "itemId": "call-1",
        "startedAtMs": 1_800_000_000_000_u64});
    let turn = Turn::new(["It ", "ran."]).ask(Ask::new(COMMAND, params).resolved());
    let scenario =
        Scenario::new().answer("thread/start", Answer::thread()).answer("turn/start", Answer::turn(turn));
    let builder = Client::<R>::builder().on::<Command, _, _>(|_, _| R::answer(async { Ok(accepted()) }));
    let (server, client) = R::attach(builder, scenario).await;
    let mut events = client.events(Filter::All);
    R::call(&client, "turn/start", json!({"threadId": "T", "input": []})).await.expect("a turn");
    events.narrow(Filter::turn("turn-1"));
    let methods = methods_until(&mut events, "turn/completed").await;
    let place = |method: &str| methods.iter().position(|seen| seen == method).expect(method);
    assert!(place(COMMAND) < place("item/agentMessage/delta"), "{methods:?}");
    assert_eq!(server.answers().len(), 1);
}
