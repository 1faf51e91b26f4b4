//! For threads.

use codex_appserver_client::blocking::Client;

macro_rules! wait {
    ($done:expr) => {
        $done
    };
}

macro_rules! attach {
    ($builder:expr, $scenario:expr) => {{
        let started = codex_appserver_testkit::scripted::ScriptedServer::start($scenario);
        let (server, stdout, stdin) = started.expect("it starts");
        (server, $builder.attach(stdout, stdin).expect("it connects"))
    }};
}

macro_rules! test {
    ($(fn $name:ident() $body:block)*) => {$(
        #[test]
        fn $name() $body
    )*};
}

#[path = "bodies.rs"]
#[allow(clippy::duplicate_mod, reason = "the bodies are for tasks and for threads")]
mod bodies;
