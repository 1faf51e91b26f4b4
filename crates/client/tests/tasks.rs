//! What only tasks do: futures that are dropped, and streams that are polled together.

#![cfg(all(feature = "async", unix))]

use std::pin::Pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use codex_appserver_client::method::ItemCommandExecutionRequestApproval as Command;
use codex_appserver_client::{Client, Error, Filter, Methods};
use codex_appserver_testkit::scripted::{Answer, Ask, Scenario, ScriptedServer, Step};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const PATIENCE: Duration = Duration::from_secs(60);

async fn attach(window: usize, scenario: Scenario) -> (ScriptedServer, Client) {
    let (server, stdout, stdin) = ScriptedServer::start_async(scenario).expect("it starts");
    let client = Client::builder().window(window).attach(stdout, stdin).await.expect("it connects");
    (server, client)
}

#[tokio::test]
async fn a_dropped_call_frees_its_place() {
    let held = Answer::result(json!("late")).until("free");
    let (server, client) = attach(1, Scenario::new().answer("held", held)).await;
    let held = tokio::spawn({
        let client = client.clone();
        async move { client.request_raw("held", json!({})).await }
    });
    let queued = tokio::spawn({
        let client = client.clone();
        async move { client.request_raw("queued", json!({})).await }
    });
    while client.stats().queued == 0 {
        tokio::task::yield_now().await;
    }
    queued.abort();
    assert!(queued.await.expect_err("it is given up").is_cancelled());
    while client.stats().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    held.abort();
    assert!(held.await.expect_err("it is given up").is_cancelled());
    let stats = client.stats();
    assert_eq!((stats.in_flight, stats.queued), (0, 0));
    client.request_raw("free", json!({})).await.expect("the place is free");
    // The late answer may come after the answer to what freed it.
    for _ in 0..1000 {
        if client.stats().late_answers == 0 {
            client.request_raw("m", json!({})).await.expect("an answer");
        }
    }
    assert_eq!((client.stats().late_answers, client.stats().unknown_answers), (1, 0));
    assert_eq!(server.count("queued"), 0, "what is given up in the queue is never sent");
}

#[tokio::test]
async fn a_call_not_awaited_is_not_made() {
    let (server, client) = attach(1, Scenario::new()).await;
    drop(client.model_list());
    drop(client.request_raw("m", json!({})));
    client.request_raw("n", json!({})).await.expect("an answer");
    assert_eq!((server.count("model/list"), server.count("m")), (0, 0));
}

#[tokio::test]
async fn giving_up_on_the_next_event_loses_nothing() {
    let (_server, client) = attach(64, Scenario::chat(["a"])).await;
    let mut events = client.events(Filter::All);
    {
        let next = std::pin::pin!(events.next());
        assert!(next.poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    client.request_raw("thread/start", json!({})).await.expect("a thread");
    assert!(events.next().await.expect("not the end").is_ok());
}

/// Drops the last client while it is polled: the stop falls between two looks of the driver.
struct DropsTheClient<R> {
    reader: R,
    client: Arc<Mutex<Option<Client>>>,
}

impl<R: AsyncRead + Unpin> AsyncRead for DropsTheClient<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        drop(self.client.lock().expect("no panic").take());
        Pin::new(&mut self.reader).poll_read(context, buffer)
    }
}

#[tokio::test]
async fn a_stop_within_a_read_ends_the_connection() {
    let (server, stdout, stdin) = ScriptedServer::start_async(Scenario::new()).expect("it starts");
    let slot = Arc::new(Mutex::new(None));
    let reader = DropsTheClient { reader: stdout, client: slot.clone() };
    let client = Client::builder().attach(reader, stdin).await.expect("it connects");
    let mut events = client.events(Filter::All);
    client.request_raw("m", json!({})).await.expect("an answer");
    *slot.lock().expect("no panic") = Some(client);
    // Makes the driver look.
    server.play([codex_appserver_testkit::scripted::Step::line("[]")]);
    let ended = async {
        while let Some(event) = events.next().await {
            event.expect("no error before the end");
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("the events end");
}

/// A writer that breaks.
struct Broken;

impl AsyncWrite for Broken {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Err(std::io::Error::other("it broke")))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_broken_writer_ends_the_connection() {
    let error = Client::builder().attach(tokio::io::empty(), Broken).await.expect_err("it broke");
    assert!(matches!(error, Error::Closed(_)), "{error}");
    let (_server, stdout, _stdin) = ScriptedServer::start_async(Scenario::new()).expect("it starts");
    let error = Client::builder().attach(stdout, Broken).await.expect_err("it broke");
    assert!(error.to_string().contains("it broke"), "{error}");
}

/// Tells when it is dropped.
struct Token(mpsc::Sender<()>);

impl Drop for Token {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn a_resolved_request_drops_its_handler() {
    let (sender, dropped) = mpsc::channel();
    let (began, begun) = tokio::sync::mpsc::unbounded_channel();
    let mut begun = begun;
    let (server, stdout, stdin) = ScriptedServer::start_async(Scenario::new()).expect("it starts");
    let handler = move |_, _| {
        let token = Token(sender.clone());
        began.send(()).expect("a test");
        async move {
            std::future::pending::<()>().await;
            drop(token);
            unreachable!("nobody wakes it")
        }
    };
    let builder = Client::builder().on::<Command, _, _>(handler);
    let client = builder.attach(stdout, stdin).await.expect("it connects");
    let params = json!({"threadId": "T", "turnId": "U", "itemId": "i", "startedAtMs": 1});
    server.play([Step::Request(Ask::new("item/commandExecution/requestApproval", params))]);
    begun.recv().await.expect("it begins");
    server.play([Step::notify("serverRequest/resolved", json!({"threadId": "T", "requestId": 0}))]);
    let waits = tokio::task::spawn_blocking(move || dropped.recv_timeout(PATIENCE));
    waits.await.expect("no panic").expect("the handler is dropped");
    client.request_raw("m", json!({})).await.expect("it lives");
    assert!(server.answers().is_empty());
}
