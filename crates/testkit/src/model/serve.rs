//! The HTTP side of the mock.

use std::future::IntoFuture;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use super::Shared;
use super::events::{Step, steps};
use super::reply::{End, Reply};
use super::request::ModelRequest;

/// Serves until the other end of `stopped` is gone.
pub(super) async fn serve(
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    stopped: oneshot::Receiver<()>,
) {
    let routes = Router::new()
        .route("/v1/responses", post(responses))
        .fallback(unknown)
        // Conversations may be long; the mock has no reason to refuse any.
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(shared);
    // A listener that is bound already is refused only outside a runtime.
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    tokio::select! {
        _ = axum::serve(listener, routes).into_future() => {}
        _ = stopped => {}
    }
}

async fn responses(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let (number, reply) = shared.answer(request(&uri, &headers, &body));
    match &reply.end {
        End::Http { status, body } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, "application/json")], body.clone()).into_response()
        }
        _ => {
            let stream = [(header::CONTENT_TYPE, "text/event-stream")];
            (stream, Body::from_stream(stream_of(&reply, number))).into_response()
        }
    }
}

/// What codex asks of other routes is kept as well: a test may want to know that it asked nothing.
async fn unknown(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    shared.keep(request(&uri, &headers, &body));
    StatusCode::NOT_FOUND
}

fn request(uri: &Uri, headers: &HeaderMap, body: &Bytes) -> ModelRequest {
    let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    ModelRequest {
        number: 0,
        path: uri.path().to_owned(),
        headers: headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
        body: serde_json::from_slice(body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned())),
    }
}

/// The body of an answer: one piece for each event, so that every delta arrives by itself.
fn stream_of(reply: &Reply, number: usize) -> ReceiverStream<io::Result<Bytes>> {
    let steps = steps(reply, number);
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        for step in steps {
            let piece = match step {
                Step::Send(event) => Ok(Bytes::from(event)),
                Step::Hold(gate) => {
                    gate.pass().await;
                    continue;
                }
                Step::Pause(pause) => {
                    tokio::time::sleep(pause).await;
                    continue;
                }
                // An error in the body makes the server drop the connection without its proper end.
                Step::CutOff => Err(io::Error::other("cut off, as the script says")),
            };
            // codex hangs up when a turn is interrupted or steered.
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    });
    ReceiverStream::new(receiver)
}
