//! Servers of other versions than the bindings: each answers `initialize` as that codex does.

mod support;

use codex_appserver_client::generic::Client;
use codex_appserver_client::method::{ThreadRead, ThreadTurnsList};
use codex_appserver_client::wire::Release;
use codex_appserver_client::{CODEX_VERSION, Error, RpcErrorKind, VersionCheck};
use codex_appserver_testkit::scripted::{Answer, Ended, Scenario};
use serde_json::{Value, json};

use crate::support::{Kit, PATIENCE};

both!(
    what_old_servers_leave_out_is_absent,
    a_version_is_refused_before_decoding,
    an_unreadable_introduction_ends_the_connection,
    a_too_new_method_says_its_first_version,
    other_errors_are_as_the_server_says,
    a_client_knows_what_its_server_has,
);

fn agent(version: &str) -> String {
    format!(
        "codex_appserver_client/{version} (Debian 13.0.0; x86_64) unknown (codex_appserver_client; 0.1.0)"
    )
}

/// What a codex of that version answers to `initialize`.
fn introduction(version: &str) -> Value {
    let release: Release = version.parse().expect("a release");
    let mut answer = json!({"userAgent": agent(version)});
    if release >= Release::new(0, 115, 0) {
        answer["platformFamily"] = json!("unix");
        answer["platformOs"] = json!("linux");
    }
    if release >= Release::new(0, 117, 0) {
        answer["codexHome"] = json!("/home/codex");
    }
    answer
}

fn scenario(version: &str) -> Scenario {
    Scenario::new().answer("initialize", Answer::result(introduction(version)))
}

async fn what_old_servers_leave_out_is_absent<R: Kit>() {
    for check in [VersionCheck::Ignore, VersionCheck::Warn] {
        for (version, platform, home) in [
            ("0.99.0", None, None),
            ("0.114.0", None, None),
            ("0.115.0", Some("linux"), None),
            ("0.117.0", Some("linux"), Some("/home/codex")),
        ] {
            let (server, client) = R::attach(Client::builder().version_check(check), scenario(version)).await;
            let info = client.server();
            assert_eq!(info.version.as_deref(), Some(version));
            assert_eq!(
                (info.platform_os.as_deref(), info.codex_home.as_deref()),
                (platform, home),
                "{version}"
            );
            let mismatch = info.mismatch().expect("another version").to_string();
            assert!(mismatch.contains(version) && mismatch.contains(CODEX_VERSION), "{mismatch}");
            R::call(&client, "m", json!({})).await.expect("an answer");
            assert_eq!(server.count("initialized"), 1);
        }
    }
}

async fn a_version_is_refused_before_decoding<R: Kit>() {
    let broken = json!({"userAgent": agent("0.1.0"), "codexHome": 5});
    for answer in [introduction("0.99.0"), broken, json!({}), json!("hello")] {
        let scenario = Scenario::new().answer("initialize", Answer::result(answer.clone()));
        let (server, client) =
            R::try_attach(Client::builder().version_check(VersionCheck::Refuse), scenario).await;
        let error = client.expect_err("another version");
        assert!(matches!(error, Error::Version { .. }), "{answer}: {error}");
        assert!(error.to_string().contains(CODEX_VERSION), "{error}");
        assert_eq!(server.wait_for_end(PATIENCE).expect("it hangs up"), Ended::Eof);
        assert_eq!(server.count("initialized"), 0);
    }
}

async fn an_unreadable_introduction_ends_the_connection<R: Kit>() {
    for (answer, expected) in [
        (
            json!({"userAgent": agent("0.1.0"), "codexHome": 5}),
            "initialize: result.codexHome: expected a string",
        ),
        (json!({"codexHome": "/"}), "initialize: result: missing field `userAgent`"),
        (json!("hello"), "initialize: result: expected an object"),
    ] {
        let scenario = Scenario::new().answer("initialize", Answer::result(answer.clone()));
        let (server, client) = R::try_attach(Client::builder(), scenario).await;
        let error = client.expect_err("no introduction");
        assert!(error.to_string().contains(expected), "{error}");
        let Error::Decode(error) = error else { panic!("{error}") };
        let raw: Value = serde_json::from_str(error.raw().expect("the answer")).expect("JSON");
        assert_eq!(raw, answer);
        server.wait_for_end(PATIENCE).expect("it hangs up");
    }
}

/// Both forms in which servers say that they do not know a method.
fn unknown(method: &str) -> [Answer; 2] {
    let listed =
        format!("Invalid request: unknown variant `{method}`, expected one of `initialize`, `thread/start`");
    [Answer::error(-32600, listed), Answer::error(-32601, "not here")]
}

async fn a_too_new_method_says_its_first_version<R: Kit>() {
    for answer in unknown("thread/search") {
        let (_server, client) =
            R::attach(Client::builder(), scenario("0.130.0").answer("thread/search", answer.clone())).await;
        assert_eq!(client.server().supports("thread/search"), Some(false));
        let error = R::call(&client, "thread/search", json!({})).await.expect_err("it is too old");
        assert_eq!(
            error.to_string(),
            "failed to call `thread/search`, which needs codex 0.134.0 or later; the server is 0.130.0"
        );
        assert!(matches!(error, Error::TooOld { .. }), "{error:?}");
        assert_eq!(error.kind(), Some(RpcErrorKind::MethodNotFound));

        let nameless = Answer::result(json!({"userAgent": "codex_appserver_client"}));
        let scenario = Scenario::new().answer("initialize", nameless).answer("thread/search", answer);
        let (_server, client) = R::attach(Client::builder(), scenario).await;
        let error =
            R::call(&client, "thread/search", json!({})).await.expect_err("it is too old").to_string();
        let expected = "failed to call `thread/search`, which needs codex 0.134.0 or later; the server does not say its version";
        assert!(error.starts_with(expected), "{error}");
    }
}

async fn other_errors_are_as_the_server_says<R: Kit>() {
    for (version, method) in [
        // It is new enough, and does not want to.
        ("0.134.0", "thread/search"),
        // No version has it.
        ("0.99.0", "no/such/method"),
    ] {
        for answer in unknown(method) {
            let (_server, client) =
                R::attach(Client::builder(), scenario(version).answer(method, answer)).await;
            let error = R::call(&client, method, json!({})).await.expect_err("it does not know it");
            assert!(matches!(error, Error::Rpc { .. }), "{error:?}");
        }
    }
    let refusal = Answer::error(-32602, "no");
    let (_server, client) =
        R::attach(Client::builder(), scenario("0.99.0").answer("thread/search", refusal)).await;
    let error = R::call(&client, "thread/search", json!({})).await.expect_err("it refuses");
    assert!(matches!(error, Error::Rpc { .. }), "{error:?}");
}

async fn a_client_knows_what_its_server_has<R: Kit>() {
    for (version, thread_read, turns_list) in
        [("0.99.0", Some(true), Some(false)), ("0.151.0", Some(true), Some(true)), ("dev", None, None)]
    {
        let answer = Answer::result(json!({"userAgent": agent(version)}));
        let (_server, client) = R::start(Scenario::new().answer("initialize", answer)).await;
        assert_eq!(client.supports::<ThreadRead>(), thread_read, "{version}");
        assert_eq!(client.supports::<ThreadTurnsList>(), turns_list, "{version}");
    }
}
