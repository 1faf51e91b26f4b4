//! Connecting, calls, logins and retries.

use std::time::Duration;

use codex_appserver::client::RpcErrorKind;
use codex_appserver::generic::Codex;
use codex_appserver::{Error, RetryPolicy};
use codex_appserver_testkit::scripted::{Answer, Faults, Scenario, Step};
use serde_json::json;

use crate::both;
use crate::support::{Kit, PATIENCE};

both!(
    a_server_without_a_name_is_refused,
    a_server_says_who_it_is,
    calls_send_their_params,
    an_error_tells_what_the_server_said,
    a_login_waits_for_the_user,
    an_unreadable_end_of_a_login_is_an_error,
    an_overloaded_server_is_asked_again,
    other_errors_are_not_retried,
);

fn quick() -> RetryPolicy {
    RetryPolicy::default().initial_delay(Duration::from_millis(1))
}

async fn a_server_without_a_name_is_refused<R: Kit>() {
    let unnamed = json!({"userAgent": "", "codexHome": "/", "platformFamily": "unix", "platformOs": "linux"});
    let (server, codex) =
        R::try_attach(Codex::builder(), Scenario::new().answer("initialize", Answer::result(unnamed))).await;
    let error = codex.expect_err("it says nothing");
    assert!(matches!(error, Error::Metadata { missing: "server name", .. }), "{error}");
    server.wait_for_end(PATIENCE).expect("the connection is closed");
}

async fn a_server_says_who_it_is<R: Kit>() {
    let info = codex_appserver::protocol::ClientInfo::new("scripted", "1");
    let (server, codex) =
        R::attach(Codex::builder().client_info(info).experimental_api(true), Scenario::new()).await;
    assert_eq!(codex.metadata().server_name, "scripted");
    assert_eq!(codex.metadata().platform_os.as_deref(), Some("linux"));
    assert!(codex.metadata().user_agent.contains(&codex.metadata().server_version));
    let sent = &server.params("initialize")[0];
    assert_eq!(
        (&sent["clientInfo"]["name"], &sent["capabilities"]["experimentalApi"]),
        (&json!("scripted"), &json!(true))
    );
}

async fn calls_send_their_params<R: Kit>() {
    let scenario = Scenario::new()
        .answer("thread/start", Answer::thread())
        .answer("thread/name/set", Answer::result(json!({})))
        .default_answer(Answer::error(-32600, "not here"));
    let (server, codex) = R::start(scenario).await;
    let thread = codex.thread("T");
    R::send(thread.set_name("N")).await.expect("it is named");
    R::send(thread.set_goal("G")).await.expect_err("not here");
    R::send(thread.goal()).await.expect_err("not here");
    R::send(thread.clear_goal()).await.expect_err("not here");
    R::send(thread.compact()).await.expect_err("not here");
    R::send(thread.archive()).await.expect_err("not here");
    R::send(thread.fork().model("m")).await.expect_err("not here");
    R::send(thread.read().include_turns(true)).await.expect_err("not here");
    R::send(codex.thread_archive("T")).await.expect_err("not here");
    R::send(codex.thread_unarchive("T")).await.expect_err("not here");
    R::send(codex.thread_resume("T")).await.expect_err("not here");
    R::send(codex.thread_list().limit(3_u32)).await.expect_err("not here");
    R::send(codex.models()).await.expect_err("not here");
    R::send(codex.account()).await.expect_err("not here");
    R::send(codex.login_api_key("sk")).await.expect_err("not here");
    R::send(codex.logout()).await.expect_err("not here");
    let sent: Vec<_> = server
        .received()
        .into_iter()
        .skip(2)
        .map(|line| format!("{} {}", line["method"].as_str().unwrap_or_default(), line["params"]))
        .collect();
    assert_eq!(
        sent,
        [
            r#"thread/name/set {"name":"N","threadId":"T"}"#,
            r#"thread/goal/set {"objective":"G","threadId":"T"}"#,
            r#"thread/goal/get {"threadId":"T"}"#,
            r#"thread/goal/clear {"threadId":"T"}"#,
            r#"thread/compact/start {"threadId":"T"}"#,
            r#"thread/archive {"threadId":"T"}"#,
            r#"thread/fork {"excludeTurns":true,"model":"m","threadId":"T"}"#,
            r#"thread/read {"includeTurns":true,"threadId":"T"}"#,
            r#"thread/archive {"threadId":"T"}"#,
            r#"thread/unarchive {"threadId":"T"}"#,
            r#"thread/resume {"excludeTurns":true,"threadId":"T"}"#,
            r#"thread/list {"limit":3}"#,
            "model/list {}",
            "account/read {}",
            r#"account/login/start {"apiKey":"sk","type":"apiKey"}"#,
            "account/logout null",
        ]
    );
}

