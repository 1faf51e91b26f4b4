//! Connections and calls have spans, with ids and never with payloads.

#![cfg(all(feature = "async", feature = "blocking", unix))]

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use codex_appserver_client::{Client, blocking};
use codex_appserver_testkit::scripted::{Answer, Scenario, ScriptedServer, Step};
use serde_json::json;
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
    let answer = Answer::result(json!({"secret": "in the answer"}));
    Scenario::new().on_start([Step::line("not JSON")]).answer("ask", answer)
}

/// The call as a span that closes, and a warning of the connection within its span.
fn check(log: &str, connection: u64) {
    let call = format!(r#"call{{connection={connection} method="ask" id=2}}: "#);
    assert!(log.lines().any(|line| line.contains(&call) && line.contains("close")), "{log}");
    let warning = format!("connection{{connection={connection}}}: ");
    let within = |line: &&str| line.contains(&warning) && line.contains("a line that cannot be read");
    assert_eq!(log.lines().filter(within).count(), 1, "{log}");
    assert!(!log.contains("secret") && !log.contains("in the params"), "{log}");
}

#[test]
fn calls_and_connections_are_spans() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let params = json!({"secret": "in the params"});

    let (_server, stdout, stdin) = ScriptedServer::start(scenario()).expect("it starts");
    let client = blocking::Client::builder().attach(stdout, stdin).expect("it connects");
    client.request_raw("ask", params.clone()).expect("an answer");
    client.shutdown();
    check(&log.take(), 1);

    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let (_server, stdout, stdin) = ScriptedServer::start_async(scenario()).expect("it starts");
        let client = Client::builder().attach(stdout, stdin).await.expect("it connects");
        client.request_raw("ask", params).await.expect("an answer");
        client.shutdown().await;
    });
    check(&log.take(), 2);
}
