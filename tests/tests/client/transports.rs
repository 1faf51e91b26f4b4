//! Every way to a server, and several clients on one socket.

use codex_appserver_client::{Address, Error, Methods, Unhandled};
use codex_appserver_enums::{CommandExecutionStatus, TurnStatus};
use codex_appserver_requests::CommandExecutionRequestApprovalResponse as CommandAnswer;
use codex_appserver_testkit::Reply;
use codex_appserver_types::{CommandExecutionApprovalDecision as Decision, ThreadItem};
use tokio::sync::mpsc::unbounded_channel;

use crate::server::Server;
use crate::side::{Command, Side, both};
use crate::stage::{Stage, in_time, tell};
use crate::story::Story;

both!(
    a_turn_with_an_approval_over_standard_input_and_output,
    a_turn_with_an_approval_over_a_unix_socket,
    a_turn_with_an_approval_over_tcp,
    a_token_is_asked_for_and_taken,
    a_long_message_goes_over_every_transport,
    an_address_where_nobody_listens_is_an_error,
    the_first_answer_wins_and_the_other_client_is_told,
    a_watcher_leaves_requests_to_the_owner,
);

fn accepting<S: Side>() -> S::Builder {
    S::on_command(S::builder(), |_| Ok(CommandAnswer::new(Decision::Accept)))
}

/// A whole turn, in the middle of which the server asks.
async fn turn<S: Side>(stage: &Stage, client: &S::Client) {
    stage.model.push(Reply::command_to_approve("echo approved", "To see."));
    stage.model.push(Reply::text_chunks(["So ", "be ", "it."]));
    let thread = stage.thread::<S>(client).await;
    let (_, mut story) = tell::<S>(client, &thread, "Run it.").await;
    assert_eq!(command(&mut story).await, CommandExecutionStatus::Completed);
    assert_eq!(story.completed().await.status, TurnStatus::Completed);
    assert_eq!(story.deltas(), "So be it.");
}

async fn command<S: Side>(story: &mut Story<S>) -> CommandExecutionStatus {
    let command = story.item("the command", |item| match item {
        ThreadItem::CommandExecution(command) => Some(command.status.clone()),
        _ => None,
    });
    command.await
}

async fn a_turn_with_an_approval_over_standard_input_and_output<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let client = stage.spawn::<S>(accepting::<S>()).await;
    turn::<S>(&stage, &client).await;
    assert!(in_time(S::shutdown(&client)).await.expect("a process").success());
}

async fn a_turn_with_an_approval_over_a_unix_socket<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let server = Server::unix(&stage);
    let client = server.connect::<S>(accepting::<S>).await;
    turn::<S>(&stage, &client).await;
    assert!(in_time(S::shutdown(&client)).await.is_none(), "the process is not the client's");
    // The server lives on.
    turn::<S>(&stage, &server.connect::<S>(accepting::<S>).await).await;
}

async fn a_turn_with_an_approval_over_tcp<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let server = Server::tcp(&stage, |command| command);
    let client = server.connect::<S>(accepting::<S>).await;
    turn::<S>(&stage, &client).await;
    assert!(in_time(S::shutdown(&client)).await.is_none(), "the process is not the client's");
    turn::<S>(&stage, &server.connect::<S>(accepting::<S>).await).await;
}

/// A server with a token takes nobody without it, nobody with another, and who has it.
async fn a_token_is_asked_for_and_taken<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let file = stage.home.root().join("token");
    let token = "0123456789abcdef0123456789abcdef0123456789abcdef";
    std::fs::write(&file, token).expect("the folder is writable");
    let server = Server::tcp(&stage, |command| {
        command.args(["--ws-auth", "capability-token", "--ws-token-file"]).arg(&file)
    });
    let other = || S::bearer_token(S::builder(), "another");
    for refused in [server.try_connect::<S>(S::builder).await, server.try_connect::<S>(other).await] {
        let Err(error) = refused else { panic!("the server takes anybody") };
        let text = error.to_string();
        assert!(text.contains("401") && text.contains("bearer_token"), "{text}");
        assert!(!text.contains("another"), "a token has no place in an error: {text}");
    }
    let client = server.connect::<S>(|| S::bearer_token(accepting::<S>(), token)).await;
    turn::<S>(&stage, &client).await;
}

/// More than fits into a frame, there and back.
async fn a_long_message_goes_over_every_transport<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let (unix, tcp) = (Server::unix(&stage), Server::tcp(&stage, |command| command));
    let clients = [
        stage.spawn::<S>(S::builder()).await,
        unix.connect::<S>(S::builder).await,
        tcp.connect::<S>(S::builder).await,
    ];
    // Base64 of zeros, some 20 MiB of it.
    let data = "AAAA".repeat(5 << 20);
    for (number, client) in clients.iter().enumerate() {
        let path = stage.path(&format!("long-{number}"));
        S::send(client.fs_write_file(data.as_str(), path.as_str())).await.expect("fs/writeFile");
        let read = S::send(client.fs_read_file(path)).await.expect("fs/readFile").data_base64;
        assert!(read == data, "{} bytes came back as {}", data.len(), read.len());
    }
}

