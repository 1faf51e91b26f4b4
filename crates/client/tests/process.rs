//! The app-server as a child process: how it starts, talks and ends.
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
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    #[cfg(feature = "blocking")]
    use codex_appserver_client::OsThreads;
    #[cfg(feature = "async")]
    use codex_appserver_client::Tokio;
    use codex_appserver_client::generic::Client;
    use codex_appserver_client::{CloseReason, Closed, Error, Filter, Process, VersionCheck};
    use codex_appserver_testkit::scripted::{Answer, Ended, OnEnd, Report, Scenario, Step};
    use libtest_mimic::Trial;
    use serde_json::json;
    use tempfile::TempDir;

    use crate::support::{Kit, PATIENCE};

    pub const SCENARIO: &str = "SCRIPTED_APP_SERVER_SCENARIO";
    const SOON: Duration = Duration::from_millis(50);

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
        it_talks_and_ends_with_its_input,
        an_exit_tells_its_code_and_last_words,
        a_server_that_does_not_start_says_why,
        a_program_that_prints_its_usage_is_quoted,
        what_a_launcher_prints_first_is_passed_over,
        a_prompt_instead_of_an_answer_is_quoted,
        one_that_ctrl_c_has_ended_says_what_to_do,
        an_exit_counts_though_a_child_holds_stdout,
        a_crash_tells_the_signal,
        one_that_ignores_eof_is_terminated,
        one_that_ignores_everything_is_killed,
        one_that_stops_reading_can_be_shut_down,
        one_that_closes_stdout_is_told_to_end,
        a_stopped_server_is_noticed,
        a_server_that_gives_a_sign_of_life_may_be_silent,
        dropping_the_client_kills_at_once,
        a_flood_on_stderr_delays_no_call,
        a_program_that_is_not_there_is_named,
        a_folder_that_is_not_there_is_named,
        the_environment_and_the_folder_are_as_set,
    );

    fn trial(name: &'static str, run: fn()) -> Trial {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    }

    /// A folder with a scenario, and how to run it.
    struct Stage(TempDir);

    impl Stage {
        fn new(scenario: &Scenario) -> (Self, Process) {
            let stage = Self(tempfile::tempdir().expect("a folder"));
            scenario.write_to(stage.path("scenario")).expect("it can be written");
            let process = Process::new()
                .program(std::env::current_exe().expect("a program"))
                .env(SCENARIO, stage.path("scenario"))
                .env("SCRIPTED_APP_SERVER_REPORT", stage.path("report"));
            (stage, process)
        }

        fn path(&self, name: &str) -> std::path::PathBuf {
            self.0.path().join(name)
        }

        fn report(&self) -> Report {
            let text = fs::read_to_string(self.path("report")).expect("a report");
            serde_json::from_str(&text).expect("it is a report")
        }
    }

    async fn start<R: Kit>(scenario: &Scenario) -> (Stage, Client<R>) {
        let (stage, process) = Stage::new(scenario);
        (stage, R::spawn_process(Client::builder(), process).await.expect("it starts"))
    }

    fn closed(error: &Error) -> Arc<Closed> {
        let Error::Closed(closed) = error else { panic!("{error}") };
        closed.clone()
    }

    async fn it_talks_and_ends_with_its_input<R: Kit>() {
        let (stage, client) = start::<R>(&Scenario::new().answer("echo", Answer::echo())).await;
        assert_eq!(R::call(&client, "echo", json!({"a": 1})).await.expect("an answer"), json!({"a": 1}));
        let status = R::shutdown(&client).await.expect("it ended");
        assert!(status.success(), "{status}");
        let report = stage.report();
        assert_eq!((report.ended, report.methods["echo"], report.malformed), (Some(Ended::Eof), 1, 0));
        let again = R::shutdown(&client).await.expect("it is known");
        assert_eq!(again.code(), Some(0));
    }

    async fn an_exit_tells_its_code_and_last_words<R: Kit>() {
        let words: String = (0..30).map(|n| format!("word {n}\n")).collect();
        let then = [Step::Stderr(words), Step::Exit(3)];
        let (_stage, client) = start::<R>(&Scenario::new().answer("go", Answer::never().then(then))).await;
        let mut all = client.events(Filter::All);
        let error = R::call(&client, "go", json!({})).await.expect_err("it ends");
        let closed = closed(&error);
        assert!(matches!(closed.reason, CloseReason::EndOfStream), "{closed}");
        assert_eq!(closed.status.and_then(|status| status.code()), Some(3));
        assert_eq!((closed.stderr.len(), closed.stderr[19].as_str()), (20, "word 29"));
        assert!(
            error.to_string().contains("3; its last words") && error.to_string().contains("word 29"),
            "{error}"
        );
        assert!(matches!(R::next(&mut all).await, Some(Err(Error::Closed(_)))));
        assert_eq!(R::shutdown(&client).await.and_then(|status| status.code()), Some(3));
    }

    async fn a_server_that_does_not_start_says_why<R: Kit>() {
        // One that reads what it is told first, and one that does not.
        for reads in ["read line; ", ""] {
            let script = format!("{reads}echo 'error: the configuration is wrong' >&2; exit 2");
            let process = Process::from_command(Command::new("/bin/sh").arg("-c").arg(script));
            let error = R::spawn_process(Client::builder(), process).await.expect_err("it ends at once");
            let closed = closed(&error);
            assert_eq!(closed.status.and_then(|status| status.code()), Some(2));
            assert!(error.to_string().contains("exit status: 2; its last words"), "{error}");
            assert!(error.to_string().contains("the configuration is wrong"), "{error}");
        }
    }

    async fn a_program_that_prints_its_usage_is_quoted<R: Kit>() {
        // One that prints at once, and one that reads what it is told first; long lines, many, and one without an end.
        for reads in ["read line; ", ""] {
            let script = format!("{reads}printf 'Usage: other [FILE]\n\n%0999d\n3\n4\n5\n6\n7' 2; exit 64");
            let process = Process::from_command(Command::new("/bin/sh").arg("-c").arg(script));
            let error = R::spawn_process(Client::builder(), process).await.expect_err("it ends at once");
            let closed = closed(&error);
            assert_eq!(closed.status.and_then(|status| status.code()), Some(64));
            assert_eq!((closed.unreadable.len(), closed.unreadable[0].as_str()), (5, "Usage: other [FILE]"));
            assert!(closed.unreadable[1].len() < 600, "{error}");
            assert_eq!(closed.unreadable[2..], ["3", "4", "5"]);
            assert!(
                error.to_string().contains("lines that are no messages:\n  Usage: other [FILE]\n"),
                "{error}"
            );
        }
    }

    /// A line, what switches a terminal on, a byte order mark, and words that the first message follows at once.
    async fn what_a_launcher_prints_first_is_passed_over<R: Kit>() {
        for before in [r"Welcome!\n", r"\033[?2004h", r"\357\273\277", r"$ ", r"\263\251 {\n\033[0m{ "] {
            let (stage, _) = Stage::new(&Scenario::new().answer("echo", Answer::echo()));
            let program = std::env::current_exe().expect("a program");
            let mut launcher = Command::new("/bin/sh");
            launcher.args(["-c", &format!("printf '{before}'; exec \"$0\"")]).arg(program);
            let environment = [(SCENARIO, "scenario"), ("SCRIPTED_APP_SERVER_REPORT", "report")];
            launcher.envs(environment.map(|(name, file)| (name, stage.path(file))));
            let process = Process::from_command(&launcher);
            let client = R::spawn_process(Client::builder(), process).await.expect(before);
            assert_eq!(R::call(&client, "echo", json!({"a": 1})).await.expect(before), json!({"a": 1}));
            R::shutdown(&client).await;
            assert_eq!(stage.report().malformed, 0, "{before}");
        }
    }

    async fn a_prompt_instead_of_an_answer_is_quoted<R: Kit>() {
        let script = r"echo 'not logged in' >&2; printf 'Welcome!\n\033[?2004hpassword: '; exec sleep 30";
        let process = Process::from_command(Command::new("/bin/sh").arg("-c").arg(script));
        let begun = Instant::now();
        let builder = Client::builder().initialize_timeout(Duration::from_millis(500));
        let error = R::spawn_process(builder, process).await.expect_err("there is no answer");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        let closed = closed(&error);
        assert!(
            matches!(closed.reason, CloseReason::Unanswered(after) if after == Duration::from_millis(500))
        );
        assert_eq!(closed.unreadable, ["Welcome!", "\u{1b}[?2004hpassword: "]);
        assert_eq!((closed.status, &*closed.stderr), (None, &["not logged in".to_owned()][..]));
        let text = error.to_string();
        for expected in [
            "did not answer `initialize` within 500ms",
            r"\n  \u{1b}[?2004hpassword: ",
            "`initialize_timeout`",
        ] {
            assert!(text.contains(&expected.replace(r"\n", "\n")), "{text}");
        }
    }

    async fn one_that_ctrl_c_has_ended_says_what_to_do<R: Kit>() {
        // It dies of the signal, or tells as shells do that a child of its own did; another signal says nothing of it.
        let hint = "`own_group`";
        for (end, hinted) in [("kill -INT $$", true), ("exit 130", true), ("kill -HUP $$", false)] {
            let process = Process::from_command(Command::new("/bin/sh").arg("-c").arg(end));
            let error = R::spawn_process(Client::builder(), process).await.expect_err("it ends at once");
            assert_eq!(error.to_string().contains(hint), hinted, "{end}: {error}");
        }
    }

    async fn an_exit_counts_though_a_child_holds_stdout<R: Kit>() {
        let script = "sleep 30 & exit 3";
        let process = Process::from_command(Command::new("/bin/sh").arg("-c").arg(script));
        let error = R::spawn_process(Client::builder().default_timeout(None), process)
            .await
            .expect_err("it ends at once");
        assert_eq!(closed(&error).status.and_then(|status| status.code()), Some(3));
    }

    async fn a_crash_tells_the_signal<R: Kit>() {
        let scenario = Scenario::new().answer("go", Answer::never().then([Step::Abort]));
        let (_stage, client) = start::<R>(&scenario).await;
        let error = R::call(&client, "go", json!({})).await.expect_err("it crashes");
        assert_eq!(closed(&error).status.and_then(|status| status.signal()), Some(6), "{error}");
    }

    async fn one_that_ignores_eof_is_terminated<R: Kit>() {
        let (stage, process) = Stage::new(&Scenario::new().on_eof(OnEnd::Ignore));
        let client =
            R::spawn_process(Client::builder(), process.patience(SOON, PATIENCE)).await.expect("it starts");
        let status = R::shutdown(&client).await.expect("it ended");
        assert_eq!((status.code(), stage.report().ended), (Some(0), Some(Ended::Sigterm)));
    }

    async fn one_that_ignores_everything_is_killed<R: Kit>() {
        let (_stage, process) = Stage::new(&Scenario::new().on_eof(OnEnd::Ignore).on_sigterm(OnEnd::Ignore));
        let client =
            R::spawn_process(Client::builder(), process.patience(SOON, SOON)).await.expect("it starts");
        let status = R::shutdown(&client).await.expect("it ended");
        assert_eq!((status.code(), status.signal()), (None, Some(9)));
        assert!(client.closed().is_some_and(|closed| closed.is_shutdown()));
    }

    async fn one_that_stops_reading_can_be_shut_down<R: Kit>() {
        let deaf = Answer::result(json!({})).then([Step::StopReading]);
        let (_stage, process) = Stage::new(&Scenario::new().answer("deaf", deaf));
        let client =
            R::spawn_process(Client::builder(), process.patience(SOON, PATIENCE)).await.expect("it starts");
        R::call(&client, "deaf", json!({})).await.expect("an answer");
        // More than a pipe holds, so that the writer is stuck.
        let hasty = client.with_timeout(SOON);
        let error = R::call(&hasty, "big", json!("x".repeat(4 << 20))).await.expect_err("no answer");
        assert!(matches!(error, Error::TimedOut { .. }), "{error}");
        assert!(R::shutdown(&client).await.is_some());
        assert!(client.closed().is_some_and(|closed| closed.is_shutdown()));
    }

    async fn one_that_closes_stdout_is_told_to_end<R: Kit>() {
        let scenario = Scenario::new().answer("go", Answer::never().then([Step::CloseStdout]));
        let (stage, client) = start::<R>(&scenario).await;
        let error = R::call(&client, "go", json!({})).await.expect_err("it ends");
        let closed = closed(&error);
        assert!(matches!(closed.reason, CloseReason::EndOfStream), "{closed}");
        assert_eq!(closed.status.and_then(|status| status.code()), Some(0), "{closed}");
        assert_eq!(stage.report().ended, Some(Ended::Eof));
    }

    /// Whether a process of this id is there, and no zombie.
    fn is_running(id: &str) -> bool {
        let status = Command::new("ps").args(["-o", "stat=", "-p", id]).output().expect("ps runs");
        let state = String::from_utf8_lossy(&status.stdout).trim().to_owned();
        !state.is_empty() && !state.starts_with('Z')
    }

    fn wait_until_gone(id: &str) {
        let begin = Instant::now();
        while is_running(id) {
            assert!(begin.elapsed() < PATIENCE, "process {id} is still there");
        }
    }

    async fn a_stopped_server_is_noticed<R: Kit>() {
        let info = json!({"userAgent": "x/0", "codexHome": "/", "platformFamily": "", "platformOs": ""});
        let answer = json!({"id": 1, "result": info});
        let script = format!("read line; echo '{answer}'; read line; read line; kill -STOP $$");
        let process = Process::from_command(Command::new("/bin/sh").arg("-c").arg(script));
        let builder = Client::builder().default_timeout(None).keep_alive(2 * SOON);
        let client =
            R::spawn_process(builder.version_check(VersionCheck::Ignore), process).await.expect("it starts");
        let begun = Instant::now();
        let error = R::call(&client, "go", json!({})).await.expect_err("it is stopped");
        let closed = closed(&error);
        let CloseReason::Silent(silence) = closed.reason else { panic!("{closed}") };
        assert!(silence >= 4 * SOON && begun.elapsed() < PATIENCE, "{silence:?}, {:?}", begun.elapsed());
        assert_eq!(closed.status.and_then(|status| status.signal()), Some(9), "it is killed");
        assert!(error.to_string().contains("nothing was heard of it for"), "{error}");
    }

    async fn a_server_that_gives_a_sign_of_life_may_be_silent<R: Kit>() {
        let scenario = Scenario::new().answer("go", Answer::echo().delay_ms(800));
        let (stage, process) = Stage::new(&scenario);
        let client =
            R::spawn_process(Client::builder().keep_alive(SOON).window(1), process).await.expect("it starts");
        R::call(&client, "go", json!({})).await.expect("it is slow, not gone");
        let stats = client.stats();
        assert_eq!((stats.calls, stats.unknown_answers), (2, 0), "{stats:?}");
        R::shutdown(&client).await.expect("it ended");
        let probes = stage.report().methods["thread/loaded/list"];
        assert!((2..=16).contains(&probes), "{probes}");
    }

    async fn dropping_the_client_kills_at_once<R: Kit>() {
        // The shell tells its id and becomes the program.
        let scenario = Scenario::new().on_eof(OnEnd::Ignore).on_sigterm(OnEnd::Ignore);
        let (stage, _) = Stage::new(&scenario);
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$ > \"$0\"; exec \"$1\""]).arg(stage.path("id"));
        command.arg(std::env::current_exe().expect("a program"));
        command.env(SCENARIO, stage.path("scenario")).stdin(Stdio::null());
        // An hour: dropping does not wait for any of it.
        let hour = Duration::from_secs(3600);
        let process = Process::from_command(&command).patience(hour, hour);
        let client = R::spawn_process(Client::builder(), process).await.expect("it starts");
        let id = fs::read_to_string(stage.path("id")).expect("an id").trim().to_owned();
        assert!(is_running(&id));
        let mut all = client.events(Filter::All);
        drop(client);
        assert!(R::next(&mut all).await.is_none());
        wait_until_gone(&id);
    }

    /// A gigabyte in a release build. A debug build takes a tenth, as it needs some microseconds for a line.
    const FLOOD: u64 = if cfg!(debug_assertions) { 100_000_000 } else { 1_000_000_000 };

    async fn a_flood_on_stderr_delays_no_call<R: Kit>() {
        const PARTS: u64 = 10;
        // The server writes in order: each answer shows that the part before it was taken in.
        let then = [Step::StderrFlood(FLOOD / PARTS)];
        let scenario = Scenario::new().answer("go", Answer::result(json!("$count")).then(then));
        let (_stage, client) = start::<R>(&scenario).await;
        for n in 1..=PARTS {
            assert_eq!(R::call(&client, "go", json!({})).await.expect("an answer"), n);
        }
        R::call(&client, "m", json!({})).await.expect("an answer");
        R::shutdown(&client).await;
        let closed = client.closed().expect("it is closed");
        assert_eq!(closed.stderr.len(), 20, "the last lines are kept, and no more");
    }

    async fn a_program_that_is_not_there_is_named<R: Kit>() {
        let error = R::spawn_process(Client::builder(), Process::new().program("/no/such/codex"))
            .await
            .expect_err("it is not there");
        assert!(
            matches!(&error, Error::Start { program, .. } if program == Path::new("/no/such/codex")),
            "{error}"
        );
        assert!(error.to_string().contains("failed to start `/no/such/codex`"), "{error}");
    }

    async fn a_folder_that_is_not_there_is_named<R: Kit>() {
        let process = Process::from_command(&Command::new("/bin/sh")).current_dir("/no/such/folder");
        let error = R::spawn_process(Client::builder(), process).await.expect_err("it cannot run there");
        assert!(matches!(&error, Error::Start { .. }), "{error}");
        assert!(error.to_string().contains("`/no/such/folder`, is not there"), "{error}");
    }

    async fn the_environment_and_the_folder_are_as_set<R: Kit>() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().canonicalize().expect("it is there");
        let script = "echo \"$CODEX_HOME|$GONE|$HOME|$ONE$TWO|$*\" >&2; pwd >&2; exit 7";
        let process = Process::from_command(Command::new("/bin/sh").args(["-c", script, "sh"]))
            .env_clear()
            .envs([("ONE", "1"), ("TWO", "2"), ("GONE", "still here")])
            .env_remove("GONE")
            .codex_home("/codex home")
            .config("a.b", "\"c d\"")
            .arg("last")
            .current_dir(&place);
        let error = R::spawn_process(Client::builder(), process).await.expect_err("it exits");
        let closed = closed(&error);
        assert_eq!(closed.status.and_then(|status| status.code()), Some(7));
        let expected = ["/codex home|||12|-c a.b=\"c d\" last".to_owned(), place.display().to_string()];
        assert_eq!(closed.stderr, expected);
    }
}
