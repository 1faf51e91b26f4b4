//! What is promised of calls and connections: timeouts, retries, the introduction, and all ways to end.

mod support;

both!(
    it_introduces_itself_and_says_initialized_once,
    early_events_see_what_comes_right_after_initialize,
    another_version_is_refused_only_when_asked,
    a_server_that_does_not_introduce_itself_is_an_error,
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
    errors_of_the_server_keep_code_message_and_data,
);

mod bodies {
    use std::sync::mpsc;
    use std::time::Duration;

    use codex_appserver_client::{Error, EventSettings, Filter, RetryPolicy, VersionCheck, method};
    use codex_appserver_requests::{CommandExecutionRequestApprovalResponse, ModelListParams};
    use codex_appserver_testkit::scripted::{Answer, Ask, Ended, Faults, Scenario, Step};
    use codex_appserver_types::CommandExecutionApprovalDecision;
    use serde_json::json;

    use crate::support::{Api, Build, Kit, Listen, PATIENCE};

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

    pub async fn it_introduces_itself_and_says_initialized_once<K: Kit>() {
        let builder = K::builder().experimental_api(true).opt_out(&["thread/started"]);
        let (server, client) =
            K::attach(builder, Scenario::new().answer("initialize", introduction("1.2.3"))).await;
        client.typed::<method::ModelList>(ModelListParams::new()).await.expect_err("`{}` is no list");
        let sent = server.received();
        let methods: Vec<_> = sent.iter().map(|line| line["method"].as_str().unwrap_or_default()).collect();
        assert_eq!(methods, ["initialize", "initialized", "model/list"]);
        let params = &sent[0]["params"];
        assert_eq!(params["clientInfo"]["name"], "codex_appserver_client");
        let capabilities = &params["capabilities"];
        assert_eq!(capabilities["experimentalApi"], true);
        assert_eq!(capabilities["optOutNotificationMethods"], json!(["thread/started"]));
        assert!(sent[1].get("id").is_none(), "{}", sent[1]);
        let info = client.server();
        assert_eq!(
            (info.version.as_deref(), info.codex_home.as_deref()),
            (Some("1.2.3"), Some("/home/codex"))
        );
        let platform = (info.platform_family.as_deref(), info.platform_os.as_deref());
        assert_eq!(platform, (Some("unix"), Some("linux")));
    }

    pub async fn early_events_see_what_comes_right_after_initialize<K: Kit>() {
        let told = |method: &str| [Step::notify(method, json!({}))];
        let scenario = Scenario::new()
            .on_start(told("test/first"))
            .answer(
                "initialize",
                introduction(codex_appserver_client::CODEX_VERSION).then(told("test/second")),
            )
            .on_notification("initialized", told("test/third"));
        let builder = K::builder().early_events(Filter::All, EventSettings::default());
        let (_server, client) = K::attach(builder, scenario).await;
        let clone = client.clone();
        let mut early = clone.early_events().expect("they were asked for");
        assert_eq!(early.methods_until("test/third").await, ["test/first", "test/second", "test/third"]);
        assert!(client.early_events().is_none(), "once, for all clones");
        let (_server, client) = K::start(Scenario::new()).await;
        assert!(client.early_events().is_none(), "nobody asked");
    }

    pub async fn another_version_is_refused_only_when_asked<K: Kit>() {
        let scenario = |version| Scenario::new().answer("initialize", introduction(version));
        for check in [VersionCheck::Ignore, VersionCheck::Warn] {
            K::attach(K::builder().version_check(check), scenario("0.1.0")).await;
        }
        let refusing = || K::builder().version_check(VersionCheck::Refuse);
        let ours = codex_appserver_client::CODEX_VERSION;
        K::attach(refusing(), scenario(ours)).await;
        for version in ["0.1.0", "unknown"] {
            let (server, client) = K::try_attach(refusing(), scenario(version)).await;
            let error = client.expect_err("another version");
            assert!(matches!(error, Error::Version { bindings, .. } if bindings == ours), "{error}");
            assert_eq!(server.wait_for_end(PATIENCE).expect("it hangs up"), Ended::Eof);
            assert_eq!(server.count("initialized"), 0);
        }
    }

