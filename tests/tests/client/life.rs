//! How connections and processes end.

use std::path::Path;
use std::process::Command as Program;
use std::time::Instant;

use codex_appserver_client::{CloseReason, Closed, Error, Methods, Process};
use codex_appserver_testkit::{Gate, Reply};

use crate::server::Server;
use crate::side::{Side, both};
use crate::stage::{PATIENCE, Stage, in_time, tell};

both!(
    a_killed_server_ends_calls_and_events_with_its_status,
    a_shutdown_is_graceful,
    a_shutdown_from_everywhere_ends_everything,
    a_client_that_is_dropped_takes_its_server_along,
    a_codex_that_is_not_there_is_an_error,
);

impl Stage {
    /// The server behind a shell that leaves its process id, which becomes the server's, in a file.
    fn process_with_id(&self, file: &Path) -> Process {
        let codex = self.command();
        let script = r#"echo $$ > "$0"; exec "$@""#;
        let mut command = Program::new("sh");
        command.args(["-c", script]).arg(file).arg(codex.get_program()).args(codex.get_args());
        self.home.set_environment(&mut command);
        Process::from_command(&command).env_clear()
    }
}

fn id(file: &Path) -> String {
    std::fs::read_to_string(file).expect("the server has started").trim().to_owned()
}

/// Whether the process is in the process table, be it as a zombie.
fn is_there(id: &str) -> bool {
    let asked = Program::new("sh").args(["-c", "kill -0 \"$0\" 2>/dev/null", id]).status();
    asked.expect("a shell runs").success()
}

/// Whether all threads of the process are stopped, each of which takes its time. Without `/proc` nobody can tell.
fn is_stopped(id: &str) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{id}/task")) else { return true };
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|state| state.starts_with('T'))
    })
}

/// What waits when the server dies ends at once, with how it died. A new client works in the same home.
async fn a_killed_server_ends_calls_and_events_with_its_status<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let file = stage.home.root().join("id");
    stage.model.push(Reply::unfinished_text(["I will never"]).then(Reply::hold(&Gate::new())));
    let client = S::spawn(S::builder(), stage.process_with_id(&file)).await.expect("the server starts");
    let thread = stage.thread::<S>(&client).await;
    let (_, mut story) = tell::<S>(&client, &thread, "Begin.").await;
    story.delta().await;
    // A stopped server leaves its calls unanswered, so that they are open when it is killed.
    let id = id(&file);
    let signal = |name: &str| {
        assert!(Program::new("kill").args([name, &id]).status().expect("kill runs").success());
    };
    signal("-STOP");
    let deadline = std::time::Instant::now() + crate::stage::PATIENCE;
    while !is_stopped(&id) {
        assert!(std::time::Instant::now() < deadline, "the server does not stop");
        std::thread::yield_now();
    }
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            S::go(async move { S::send(client.thread_loaded_list()).await })
        })
        .collect();
    signal("-KILL");
    for call in calls {
        let error = in_time(call).await.expect("it ran").expect_err("the server is dead");
        let Error::Closed(closed) = error else { panic!("{error}") };
        assert!(killed(&closed), "{closed}");
    }
    let Some(Error::Closed(closed)) = story.end().await else { panic!("the events end without an error") };
    assert!(killed(&closed), "{closed}");
    assert!(killed(&*S::wait_closed(&client).await));
    assert!(!is_there(&id), "the server is a zombie");

    let client = stage.spawn::<S>(S::builder()).await;
    let read = S::send(client.thread_read(&thread.id)).await.expect("thread/read");
    assert_eq!(read.thread.id, thread.id);
}

/// Whether this is the end of a server that was killed.
fn killed(closed: &Closed) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    let unexpected = matches!(closed.reason, CloseReason::EndOfStream | CloseReason::Failed(_));
    unexpected && closed.status.is_some_and(|status| status.signal() == Some(9))
}

/// The server ends by itself, and is gone from the process table; afterwards calls fail at once.
async fn a_shutdown_is_graceful<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let file = stage.home.root().join("id");
    let client = S::spawn(S::builder(), stage.process_with_id(&file)).await.expect("the server starts");
    let thread = stage.thread::<S>(&client).await;
    let status = in_time(S::shutdown(&client)).await.expect("a process");
    assert_eq!(status.code(), Some(0));
    assert!(S::wait_closed(&client).await.is_shutdown());
    assert!(!is_there(&id(&file)));
    let error = S::send(client.thread_read(&thread.id)).await.expect_err("it is over");
    assert!(matches!(error, Error::Closed(_)), "{error}");
    // Once more does no harm.
    assert_eq!(S::shutdown(&client).await, Some(status));
}

/// Nobody says goodbye: the last handle goes in the middle of a turn, and the process goes as well.
async fn a_client_that_is_dropped_takes_its_server_along<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let file = stage.home.root().join("id");
    stage.model.push(Reply::unfinished_text(["I will never"]).then(Reply::hold(&Gate::new())));
    let client = S::spawn(S::builder(), stage.process_with_id(&file)).await.expect("the server starts");
    let thread = stage.thread::<S>(&client).await;
    let (_, mut story) = tell::<S>(&client, &thread, "Begin.").await;
    story.delta().await;
    let id = id(&file);
    assert!(is_there(&id));
    drop(client);
    assert!(story.end().await.is_none(), "the end was wanted");
    let begun = Instant::now();
    while is_there(&id) {
        assert!(begun.elapsed() < PATIENCE, "the server outlives its client");
        tokio::task::yield_now().await;
    }
}

/// Shutting down from many places at once, while calls are made: all come to an end, and none is left hanging.
async fn a_shutdown_from_everywhere_ends_everything<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let server = Server::unix(&stage);
    for _ in 0..50 {
        let client = server.connect::<S>(S::builder).await;
        let calls: Vec<_> = (0..4)
            .map(|_| {
                let client = client.clone();
                S::go(async move { S::send(client.thread_loaded_list()).await })
            })
            .collect();
        let shutdowns: Vec<_> = (0..4)
            .map(|_| {
                let client = client.clone();
                S::go(async move { S::shutdown(&client).await })
            })
            .collect();
        for shutdown in shutdowns {
            assert_eq!(in_time(shutdown).await.expect("it ran"), None);
        }
        for call in calls {
            match in_time(call).await.expect("it ran") {
                Ok(_) | Err(Error::Cancelled { .. } | Error::Closed(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert!(S::wait_closed(&client).await.is_shutdown());
    }
}

async fn a_codex_that_is_not_there_is_an_error<S: Side>() {
    let outcome = S::spawn(S::builder(), Process::new().program("/no/such/codex")).await;
    let Err(error) = outcome else { panic!("something was started") };
    assert!(matches!(error, Error::Start { .. }) && error.to_string().contains("/no/such/codex"), "{error}");
    // Something that starts, says nothing and ends.
    let outcome = S::spawn(S::builder(), Process::new().program("false")).await;
    let Err(Error::Closed(closed)) = outcome else { panic!("something answered") };
    assert_eq!(closed.status.and_then(|status| status.code()), Some(1));
}
