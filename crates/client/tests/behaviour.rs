//! What is promised of calls and connections: timeouts, retries, the introduction, and all ways to end.

mod support;

use std::sync::mpsc;
use std::time::Duration;

use codex_appserver_client::generic::Client;
use codex_appserver_client::{CloseReason, Error, EventSettings, Filter, RetryPolicy, VersionCheck, method};
use codex_appserver_requests::{CommandExecutionRequestApprovalResponse, ModelListParams};
use codex_appserver_testkit::scripted::{Answer, Ask, Ended, Faults, Scenario, Step};
use codex_appserver_types::CommandExecutionApprovalDecision;
use serde_json::json;

use crate::support::{Kit, PATIENCE, methods_until};

both!(
    it_introduces_itself_and_says_initialized_once,
    early_events_see_what_comes_right_after_initialize,
    another_version_is_refused_only_when_asked,
    a_server_without_an_introduction_is_an_error,
    retries_are_for_overload_and_only_when_asked,
    retries_can_be_asked_for_before_connecting,
    a_timeout_belongs_to_a_handle,
    what_the_user_runs_has_no_default_deadline,
    a_full_queue_refuses,
    shutting_down_cancels_and_ends_everything,
    what_was_sent_goes_out_before_the_end,
    dropping_all_clones_closes_and_drops_the_handlers,
    a_weak_client_keeps_nothing_open,
    debug_output_and_errors_keep_the_token,
    narrowing_after_the_answer_loses_nothing,
    server_errors_keep_code_message_and_data,
);

/// For what is never answered.
const SOON: Duration = Duration::from_millis(30);
/// The same as a default, which is also for `initialize`: that is answered long before.
const DEFAULT: Duration = Duration::from_secs(2);

fn introduction(version: &str) -> Answer {
    Answer::result(json!({
        "userAgent": format!("codex_appserver_client/{version} (Test 1; x86_64)"), "codexHome": "/home/codex",
        "platformFamily": "unix", "platformOs": "linux",
    }))
}

async fn it_introduces_itself_and_says_initialized_once<R: Kit>() {
    let builder = Client::<R>::builder().experimental_api(true).opt_out(["thread/started"]);
    let (server, client) =
        R::attach(builder, Scenario::new().answer("initialize", introduction("1.2.3"))).await;
    R::request::<method::ModelList>(&client, ModelListParams::new()).await.expect_err("`{}` is no list");
    let sent = server.received();
    let methods: Vec<_> = sent.iter().map(|line| line["method"].as_str().unwrap_or_default()).collect();
    assert_eq!(methods, ["initialize", "initialized", "model/list"]);
    let params = &sent[0]["params"];
    assert_eq!(params["clientInfo"]["name"], "codex_appserver_client");
    let capabilities = &params["capabilities"];
    assert_eq!((&capabilities["experimentalApi"], client.experimental_api()), (&json!(true), true));
    assert_eq!(capabilities["optOutNotificationMethods"], json!(["thread/started"]));
    assert!(sent[1].get("id").is_none(), "{}", sent[1]);
    let info = client.server();
    assert_eq!((info.version.as_deref(), info.codex_home.as_deref()), (Some("1.2.3"), Some("/home/codex")));
    let platform = (info.platform_family.as_deref(), info.platform_os.as_deref());
    assert_eq!(platform, (Some("unix"), Some("linux")));
}

async fn early_events_see_what_comes_right_after_initialize<R: Kit>() {
    let told = |method: &str| [Step::notify(method, json!({}))];
    let scenario = Scenario::new()
        .on_start(told("test/first"))
        .answer("initialize", introduction(codex_appserver_client::CODEX_VERSION).then(told("test/second")))
        .on_notification("initialized", told("test/third"));
    let builder = Client::<R>::builder().early_events(Filter::All, EventSettings::default());
    let (_server, client) = R::attach(builder, scenario).await;
    let clone = client.clone();
    let mut early = clone.early_events().expect("they were asked for");
    assert_eq!(methods_until(&mut early, "test/third").await, ["test/first", "test/second", "test/third"]);
    assert!(client.early_events().is_none(), "once, for all clones");
    let (_server, client) = R::start(Scenario::new()).await;
    assert!(client.early_events().is_none(), "nobody asked");
}