    pub async fn a_server_that_does_not_introduce_itself_is_an_error<K: Kit>() {
        let connect = async |answer: Answer, timeout: Duration| {
            let builder = K::builder().default_timeout(Some(timeout));
            let (server, client) = K::try_attach(builder, Scenario::new().answer("initialize", answer)).await;
            let error = client.expect_err("no introduction");
            server.wait_for_end(PATIENCE).expect("it hangs up");
            error
        };
        let error = connect(Answer::error(-32600, "go away"), PATIENCE).await;
        assert_eq!(error.rpc().map(|rpc| &*rpc.message), Some("go away"));
        assert!(error.to_string().contains("`initialize`"), "{error}");
        assert!(matches!(connect(Answer::result(json!({})), PATIENCE).await, Error::Decode(_)));
        assert!(matches!(connect(Answer::never().then([Step::Exit(1)]), PATIENCE).await, Error::Closed(_)));
        assert!(matches!(connect(Answer::never(), SOON).await, Error::TimedOut { .. }));
    }

    pub async fn retries_are_for_overload_and_only_when_asked<K: Kit>() {
        let scenario = Scenario::new()
            .answer("wrong", Answer::error(-32600, "no"))
            .answer("lost", Answer::never())
            .faults(Faults::seeded(1).overloaded("busy", 3).overloaded("busier", 100));
        let (server, client) = K::start(scenario).await;
        let once = client.call("busy", json!({})).await.expect_err("it is busy");
        assert!(matches!(once, Error::Overloaded { attempts: 1, .. }) && once.is_retryable(), "{once}");
        let policy = RetryPolicy::default().initial_delay(Duration::from_millis(1)).max_attempts(3);
        let stubborn = client.with_retry(policy);
        stubborn.call("busy", json!({})).await.expect("the third attempt");
        assert_eq!(server.count("busy"), 4);
        let in_vain = stubborn.call("busier", json!({})).await.expect_err("it stays busy");
        assert!(matches!(in_vain, Error::Overloaded { attempts: 3, .. }), "{in_vain}");
        assert_eq!(in_vain.rpc().map(|rpc| rpc.code), Some(-32001));
        for method in ["wrong", "lost"] {
            stubborn.with_timeout(Some(SOON)).call(method, json!({})).await.expect_err("an error");
            // It may time out before it gets there.
            client.call("m", json!({})).await.expect("an answer");
            assert_eq!(server.count(method), 1, "{method}");
        }
        assert!(client.call("busier", json!({})).await.is_err());
        assert_eq!(server.count("busier"), 4, "the first handle is as it was");
    }

    /// Connecting is a call as well, and the only one that a handle's policy comes too late for.
    pub async fn retries_can_be_asked_for_before_connecting<K: Kit>() {
        let busy = || {
            let faults = Faults::seeded(1).overloaded("initialize", 2).overloaded("busy", 3);
            Scenario::new().answer("busy", Answer::result(json!({}))).faults(faults)
        };
        let (_, refused) = K::try_attach(K::builder(), busy()).await;
        let error = refused.expect_err("it is busy");
        assert!(matches!(error, Error::Overloaded { attempts: 1, .. }), "{error}");
        let policy = RetryPolicy::default().initial_delay(Duration::from_millis(1)).max_attempts(3);
        let (server, client) = K::attach(K::builder().default_retry(policy), busy()).await;
        assert_eq!(server.count("initialize"), 3);
        let once = client.with_retry(policy.max_attempts(1));
        once.call("busy", json!({})).await.expect_err("the handle's own policy counts");
        client.call("busy", json!({})).await.expect("the third attempt");
        assert_eq!(server.count("busy"), 4);
    }

    pub async fn a_timeout_belongs_to_a_handle<K: Kit>() {
        let held = Answer::result(json!("late")).until("free");
        let scenario = Scenario::new().answer("held", held).answer("lost", Answer::never());
        let (server, client) = K::attach(K::builder().default_timeout(Some(DEFAULT)), scenario).await;
        let error = client.call("lost", json!({})).await.expect_err("no answer");
        assert!(matches!(error, Error::TimedOut { after, .. } if after == DEFAULT), "{error}");
        let shorter = client.with_timeout(Some(Duration::from_millis(1)));
        let error = shorter.call("lost", json!({})).await.expect_err("no answer");
        assert!(matches!(error, Error::TimedOut { after, .. } if after == Duration::from_millis(1)));
        let patient = client.with_timeout(None);
        let waits = K::spawn(async move { patient.call("held", json!({})).await });
        server.wait_for("held", 1, PATIENCE).expect("it is asked");
        // It began before, and is not over when this one is.
        client.call("lost", json!({})).await.expect_err("no answer");
        client.with_timeout(PATIENCE.into()).call("free", json!({})).await.expect("an answer");
        assert_eq!(waits.await.expect("it had all the time"), "late");
    }

