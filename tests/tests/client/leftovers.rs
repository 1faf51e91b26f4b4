//! What is left in the process table when a client or its server ends in the middle of a turn, a command of the
//! user and a call: nothing, not even a zombie.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use codex_appserver_client::protocol::CommandExecResponse;
use codex_appserver_client::{CloseReason, Closed, Error, Methods};
use codex_appserver_enums::TurnStatus;
use codex_appserver_testkit::{Gate, Reply};
use codex_appserver_types::{SandboxPolicy, Thread};
use tokio::sync::oneshot;

use crate::side::{Side, Tasks, both};
use crate::stage::{PATIENCE, Stage, in_time, tell};
use crate::story::Story;

both!(
    nothing_is_left_of_a_shutdown,
    nothing_is_left_of_a_server_that_is_killed,
    nothing_is_left_of_a_client_that_is_dropped,
);

/// How long to wait before looking at the process table again.
const PAUSE: Duration = Duration::from_millis(10);

/// A server that is in the middle of everything.
struct Busy<S: Side> {
    stage: Stage,
    client: S::Client,
    thread: Thread,
    story: Story<S>,
    server: u32,
}

impl<S: Side> Busy<S> {
    /// The model never ends its reply, and a command of the user never ends either.
    async fn set() -> Option<Self> {
        let stage = Stage::set()?;
        stage.model.push(Reply::unfinished_text(["I will never"]).then(Reply::hold(&Gate::new())));
        let client = stage.spawn::<S>(S::builder()).await;
        let thread = stage.thread::<S>(&client).await;
        let (_, mut story) = tell::<S>(&client, &thread, "Begin.").await;
        story.delta().await;
        let command = client.thread_shell_command(&thread.id, "exec sleep 1000");
        S::send(command).await.expect("thread/shellCommand");
        let home = stage.home.root();
        eventually("the command runs", || running(home, "sleep 1000") == 1).await;
        let ours = |id: &u32| parent(*id) == Some(std::process::id());
        let server = processes(home).into_keys().find(ours).expect("the server is a child of this test");
        Some(Self { stage, client, thread, story, server })
    }

    /// One more command, and a call that is answered when it ends.
    async fn call(&self) -> oneshot::Receiver<Result<CommandExecResponse, Error>> {
        let client = self.client.clone();
        let call = S::go(async move {
            // In the sandbox a command that is just being started can outlive a server that is killed.
            let command = client.command_exec(["sleep", "1001"]);
            S::send(command.sandbox_policy(SandboxPolicy::DangerFullAccess)).await
        });
        let home = self.home();
        eventually("the command of the call runs", || running(&home, "sleep 1001") == 1).await;
        call
    }

    fn home(&self) -> PathBuf {
        self.stage.home.root().to_owned()
    }
}

async fn nothing_is_left_of_a_shutdown<S: Side>() {
    let Some(mut busy) = Busy::<S>::set().await else { return };
    let call = busy.call().await;
    let status = in_time(S::shutdown(&busy.client)).await.expect("a process");
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(!is_there(busy.server), "the server was not reaped");
    let error = in_time(call).await.expect("it ran").expect_err("the command never ends");
    assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    assert!(busy.story.end().await.is_none(), "the end was wanted");
    nothing_is_left(&busy.home()).await;
}

async fn nothing_is_left_of_a_server_that_is_killed<S: Side>() {
    let Some(mut busy) = Busy::<S>::set().await else { return };
    let call = busy.call().await;
    let killed = Command::new("kill").args(["-KILL", &busy.server.to_string()]).status();
    assert!(killed.expect("kill runs").success());
    let error = in_time(call).await.expect("it ran").expect_err("the server is dead");
    died(&error);
    died(&busy.story.end().await.expect("the events end with an error"));
    assert!(!is_there(busy.server), "the server was not reaped");
    nothing_is_left(&busy.home()).await;

    // The thread can be taken up where it was left.
    busy.stage.model.push(Reply::text("I can again."));
    let client = busy.stage.spawn::<S>(S::builder()).await;
    S::send(client.thread_resume(&busy.thread.id)).await.expect("thread/resume");
    let (_, mut story) = tell::<S>(&client, &busy.thread, "Can you?").await;
    assert_eq!(story.completed().await.status, TurnStatus::Completed);
    assert_eq!(in_time(S::shutdown(&client)).await.and_then(|status| status.code()), Some(0));
    nothing_is_left(&busy.home()).await;
}

/// The error of whatever waited when the server was killed: it tells how the process ended.
#[track_caller]
fn died(error: &Error) {
    use std::os::unix::process::ExitStatusExt as _;
    let Error::Closed(closed) = error else { panic!("{error}") };
    let Closed { reason, status, .. } = &**closed;
    assert!(matches!(reason, CloseReason::EndOfStream | CloseReason::Failed(_)), "{closed}");
    assert_eq!(status.and_then(|status| status.signal()), Some(9), "{closed}");
    assert!(error.to_string().contains("signal: 9"), "{error}");
}

async fn nothing_is_left_of_a_client_that_is_dropped<S: Side>() {
    let Some(busy) = Busy::<S>::set().await else { return };
    let (home, server) = (busy.home(), busy.server);
    let Busy { stage, client, mut story, .. } = busy;
    drop(client);
    assert!(story.end().await.is_none(), "the end was wanted");
    eventually("the server is gone", || !is_there(server)).await;
    nothing_is_left(&home).await;
    drop(stage);
}

/// A client that outlives its runtime: the server goes with the runtime, and calls end instead of waiting for it.
#[test]
fn nothing_is_left_of_a_runtime_that_ends() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let first = runtime().expect("a runtime");
    let Some(busy) = first.block_on(Busy::<Tasks>::set()) else { return };
    drop(first);
    runtime().expect("a runtime").block_on(async {
        let error = in_time(busy.client.thread_loaded_list().into_future())
            .await
            .expect_err("nobody is there to write it");
        assert!(matches!(error, Error::Closed(_)), "{error}");
        nothing_is_left(&busy.home()).await;
    });
}

/// Waits until no process of a home runs. One whose parent died before it may still be in the table as a zombie:
/// that is for the system to mind.
async fn nothing_is_left(home: &Path) {
    eventually("all processes are gone", || processes(home).is_empty()).await;
}

/// Looks at the process table until what is said is true.
async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it is not so that {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// How many processes of a home run this command.
fn running(home: &Path, command: &str) -> usize {
    processes(home).values().filter(|line| *line == command).count()
}

/// The processes with a home in their environment, which children inherit, and their command lines.
fn processes(home: &Path) -> BTreeMap<u32, String> {
    let home = home.to_str().expect("temporary folders have UTF-8 names");
    let table = fs::read_dir("/proc").expect("a process table");
    let ids = table.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let of_home = |id: &u32| read(*id, "environ").is_some_and(|environment| environment.contains(home));
    let line = |id: u32| read(id, "cmdline").map(|line| (id, line.replace('\0', " ").trim_end().to_owned()));
    ids.filter(of_home).filter_map(line).collect()
}

/// A file that the system keeps about a process; none once it has gone.
fn read(id: u32, file: &str) -> Option<String> {
    let bytes = fs::read(format!("/proc/{id}/{file}")).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn parent(id: u32) -> Option<u32> {
    read(id, "status")?.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// Whether the process is in the process table, be it as a zombie.
fn is_there(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}
