//! A supervised client: its server dies, and another one takes its place.
//!
//! The program is this one: with a scenario in its environment it plays the app-server.

mod support;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    if std::env::var_os(bodies::SCENARIO).is_some() {
        codex_appserver_testkit::scripted::main();
    }
    let arguments = libtest_mimic::Arguments::from_args();
    libtest_mimic::run(&arguments, bodies::trials()).exit_code()
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod bodies {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    #[cfg(feature = "blocking")]
    use codex_appserver_client::OsThreads;
    #[cfg(feature = "async")]
    use codex_appserver_client::Tokio;
    use codex_appserver_client::generic::{Client, ClientBuilder};
    use codex_appserver_client::{
        CloseReason, ConnectionState, Error, Event, Filter, Process, Restore, RestoreCall, ServerInfo,
        Supervision, method, protocol,
    };
    use codex_appserver_testkit::scripted::{Answer, Scenario, Step};
    use libtest_mimic::Trial;
    use serde_json::{Value, json};
    use tempfile::TempDir;

    use crate::support::{Kit, PATIENCE, event, method_of, until};

    pub const SCENARIO: &str = "SCRIPTED_APP_SERVER_SCENARIO";
    const SOON: Duration = Duration::from_millis(10);

    macro_rules! trials {
        ($($name:ident),+ $(,)?) => {
            pub fn trials() -> Vec<Trial> {
                let trials = [$(
                    #[cfg(feature = "async")]
                    trial(concat!(stringify!($name), "::tasks"), || Tokio::run($name::<Tokio>())),
                    #[cfg(feature = "blocking")]
                    trial(concat!(stringify!($name), "::threads"), || OsThreads::run($name::<OsThreads>())),
                )+];
                trials.into()
            }
        };
    }

    trials!(
        events_go_on_after_a_mark,
        calls_that_were_sent_fail_and_the_others_wait,
        a_request_is_over_and_asked_again,
        what_is_restored_goes_first,
        a_server_that_does_not_come_back_is_given_up,
        a_server_that_dies_over_and_over_is_given_up,
        a_stopped_server_is_replaced,
        a_shutdown_does_not_wait_for_the_next_attempt,
        deadlines_count_without_a_connection,
        streams_cannot_be_supervised,
    );

    fn trial(name: &'static str, run: fn()) -> Trial {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    }

    /// A folder with the scenarios of the servers that follow one another, and a program that plays the next one each time it
    /// is started, the last one over and over.
    struct Stage(TempDir);

    impl Stage {
        fn new(scenarios: &[Scenario]) -> Self {
            let stage = Self(tempfile::tempdir().expect("a folder"));
            for (number, scenario) in scenarios.iter().enumerate() {
                scenario.write_to(stage.path(&format!("scenario-{number}"))).expect("it can be written");
            }
            let folder = stage.0.path().display();
            let program = std::env::current_exe().expect("a program");
            let script = format!(
                "#!/bin/sh\ncd '{folder}'\nrun=$(cat runs 2>/dev/null | wc -l)\necho $$ >> runs\n\
                 [ -e scenario-$run ] || run={last}\n\
                 {SCENARIO}='{folder}'/scenario-$run SCRIPTED_APP_SERVER_REPORT='{folder}'/report-$run exec '{program}'\n",
                last = scenarios.len() - 1,
                program = program.display(),
            );
            fs::write(stage.path("codex"), script).expect("it can be written");
            fs::set_permissions(stage.path("codex"), fs::Permissions::from_mode(0o700)).expect("it is ours");
            stage
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn process(&self) -> Process {
            Process::new().program(self.path("codex"))
        }

        /// The numbers of the processes that were started.
        fn pids(&self) -> Vec<u32> {
            let runs = fs::read_to_string(self.path("runs")).unwrap_or_default();
            runs.lines().map(|line| line.parse().expect("a number")).collect()
        }

        async fn start<R: Kit>(&self, builder: ClientBuilder<R>) -> Client<R> {
            R::spawn_process(builder, self.process()).await.expect("it starts")
        }
    }

    fn policy() -> Supervision {
        Supervision::default().first_delay(SOON).longest_delay(SOON)
    }

    fn supervised<R: Kit>() -> ClientBuilder<R> {
        Client::builder().supervised(policy())
    }

    /// A server that ends by a signal when it is asked to.
    fn dies() -> Scenario {
        Scenario::new().answer("model/list", Answer::never().then([Step::Abort]))
    }

    fn tells(text: &str) -> Step {
        Step::notify("warning", json!({"message": text}))
    }

    fn message(event: &Event) -> Option<String> {
        let params = serde_json::to_value(event.notification()?).ok()?;
        params["params"]["message"].as_str().map(str::to_owned)
    }

    async fn events_go_on_after_a_mark<R: Kit>() {
        let first = Scenario::new().answer("model/list", Answer::never().then([tells("one"), Step::Abort]));
        let second = Scenario::new().answer("thread/list", Answer::result(json!({})).then([tells("two")]));
        let stage = Stage::new(&[first, second]);
        let client = stage.start(supervised::<R>()).await;
        let mut events = client.events(Filter::All);
        let mut changes = client.status_changes();
        assert!(client.status().is_connected());
        assert_eq!((client.status().generation, events.generation()), (1, 1));
        assert_eq!(client.status().pid, stage.pids().first().copied());

        let error = R::call(&client, "model/list", json!({})).await.expect_err("it dies");
        assert!(matches!(error, Error::ConnectionLost { may_have_run: true, .. }), "{error}");
        assert!(!error.is_retryable() && error.may_have_run());
        R::call(&client, "thread/list", json!({})).await.expect("another server answers");

        assert_eq!(message(&event(&mut events).await).as_deref(), Some("one"));
        let Event::Reconnected { generation, missed } = event(&mut events).await else { panic!("no mark") };
        assert_eq!((generation, missed.restarted), (2, Some(true)));
        assert_eq!(events.generation(), 2);
        assert_eq!(message(&event(&mut events).await).as_deref(), Some("two"));

        let status = client.status();
        assert_eq!((status.generation, status.is_connected()), (2, true));
        assert_eq!(status.pid, stage.pids().get(1).copied());
        let mut seen = Vec::new();
        while let Some(status) = R::next_status(&mut changes).await {
            seen.push((status.is_connected(), status.generation));
            if status.is_connected() {
                break;
            }
        }
        assert_eq!(seen.last(), Some(&(true, 2)), "{seen:?}");
        R::shutdown(&client).await;
        let last = R::next_status(&mut changes).await.expect("the end is told");
        assert!(matches!(last.connection, ConnectionState::Closed(closed) if closed.is_shutdown()));
        assert!(R::next_status(&mut changes).await.is_none());
        assert!(R::next(&mut events).await.is_none());
    }

    async fn calls_that_were_sent_fail_and_the_others_wait<R: Kit>() {
        let first = dies().answer("thread/read", Answer::never());
        let second = Scenario::new().answer("thread/read", Answer::result(json!({"count": "$count"})));
        let stage = Stage::new(&[first, second]);
        let client = stage.start(supervised::<R>().window(2)).await;
        let call = |method: &'static str| {
            let client = client.clone();
            R::spawn(async move { R::call(&client, method, json!({"threadId": "T"})).await })
        };
        let sent = call("thread/read");
        until(|| client.stats().in_flight == 1);
        let killer = call("model/list");
        until(|| client.stats().calls == 3 || client.stats().in_flight == 2);
        let waits = call("thread/read");
        let [sent, killer, waits] = [sent.await, killer.await, waits.await];
        for error in [sent.expect_err("it was sent"), killer.expect_err("it was sent")] {
            assert!(matches!(&error, Error::ConnectionLost { may_have_run: true, .. }), "{error}");
            assert!(error.to_string().contains("look before you call again"), "{error}");
        }
        // The server has seen one request of this method: nothing was sent twice.
        assert_eq!(waits.expect("it waited"), json!({"count": 1}));
    }

    async fn a_request_is_over_and_asked_again<R: Kit>() {
        let ask = || {
            let params = json!({"threadId": "T", "turnId": "U", "itemId": "I", "startedAtMs": 1});
            Step::ask("item/commandExecution/requestApproval", params)
        };
        let mut first = dies();
        first = first.answer("thread/list", Answer::result(json!({})).then([ask()]));
        let second =
            Scenario::new().answer("thread/list", Answer::result(json!({})).then([ask(), tells("answered")]));
        let stage = Stage::new(&[first, second]);
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let dropped = Arc::new(Mutex::new(Vec::new()));
        let held = dropped.clone();
        let builder = supervised::<R>().on_responder::<method::ItemCommandExecutionRequestApproval, _>(
            move |_, responder| match counter.fetch_add(1, Ordering::SeqCst) {
                0 => held.lock().expect("no panic").push(responder),
                _ => responder.respond(decline()).expect("it is open"),
            },
        );
        let client = stage.start(builder).await;
        let mut events = client.events(Filter::All);
        R::call(&client, "thread/list", json!({})).await.expect("it answers");
        until(|| !dropped.lock().expect("no panic").is_empty());
        R::call(&client, "model/list", json!({})).await.expect_err("it dies");
        R::call(&client, "thread/list", json!({})).await.expect("another server answers");
        let missed = loop {
            if let Event::Reconnected { missed, .. } = event(&mut events).await {
                break missed;
            }
        };
        assert_eq!(missed.requests.len(), 1);
        assert_eq!(missed.requests[0].method, "item/commandExecution/requestApproval");
        assert_eq!(missed.requests[0].thread_id.as_deref(), Some("T"));
        let late = dropped.lock().expect("no panic").remove(0);
        assert!(!late.is_open());
        let refused = late.respond(decline());
        assert!(matches!(refused, Err(Error::Resolved { .. })), "{refused:?}");
        while message(&event(&mut events).await).as_deref() != Some("answered") {}
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }

    fn decline() -> protocol::CommandExecutionRequestApprovalResponse {
        protocol::CommandExecutionRequestApprovalResponse::new(
            protocol::CommandExecutionApprovalDecision::Decline,
        )
    }

    /// Resumes two threads, and notes what the server says.
    struct Resume(Arc<Mutex<Vec<String>>>);

    impl Restore for Resume {
        fn calls(&self, _: &ServerInfo) -> Vec<RestoreCall> {
            let call = |id: &str| {
                let params = protocol::ThreadResumeParams::new(id);
                RestoreCall::new::<method::ThreadResume>(id, &params).expect("it has a JSON form")
            };
            vec![call("A"), call("B")]
        }

        fn on_answer(&self, call: &RestoreCall, answer: Result<&str, &Error>) {
            let said = match answer {
                Ok(result) => serde_json::from_str::<Value>(result).expect("JSON")["count"].to_string(),
                Err(error) => error.kind().map_or_else(|| error.to_string(), |kind| format!("{kind:?}")),
            };
            self.0.lock().expect("no panic").push(format!("{}: {said}", call.key()));
        }
    }

    async fn what_is_restored_goes_first<R: Kit>() {
        let resumed = Answer::result(json!({"count": "$count"})).then([tells("resumed")]);
        let second = Scenario::new()
            .answer("thread/resume", resumed.delay_ms(100))
            .answer("thread/resume", Answer::error(-32600, "no rollout found for thread id B"))
            .answer("thread/list", Answer::result(json!({})).then([tells("listed")]));
        let stage = Stage::new(&[dies(), second]);
        let answers = Arc::new(Mutex::new(Vec::new()));
        let client = stage.start(supervised::<R>().restore(Arc::new(Resume(answers.clone())))).await;
        let mut events = client.events(Filter::All);
        R::call(&client, "model/list", json!({})).await.expect_err("it dies");
        R::call(&client, "thread/list", json!({})).await.expect("another server answers");
        assert_eq!(*answers.lock().expect("no panic"), ["A: 1", "B: NotRecorded"]);
        let mut order = Vec::new();
        while order.len() < 3 {
            let event = event(&mut events).await;
            order.push(message(&event).unwrap_or_else(|| method_of(&event)));
        }
        assert!(order[0].starts_with("Reconnected"), "{order:?}");
        assert_eq!(order[1..], ["resumed", "listed"]);
    }

    async fn a_server_that_does_not_come_back_is_given_up<R: Kit>() {
        let stage = Stage::new(&[dies()]);
        let client = stage.start(Client::<R>::builder().supervised(policy().attempts(3))).await;
        let mut events = client.events(Filter::All);
        fs::remove_file(stage.path("codex")).expect("it is there");
        R::call(&client, "model/list", json!({})).await.expect_err("it dies");
        let waits = R::call(&client, "thread/list", json!({})).await.expect_err("it is given up");
        assert!(matches!(waits, Error::Closed(_)), "{waits}");
        let closed = R::wait_closed(&client).await;
        let CloseReason::GaveUp { attempts: 3, failure: Some(failure), .. } = &closed.reason else {
            panic!("{closed}")
        };
        assert!(matches!(**failure, Error::Start { .. }), "{failure}");
        assert!(closed.to_string().contains("not made again in 3 attempts: failed to start"), "{closed}");
        assert!(matches!(R::next(&mut events).await, Some(Err(Error::Closed(_)))));
        assert!(matches!(client.status().connection, ConnectionState::Closed(_)));
    }

    async fn a_server_that_dies_over_and_over_is_given_up<R: Kit>() {
        let dies_later =
            Scenario::new().answer("initialize", initialized().then([Step::PauseMs(20), Step::Abort]));
        let stage = Stage::new(&[dies_later]);
        let client = stage.start(Client::<R>::builder().supervised(policy().attempts(2))).await;
        let closed = R::wait_closed(&client).await;
        assert!(matches!(closed.reason, CloseReason::GaveUp { attempts: 2, .. }), "{closed}");
        assert_eq!(stage.pids().len(), 3, "one that was lost, and two attempts");
    }

    fn initialized() -> Answer {
        Answer::result(json!({
            "userAgent": "codex/0.150.0 (x)", "codexHome": "/", "platformFamily": "unix", "platformOs": "linux"
        }))
    }

    async fn a_stopped_server_is_replaced<R: Kit>() {
        let stops = Scenario::new()
            .answer("model/list", Answer::never().then([Step::StopWriting, Step::StopReading]));
        let stage = Stage::new(&[stops, Scenario::new()]);
        let client = stage.start(supervised::<R>().keep_alive(Duration::from_millis(200))).await;
        let error = R::call(&client, "model/list", json!({})).await.expect_err("it says nothing");
        let Error::ConnectionLost { closed, .. } = &error else { panic!("{error}") };
        assert!(matches!(closed.reason, CloseReason::Silent(_)), "{closed}");
        R::call(&client, "thread/list", json!({})).await.expect("another server answers");
        assert_eq!(stage.pids().len(), 2);
    }

    async fn a_shutdown_does_not_wait_for_the_next_attempt<R: Kit>() {
        let stage = Stage::new(&[dies()]);
        let slow = Supervision::default().first_delay(10 * PATIENCE).longest_delay(10 * PATIENCE);
        let client = stage.start(Client::<R>::builder().supervised(slow)).await;
        R::call(&client, "model/list", json!({})).await.expect_err("it dies");
        until(|| !client.status().is_connected());
        let ConnectionState::Reconnecting { since, failures: 0, failure: None, closed } =
            client.status().connection
        else {
            panic!("{:?}", client.status())
        };
        assert!(since <= Instant::now() && !closed.is_shutdown());
        let client_of_caller = client.clone();
        let waits = R::spawn(async move { R::call(&client_of_caller, "thread/list", json!({})).await });
        until(|| client.stats().queued == 1);
        R::shutdown(&client).await;
        assert!(matches!(waits.await, Err(Error::Cancelled { .. } | Error::Closed(_))));
        assert!(client.closed().is_some_and(|closed| closed.is_shutdown()));
        assert_eq!(stage.pids().len(), 1);
    }

    async fn deadlines_count_without_a_connection<R: Kit>() {
        let stage = Stage::new(&[dies()]);
        let slow = Supervision::default().first_delay(10 * PATIENCE).longest_delay(10 * PATIENCE);
        let client = stage.start(Client::<R>::builder().supervised(slow)).await;
        R::call(&client, "model/list", json!({})).await.expect_err("it dies");
        let hasty = client.with_timeout(Duration::from_millis(50));
        let late = R::call(&hasty, "thread/list", json!({})).await;
        assert!(matches!(late, Err(Error::TimedOut { .. })), "{late:?}");
        let unsent = client.notify_raw("test/notice", json!({}));
        assert!(matches!(unsent, Err(Error::ConnectionLost { may_have_run: false, .. })), "{unsent:?}");
        assert!(unsent.is_err_and(|error| error.is_retryable()));
    }

    async fn streams_cannot_be_supervised<R: Kit>() {
        let (_server, client) = R::try_attach(supervised::<R>(), Scenario::new()).await;
        let error = client.expect_err("there is no way back").to_string();
        assert!(error.contains("streams cannot be opened again"), "{error}");
    }
}