    pub async fn what_the_user_runs_has_no_default_deadline<K: Kit>() {
        let scenario = Scenario::new()
            .answer("command/exec", Answer::result(json!("done")).until("free"))
            .answer("mcpServer/tool/call", Answer::result(json!("done")).until("free"))
            .answer("lost", Answer::never());
        let (server, client) = K::attach(K::builder().default_timeout(Some(DEFAULT)), scenario).await;
        let open_ended = ["command/exec", "mcpServer/tool/call"].map(|method| {
            let client = client.clone();
            K::spawn(async move { client.call(method, json!({})).await })
        });
        server.wait_for("command/exec", 1, PATIENCE).expect("it is asked");
        server.wait_for("mcpServer/tool/call", 1, PATIENCE).expect("it is asked");
        let hasty = client.with_timeout(Some(SOON));
        assert!(matches!(hasty.call("command/exec", json!({})).await, Err(Error::TimedOut { .. })));
        assert!(matches!(client.call("lost", json!({})).await, Err(Error::TimedOut { .. })));
        client.with_timeout(PATIENCE.into()).call("free", json!({})).await.expect("an answer");
        for call in open_ended {
            assert_eq!(call.await.expect("it had all the time"), "done");
        }
    }

    pub async fn a_full_queue_refuses<K: Kit>() {
        let scenario = Scenario::new().answer("held", Answer::result(json!({})).until("free"));
        let (server, client) = K::attach(K::builder().window(1).queue_limit(0), scenario).await;
        let other = client.clone();
        let held = K::spawn(async move { other.call("held", json!({})).await });
        server.wait_for("held", 1, PATIENCE).expect("it is asked");
        let error = client.call("m", json!({})).await.expect_err("no room");
        assert!(matches!(&error, Error::QueueFull { method } if method == "m"), "{error}");
        // A notification needs no place in the window.
        client.notify("free", json!({})).expect("it goes out");
        held.await.expect("an answer");
        client.call("m", json!({})).await.expect("there is room");
    }