async fn another_version_is_refused_only_when_asked<R: Kit>() {
    let scenario = |version| Scenario::new().answer("initialize", introduction(version));
    for check in [VersionCheck::Ignore, VersionCheck::Warn] {
        R::attach(Client::builder().version_check(check), scenario("0.1.0")).await;
    }
    let refusing = || Client::<R>::builder().version_check(VersionCheck::Refuse);
    let ours = codex_appserver_client::CODEX_VERSION;
    R::attach(refusing(), scenario(ours)).await;
    for version in ["0.1.0", "unknown"] {
        let (server, client) = R::try_attach(refusing(), scenario(version)).await;
        let error = client.expect_err("another version");
        assert!(matches!(error, Error::Version { bindings, .. } if bindings == ours), "{error}");
        assert_eq!(server.wait_for_end(PATIENCE).expect("it hangs up"), Ended::Eof);
        assert_eq!(server.count("initialized"), 0);
    }
}

async fn a_server_without_an_introduction_is_an_error<R: Kit>() {
    let connect = async |answer: Answer, timeout: Duration| {
        let builder = Client::<R>::builder().initialize_timeout(timeout);
        let (server, client) = R::try_attach(builder, Scenario::new().answer("initialize", answer)).await;
        let error = client.expect_err("no introduction");
        server.wait_for_end(PATIENCE).expect("it hangs up");
        error
    };
    let error = connect(Answer::error(-32600, "go away"), PATIENCE).await;
    assert_eq!(error.rpc().map(|rpc| &*rpc.message), Some("go away"));
    assert!(error.to_string().contains("`initialize`"), "{error}");
    assert!(matches!(connect(Answer::result(json!({})), PATIENCE).await, Error::Decode(_)));
    assert!(matches!(connect(Answer::never().then([Step::Exit(1)]), PATIENCE).await, Error::Closed(_)));
    let error = connect(Answer::never(), SOON).await;
    let Error::Closed(closed) = &error else { panic!("{error}") };
    assert!(matches!(closed.reason, CloseReason::Unanswered(after) if after == SOON), "{error}");
    assert!(error.to_string().contains("`initialize_timeout`"), "{error}");
}

async fn retries_are_for_overload_and_only_when_asked<R: Kit>() {
    let scenario = Scenario::new()
        .answer("wrong", Answer::error(-32600, "no"))
        .answer("lost", Answer::never())
        .faults(Faults::seeded(1).overloaded("busy", 3).overloaded("busier", 100));
    let (server, client) = R::start(scenario).await;
    let once = R::call(&client, "busy", json!({})).await.expect_err("it is busy");
    assert!(matches!(once, Error::Overloaded { attempts: 1, .. }) && once.is_retryable(), "{once}");
    let policy = RetryPolicy::default().initial_delay(Duration::from_millis(1)).max_attempts(3);
    let stubborn = client.with_retry(policy);
    R::call(&stubborn, "busy", json!({})).await.expect("the third attempt");
    assert_eq!(server.count("busy"), 4);
    let in_vain = R::call(&stubborn, "busier", json!({})).await.expect_err("it stays busy");
    assert!(matches!(in_vain, Error::Overloaded { attempts: 3, .. }), "{in_vain}");
    assert_eq!(in_vain.rpc().map(|rpc| rpc.code), Some(-32001));
    for method in ["wrong", "lost"] {
        R::call(&stubborn.with_timeout(SOON), method, json!({})).await.expect_err("an error");
        // It may time out before it gets there.
        R::call(&client, "m", json!({})).await.expect("an answer");
        assert_eq!(server.count(method), 1, "{method}");
    }
    assert!(R::call(&client, "busier", json!({})).await.is_err());
    assert_eq!(server.count("busier"), 4, "the first handle is as it was");
}

/// Connecting is a call as well, and the only one that a handle's policy comes too late for.
async fn retries_can_be_asked_for_before_connecting<R: Kit>() {
    let busy = || {
        let faults = Faults::seeded(1).overloaded("initialize", 2).overloaded("busy", 3);
        Scenario::new().answer("busy", Answer::result(json!({}))).faults(faults)
    };
    let (_, refused) = R::try_attach(Client::builder(), busy()).await;
    let error = refused.expect_err("it is busy");
    assert!(matches!(error, Error::Overloaded { attempts: 1, .. }), "{error}");
    let policy = RetryPolicy::default().initial_delay(Duration::from_millis(1)).max_attempts(3);
    let (server, client) = R::attach(Client::builder().default_retry(policy), busy()).await;
    assert_eq!(server.count("initialize"), 3);
    let once = client.with_retry(policy.max_attempts(1));
    R::call(&once, "busy", json!({})).await.expect_err("the handle's own policy counts");
    R::call(&client, "busy", json!({})).await.expect("the third attempt");
    assert_eq!(server.count("busy"), 4);
}

