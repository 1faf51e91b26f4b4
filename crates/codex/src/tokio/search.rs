//! A search that is waited for.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use codex_appserver_client::Tokio;
use codex_appserver_methods::protocol::{ThreadSearchResponse, ThreadSearchResult};
use futures_core::Stream;

use crate::error::Error;
use crate::search::ThreadSearchStream;

/// On tokio.
impl ThreadSearchStream<Tokio> {
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

impl Stream for ThreadSearchStream<Tokio> {
    type Item = Result<ThreadSearchResult, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}