/// Both kinds of errors tell what the server said, so `?` takes nothing away.
async fn an_error_tells_what_the_server_said<R: Kit>() {
    let scenario = Scenario::new().default_answer(Answer::error(-32600, "thread not found: T"));
    let (_server, codex) = R::start(scenario).await;
    let thread = codex.thread("T");
    let error: Error = R::run_on(&thread, "Hello.").await.expect_err("there is no such thread");
    assert_eq!(error.kind(), Some(RpcErrorKind::ThreadNotFound), "{error}");
    assert_eq!(error.rpc().map(|said| said.code), Some(-32600), "{error}");
    let other = Error::Login { wanted: "a code" };
    assert!(other.kind().is_none() && other.rpc().is_none());
}

async fn a_login_waits_for_the_user<R: Kit>() {
    let done = |id: &str, success: bool| {
        Step::notify("account/login/completed", json!({"loginId": id, "success": success}))
    };
    let chatgpt = json!({"type": "chatgpt", "loginId": "L", "authUrl": "https://auth"});
    let code = json!({"type": "chatgptDeviceCode", "loginId": "D", "verificationUrl": "https://code", "userCode": "1234"});
    let scenario = Scenario::new()
        .answer("account/login/start", Answer::result(chatgpt).then([done("other", false), done("L", true)]))
        .answer("account/login/start", Answer::result(code))
        .answer("account/login/start", Answer::result(json!({"type": "apiKey"})))
        .answer(
            "account/login/cancel",
            Answer::result(json!({"status": "canceled"})).then([done("D", false)]),
        );
    let (_server, codex) = R::start(scenario).await;
    let mut login = R::login_chatgpt(&codex).await.expect("a login");
    assert_eq!((login.id(), login.url(), login.user_code()), ("L", "https://auth", None));
    assert!(R::wait_login(&mut login).await.expect("its outcome").success);
    let mut login = R::login_chatgpt_device_code(&codex).await.expect("a login");
    assert_eq!((login.url(), login.user_code()), ("https://code", Some("1234")));
    R::cancel_login(&login).await.expect("it is given up");
    assert!(!R::wait_login(&mut login).await.expect("its outcome").success);
    let error = R::login_chatgpt(&codex).await.expect_err("that is something else").to_string();
    assert!(error.contains("something else"), "{error}");
}

async fn an_unreadable_end_of_a_login_is_an_error<R: Kit>() {
    let chatgpt = json!({"type": "chatgpt", "loginId": "L", "authUrl": "https://auth"});
    let done = Step::notify("account/login/completed", json!({"loginId": "L", "success": "perhaps"}));
    let steps = [Step::line("what is no message is not about it"), done];
    let scenario = Scenario::new().answer("account/login/start", Answer::result(chatgpt).then(steps));
    let (_server, codex) = R::start(scenario).await;
    let mut login = R::login_chatgpt(&codex).await.expect("a login");
    let error = R::wait_login(&mut login).await.expect_err("its end is not known").to_string();
    assert!(error.contains("account/login/completed") && error.contains("success"), "{error}");
}

async fn an_overloaded_server_is_asked_again<R: Kit>() {
    let scenario = Scenario::chat(["a"])
        .faults(Faults::default().overloaded("thread/start", 2).overloaded("thread/list", 9));
    let (server, codex) = R::start(scenario).await;
    let error = R::send(codex.thread_start()).await.expect_err("nothing is retried by default");
    assert!(error.is_retryable(), "{error}");
    let thread = R::retry_on_overload(quick(), || async { R::send(codex.thread_start()).await })
        .await
        .expect("the third time");
    assert_eq!((thread.id(), server.count("thread/start")), ("thread-1", 3));
    let again = R::retry_on_overload(quick(), || async {
        let list = R::send(codex.thread_list()).await?;
        Ok::<_, Error>(list)
    })
    .await;
    assert!(again.expect_err("three attempts are all").is_retryable());
    assert_eq!(server.count("thread/list"), 3);
}

async fn other_errors_are_not_retried<R: Kit>() {
    let scenario = Scenario::new().default_answer(Answer::error(-32603, "disk full"));
    let (server, codex) = R::start(scenario).await;
    R::retry_on_overload(quick(), || async { R::send(codex.models()).await }).await.expect_err("disk full");
    assert_eq!(server.count("model/list"), 1);
}
