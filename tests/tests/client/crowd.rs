//! A hundred clients for threads knock at one server at the same time.

use std::thread;

use codex_appserver_client::{Filter, Methods, RetryPolicy, ServerNotification, blocking};
use codex_appserver_enums::TurnStatus;
use codex_appserver_testkit::{ModelRequest, Reply};

use crate::server::Server;
use crate::side::{Side, Threads};
use crate::stage::{PATIENCE, Stage, input};

const CLIENTS: usize = 100;

fn echo(request: &ModelRequest) -> Reply {
    Reply::text(request.last_user_text().unwrap_or_default())
}

/// All are let in, no answer is lost, and each sees the end of its own turn and nothing of the others'.
#[test]
fn a_hundred_clients_for_threads_connect_at_once() {
    let Some(stage) = Stage::set() else { return };
    stage.model.answer_with(echo);
    let server = Server::tcp(&stage, |command| command);
    let cwd = stage.path("");
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (server, cwd) = (&server, cwd.as_str());
            scope.spawn(move || {
                Threads::run(async move {
                    let client = server.connect::<Threads>(patient).await;
                    one_of_many(&client, &format!("Client {number}."), cwd);
                });
            });
        }
    });
    assert_eq!(stage.model.requests().len(), CLIENTS);
}

/// So many at once are too many for the server: it tells some to come back later, from `initialize` on.
fn patient() -> blocking::ClientBuilder {
    blocking::Client::builder().default_retry(RetryPolicy::default().max_attempts(20))
}

fn one_of_many(client: &blocking::Client, said: &str, cwd: &str) {
    let thread = client.thread_start().sandbox("read-only").cwd(cwd).call().expect("thread/start").thread;
    let mut events = client.events(Filter::All);
    let turn = client.turn_start(&thread.id, input(said)).call().expect("turn/start").turn;
    let mut deltas = String::new();
    let done = loop {
        let event = events.next_timeout(PATIENCE).expect("the connection is open").expect("the turn ends");
        match event.into_notification() {
            Some(ServerNotification::ItemAgentMessageDelta(delta)) => deltas.push_str(&delta.delta),
            Some(ServerNotification::TurnCompleted(done)) => break done,
            _ => {}
        }
    };
    assert_eq!((&done.thread_id, &done.turn.id), (&thread.id, &turn.id), "the end of somebody else's turn");
    assert_eq!((done.turn.status, deltas.as_str()), (TurnStatus::Completed, said));
    let stats = client.stats();
    assert_eq!((stats.in_flight, stats.unknown_answers, stats.duplicate_answers), (0, 0, 0), "{stats:?}");
    assert_eq!((stats.unreadable_lines, stats.late_answers), (0, 0), "{stats:?}");
}