async fn an_address_where_nobody_listens_is_an_error<S: Side>() {
    for address in ["unix:///no/such/socket", "ws://127.0.0.1:9"] {
        let address: Address = address.parse().expect("an address");
        let Err(error) = S::connect(S::builder(), &address).await else { panic!("somebody answers") };
        assert!(matches!(error, Error::Connect { .. }), "{error}");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
    }
}

/// Both are asked, under the same id. The answer that comes first counts; the other client is told that the
/// request is settled, and its own answer is not wanted any more.
async fn the_first_answer_wins_and_the_other_client_is_told<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    stage.model.push(Reply::text("Hello."));
    let server = Server::unix(&stage);
    let (asked, mut asks) = unbounded_channel();
    let mut clients = Vec::new();
    for number in 0..2 {
        let builder = || {
            let asked = asked.clone();
            S::on_later::<Command>(S::builder(), move |_, later| {
                asked.send((number, later)).expect("the test listens");
            })
        };
        clients.push(server.connect::<S>(builder).await);
    }
    let thread = stage.thread::<S>(&clients[0]).await;
    // There is nothing to resume before the first turn.
    tell::<S>(&clients[0], &thread, "Hello.").await.1.completed().await;
    S::send(clients[1].thread_resume(&thread.id)).await.expect("thread/resume");
    let mut other = Story::<S>::of_thread(&clients[1], &thread);
    stage.model.push(Reply::command_to_approve("echo approved", "To see."));
    stage.model.push(Reply::text("So be it."));
    let (_, mut story) = tell::<S>(&clients[0], &thread, "Run it.").await;
    let (id, _) = story.request().await;
    assert_eq!(other.request().await.0, id);
    let mut laters = Vec::new();
    for _ in 0..2 {
        laters.push(in_time(asks.recv()).await.expect("both are asked"));
    }
    // The client that did not start the turn answers.
    laters.sort_by_key(|(number, _)| *number);
    let (_, quick) = laters.pop().expect("two");
    quick.respond(CommandAnswer::new(Decision::Accept)).expect("the first answer is wanted");
    story.resolved(&id).await;
    other.resolved(&id).await;
    let (_, slow) = laters.pop().expect("one");
    let late = slow.respond(CommandAnswer::new(Decision::Decline)).expect_err("it is too late");
    assert!(matches!(late, Error::Resolved { .. }), "{late}");
    for story in [&mut story, &mut other] {
        assert_eq!(command(story).await, CommandExecutionStatus::Completed);
        assert_eq!(story.completed().await.status, TurnStatus::Completed);
    }
}

/// A client without handlers that has only resumed the thread answers nothing: on a socket that is the default.
async fn a_watcher_leaves_requests_to_the_owner<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    stage.model.push(Reply::text("Hello."));
    let server = Server::unix(&stage);
    let (asked, mut asks) = unbounded_channel();
    let owner = server.connect::<S>(|| {
        let asked = asked.clone();
        S::on_later::<Command>(S::builder(), move |_, later| {
            asked.send(later).expect("the test listens");
        })
    });
    let owner = owner.await;
    let thread = stage.thread::<S>(&owner).await;
    tell::<S>(&owner, &thread, "Hello.").await.1.completed().await;
    let by_default = server.connect::<S>(S::builder).await;
    let by_setting = server.connect::<S>(|| S::unhandled(S::builder(), Unhandled::LeaveToOthers)).await;
    let mut watchers = Vec::new();
    for watcher in [&by_default, &by_setting] {
        S::send(watcher.thread_resume(&thread.id)).await.expect("thread/resume");
        watchers.push(Story::<S>::of_thread(watcher, &thread));
    }
    stage.model.push(Reply::command_to_approve("echo approved", "To see."));
    stage.model.push(Reply::text("So be it."));
    let (_, mut story) = tell::<S>(&owner, &thread, "Run it.").await;
    let later = in_time(asks.recv()).await.expect("the owner is asked");
    for (watcher, client) in watchers.iter_mut().zip([&by_default, &by_setting]) {
        watcher.request().await;
        // An answer of the watcher would have been sent before this call.
        S::send(client.thread_loaded_list()).await.expect("the server answers");
    }
    later.respond(CommandAnswer::new(Decision::Accept)).expect("nobody else has answered");
    assert_eq!(command(&mut story).await, CommandExecutionStatus::Completed);
    assert_eq!(story.completed().await.status, TurnStatus::Completed);
}
