//! What is known of a thread because a call has opened it, and calls whose settings are optional.

use codex_appserver_testkit::scripted::{Answer, Scenario, Turn};
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::thread_with;
use crate::support::Kit;

both!(the_model_and_folder_of_a_thread_are_known, a_setter_is_called_if_there_is_a_value);

async fn the_model_and_folder_of_a_thread_are_known<R: Kit>() {
    let scenario = Scenario::new()
        .answer("thread/start", Answer::thread())
        .answer("thread/resume", Answer::thread())
        .answer("thread/fork", Answer::thread())
        .answer("thread/unarchive", thread_with(json!({"type": "idle"}), json!([])))
        .answer("turn/start", Answer::turn(Turn::new(["Hello"])));
    let (_server, codex) = R::start(scenario).await;
    let started = R::send(codex.thread_start()).await.expect("a thread");
    let known = (Some("gpt-5.5"), Some("/workspace"));
    for opened in [
        &started.clone(),
        &R::send(codex.thread_resume("T")).await.expect("a thread"),
        &R::send(started.fork()).await.expect("a thread"),
        R::send(started.turn("go")).await.expect("a turn").thread(),
        started.follow("turn-2").thread(),
    ] {
        assert_eq!((opened.model(), opened.cwd()), known, "{opened:?}");
    }
    for other in [codex.thread(started.id()), R::send(codex.thread_unarchive("T")).await.expect("a thread")] {
        assert_eq!((other.model(), other.cwd()), (None, None), "{other:?}");
    }
}

async fn a_setter_is_called_if_there_is_a_value<R: Kit>() {
    let (server, codex) = R::start(Scenario::new().answer("thread/start", Answer::thread().times(2))).await;
    let sent = |n: usize| -> Value { server.params("thread/start")[n].clone() };
    for (n, model, sends) in
        [(0, Some("gpt-5.5"), json!({"cwd": "/a", "model": "gpt-5.5"})), (1, None, json!({"cwd": "/a"}))]
    {
        // The text of one setter is borrowed, that of the other is not.
        let call = codex.thread_start().when_some(model, |call, model| call.model(model));
        let thread = R::send(call.when_some(Some("/a".to_owned()), |call, cwd| call.cwd(cwd))).await;
        assert_eq!((thread.is_ok(), sent(n)), (true, sends));
    }
}
