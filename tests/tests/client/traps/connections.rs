//! Several clients of one server: who is told what, who answers, and what a client finds that comes later.

use std::collections::BTreeSet;

use codex_appserver_client::{Client, Error, Event, Methods as _, ServerNotification};
use codex_appserver_enums::{CommandExecutionStatus, TurnStatus};
use codex_appserver_requests::CommandExecutionRequestApprovalResponse;
use codex_appserver_testkit::{Gate, Reply};
use codex_appserver_types::{CommandExecutionApprovalDecision, ThreadItem};
use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;

use crate::server::Server;
use crate::side::{Command, Side as _, Tasks};
use crate::stage::{Stage, arrive, in_time, tell};
use crate::story::{Story, message};

/// Everybody hears that a thread began and how it is; its turns are for those who started or resumed it.
#[test]
fn a_client_is_told_the_turns_of_its_own_threads_only() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        stage.model.push(Reply::text("Hello."));
        let server = Server::unix(&stage);
        let one = server.connect::<Tasks>(Client::builder).await;
        let other = server.connect::<Tasks>(Client::builder).await;
        let mut heard = Story::<Tasks>::of_all(&other);
        let thread = stage.thread::<Tasks>(&one).await;
        let (_, mut story) = tell::<Tasks>(&one, &thread, "Hello.").await;
        story.completed().await;
        for status in ["active", "idle"] {
            heard
                .notification("thread/status/changed", |told| match told {
                    ServerNotification::ThreadStatusChanged(changed) => {
                        let told = serde_json::to_value(&changed.status).expect("a status has a JSON form");
                        (changed.thread_id == thread.id && told["type"] == status).then_some(())
                    }
                    _ => None,
                })
                .await;
        }
        // Whatever else there was for this client came before an answer to it.
        other.thread_loaded_list().await.expect("thread/loaded/list");
        let own = ["turn/", "item/", "thread/tokenUsage/"];
        let heard: BTreeSet<&str> = heard.names().into_iter().collect();
        assert!(heard.contains("thread/started"), "{heard:?}");
        assert!(!heard.iter().any(|name| own.iter().any(|own| name.starts_with(own))), "{heard:?}");
    });
}

/// Who resumes a thread while it waits for an answer is asked as well, and told how an item ended that began
/// before.
#[test]
fn a_client_that_resumes_a_thread_is_asked_what_is_open() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        stage.model.push(Reply::command_to_approve("echo approved", "To see."));
        stage.model.push(Reply::text("Seen."));
        let server = Server::unix(&stage);
        let (asked, mut asks) = unbounded_channel();
        let first = server.connect::<Tasks>(|| {
            let asked = asked.clone();
            Tasks::on_later::<Command>(Client::builder(), move |_, later| {
                asked.send(later).expect("the test listens");
            })
        });
        let first = first.await;
        let thread = stage.thread::<Tasks>(&first).await;
        let (_, mut story) = tell::<Tasks>(&first, &thread, "Run it.").await;
        let (id, _) = story.request().await;

        let second = server.connect::<Tasks>(Client::builder).await;
        let mut late = Story::<Tasks>::of_thread(&second, &thread);
        second.thread_resume(&thread.id).await.expect("thread/resume");
        assert_eq!(late.request().await.0, id, "the same request has the same id for all");
        let accept = CommandExecutionRequestApprovalResponse::new(CommandExecutionApprovalDecision::Accept);
        in_time(asks.recv()).await.expect("a request").respond(accept).expect("the request is open");
        late.resolved(&id).await;
        let status = late.item("the command", |item| match item {
            ThreadItem::CommandExecution(command) => Some(command.status.clone()),
            _ => None,
        });
        assert_eq!(status.await, CommandExecutionStatus::Completed);
        late.completed().await;
        let (started, completed) = late.items();
        assert!(completed.iter().any(|id| !started.contains(id)), "{:?}", late.names());
    });
}

/// On a shared socket a client answers for its own threads even where nothing handles the request, and for the
/// sub-agents of those threads: nobody else would.
#[test]
fn a_request_of_a_sub_agent_on_a_shared_socket_is_declined_by_its_owner() {
    Tasks::run(async {
        let Some(stage) = Stage::with(|home| home.feature("multi_agent", true)) else { return };
        let spawn = json!({
            "type": "function_call", "id": "fc_1", "call_id": "call_spawn", "namespace": "multi_agent_v1",
            "name": "spawn_agent", "arguments": json!({"message": "Dig."}).to_string(),
        });
        let spawn = Reply::event(json!({"type": "response.output_item.done", "item": spawn}));
        let mut owner = [spawn, Reply::text("It digs.")].into_iter();
        let mut agent =
            [Reply::command_to_approve("echo dug", "To dig."), Reply::text("Not dug.")].into_iter();
        stage.model.answer_with(move |request| {
            let script = if request.user_texts().contains(&"Dig.") { &mut agent } else { &mut owner };
            script.next().unwrap_or_default()
        });
        let server = Server::unix(&stage);
        let client = server.connect::<Tasks>(Client::builder).await;
        let mut all = Story::<Tasks>::of_all(&client);
        let thread = stage.thread::<Tasks>(&client).await;
        tell::<Tasks>(&client, &thread, "Have it dug.").await;
        let (id, _) = all.request().await;
        all.resolved(&id).await;
        let declined = all.item("the command", |item| match item {
            ThreadItem::CommandExecution(command) => Some(command.status.clone()),
            _ => None,
        });
        assert_eq!(declined.await, CommandExecutionStatus::Declined);
        let asked = all.told.iter().find_map(|event| match event {
            Event::Request(asked) => serde_json::to_value(&asked.request).ok(),
            _ => None,
        });
        let asked = asked.expect("it was just seen");
        assert_ne!(asked["params"]["threadId"], thread.id.as_str(), "it was not the sub-agent who asked");
    });
}

/// A listening server that is told to terminate lets the running turn finish. How much of its end the client still
/// hears is a matter of luck: it finds the connection broken, and the whole turn in the next server.
#[test]
fn a_server_that_is_told_to_terminate_finishes_its_turn_and_the_client_is_told_the_end() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let gate = Gate::new();
        stage.model.push(Reply::hold(&gate).then(Reply::text_chunks(["To ", "the ", "end."])));
        let mut server = Server::unix(&stage);
        let client = server.connect::<Tasks>(Client::builder).await;
        let thread = stage.thread::<Tasks>(&client).await;
        let (_, mut story) = tell::<Tasks>(&client, &thread, "Speak.").await;
        arrive(&gate, 1);
        let id = server.child.id().to_string();
        let told = std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(told.success());
        gate.open();
        let end = story.end().await.expect("an end that the client did not want");
        assert!(matches!(end, Error::Closed(_)), "{end}");
        assert!(!in_time(client.wait_closed()).await.is_shutdown());
        assert!(server.child.wait().expect("it ends").success());

        let client = stage.client().await;
        let read = client.thread_read(&thread.id).include_turns(true).await.expect("thread/read").thread;
        assert_eq!(read.turns[0].status, TurnStatus::Completed);
        assert!(read.turns[0].items.iter().filter_map(message).any(|said| said == "To the end."));
    });
}
