//! Refusals of the real codex, and what their errors say to do.

use codex_appserver::client::RpcErrorKind;
use codex_appserver::protocol::TurnStatus;
use codex_appserver::{ClientError, Codex, Methods as _, Process};
use codex_appserver_testkit::{Gate, Reply};

use crate::stage::Stage;

/// The kind of an error, whose text has to name what to do.
fn refused<T: std::fmt::Debug>(outcome: Result<T, ClientError>, advice: &str) -> RpcErrorKind {
    let error = outcome.expect_err("it is refused");
    assert!(error.to_string().contains(advice), "{error}");
    error.kind().expect("the server refuses it")
}

#[tokio::test]
async fn a_thread_without_turns_is_not_recorded() {
    let Some(stage) = Stage::set([]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let client = codex.client();
    let advice = "recorded from its first turn on";
    assert_eq!(refused(codex.thread_resume(thread.id()).await, advice), RpcErrorKind::NotRecorded);
    assert_eq!(refused(client.thread_turns_list(thread.id()).await, advice), RpcErrorKind::NotRecorded);
    let ephemeral = codex.thread_start().ephemeral(true).await.expect("a thread");
    assert_eq!(refused(codex.thread_resume(ephemeral.id()).await, advice), RpcErrorKind::NotRecorded);
    let read = client.thread_read(ephemeral.id()).include_turns(true);
    assert_eq!(refused(read.await, advice), RpcErrorKind::NotRecorded);
}

#[tokio::test]
async fn a_thread_of_another_process_has_its_writer() {
    let Some(stage) = Stage::set([Reply::text("Hello.")]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    thread.run("Hello.").await.expect("a result");
    let other = stage.codex().await;
    let advice = "another codex process has it open";
    assert_eq!(refused(other.thread_resume(thread.id()).await, advice), RpcErrorKind::ActiveWriter);
    codex.close().await;
    other.thread_resume(thread.id()).await.expect("now it is free");
}

#[tokio::test]
async fn a_broken_project_configuration_is_named() {
    let Some(stage) = Stage::set([]) else { return };
    let codex = stage.codex().await;
    let project = stage.home.root().join("project");
    let file = project.join(".codex/config.toml");
    std::fs::create_dir_all(project.join(".codex")).expect("a folder");
    for broken in ["model = ", "model = 5", "[mcp_servers.x]\ntransport = \"bad\""] {
        std::fs::write(&file, broken).expect("a file");
        let folder = project.to_str().expect("UTF-8");
        let kind = refused(codex.thread_start().cwd(folder).await, file.to_str().expect("UTF-8"));
        assert_eq!(kind, RpcErrorKind::BrokenConfig, "{broken}");
        let kind = refused(codex.client().config_read().cwd(folder).await, "mend that file");
        assert_eq!(kind, RpcErrorKind::BrokenConfig, "{broken}");
    }
}

#[tokio::test]
async fn the_turn_at_work_is_named_to_who_steers_another() {
    let gate = Gate::new();
    let Some(stage) = Stage::set([Reply::unfinished_text(["On"]).then(Reply::hold(&gate))]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let nothing = codex.client().turn_interrupt(thread.id(), "0199a2b4-0000-7000-8000-000000000000").await;
    assert_eq!(refused(nothing, "has not begun yet"), RpcErrorKind::NoActiveTurn);

    let turn = thread.turn("Go.").await.expect("a turn");
    turn.stream().next().await.expect("an event").expect("it begins");
    let other = codex.client().turn_interrupt(thread.id(), "0199a2b4-0000-7000-8000-000000000000").await;
    let error = other.expect_err("it is refused");
    assert_eq!(error.kind(), Some(RpcErrorKind::OtherTurn), "{error}");
    assert_eq!(error.rpc().and_then(|said| said.active_turn_id()), Some(turn.id()));
    turn.interrupt().await.expect("it is interrupted");
    assert_eq!(turn.run().await.expect("a result").status, TurnStatus::Interrupted);
}

#[tokio::test]
async fn an_unknown_method_is_told_in_one_line() {
    let Some(stage) = Stage::set([]) else { return };
    let codex = stage.codex().await;
    let error = codex.client().request_raw("no/such/method", ()).await.expect_err("there is none");
    assert_eq!(error.kind(), Some(RpcErrorKind::MethodNotFound));
    let text = error.to_string();
    assert!(text.contains("no/such/method") && text.contains("which version of codex"), "{text}");
    assert!(text.len() < 250, "{text}");
}

/// A terminal sends SIGINT to all programs of the group in front.
#[cfg(unix)]
#[tokio::test]
async fn one_that_ctrl_c_has_ended_says_what_to_do() {
    let Some(stage) = Stage::set([]) else { return };
    let file = stage.home.root().join("id");
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", "echo $$ > \"$0\"; exec \"$@\""]).arg(&file);
    command.arg(stage.command().get_program()).args(stage.command().get_args());
    stage.home.set_environment(&mut command);
    let process = Process::from_command(&command).env_clear();
    let codex = Codex::builder().process(|_| process).start().await.expect("a codex");
    let state = codex.account().await.expect("an answer");
    assert!(state.account.is_none() && !state.requires_openai_auth, "the mock wants no login: {state:?}");
    let id: i32 = std::fs::read_to_string(&file).expect("an id").trim().parse().expect("a number");
    let id = rustix::process::Pid::from_raw(id).expect("an id");
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("it is there");
    let closed = codex.client().wait_closed().await;
    assert!(closed.to_string().contains("`own_group`"), "{closed}");
}
