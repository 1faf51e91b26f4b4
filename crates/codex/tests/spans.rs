//! A turn has a span with its ids, the calls for it are within, and the text of the conversation is nowhere.

#![cfg(all(feature = "async", feature = "blocking"))]

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use codex_appserver::{Codex, blocking};
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Turn, TurnEnd};
use tracing_subscriber::fmt::format::FmtSpan;

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).expect("text")
    }
}

fn scenario() -> Scenario {
    let turn = Turn::new(["a secret"]).end(TurnEnd::Interrupted);
    Scenario::new().answer("thread/start", Answer::thread()).answer("turn/start", Answer::turn(turn))
}

/// The interrupt stands in the span of the turn, which closes.
fn check(log: &str, turn_id: &str) {
    let turn = format!(r#"turn{{thread_id="thread-1" turn_id="{turn_id}"}}:"#);
    let interrupt =
        |line: &&str| line.contains(&format!("{turn}call{{")) && line.contains(r#"method="turn/interrupt""#);
    assert_eq!(log.lines().filter(interrupt).count(), 1, "{log}");
    let closes = |line: &str| line.contains(&format!("{turn} ")) && line.contains("close");
    assert!(log.lines().any(closes), "{log}");
    assert!(!log.contains("secret") && !log.contains("a question"), "{log}");
}

#[test]
fn turns_are_spans() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();

    let (_server, stdout, stdin) = ScriptedServer::start(scenario()).expect("it starts");
    let codex = blocking::Codex::builder().attach(stdout, stdin).expect("it connects");
    let thread = codex.thread_start().call().expect("a thread");
    let turn = thread.turn("a question").call().expect("a turn");
    turn.interrupt().expect("it is interrupted");
    turn.run().expect("it ends");
    let id = turn.id().to_owned();
    drop(turn);
    check(&log.take(), &id);

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let id = runtime.block_on(async {
        let (_server, stdout, stdin) = ScriptedServer::start_async(scenario()).expect("it starts");
        let codex = Codex::builder().attach(stdout, stdin).await.expect("it connects");
        let thread = codex.thread_start().await.expect("a thread");
        let turn = thread.turn("a question").await.expect("a turn");
        turn.interrupt().await.expect("it is interrupted");
        turn.run().await.expect("it ends");
        turn.id().to_owned()
    });
    check(&log.take(), &id);
}
