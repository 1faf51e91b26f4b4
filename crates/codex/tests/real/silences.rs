//! Turns of a shared server that would be silent forever.

use std::future::pending;
use std::time::{Duration, Instant};

use codex_appserver::client::CloseReason;
use codex_appserver::protocol::{AskForApproval, ThreadItem};
use codex_appserver::{Approvals, ClientError, Codex, Decision, Error};
use codex_appserver_testkit::{Gate, Reply};
use rustix::process::{Signal, kill_process};

use crate::listening::Listening;
use crate::stage::{PATIENCE, Stage};

/// The server tells a client nothing of a thread that it has not resumed.
#[tokio::test]
async fn a_turn_on_a_thread_that_was_not_resumed_ends() {
    let Some(stage) = Stage::set([Reply::text("Hello."), Reply::text("Unheard.")]) else { return };
    let server = Listening::start(&stage);
    let host = server.connect(Codex::builder).await;
    let thread = host.thread_start().await.expect("a thread");
    thread.run("Hello.").await.expect("a result");
    let other = server.connect(Codex::builder).await;
    let turn = other.thread(thread.id()).turn("And?").await.expect("the server runs it");
    let result = turn.run().await.expect("its end is in the records");
    assert_eq!((result.is_completed(), result.text()), (true, "Unheard."));
}

/// Handles that come to a turn in the middle have its first items as well, which their streams never saw.
#[tokio::test(flavor = "multi_thread")]
async fn handles_that_join_a_turn_have_all_its_items() {
    let gate = Gate::new();
    let held = Reply::unfinished_text(["Wait"]).then(Reply::hold(&gate)).then(Reply::text("."));
    let replies = [Reply::command_to_approve("echo first", "for a test"), held, Reply::text("Done.")];
    let Some(stage) = Stage::set(replies) else { return };
    let approvals = Approvals::ask(|_| async { Decision::Accept });
    let codex = stage.builder().approvals(approvals).start().await.expect("a codex");
    let thread = codex.thread_start().approval_policy(AskForApproval::Untrusted).await.expect("a thread");
    let turn = thread.turn("Go.").await.expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the command is done, the model is at it");
    let joined = thread.turn("Also.").await.expect("the same turn");
    assert_eq!(joined.id(), turn.id());
    let followed = thread.follow(turn.id());
    gate.open();
    for handle in [turn, joined, followed] {
        let result = handle.run().await.expect("a result");
        let commands = result.items.iter().filter(|item| matches!(item, ThreadItem::CommandExecution(_)));
        assert_eq!((commands.count(), result.text()), (1, "Done."), "{:?}", result.items);
    }
}

/// The client that started the turn is gone, and the one that is there gets its approvals late.
#[tokio::test]
async fn late_approvals_decide_what_a_dead_client_was_asked() {
    let replies = [Reply::command_to_approve("echo approved", "for a test"), Reply::text("Done.")];
    let Some(stage) = Stage::set(replies) else { return };
    let server = Listening::start(&stage);
    let (asked, mut was_asked) = tokio::sync::mpsc::unbounded_channel();
    let host = server.connect(Codex::builder).await;
    let thread = host.thread_start().approval_policy(AskForApproval::Untrusted).await.expect("a thread");
    thread.on_approval(Approvals::ask(move |_| {
        let _ = asked.send(());
        pending()
    }));
    let turn = thread.turn("Go.").await.expect("a turn");
    was_asked.recv().await.expect("it is asked");
    let heir = server.connect(Codex::builder).await;
    let resumed = heir.thread_resume(thread.id()).await.expect("the thread");
    let followed = resumed.follow(turn.id());
    host.client().shutdown().await;
    let waiting = tokio::time::timeout(Duration::from_secs(1), followed.run()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    resumed.on_approval(Approvals::ask(|_| async { Decision::Accept }));
    let result = tokio::time::timeout(PATIENCE, followed.run()).await.expect("it ends").expect("a result");
    assert_eq!(result.text(), "Done.");
}

#[tokio::test]
async fn a_stopped_server_ends_its_turns() {
    let gate = Gate::new();
    let Some(stage) = Stage::set([Reply::hold(&gate).then(Reply::text("Too late."))]) else { return };
    let server = Listening::start(&stage);
    let silence = Duration::from_millis(500);
    let codex = server.connect(|| Codex::builder().client(|client| client.keep_alive(silence))).await;
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("Go.").await.expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    // It answers pings.
    let waiting = tokio::time::timeout(4 * silence, turn.run()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    kill_process(server.pid(), Signal::STOP).expect("it is there");
    let begun = Instant::now();
    let error = turn.run().await.expect_err("nothing is heard");
    let Error::Client(ClientError::Closed(closed)) = &error else { panic!("{error}") };
    assert!(matches!(closed.reason, CloseReason::Silent(_)), "{closed}");
    assert!(begun.elapsed() < 10 * silence, "{:?}", begun.elapsed());
}

/// The same with a process of the client's own.
#[tokio::test]
async fn a_stopped_child_ends_its_turns() {
    let gate = Gate::new();
    let Some(stage) = Stage::set([Reply::hold(&gate).then(Reply::text("Too late."))]) else { return };
    let silence = Duration::from_millis(500);
    let pids = stage.home.tmp().join("pid");
    let command = stage.command();
    let mut shell = std::process::Command::new("/bin/sh");
    shell.arg("-c").arg("echo $$ > \"$PID_FILE\"; exec \"$0\" \"$@\"");
    shell.arg(command.get_program()).args(command.get_args()).env("PID_FILE", &pids);
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    let process = codex_appserver::Process::from_command(&shell);
    let builder = Codex::builder().process(|_| process).client(|client| client.keep_alive(silence));
    let codex = builder.start().await.expect("a codex");
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("Go.").await.expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    let waiting = tokio::time::timeout(4 * silence, turn.run()).await;
    assert!(waiting.is_err(), "it gives a sign of life: {waiting:?}");
    let pid = std::fs::read_to_string(&pids).expect("a file").trim().parse().expect("a number");
    let pid = rustix::process::Pid::from_raw(pid).expect("an id");
    kill_process(pid, Signal::STOP).expect("it is there");
    let error = turn.run().await.expect_err("nothing is heard");
    let Error::Client(ClientError::Closed(closed)) = &error else { panic!("{error}") };
    assert!(matches!(closed.reason, CloseReason::Silent(_)) && closed.status.is_some(), "{closed}");
}