async fn a_timeout_belongs_to_a_handle<R: Kit>() {
    let held = Answer::result(json!("late")).until("free");
    let scenario = Scenario::new().answer("held", held).answer("lost", Answer::never());
    let (server, client) = R::attach(Client::builder().default_timeout(DEFAULT), scenario).await;
    let error = R::call(&client, "lost", json!({})).await.expect_err("no answer");
    assert!(matches!(error, Error::TimedOut { after, .. } if after == DEFAULT), "{error}");
    let shorter = client.with_timeout(Duration::from_millis(1));
    let error = R::call(&shorter, "lost", json!({})).await.expect_err("no answer");
    assert!(matches!(error, Error::TimedOut { after, .. } if after == Duration::from_millis(1)));
    let patient = client.with_timeout(None);
    let waits = R::spawn(async move { R::call(&patient, "held", json!({})).await });
    server.wait_for("held", 1, PATIENCE).expect("it is asked");
    // It began before, and is not over when this one is.
    R::call(&client, "lost", json!({})).await.expect_err("no answer");
    R::call(&client.with_timeout(PATIENCE), "free", json!({})).await.expect("an answer");
    assert_eq!(waits.await.expect("it had all the time"), "late");
}

async fn what_the_user_runs_has_no_default_deadline<R: Kit>() {
    let scenario = Scenario::new()
        .answer("command/exec", Answer::result(json!("done")).until("free"))
        .answer("mcpServer/tool/call", Answer::result(json!("done")).until("free"))
        .answer("lost", Answer::never());
    let (server, client) = R::attach(Client::builder().default_timeout(DEFAULT), scenario).await;
    let open_ended = ["command/exec", "mcpServer/tool/call"].map(|method| {
        let client = client.clone();
        R::spawn(async move { R::call(&client, method, json!({})).await })
    });
    server.wait_for("command/exec", 1, PATIENCE).expect("it is asked");
    server.wait_for("mcpServer/tool/call", 1, PATIENCE).expect("it is asked");
    let hasty = client.with_timeout(SOON);
    assert!(matches!(R::call(&hasty, "command/exec", json!({})).await, Err(Error::TimedOut { .. })));
    assert!(matches!(R::call(&client, "lost", json!({})).await, Err(Error::TimedOut { .. })));
    R::call(&client.with_timeout(PATIENCE), "free", json!({})).await.expect("an answer");
    for call in open_ended {
        assert_eq!(call.await.expect("it had all the time"), "done");
    }
}

async fn a_full_queue_refuses<R: Kit>() {
    let scenario = Scenario::new().answer("held", Answer::result(json!({})).until("free"));
    let (server, client) = R::attach(Client::builder().window(1).queue_limit(0), scenario).await;
    let other = client.clone();
    let held = R::spawn(async move { R::call(&other, "held", json!({})).await });
    server.wait_for("held", 1, PATIENCE).expect("it is asked");
    let error = R::call(&client, "m", json!({})).await.expect_err("no room");
    assert!(matches!(&error, Error::QueueFull { method } if method == "m"), "{error}");
    // A notification needs no place in the window.
    client.notify_raw("free", json!({})).expect("it goes out");
    held.await.expect("an answer");
    R::call(&client, "m", json!({})).await.expect("there is room");
}

async fn shutting_down_cancels_and_ends_everything<R: Kit>() {
    let (server, client) = R::start(Scenario::new().answer("lost", Answer::never())).await;
    let mut all = client.events(Filter::All);
    let other = client.clone();
    let waits = R::spawn(async move { R::call(&other, "lost", json!({})).await });
    server.wait_for("lost", 1, PATIENCE).expect("it is asked");
    assert!(R::shutdown(&client).await.is_none(), "there is no process");
    let error = waits.await.expect_err("it is cancelled");
    assert!(matches!(&error, Error::Cancelled { method } if method == "lost"), "{error}");
    assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Eof);
    assert!(R::next(&mut all).await.is_none(), "who shut it down knows");
    assert!(client.closed().is_some_and(|closed| closed.is_shutdown()));
    assert!(R::call(&client, "late", json!({})).await.is_err());
    R::shutdown(&client).await;
    R::wait_closed(&client).await;
    assert!(R::next(&mut client.events(Filter::All)).await.is_none());
}

async fn what_was_sent_goes_out_before_the_end<R: Kit>() {
    let (server, client) = R::start(Scenario::new()).await;
    for n in 0..100 {
        client.notify_raw("test/note", json!({"n": n, "text": "x".repeat(10_000)})).expect("it goes out");
    }
    R::shutdown(&client).await;
    assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Eof);
    let numbers: Vec<_> = server.params("test/note").iter().filter_map(|note| note["n"].as_u64()).collect();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

