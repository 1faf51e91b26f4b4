//! What was missed between two connections.

use std::time::Duration;

use codex_appserver_types::ThreadItem;
use codex_appserver_wire::RequestId;

/// What is known of what was missed between two connections.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Missed {
    /// How long there was no connection, until the client was introduced on the new one. Threads are resumed after that.
    pub duration: Duration,
    /// Whether the server is another process than before, so that its turns were interrupted. `None` where that is not
    /// known: at a socket that is not a shared server's.
    pub restarted: Option<bool>,
    /// What the server had asked and this client had not answered when the connection was lost, about any thread. A
    /// server that was not restarted asks again, once the thread is resumed; if it was restarted, these are lost.
    pub requests: Vec<MissedRequest>,
    /// The items of the turn that were completed meanwhile, in the streams of turns of the SDK. One may come once
    /// more as an event. Empty elsewhere.
    pub items: Vec<ThreadItem>,
}

/// A request of the server that was open when the connection was lost.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MissedRequest {
    /// Its id. Another process of the server counts from 0 again.
    pub id: RequestId,
    /// Its method, by its wire name.
    pub method: String,
    /// The thread that it was about, if it was about one.
    pub thread_id: Option<String>,
}

impl MissedRequest {
    /// A request with this id and method, about a thread or none.
    pub fn new(id: impl Into<RequestId>, method: impl Into<String>, thread_id: Option<String>) -> Self {
        Self { id: id.into(), method: method.into(), thread_id }
    }
}
