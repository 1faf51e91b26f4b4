//! What both kinds of searches have in common.

/// How `Codex` begins a search.
macro_rules! search_method {
    () => {
        /// Searches the kept threads for a text, and yields hits as the server finds them (`thread/search/stream`).
        /// Needs codex 0.171 and [`experimental_api`](CodexBuilder::experimental_api).
        ///
        /// The search has the default timeout of the connection. It is not tried again when the server is overloaded.
        ///
        /// # Errors
        ///
        /// The search cannot be sent. What the server answers is told by the stream.
        pub fn thread_search_stream(
            &self,
            params: crate::protocol::ThreadSearchParams,
        ) -> Result<super::ThreadSearchStream, Error> {
            super::ThreadSearchStream::start(self, params)
        }
    };
}

pub(crate) use search_method;

/// What a search is beside its ways to wait.
macro_rules! search_stream_methods {
    () => {
        pub(super) fn start(codex: &Codex, params: ThreadSearchParams) -> Result<Self, Error> {
            let settings = search::settings(codex.shared.settings.events);
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
        pub fn codex(&self) -> &Codex {
            &self.codex
        }

        /// How many batches of hits were skipped so far because too many waited to be read.
        pub fn skipped(&self) -> u64 {
            self.call.skipped()
        }
    };
}

pub(crate) use search_stream_methods;

/// What a search looks like to developers.
macro_rules! search_stream_debug {
    () => {
        impl std::fmt::Debug for ThreadSearchStream {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("ThreadSearchStream")
                    .field("request_id", self.request_id())
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use search_stream_debug;
