//! A search that yields hits as they are found.

use std::collections::VecDeque;

use codex_appserver_client::generic::PendingCall;
use codex_appserver_client::notification_method::ThreadSearchPartial;
use codex_appserver_client::{
    Error as ClientError, Event, EventSettings, Filter, Overflow, ServerNotification, Unreadable,
};
use codex_appserver_methods::protocol::wire::{DecodeError, Notification, RequestId};
use codex_appserver_methods::protocol::{
    ThreadSearchCancelParams, ThreadSearchParams, ThreadSearchResult, method,
};
use serde_json::Value;

use crate::codex::Codex;
use crate::error::Error;
use crate::runtime::Runtime;

impl<R: Runtime> Codex<R> {
    /// Searches the kept threads for a text, and yields hits as the server finds them (`thread/search/stream`).
    /// Needs [`experimental_api`](crate::generic::CodexBuilder::experimental_api), and a server that has the method: see
    /// [`Metadata::supports`](crate::Metadata::supports).
    ///
    /// The search has the default timeout of the connection. It is not tried again when the server is overloaded.
    ///
    /// # Errors
    ///
    /// The search cannot be sent. What the server answers is told by the stream.
    pub fn thread_search_stream(&self, params: ThreadSearchParams) -> Result<ThreadSearchStream<R>, Error> {
        ThreadSearchStream::start(self, params)
    }
}

/// A search that runs: first its hits, a `Stream` with tokio and an iterator that blocks on threads, and then the answer.
///
/// The server sends hits as it finds them: unsorted, and only as previews. One may name a thread that the answer lacks,
/// and there may be none at all. The answer, from `finish`, is one sorted page that replaces them.
///
#[cfg_attr(feature = "async", doc = "```no_run")]
#[cfg_attr(not(feature = "async"), doc = "```ignore")]
/// use codex_appserver::protocol::ThreadSearchParams;
/// use codex_appserver::{Codex, Error};
///
/// # async fn example() -> Result<(), Error> {
/// let codex = Codex::builder().experimental_api(true).start().await?;
/// let mut search = codex.thread_search_stream(ThreadSearchParams::new("release notes").limit(20_u32))?;
/// while let Some(hit) = search.next().await {
///     println!("found: {}", hit?.snippet);
/// }
/// for hit in search.finish().await?.data {
///     println!("{}: {}", hit.thread.id, hit.snippet);
/// }
/// # Ok(())
/// # }
/// ```
///
/// A search that fails yields its error once, as the last item, so that it does not look like one without hits;
/// `finish` fails as well then.
///
/// Hits of this search that cannot be decoded are an [`Error`] that does not end the stream. Hits wait for a slow
/// reader up to [`event_capacity`](crate::generic::CodexBuilder::event_capacity); beyond that they are skipped and counted by
/// [`skipped`](Self::skipped).
///
/// # Giving up
///
/// Dropping the stream, or the future of `finish`, before the answer tells the server to stop
/// (`thread/search/stream/cancel`), and so does the timeout of the search. Nothing waits for the answer to that.
#[must_use = "dropping it cancels the search"]
pub struct ThreadSearchStream<R: Runtime> {
    /// Goes before the handle that keeps the connection open.
    pub(crate) call: PendingCall<method::ThreadSearchStream, R>,
    pub(crate) previews: Previews,
    pub(crate) codex: Codex<R>,
}

impl<R: Runtime> ThreadSearchStream<R> {
    fn start(codex: &Codex<R>, params: ThreadSearchParams) -> Result<Self, Error> {
        let settings = settings(codex.shared.settings.events);
        let call = codex.client().begin::<method::ThreadSearchStream>(params, Filter::All, settings)?;
        let previews = Previews::new(call.id());
        let cancel = ThreadSearchCancelParams::new(call.id());
        let call = call.cancel_with::<method::ThreadSearchStreamCancel>(&cancel)?;
        Ok(Self { call, previews, codex: codex.clone() })
    }

    /// The JSON-RPC id of the search, by which `thread/search/partial` and `thread/search/stream/cancel` name it.
    pub fn request_id(&self) -> &RequestId {
        self.previews.request_id()
    }

    /// The server that searches.
    pub fn codex(&self) -> &Codex<R> {
        &self.codex
    }

    /// How many batches of hits were skipped so far because too many waited to be read.
    pub fn skipped(&self) -> u64 {
        self.call.skipped()
    }
}

impl<R: Runtime> std::fmt::Debug for ThreadSearchStream<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadSearchStream").field("request_id", self.request_id()).finish_non_exhaustive()
    }
}

/// What a search is told by. Hits that find no room are skipped: the answer has all that count.
fn settings(events: EventSettings) -> EventSettings {
    events.methods(&[ThreadSearchPartial::METHOD]).overflow(Overflow::Skip)
}

/// The hits of one search that were not read yet.
pub(crate) struct Previews {
    request_id: RequestId,
    unread: VecDeque<ThreadSearchResult>,
}

impl Previews {
    pub(crate) fn new(request_id: RequestId) -> Self {
        Self { request_id, unread: VecDeque::new() }
    }

    pub(crate) fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The next hit.
    pub(crate) fn next(&mut self) -> Option<ThreadSearchResult> {
        self.unread.pop_front()
    }

    /// Takes the hits of an event, if it is about this search.
    ///
    /// # Errors
    ///
    /// It is, and cannot be decoded.
    pub(crate) fn add(&mut self, event: Event) -> Result<(), Error> {
        if let Event::Unreadable(unreadable) = &event
            && self.concerns(unreadable)
        {
            let error = DecodeError::other(unreadable.to_string()).with_raw(unreadable.raw.clone());
            return Err(ClientError::Decode(error).into());
        }
        if let Some(ServerNotification::ThreadSearchPartial(partial)) = event.into_notification()
            && partial.request_id == self.request_id
        {
            self.unread.extend(partial.data);
        }
        Ok(())
    }

    /// Whether a message that cannot be decoded has hits of this search.
    fn concerns(&self, unreadable: &Unreadable) -> bool {
        let raw = &unreadable.raw;
        match serde_json::from_str::<Value>(raw) {
            Ok(message) => {
                message["method"] == ThreadSearchPartial::METHOD
                    && serde_json::to_value(&self.request_id)
                        .is_ok_and(|id| message["params"]["requestId"] == id)
            }
            // It is broken JSON, or the beginning of a line. Within a string the quotes would be escaped.
            Err(_) => {
                raw.contains(&format!("\"{}\"", ThreadSearchPartial::METHOD))
                    && member(raw, "requestId").is_some_and(|id| id == self.request_id.to_string())
            }
        }
    }
}

/// The number that is the value of the first member of this name, as text.
fn member<'a>(raw: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = raw.split_once(&format!("\"{name}\""))?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    // A number that the text ends with may have had more digits.
    Some(&value[..value.find(|end: char| !end.is_ascii_digit())?])
}

#[cfg(test)]
mod tests {
    use super::member;

    #[test]
    fn the_id_is_found_in_broken_json() {
        for (raw, id) in [
            (r#"{"params":{"requestId":12,"data":[{"#, Some("12")),
            (r#"{"params":{"requestId" : 12}"#, Some("12")),
            (r#"{"params":{"data":["\"requestId\":1"],"requestId":12,"#, Some("12")),
            (r#"{"params":{"requestId":12"#, None),
            (r#"{"params":{"requestId":"12","#, Some("")),
            (r#"{"params":{"data":["#, None),
        ] {
            assert_eq!(member(raw, "requestId"), id, "{raw}");
        }
    }
}
