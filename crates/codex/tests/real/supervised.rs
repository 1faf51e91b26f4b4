//! A supervised connection: the server dies, or is out of reach for a moment, and the program goes on.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use codex_appserver::protocol::{ThreadItem, TurnStatus};
use codex_appserver::{
    Approvals, ClientError, Codex, Decision, Event, Missed, SharedServer, Supervision, Thread, Turn, blocking,
};
use codex_appserver_testkit::{CodexHomeBuilder, Gate, Reply};
use rustix::process::{Pid, Signal, kill_process};

use crate::example::example;
use crate::stage::{PATIENCE, Stage};

fn policy() -> Supervision {
    Supervision::default().first_delay(Duration::from_millis(10))
}

fn kill(pid: Option<u32>) {
    let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    kill_process(pid.expect("a process"), Signal::KILL).expect("it runs");
}

/// Reads until the connection was made again, and yields what was missed.
async fn missed(stream: &mut codex_appserver::TurnStream) -> Arc<Missed> {
    loop {
        let event = stream.next().await.expect("not the end").expect("an event");
        if let Event::Reconnected { missed, .. } = event {
            return missed;
        }
    }
}

/// A turn that waits for the model, in a new thread.
async fn begin(codex: &Codex, gate: &Gate) -> (Thread, Turn) {
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("Go.").await.expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    (thread, turn)
}

#[tokio::test]
async fn a_turn_of_a_killed_server_was_interrupted() {
    let gate = Gate::new();
    let replies = [Reply::hold(&gate).then(Reply::text("Too late.")), Reply::text("Here again.")];
    let Some(stage) = Stage::set(replies) else { return };
    let codex = stage.builder().supervised(policy()).start().await.expect("a codex");
    let (thread, turn) = begin(&codex, &gate).await;
    let (old, mut stream) = (codex.status(), turn.stream());
    assert_eq!((old.generation, stream.generation()), (1, 1));
    kill(old.pid);

    let missed = missed(&mut stream).await;
    assert_eq!((missed.restarted, stream.generation()), (Some(true), 2));
    while let Some(event) = stream.next().await {
        event.expect("an event");
    }
    let result = stream.into_result().expect("a result");
    assert_eq!(result.status, TurnStatus::Interrupted);
    assert!(result.items.iter().any(|item| matches!(item, ThreadItem::UserMessage(_))));

    let status = codex.status();
    assert!(status.is_connected() && status.generation == 2 && status.pid != old.pid, "{status:?}");
    assert_eq!(status.server_version, Some(codex.metadata().server_version));
    let again = thread.run("Again.").await.expect("a result");
    assert_eq!(again.final_text.as_deref(), Some("Here again."));
    assert_eq!(stage.model.requests().len(), 2, "nothing was sent twice");
    codex.close().await;
}

#[test]
fn a_killed_server_is_followed_by_another_one_on_threads() {
    let gate = Gate::new();
    let replies = [Reply::hold(&gate).then(Reply::text("Too late.")), Reply::text("Here again.")];
    let Some(stage) = Stage::set(replies) else { return };
    let builder = blocking::Codex::builder().process(|_| stage.process()).supervised(policy());
    let codex = builder.start().expect("a codex");
    let thread = codex.thread_start().call().expect("a thread");
    let turn = thread.turn("Go.").call().expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    let mut changes = codex.status_changes();
    kill(codex.status().pid);
    let result = turn.run().expect("a result");
    assert_eq!(result.status, TurnStatus::Interrupted);
    assert!(changes.any(|status| status.is_connected() && status.generation == 2));
    let again = thread.run("Again.").expect("a result");
    assert_eq!(again.final_text.as_deref(), Some("Here again."));
    assert_eq!(stage.model.requests().len(), 2, "nothing was sent twice");
    codex.close();
}

#[tokio::test]
async fn a_thread_without_a_turn_is_gone_with_its_server() {
    let Some(stage) = Stage::set([]) else { return };
    let codex = stage.builder().supervised(policy()).start().await.expect("a codex");
    let thread = codex.thread_start().await.expect("a thread");
    let mut changes = codex.status_changes();
    kill(codex.status().pid);
    while !changes.next().await.expect("a change").is_connected() {}
    let error = thread.turn("Go.").await.expect_err("it is not there");
    assert!(matches!(error, ClientError::Rpc { .. }), "{error}");
    codex.close().await;
}

