//! A search that yields hits as they are found, for threads.

use codex_appserver_client::Filter;
use codex_appserver_client::blocking::PendingCall;
use codex_appserver_methods::protocol::wire::RequestId;
use codex_appserver_methods::protocol::{
    ThreadSearchCancelParams, ThreadSearchParams, ThreadSearchResponse, ThreadSearchResult, method,
};

use super::Codex;
use crate::error::Error;
use crate::search::{self, Previews};
use crate::twins::{search_stream_debug, search_stream_methods};

/// A search that runs: an iterator that blocks of hits, and then the answer.
///
/// The server sends hits as it finds them: unsorted, and only as previews. One may name a thread that the answer lacks,
/// and there may be none at all. The answer, from [`finish`](Self::finish), is one sorted page that replaces them.
///
/// ```no_run
/// use codex_appserver::blocking::Codex;
/// use codex_appserver::protocol::ThreadSearchParams;
///
/// let codex = Codex::builder().experimental_api(true).start()?;
/// let mut search = codex.thread_search_stream(ThreadSearchParams::new("release notes").limit(20_u32))?;
/// for hit in &mut search {
///     println!("found: {}", hit?.snippet);
/// }
/// for hit in search.finish()?.data {
///     println!("{}: {}", hit.thread.id, hit.snippet);
/// }
/// # Ok::<(), codex_appserver::Error>(())
/// ```
///
/// The iterator ends once the answer is there. A search that fails yields its error once, as the last item, so that it
/// does not look like one without hits; `finish` fails as well then.
///
/// Hits of this search that cannot be decoded are an [`Error`] that does not end the stream. Hits wait for a slow
/// reader up to [`event_capacity`](super::CodexBuilder::event_capacity); beyond that they are skipped and counted by
/// [`skipped`](Self::skipped).
///
/// # Giving up
///
/// Dropping the iterator before the answer tells the server to stop (`thread/search/stream/cancel`), and so does the
/// timeout of the search. Nothing waits for the answer to that.
#[must_use = "dropping it cancels the search"]
pub struct ThreadSearchStream {
    /// Goes before the handle that keeps the connection open.
    call: PendingCall<method::ThreadSearchStream>,
    previews: Previews,
    codex: Codex,
}

impl ThreadSearchStream {
    search_stream_methods!();

    /// Waits for the answer; hits that were not read are dropped.
    ///
    /// # Errors
    ///
    /// What a call fails with, also where the iterator has yielded it already.
    pub fn finish(self) -> Result<ThreadSearchResponse, Error> {
        // The handle is kept until then, and with it the connection.
        let Self { call, codex: _codex, .. } = self;
        Ok(call.finish()?)
    }
}

impl Iterator for ThreadSearchStream {
    type Item = Result<ThreadSearchResult, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(hit) = self.previews.next() {
                return Some(Ok(hit));
            }
            let added = self.call.next()?.map_err(Error::from).and_then(|event| self.previews.add(event));
            if let Err(error) = added {
                return Some(Err(error));
            }
        }
    }
}

search_stream_debug!();
