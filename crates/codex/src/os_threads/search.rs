//! A search that is waited for.

use codex_appserver_client::OsThreads;
use codex_appserver_methods::protocol::{ThreadSearchResponse, ThreadSearchResult};

use crate::error::Error;
use crate::search::ThreadSearchStream;

/// On threads.
impl ThreadSearchStream<OsThreads> {
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

impl Iterator for ThreadSearchStream<OsThreads> {
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
