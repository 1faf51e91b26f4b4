//! Connecting, calls, logins and retries.

use codex_appserver::client::RpcErrorKind;
use codex_appserver::{Error, RetryPolicy};
use codex_appserver_testkit::scripted::{Answer, Faults, Scenario, Step};
use serde_json::json;
use std::time::Duration;

use super::PATIENCE;
use crate::sdk;

fn quick() -> RetryPolicy {
    RetryPolicy::default().initial_delay(Duration::from_millis(1))
}

test! {
    fn a_server_that_does_not_say_who_it_is_is_refused() {
        let unnamed = json!({"userAgent": "", "codexHome": "/", "platformFamily": "unix", "platformOs": "linux"});
        let (server, codex) =
            attach!(sdk::Codex::builder(), Scenario::new().answer("initialize", Answer::result(unnamed)));
        let error = codex.expect_err("it says nothing");
        assert!(matches!(error, Error::Metadata { missing: "server name", .. }), "{error}");
        server.wait_for_end(PATIENCE).expect("the connection is closed");
    }

    fn a_server_says_who_it_is() {
        let info = codex_appserver::protocol::ClientInfo::new("scripted", "1");
        let (server, codex) = attach!(sdk::Codex::builder().client_info(info).experimental_api(true), Scenario::new());
        let codex = codex.expect("a connection");
        assert_eq!(codex.metadata().server_name, "scripted");
        assert_eq!(codex.metadata().platform_os.as_deref(), Some("linux"));
        assert!(codex.metadata().user_agent.contains(&codex.metadata().server_version));
        let sent = &server.params("initialize")[0];
        assert_eq!((&sent["clientInfo"]["name"], &sent["capabilities"]["experimentalApi"]), (&json!("scripted"), &json!(true)));
    }

    fn calls_say_what_they_say() {
        let scenario = Scenario::new()
            .answer("thread/start", Answer::thread())
            .answer("thread/name/set", Answer::result(json!({})))
            .default_answer(Answer::error(-32600, "not here"));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let codex = codex.expect("a connection");
        let thread = codex.thread("T");
        send!(thread.set_name("N")).expect("it is named");
        send!(thread.set_goal("G")).expect_err("not here");
        send!(thread.goal()).expect_err("not here");
        send!(thread.clear_goal()).expect_err("not here");
        send!(thread.compact()).expect_err("not here");
        send!(thread.archive()).expect_err("not here");
        send!(thread.fork().model("m")).expect_err("not here");
        send!(thread.read().include_turns(true)).expect_err("not here");
        send!(codex.thread_archive("T")).expect_err("not here");
        send!(codex.thread_unarchive("T")).expect_err("not here");
        send!(codex.thread_resume("T")).expect_err("not here");
        send!(codex.thread_list().limit(3_u32)).expect_err("not here");
        send!(codex.models()).expect_err("not here");
        send!(codex.account()).expect_err("not here");
        send!(codex.login_api_key("sk")).expect_err("not here");
        send!(codex.logout()).expect_err("not here");
        let sent: Vec<_> = server
            .received()
            .into_iter()
            .skip(2)
            .map(|line| format!("{} {}", line["method"].as_str().unwrap_or_default(), line["params"]))
            .collect();
        assert_eq!(sent, [
            r#"thread/name/set {"name":"N","threadId":"T"}"#,
            r#"thread/goal/set {"objective":"G","threadId":"T"}"#,
            r#"thread/goal/get {"threadId":"T"}"#,
            r#"thread/goal/clear {"threadId":"T"}"#,
            r#"thread/compact/start {"threadId":"T"}"#,
            r#"thread/archive {"threadId":"T"}"#,
            r#"thread/fork {"model":"m","threadId":"T"}"#,
            r#"thread/read {"includeTurns":true,"threadId":"T"}"#,
            r#"thread/archive {"threadId":"T"}"#,
            r#"thread/unarchive {"threadId":"T"}"#,
            r#"thread/resume {"threadId":"T"}"#,
            r#"thread/list {"limit":3}"#,
            "model/list {}",
            "account/read {}",
            r#"account/login/start {"apiKey":"sk","type":"apiKey"}"#,
            "account/logout null",
        ]);
    }

    // Both kinds of errors tell what the server said, so `?` takes nothing away.
    fn an_error_tells_what_the_server_said() {
        let scenario = Scenario::new().default_answer(Answer::error(-32600, "thread not found: T"));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let thread = codex.expect("a connection").thread("T");
        let error: Error = wait!(thread.run("Hello.")).expect_err("there is no such thread");
        assert_eq!(error.kind(), Some(RpcErrorKind::ThreadNotFound), "{error}");
        assert_eq!(error.rpc().map(|said| said.code), Some(-32600), "{error}");
        let other = Error::Login { wanted: "a code" };
        assert!(other.kind().is_none() && other.rpc().is_none());
    }

    fn a_login_waits_for_the_user() {
        let done = |id: &str, success: bool| Step::notify("account/login/completed", json!({"loginId": id, "success": success}));
        let chatgpt = json!({"type": "chatgpt", "loginId": "L", "authUrl": "https://auth"});
        let code = json!({"type": "chatgptDeviceCode", "loginId": "D", "verificationUrl": "https://code", "userCode": "1234"});
        let scenario = Scenario::new()
            .answer("account/login/start", Answer::result(chatgpt).then([done("other", false), done("L", true)]))
            .answer("account/login/start", Answer::result(code))
            .answer("account/login/start", Answer::result(json!({"type": "apiKey"})))
            .answer("account/login/cancel", Answer::result(json!({"status": "canceled"})).then([done("D", false)]));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let codex = codex.expect("a connection");
        let mut login = wait!(codex.login_chatgpt()).expect("a login");
        assert_eq!((login.id(), login.url(), login.user_code()), ("L", "https://auth", None));
        assert!(wait!(login.wait()).expect("its outcome").success);
        let mut login = wait!(codex.login_chatgpt_device_code()).expect("a login");
        assert_eq!((login.url(), login.user_code()), ("https://code", Some("1234")));
        wait!(login.cancel()).expect("it is given up");
        assert!(!wait!(login.wait()).expect("its outcome").success);
        let error = wait!(codex.login_chatgpt()).expect_err("that is something else").to_string();
        assert!(error.contains("something else"), "{error}");
    }

    fn a_login_whose_end_cannot_be_read_is_an_error() {
        let chatgpt = json!({"type": "chatgpt", "loginId": "L", "authUrl": "https://auth"});
        let done = Step::notify("account/login/completed", json!({"loginId": "L", "success": "perhaps"}));
        let steps = [Step::line("what is no message is not about it"), done];
        let scenario = Scenario::new().answer("account/login/start", Answer::result(chatgpt).then(steps));
        let (_server, codex) = attach!(sdk::Codex::builder(), scenario);
        let mut login = wait!(codex.expect("a connection").login_chatgpt()).expect("a login");
        let error = wait!(login.wait()).expect_err("nobody knows").to_string();
        assert!(error.contains("account/login/completed") && error.contains("success"), "{error}");
    }

    fn an_overloaded_server_is_asked_again() {
        let scenario = Scenario::chat(["a"]).faults(Faults::default().overloaded("thread/start", 2).overloaded("thread/list", 9));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let codex = codex.expect("a connection");
        let error = send!(codex.thread_start()).expect_err("nobody asks again by default");
        assert!(error.is_retryable(), "{error}");
        let thread = wait!(sdk::retry_on_overload(quick(), operation!(send!(codex.thread_start())))).expect("the third time");
        assert_eq!((thread.id(), server.count("thread/start")), ("thread-1", 3));
        let again = wait!(sdk::retry_on_overload(quick(), operation!({
            let list = send!(codex.thread_list())?;
            Ok::<_, Error>(list)
        })));
        assert!(again.expect_err("three attempts are all").is_retryable());
        assert_eq!(server.count("thread/list"), 3);
    }

    fn nothing_else_is_tried_again() {
        let scenario = Scenario::new().default_answer(Answer::error(-32603, "disk full"));
        let (server, codex) = attach!(sdk::Codex::builder(), scenario);
        let codex = codex.expect("a connection");
        wait!(sdk::retry_on_overload(quick(), operation!(send!(codex.models())))).expect_err("disk full");
        assert_eq!(server.count("model/list"), 1);
    }
}
