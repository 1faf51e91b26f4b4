//! Interrupting and steering at the worst moments, and processes that are left open.

use codex_appserver::protocol::{CustomReviewTarget, ReviewTarget};
use codex_appserver_testkit::{Gate, Reply};

#[cfg(target_os = "linux")]
use crate::stage::processes_in;
use crate::stage::{PATIENCE, Stage};

/// A model that never comes to an end.
fn endless() -> Reply {
    Reply::unfinished_text(["I will never"]).then(Reply::hold(&Gate::new()))
}

#[tokio::test]
async fn an_interrupt_at_any_moment_ends_the_turn() {
    let Some(stage) = Stage::set((0..20).map(|_| endless())) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    for _ in 0..20 {
        let turn = thread.turn("Go.").await.expect("a turn");
        // Right after the answer the server still says that there is no active turn.
        turn.interrupt().await.expect("it is interrupted");
        assert_eq!(turn.run().await.expect("a value").status.as_str(), "interrupted");
        turn.interrupt().await.expect("nothing is left to do");
    }
}

#[tokio::test]
async fn an_interrupt_races_with_the_end() {
    let Some(stage) = Stage::set((0..30).map(|_| Reply::text("Done."))) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    for n in 0..30 {
        let turn = thread.turn("Go.").await.expect("a turn");
        let mut stream = turn.stream();
        // A little later each time.
        for _ in 0..n % 8 {
            stream.next().await.expect("an event").expect("it goes on");
        }
        turn.interrupt().await.expect("either way");
        drop(stream);
        let status = turn.run().await.expect("a value").status;
        assert!(["interrupted", "completed"].contains(&status.as_str()), "{status}");
    }
}

#[tokio::test]
async fn steering_right_after_the_start_joins_the_turn() {
    let gate = Gate::new();
    let first = Reply::unfinished_text(["One"]).then(Reply::hold(&gate)).then(Reply::text("."));
    let Some(stage) = Stage::set([first, Reply::text("Both.")]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("This.").await.expect("a turn");
    let steered = turn.steer("And that.").await.expect("it is steered");
    assert_eq!(steered.turn_id, turn.id());
    gate.open();
    assert_eq!(turn.run().await.expect("a result").text(), "Both.");
    assert_eq!(stage.model.requests()[1].last_user_text(), Some("And that."));
}

#[tokio::test]
async fn a_second_turn_joins_the_running_one() {
    let gate = Gate::new();
    let first = Reply::unfinished_text(["One"]).then(Reply::hold(&gate)).then(Reply::text("."));
    let Some(stage) = Stage::set([first, Reply::text("Both.")]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("This.").await.expect("a turn");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    let same = thread.turn("And that.").await.expect("the same turn");
    assert_eq!(same.id(), turn.id());
    gate.open();
    let (one, other) = tokio::join!(turn.run(), same.run());
    assert_eq!((one.expect("a result").text(), other.expect("a result").text()), ("Both.", "Both."));
}

#[tokio::test]
async fn a_review_can_be_interrupted() {
    let Some(stage) = Stage::set([]) else { return };
    // The interrupt may come before the model is asked.
    stage.model.answer_with(|request| match request.last_user_text() {
        Some("Go.") => Reply::text("Alive."),
        _ => endless(),
    });
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let target = ReviewTarget::Custom(CustomReviewTarget::new("Look at it."));
    let review = thread.review(target).await.expect("a review");
    review.interrupt().await.expect("it is interrupted");
    assert_eq!(review.run().await.expect("a value").status.as_str(), "interrupted");
    assert_eq!(thread.run("Go.").await.expect("the thread goes on").text(), "Alive.");
}

#[tokio::test]
async fn a_followed_review_can_be_interrupted() {
    let Some(stage) = Stage::set([]) else { return };
    let gate = Gate::new();
    let held = gate.clone();
    stage.model.answer_with(move |_| Reply::hold(&held).then(Reply::text("Too late.")));
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let target = ReviewTarget::Custom(CustomReviewTarget::new("Look at it."));
    let review = thread.review(target).await.expect("a review");
    gate.wait_for_arrivals(1, PATIENCE).expect("the model is at it");
    // The start of the turn that does the work was told before.
    thread.follow(review.id()).interrupt().await.expect("it is interrupted");
    assert_eq!(review.run().await.expect("a value").status.as_str(), "interrupted");
}

#[tokio::test]
async fn dropping_interrupts_where_that_is_wanted() {
    for reviewed in [false, true] {
        let Some(stage) = Stage::set([endless()]) else { return };
        let codex = stage.codex().await;
        let thread = codex.thread_start().await.expect("a thread");
        let mut events = thread.events();
        let turn = if reviewed {
            let target = ReviewTarget::Custom(CustomReviewTarget::new("Look at it."));
            thread.review(target).await.expect("a review")
        } else {
            thread.turn("Go.").await.expect("a turn")
        };
        let turn = turn.interrupt_on_drop();
        turn.stream().next().await.expect("an event").expect("it has begun");
        // Dropped where no runtime is.
        std::thread::spawn(move || drop(turn)).join().expect("no panic");
        let ended = loop {
            let event = events.next().await.expect("an event").expect("it goes on");
            if let Some(codex_appserver::ServerNotification::TurnCompleted(ended)) = event.into_notification()
            {
                break ended;
            }
        };
        assert_eq!(ended.turn.status.as_str(), "interrupted");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_codex_left_open_leaves_no_process() {
    let Some(stage) = Stage::set([endless()]) else { return };
    let codex = stage.codex().await;
    let thread = codex.thread_start().await.expect("a thread");
    let turn = thread.turn("Go.").await.expect("a turn");
    turn.stream().next().await.expect("an event").expect("it has begun");
    let home = stage.home.root().to_owned();
    assert!(!processes_in(&home).is_empty());
    drop((codex, thread, turn));
    let deadline = std::time::Instant::now() + PATIENCE;
    while !processes_in(&home).is_empty() {
        assert!(std::time::Instant::now() < deadline, "{:?} are left", processes_in(&home));
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
