//! A server that programs share: what one has begun, another one goes on with.

use std::time::Duration;

use codex_appserver::{Codex, SharedServer, SharedServerBuilder, blocking};
use codex_appserver_testkit::{Gate, Reply};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::stage::{PATIENCE, Stage};

/// A server that stays, and is ended with the test.
fn shared(stage: &Stage) -> SharedServerBuilder {
    let process = stage.process();
    SharedServer::for_home(stage.home.codex_home()).process(|_| process)
}

struct Ended(Pid);

impl Drop for Ended {
    fn drop(&mut self) {
        let begun = std::time::Instant::now();
        let _ = kill_process(self.0, Signal::TERM);
        while test_kill_process(self.0).is_ok() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn end_with(server: &SharedServer) -> Ended {
    let number = server.pid().try_into().expect("a small number");
    Ended(Pid::from_raw(number).expect("not zero"))
}

#[tokio::test]
async fn a_turn_goes_on_without_its_client() {
    let gate = Gate::new();
    let Some(stage) = Stage::set([Reply::hold(&gate).then(Reply::text("Still here."))]) else { return };
    let server = shared(&stage).start().await.expect("a server");
    let _ended = end_with(&server);
    let codex = Codex::builder().connect_shared(&server).await.expect("a codex");
    let thread = codex.thread_start().await.expect("a thread");
    let id = thread.id().to_owned();
    let turn = thread.turn("Go.").await.expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    let number = server.pid();
    drop((turn, thread, codex, server));

    let server = shared(&stage).start().await.expect("a server");
    assert_eq!(server.pid(), number);
    let codex = Codex::builder().connect_shared(&server).await.expect("a codex");
    let thread = codex.thread_resume(&id).await.expect("the thread");
    let mut items = thread.view();
    gate.open();
    loop {
        let item = items.next().await.expect("more comes").expect("an item");
        if format!("{item:?}").contains("Still here.") {
            break;
        }
    }
}

/// The same server for programs of both kinds.
#[tokio::test]
async fn it_is_the_same_for_both_runtimes() {
    let Some(stage) = Stage::set([Reply::text("One."), Reply::text("Two.")]) else { return };
    let server = shared(&stage).start().await.expect("a server");
    let _ended = end_with(&server);
    let codex = Codex::builder().connect_shared(&server).await.expect("a codex");
    let thread = codex.thread_start().await.expect("a thread");
    assert_eq!(thread.run("Go.").await.expect("a result").text(), "One.");
    let (process, home) = (stage.process(), stage.home.codex_home());
    let number = server.pid();
    let other = std::thread::spawn(move || {
        let server = blocking::SharedServer::for_home(home).process(|_| process).start().expect("a server");
        assert_eq!(server.pid(), number);
        let codex = blocking::Codex::builder().connect_shared(&server).expect("a codex");
        let thread = codex.thread_start().call().expect("a thread");
        thread.run("Go.").expect("a result").text().to_owned()
    });
    assert_eq!(other.join().expect("no panic"), "Two.");
}
