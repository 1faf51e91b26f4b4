//! Turns: joined, interrupted early, within a review, without a model, and cut off by the end of the input.

use codex_appserver_client::{Client, Methods as _, RpcErrorKind, ServerNotification};
use codex_appserver_enums::TurnStatus;
use codex_appserver_testkit::{Gate, Reply};
use codex_appserver_types::{CustomReviewTarget, ReviewTarget, ThreadItem};

use crate::side::{Side as _, Tasks};
use crate::stage::{Stage, in_time, refused, start, tell};
use crate::story::Story;

/// The response tells: it has the id of the turn that runs. A subscription to that turn sees both messages.
#[test]
fn a_turn_that_is_started_during_a_turn_is_known_by_its_id() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let gate = Gate::new();
        stage.model.push(Reply::unfinished_text(["I begin"]).then(Reply::hold(&gate)));
        stage.model.push(Reply::text("Both, then."));
        let client = stage.client().await;
        let thread = stage.thread::<Tasks>(&client).await;
        let (first, mut story) = tell::<Tasks>(&client, &thread, "One.").await;
        story.delta().await;
        let mut turn = Story::<Tasks>::of_turn(&client, &first);
        let second = start::<Tasks>(&client, &thread, "Two.").await;
        assert_eq!(second.id, first.id);

        assert_eq!(turn.completed().await.status, TurnStatus::Completed);
        let said = turn.all(|told| match told {
            ServerNotification::ItemCompleted(completed) => match &completed.item {
                ThreadItem::UserMessage(_) => Some(()),
                _ => None,
            },
            _ => None,
        });
        assert_eq!(said.len(), 1, "the second message came after the subscription: {:?}", turn.names());
        story.completed().await;
        assert_eq!(story.names().iter().filter(|name| **name == "turn/started").count(), 1);
        assert_eq!(stage.model.requests()[1].last_user_text(), Some("Two."));
    });
}

/// An interrupt that comes too early is an error of the server and no more; after `turn/started` it counts.
#[test]
fn an_interrupt_after_turn_started_always_counts() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        stage.model.answer_with(|_| Reply::unfinished_text(["On and on"]).then(Reply::hold(&Gate::new())));
        let client = stage.client().await;
        let mut early = 0;
        for _ in 0..20 {
            let thread = stage.thread::<Tasks>(&client).await;
            let (turn, mut story) = tell::<Tasks>(&client, &thread, "Go on.").await;
            let at_once = client.turn_interrupt(&thread.id, &turn.id).await;
            if at_once.is_err() {
                early += 1;
                let error = refused(at_once);
                assert_eq!(error.kind(), RpcErrorKind::NoActiveTurn, "{error}");
                assert_eq!(story.started().await.id, turn.id);
                client.turn_interrupt(&thread.id, &turn.id).await.expect("the turn has started");
            }
            assert_eq!(story.completed().await.status, TurnStatus::Interrupted);
        }
        println!("{early} of 20 interrupts came too early");
    });
}

/// `turn/started` of a review has the id of an inner turn. A subscription to the turn of the response gets it
/// all the same, and everything up to the end of the review.
#[test]
fn a_subscription_to_a_review_is_whole_although_its_turn_starts_under_another_id() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let gate = Gate::new();
        let found = serde_json::json!({
            "findings": [], "overall_correctness": "patch is correct", "overall_explanation": "Fine.",
            "overall_confidence_score": 0.9,
        });
        stage.model.push(Reply::hold(&gate).then(Reply::text(found.to_string())));
        let client = stage.client().await;
        let thread = stage.thread::<Tasks>(&client).await;
        let mut story = Story::<Tasks>::of_thread(&client, &thread);
        let target = ReviewTarget::from(CustomReviewTarget::new("Look closely."));
        let outer = client.review_start(&thread.id, target).await.expect("review/start").turn;
        story.narrow(codex_appserver_client::Filter::turn(&outer.id));
        gate.open();

        let inner = story.started().await;
        assert_ne!(inner.id, outer.id);
        assert_eq!(inner.root_turn_id.as_ref(), Some(&outer.id));
        let review = |item: &ThreadItem| match item {
            ThreadItem::ExitedReviewMode(exited) => Some(exited.review.clone()),
            _ => None,
        };
        assert!(story.item("the review", review).await.contains("Fine."));
        let done = story.completed().await;
        assert_eq!((done.id, done.status), (outer.id, TurnStatus::Completed));
    });
}

/// codex tries on and on, and says so; the turn can be interrupted, and the client lives on.
#[test]
fn a_model_that_cannot_be_reached_is_told_and_the_turn_can_be_interrupted() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let client = stage.client().await;
        let provider = stage.process().config("model_providers.mock.base_url", r#""http://127.0.0.1:9/v1""#);
        client.shutdown().await;
        let client = Client::builder().spawn(provider).await.expect("the server starts");
        let thread = stage.thread::<Tasks>(&client).await;
        let (turn, mut story) = tell::<Tasks>(&client, &thread, "Hello?").await;
        for _ in 0..2 {
            let will_retry = story.notification("error", |told| match told {
                ServerNotification::Error(error) => Some(error.will_retry),
                _ => None,
            });
            assert!(will_retry.await);
        }
        client.turn_interrupt(&thread.id, &turn.id).await.expect("the turn runs");
        assert_eq!(story.completed().await.status, TurnStatus::Interrupted);
        client.thread_loaded_list().await.expect("the server answers");
    });
}

/// What `shutdown` says: the running turn ends with the input, and is found interrupted later.
#[test]
fn a_shutdown_ends_the_running_turn_and_leaves_it_interrupted() {
    Tasks::run(async {
        let Some(stage) = Stage::set() else { return };
        let gate = Gate::new();
        stage.model.push(Reply::unfinished_text(["I will never"]).then(Reply::hold(&gate)));
        let client = stage.client().await;
        let thread = stage.thread::<Tasks>(&client).await;
        let (turn, mut story) = tell::<Tasks>(&client, &thread, "Begin.").await;
        story.delta().await;
        let status = in_time(client.shutdown()).await.expect("a process");
        assert_eq!(status.code(), Some(0));
        assert!(story.end().await.is_none(), "who shuts down is told of no error");

        let client = stage.client().await;
        let read = client.thread_read(&thread.id).include_turns(true).await.expect("thread/read").thread;
        let [read] = &read.turns[..] else { panic!("{:?}", read.turns) };
        assert_eq!((&read.id, &read.status), (&turn.id, &TurnStatus::Interrupted));
    });
}
