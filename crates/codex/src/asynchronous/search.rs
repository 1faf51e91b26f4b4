//! A search that yields hits as they are found, for tasks.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use codex_appserver_client::{Filter, PendingCall};
use codex_appserver_methods::protocol::wire::RequestId;
use codex_appserver_methods::protocol::{
    ThreadSearchCancelParams, ThreadSearchParams, ThreadSearchResponse, ThreadSearchResult, method,
};
use futures_core::Stream;

use super::Codex;
use crate::error::Error;
use crate::search::{self, Previews};
use crate::twins::{search_stream_debug, search_stream_methods};

/// A search that runs: a [`Stream`] of hits, and then the answer.
///
/// The server sends hits as it finds them: unsorted, and only as previews. One may name a thread that the answer lacks,
/// and there may be none at all. The answer, from [`finish`](Self::finish), is one sorted page that replaces them.
///
/// ```no_run
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
/// reader up to [`event_capacity`](crate::CodexBuilder::event_capacity); beyond that they are skipped and counted by
/// [`skipped`](Self::skipped).
///
/// # Giving up
///
/// Dropping the stream, or the future of `finish`, before the answer tells the server to stop
/// (`thread/search/stream/cancel`), and so does the timeout of the search. Nothing waits for the answer to that.
#[must_use = "dropping it cancels the search"]
pub struct ThreadSearchStream {
    /// Goes before the handle that keeps the connection open.
    call: PendingCall<method::ThreadSearchStream>,
    previews: Previews,
    codex: Codex,
}

impl ThreadSearchStream {
    search_stream_methods!();

    /// The next hit; none once the answer is there. Giving up the future loses nothing.
    ///
    /// # Errors
    ///
    /// Hits that cannot be decoded, after which it goes on; and as the last thing, once, what the search failed with.
    pub async fn next(&mut self) -> Option<Result<ThreadSearchResult, Error>> {
        poll_fn(|context| self.poll(context)).await
    }

    /// Waits for the answer; hits that were not read are dropped. Giving up the future cancels the search.
    ///
    /// # Errors
    ///
    /// What a call fails with, also where [`next`](Self::next) has yielded it already.
    pub async fn finish(self) -> Result<ThreadSearchResponse, Error> {
        // The handle is kept until then, and with it the connection.
        let Self { call, codex: _codex, .. } = self;
        Ok(call.finish().await?)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<ThreadSearchResult, Error>>> {
        loop {
            if let Some(hit) = self.previews.next() {
                return Poll::Ready(Some(Ok(hit)));
            }
            let added = match ready!(Pin::new(&mut self.call).poll_next(context)) {
                Some(event) => event.map_err(Error::from).and_then(|event| self.previews.add(event)),
                None => return Poll::Ready(None),
            };
            if let Err(error) = added {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

impl Stream for ThreadSearchStream {
    type Item = Result<ThreadSearchResult, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

search_stream_debug!();
