//! Much at once: threads on one client, and clients on one server.

use codex_appserver_client::{Client, Filter, Methods, RetryPolicy, ServerNotification};
use codex_appserver_enums::TurnStatus;
use codex_appserver_testkit::{Gate, ModelRequest, Reply};

use crate::server::Server;
use crate::side::{Side, Tasks, both};
use crate::stage::{Stage, arrive, in_time, input, start};
use crate::story::Story;

both!(threads_at_once_have_each_its_own_story);

const THREADS: usize = 20;
const CLIENTS: usize = 100;

/// Fifty pieces that say who is meant.
fn pieces(said: &str) -> Vec<String> {
    (0..50).map(|number| format!("{said} {number}; ")).collect()
}

/// Says it back, piece by piece.
fn echo(request: &ModelRequest) -> Reply {
    let said = request.last_user_text().unwrap_or_default();
    Reply::text_chunks(pieces(said)).labelled(said.replace(' ', "_"))
}

/// All turns run at once, as the gate makes sure. Each subscription, to a thread and to a turn, has its turn whole
/// and in order, and nothing of the others.
async fn threads_at_once_have_each_its_own_story<S: Side>() {
    let Some(stage) = Stage::set() else { return };
    let gate = Gate::new();
    let held = gate.clone();
    stage.model.answer_with(move |request| Reply::hold(&held).then(echo(request)));
    let client = stage.spawn::<S>(S::builder()).await;
    let mut running = Vec::new();
    for number in 0..THREADS {
        let thread = stage.thread::<S>(&client).await;
        let said = format!("Thread {number}");
        let of_thread = Story::<S>::of_thread(&client, &thread);
        let mut of_turn = Story::<S>::of_all(&client);
        let turn = start::<S>(&client, &thread, &said).await;
        of_turn.narrow(Filter::turn(&turn.id));
        running.push((said, turn, of_thread, of_turn));
    }
    arrive(&gate, THREADS);
    gate.open();
    let told: Vec<_> = running
        .into_iter()
        .map(|(said, turn, mut of_thread, mut of_turn)| {
            S::go(async move {
                for story in [&mut of_thread, &mut of_turn] {
                    let done = story.completed().await;
                    assert_eq!((&done.id, done.status), (&turn.id, TurnStatus::Completed));
                    whole(story, &turn.id, &said);
                }
                assert_eq!(of_turn.told.len(), of_turn_only(&of_thread), "{:?}", of_thread.names());
            })
        })
        .collect();
    for told in told {
        in_time(told).await.expect("the story is whole");
    }
}

/// How many events of a story of a thread are about its turn.
fn of_turn_only<S: Side>(story: &Story<S>) -> usize {
    let about_the_thread = ["thread/started", "thread/status/changed", "warning"];
    story.names().iter().filter(|name| !about_the_thread.contains(name)).count()
}

/// The events of one turn with one message, complete and in order.
fn whole<S: Side>(story: &Story<S>, turn: &str, said: &str) {
    let names = story.names();
    let place = |name: &str| names.iter().position(|told| *told == name);
    assert!(place("turn/started") < place("item/started"), "{names:?}");
    assert_eq!(*names.last().expect("the end"), "turn/completed");
    assert_eq!(story.deltas(), pieces(said).concat());
    assert_eq!(story.messages(), [pieces(said).concat()]);
    let (started, completed) = story.items();
    assert_eq!(started, completed, "each item ends before the next begins");
    let turns = story.all(|told| match told {
        ServerNotification::ItemAgentMessageDelta(delta) => Some(delta.turn_id.clone()),
        ServerNotification::ItemStarted(started) => Some(started.turn_id.clone()),
        ServerNotification::ItemCompleted(completed) => Some(completed.turn_id.clone()),
        _ => None,
    });
    assert!(turns.iter().all(|of| of == turn), "{turns:?}");
}

/// No answer is lost, and no turn. The server may say that it is too busy, which is what retries are for.
#[test]
fn a_hundred_clients_of_one_server_have_a_turn_each() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        stage.model.answer_with(echo);
        let server = Server::tcp(&stage, |command| command);
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(server.connect::<Tasks>(Client::builder).await);
        }
        let cwd = stage.path("");
        let turns: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(number, client)| {
                tokio::spawn(one_of_many(client, format!("Client {number}"), cwd.clone()))
            })
            .collect();
        for turn in turns {
            turn.await.expect("the turn is whole");
        }
        assert_eq!(stage.model.requests().len(), CLIENTS);
    });
}

async fn one_of_many(client: Client, said: String, cwd: String) {
    let client = client.with_retry(RetryPolicy::default().max_attempts(20));
    let thread = client.thread_start().sandbox("read-only").cwd(cwd).await.expect("thread/start").thread;
    let mut story = Story::<Tasks>::of_thread(&client, &thread);
    let turn = client.turn_start(&thread.id, input(&said)).await.expect("turn/start").turn;
    assert_eq!(story.completed().await.status, TurnStatus::Completed);
    whole(&story, &turn.id, &said);
    client.thread_read(&thread.id).await.expect("thread/read");
    let stats = client.stats();
    assert_eq!((stats.in_flight, stats.unknown_answers, stats.duplicate_answers), (0, 0, 0), "{stats:?}");
    assert_eq!((stats.unreadable_lines, stats.late_answers), (0, 0), "{stats:?}");
}