/// Tells when it is dropped.
struct Token(mpsc::Sender<()>);

impl Drop for Token {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

async fn dropping_all_clones_closes_and_drops_the_handlers<R: Kit>() {
    let (sender, dropped) = mpsc::channel();
    let token = Token(sender);
    let builder = Client::<R>::builder().on_unknown(move |_, _| {
        let _ = &token;
        R::answer(async { Ok(json!({})) })
    });
    let (server, client) = R::attach(builder, Scenario::new()).await;
    let (clone, mut all) = (client.clone(), client.events(Filter::All));
    drop(client);
    R::call(&clone, "m", json!({})).await.expect("one is left");
    drop(clone.with_timeout(None));
    assert!(dropped.try_recv().is_err());
    drop(clone);
    assert!(R::next(&mut all).await.is_none(), "events keep nothing open");
    assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Eof);
    dropped.recv_timeout(PATIENCE).expect("the handlers are gone");
}

async fn a_weak_client_keeps_nothing_open<R: Kit>() {
    let (server, client) = R::start(Scenario::new()).await;
    let weak = client.downgrade();
    let strong = weak.upgrade().expect("it is there");
    drop(client);
    R::call(&strong, "m", json!({})).await.expect("it is a client like any other");
    drop(strong);
    assert!(weak.upgrade().is_none());
    assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Eof);
}

async fn debug_output_and_errors_keep_the_token<R: Kit>() {
    const SECRET: &str = "hush-hush";
    let (sender, seen) = mpsc::channel();
    let builder = Client::<R>::builder()
        .bearer_token(SECRET)
        .on::<method::ItemCommandExecutionRequestApproval, _, _>(move |_, context| {
            sender.send(format!("{context:?}")).expect("a test");
            let accepted =
                CommandExecutionRequestApprovalResponse::new(CommandExecutionApprovalDecision::Accept);
            R::answer(async { Ok(accepted) })
        });
    let (server, client) = R::attach(builder, Scenario::new().answer("e", Answer::error(1, "no"))).await;
    let events = client.events(Filter::All);
    let params = json!({"threadId": "T", "turnId": "U", "itemId": "i", "startedAtMs": 1});
    server.play([Step::Request(Ask::new("item/commandExecution/requestApproval", params))]);
    let context = seen.recv_timeout(PATIENCE).expect("a request");
    let error = R::call(&client, "e", json!({})).await.expect_err("an error");
    R::shutdown(&client).await;
    let closed = R::wait_closed(&client).await;
    let all = format!("{client:?} {events:?} {context} {error:?} {error} {closed:?} {:#?}", client.stats());
    assert!(!all.contains(SECRET), "{all}");
    assert!(
        all.contains("Client")
            && all.contains(&format!("scripted/{}", codex_appserver_client::CODEX_VERSION)),
        "{all}"
    );
    let told = server.received().iter().any(|line| line.to_string().contains(SECRET));
    assert!(!told, "it is for the handshake of WebSockets alone");
}

async fn narrowing_after_the_answer_loses_nothing<R: Kit>() {
    let (_server, client) = R::start(Scenario::chat(["a", "b", "c"])).await;
    let mut turns = Vec::new();
    for thread in ["one", "two"] {
        let mut events = client.events(Filter::All);
        let answer = R::call(&client, "turn/start", json!({"threadId": thread, "input": []})).await;
        let turn = answer.expect("a turn")["turn"]["id"].as_str().expect("an id").to_owned();
        // All of the turn may be here by now.
        R::call(&client, "m", json!({})).await.expect("an answer");
        events.narrow(Filter::turn(&turn));
        turns.push(events);
    }
    for mut turn in turns {
        let methods = methods_until(&mut turn, "turn/completed").await;
        assert_eq!(methods[0], "turn/started", "{methods:?}");
        let deltas = methods.iter().filter(|method| *method == "item/agentMessage/delta").count();
        assert_eq!(deltas, 3, "{methods:?}");
    }
}

async fn server_errors_keep_code_message_and_data<R: Kit>() {
    let answer = Answer::error_with(-32602, "too large", json!({"max": 5}));
    let (_server, client) = R::start(Scenario::new().answer("e", answer)).await;
    let error = R::call(&client, "e", json!({})).await.expect_err("an error");
    let rpc = error.rpc().expect("the answer");
    assert_eq!((rpc.code, &*rpc.message, &rpc.data), (-32602, "too large", &Some(json!({"max": 5}))));
    assert!(error.to_string().starts_with("failed to call `e`"), "{error}");
}
