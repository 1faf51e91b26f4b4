//! For tasks.

use codex_appserver_client::Client;

macro_rules! wait {
    ($future:expr) => {
        $future.await
    };
}

macro_rules! attach {
    ($builder:expr, $scenario:expr) => {{
        let started = codex_appserver_testkit::scripted::ScriptedServer::start_async($scenario);
        let (server, stdout, stdin) = started.expect("it starts");
        (server, $builder.attach(stdout, stdin).await.expect("it connects"))
    }};
}

macro_rules! test {
    ($(fn $name:ident() $body:block)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() $body
    )*};
}

#[path = "bodies.rs"]
#[allow(clippy::duplicate_mod, reason = "the bodies are for tasks and for threads")]
mod bodies;