    pub async fn shutting_down_cancels_and_ends_everything<K: Kit>() {
        let (server, client) = K::start(Scenario::new().answer("lost", Answer::never())).await;
        let mut all = client.events(Filter::All);
        let other = client.clone();
        let waits = K::spawn(async move { other.call("lost", json!({})).await });
        server.wait_for("lost", 1, PATIENCE).expect("it is asked");
        assert!(client.shutdown().await.is_none(), "there is no process");
        let error = waits.await.expect_err("it is cancelled");
        assert!(matches!(&error, Error::Cancelled { method } if method == "lost"), "{error}");
        assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Eof);
        assert!(all.next().await.is_none(), "who shut it down knows");
        assert!(client.closed().is_some_and(|closed| closed.is_shutdown()));
        assert!(client.call("late", json!({})).await.is_err());
        client.shutdown().await;
        client.wait_closed().await;
        assert!(client.events(Filter::All).next().await.is_none());
    }

    pub async fn what_was_sent_goes_out_before_the_end<K: Kit>() {
        let (server, client) = K::start(Scenario::new()).await;
        for n in 0..100 {
            client.notify("test/note", json!({"n": n, "text": "x".repeat(10_000)})).expect("it goes out");
        }
        client.shutdown().await;
        assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Eof);
        let numbers: Vec<_> =
            server.params("test/note").iter().filter_map(|note| note["n"].as_u64()).collect();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    }

    /// Tells when it is dropped.
    struct Token(mpsc::Sender<()>);

    impl Drop for Token {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    pub async fn dropping_all_clones_closes_and_drops_the_handlers<K: Kit>() {
        let (sender, dropped) = mpsc::channel();
        let token = Token(sender);
        let builder = K::builder().on_unknown(move |_| {
            let _ = &token;
            Ok(json!({}))
        });
        let (server, client) = K::attach(builder, Scenario::new()).await;
        let (clone, mut all) = (client.clone(), client.events(Filter::All));
        drop(client);
        clone.call("m", json!({})).await.expect("one is left");
        drop(clone.with_timeout(None));
        assert!(dropped.try_recv().is_err());
        drop(clone);
        assert!(all.next().await.is_none(), "events keep nothing open");
        assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Eof);
        dropped.recv_timeout(PATIENCE).expect("the handlers are gone");
    }

    pub async fn a_weak_client_keeps_nothing_open<K: Kit>() {
        let (server, client) = K::start(Scenario::new()).await;
        let weak = client.weak();
        let strong = weak().expect("it is there");
        drop(client);
        strong.call("m", json!({})).await.expect("it is a client like any other");
        drop(strong);
        assert!(weak().is_none());
        assert_eq!(server.wait_for_end(PATIENCE).expect("the end"), Ended::Eof);
    }

    pub async fn debug_output_and_errors_keep_the_token<K: Kit>() {
        const SECRET: &str = "hush-hush";
        let (sender, seen) = mpsc::channel();
        let builder = K::builder()
            .bearer_token(SECRET)
            .on::<method::ItemCommandExecutionRequestApproval, _, _>(move |_, context| {
                sender.send(format!("{context:?}")).expect("a test");
                async {
                    Ok(CommandExecutionRequestApprovalResponse::new(CommandExecutionApprovalDecision::Accept))
                }
            });
        let (server, client) = K::attach(builder, Scenario::new().answer("e", Answer::error(1, "no"))).await;
        let events = client.events(Filter::All);
        let params = json!({"threadId": "T", "turnId": "U", "itemId": "i", "startedAtMs": 1});
        server.play([Step::Request(Ask::new("item/commandExecution/requestApproval", params))]);
        let context = seen.recv_timeout(PATIENCE).expect("a request");
        let error = client.call("e", json!({})).await.expect_err("an error");
        client.shutdown().await;
        let closed = client.wait_closed().await;
        let all =
            format!("{client:?} {events:?} {context} {error:?} {error} {closed:?} {:#?}", client.stats());
        assert!(!all.contains(SECRET), "{all}");
        assert!(
            all.contains("Client")
                && all.contains(&format!("scripted/{}", codex_appserver_client::CODEX_VERSION)),
            "{all}"
        );
        let told = server.received().iter().any(|line| line.to_string().contains(SECRET));
        assert!(!told, "it is for the handshake of WebSockets alone");
    }

    pub async fn narrowing_after_the_answer_loses_nothing<K: Kit>() {
        let (_server, client) = K::start(Scenario::chat(["a", "b", "c"])).await;
        let mut turns = Vec::new();
        for thread in ["one", "two"] {
            let mut events = client.events(Filter::All);
            let answer = client.call("turn/start", json!({"threadId": thread, "input": []})).await;
            let turn = answer.expect("a turn")["turn"]["id"].as_str().expect("an id").to_owned();
            // All of the turn may be here by now.
            client.call("m", json!({})).await.expect("an answer");
            events.narrow(Filter::turn(&turn));
            turns.push(events);
        }
        for mut turn in turns {
            let methods = turn.methods_until("turn/completed").await;
            assert_eq!(methods[0], "turn/started", "{methods:?}");
            let deltas = methods.iter().filter(|method| *method == "item/agentMessage/delta").count();
            assert_eq!(deltas, 3, "{methods:?}");
        }
    }

    pub async fn errors_of_the_server_keep_code_message_and_data<K: Kit>() {
        let answer = Answer::error_with(-32602, "too large", json!({"max": 5}));
        let (_server, client) = K::start(Scenario::new().answer("e", answer)).await;
        let error = client.call("e", json!({})).await.expect_err("an error");
        let rpc = error.rpc().expect("the answer");
        assert_eq!((rpc.code, &*rpc.message, &rpc.data), (-32602, "too large", &Some(json!({"max": 5}))));
        assert!(error.to_string().starts_with("failed to call `e`"), "{error}");
    }
}