/// A server that is stopped soon after the test.
async fn shared(stage: &Stage) -> SharedServer {
    let process = stage.process();
    let server = SharedServer::for_home(stage.home.codex_home()).process(|_| process);
    server.idle_time(Duration::from_secs(1)).start().await.expect("a server")
}

/// Passes on what comes in on a Unix socket, until it is cut.
struct Cable {
    address: String,
    ends: Arc<Mutex<Vec<UnixStream>>>,
}

impl Cable {
    fn to(server: &SharedServer, stage: &Stage) -> Self {
        let path = stage.home.workspace().join("cable");
        let listener = UnixListener::bind(&path).expect("a socket");
        let socket = server.address().to_string();
        let socket = Path::new(socket.strip_prefix("unix://").expect("a Unix socket"));
        let ends = Arc::new(Mutex::new(Vec::new()));
        let (socket, kept) = (socket.to_owned(), ends.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) =
                    (client.expect("a client"), UnixStream::connect(&socket).expect("a server"));
                let clone = |end: &UnixStream| end.try_clone().expect("another handle");
                kept.lock().expect("no panic").extend([clone(&client), clone(&server)]);
                for (mut from, mut to) in [(clone(&client), clone(&server)), (server, client)] {
                    thread::spawn(move || {
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Self { address: format!("unix://{}", path.display()), ends }
    }

    fn cut(&self) {
        for end in self.ends.lock().expect("no panic").drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_goes_on_without_its_connection() {
    let gate = Gate::new();
    let replies = [
        Reply::hold(&gate)
            .then(Reply::text("I look."))
            .then(Reply::function_call("exec_command", r#"{"cmd":"echo hi"}"#)),
        Reply::text("It says hi."),
    ];
    let Some(stage) = Stage::set(replies) else { return };
    let server = shared(&stage).await;
    let cable = Cable::to(&server, &stage);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let approvals = Approvals::ask(move |_| {
        let is_first = count.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if is_first {
                std::future::pending::<()>().await;
            }
            Decision::Accept
        }
    });
    let builder = Codex::builder().supervised(policy()).approvals(approvals);
    let codex = builder.connect(&cable.address).await.expect("a codex");
    let thread = codex.thread_start().approval_policy("untrusted").await.expect("a thread");
    let turn = thread.turn("Go.").await.expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    let mut stream = turn.stream();
    cable.cut();
    gate.open();
    let first = missed(&mut stream).await;
    assert_eq!(first.restarted, None, "a socket says nothing of processes");
    // While the approval is asked for, the connection is lost again.
    while asked.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cable.cut();
    let second = missed(&mut stream).await;
    assert_eq!(second.requests.len(), 1, "{second:?}");
    while let Some(event) = stream.next().await {
        event.expect("an event");
    }
    let result = stream.into_result().expect("a result");
    assert_eq!(result.status, TurnStatus::Completed);
    assert_eq!(result.final_text.as_deref(), Some("It says hi."));
    let kinds: Vec<_> = result.items.iter().map(ThreadItem::tag).collect();
    assert_eq!(kinds, ["userMessage", "agentMessage", "commandExecution", "agentMessage"]);
    assert_eq!(asked.load(Ordering::SeqCst), 2, "once for each connection");
    assert_eq!(stage.model.requests().len(), 2, "nothing was sent twice");
    codex.close().await;
}

#[tokio::test]
async fn a_killed_shared_server_is_started_again() {
    let gate = Gate::new();
    let replies = [Reply::hold(&gate).then(Reply::text("Too late.")), Reply::text("Here again.")];
    let Some(stage) = Stage::set(replies) else { return };
    let server = shared(&stage).await;
    let builder = Codex::builder().supervised(policy());
    let codex = builder.connect_shared(&server).await.expect("a codex");
    let (thread, turn) = begin(&codex, &gate).await;
    assert_eq!(codex.status().pid, Some(server.pid()));
    drop(server);
    let old = codex.status().pid;
    kill(old);
    let mut stream = turn.stream();
    assert_eq!(missed(&mut stream).await.restarted, Some(true));
    assert_eq!(turn_result(stream).await.status, TurnStatus::Interrupted);
    assert_ne!(codex.status().pid, old);
    let again = thread.run("Again.").await.expect("a result");
    assert_eq!(again.final_text.as_deref(), Some("Here again."));
    assert_eq!(stage.model.requests().len(), 2, "nothing was sent twice");
    codex.close().await;
}

async fn turn_result(mut stream: codex_appserver::TurnStream) -> codex_appserver::TurnResult {
    while let Some(event) = stream.next().await {
        event.expect("an event");
    }
    stream.into_result().expect("a result")
}

#[tokio::test]
async fn a_turn_whose_start_was_not_answered_is_found() {
    let gate = Gate::new();
    let Some(stage) = Stage::set([Reply::hold(&gate).then(Reply::text("Too late."))]) else { return };
    let codex = stage.builder().supervised(policy()).start().await.expect("a codex");
    let thread = codex.thread_start().await.expect("a thread");
    assert!(thread.find_turn("one").await.expect("an answer").is_none(), "no turn was recorded");
    let turn = thread.turn("Go.").client_user_message_id("one").await.expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    kill(codex.status().pid);
    let found = thread.find_turn("one").await;
    // The call was under way when the server died, or waited for the next one.
    let found = match found {
        Err(error) if error.may_have_run() => thread.find_turn("one").await,
        found => found,
    };
    let found = found.expect("an answer").expect("it was recorded");
    assert_eq!(found.id(), turn.id());
    assert_eq!(found.run().await.expect("a result").status, TurnStatus::Interrupted);
    assert!(thread.find_turn("another").await.expect("an answer").is_none());
    codex.close().await;
}

#[tokio::test]
async fn an_approval_of_a_tool_that_is_asked_again_is_one() {
    let call = Reply::mcp_tool_call("demo", "erase", r#"{"what":"it"}"#);
    let home = |home: CodexHomeBuilder| home.mcp_server("demo", example("cli_mini_app"), ["--mcp-server"]);
    let Some(stage) = Stage::with([call, Reply::text("Gone.")], home) else { return };
    let server = shared(&stage).await;
    let cable = Cable::to(&server, &stage);
    let items = Arc::new(Mutex::new(Vec::new()));
    let seen = items.clone();
    let approvals = Approvals::ask(move |request| {
        let mut seen = seen.lock().expect("no panic");
        seen.push(request.item_id().map(str::to_owned));
        let is_first = seen.len() == 1;
        async move {
            if is_first {
                std::future::pending::<()>().await;
            }
            Decision::Accept
        }
    });
    let builder = Codex::builder().supervised(policy()).approvals(approvals);
    let codex = builder.connect(&cable.address).await.expect("a codex");
    let turn = codex.thread_start().await.expect("a thread").turn("Erase it.").await.expect("a turn");
    while items.lock().expect("no panic").is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cable.cut();
    let result = turn.run().await.expect("a result");
    assert_eq!(result.final_text.as_deref(), Some("Gone."));
    let items = items.lock().expect("no panic").clone();
    assert!(items.len() == 2 && items[0].is_some() && items[0] == items[1], "{items:?}");
    codex.close().await;
}

/// The subscription of such a turn is older than the connection that it is started over.
#[tokio::test]
async fn a_turn_that_is_begun_meanwhile_is_what_it_is() {
    let Some(stage) = Stage::set((0..4).map(|_| Reply::text("Here."))) else { return };
    let codex = stage.builder().supervised(policy()).start().await.expect("a codex");
    let thread = codex.thread_start().await.expect("a thread");
    thread.run("Before.").await.expect("a result");
    for n in 0..3 {
        let generation = codex.status().generation;
        kill(codex.status().pid);
        while codex.status().is_connected() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let turn = thread.turn(format!("Meanwhile {n}.")).await.expect("it waits for the next server");
        let result = turn.run().await.expect("a result");
        assert_eq!(result.status, TurnStatus::Completed);
        assert_eq!(result.final_text.as_deref(), Some("Here."));
        assert_eq!(codex.status().generation, generation + 1);
    }
    assert_eq!(stage.model.requests().len(), 4, "nothing was sent twice");
    codex.close().await;
}
