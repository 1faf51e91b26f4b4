//! A mock of the model: the part of the Responses API that codex uses, on `127.0.0.1`.

mod events;
mod gate;
mod kinds;
mod reply;
mod request;
mod serve;

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

pub(crate) use gate::lock;
pub use gate::{Gate, NotReached};
pub use reply::{Reply, Usage};
pub use request::ModelRequest;

type Handler = Box<dyn FnMut(&ModelRequest) -> Reply + Send>;

/// A model server for one test. It ends, and breaks what is still being answered, when it is dropped.
///
/// A request is answered by the oldest reply that was [pushed](Self::push); when there is none, by the closure
/// given to [`answer_with`](Self::answer_with); when there is none either, with HTTP status 400 and a body
/// that says so, which codex makes the error of the turn. Whatever codex sends is kept in [`requests`](Self::requests).
#[derive(Debug)]
pub struct MockModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<Script>,
    requests: Mutex<Vec<ModelRequest>>,
    requested: Condvar,
}

#[derive(Default)]
struct Script {
    queue: VecDeque<Reply>,
    handler: Option<Handler>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl MockModel {
    /// Starts a server on a free port of `127.0.0.1`, with nothing to say yet.
    pub fn start() -> io::Result<Self> {
        // Bound here, so that a connection waits rather than fails while the thread comes up.
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = oneshot::channel();
        let served = shared.clone();
        let thread = std::thread::Builder::new().name("mock-model".into()).spawn(move || {
            runtime.block_on(serve::serve(listener, served, stopped));
            // Replies that are held would keep the runtime waiting.
            runtime.shutdown_background();
        })?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Starts a server that gives these replies, in order.
    pub fn scripted(replies: impl IntoIterator<Item = Reply>) -> io::Result<Self> {
        let model = Self::start()?;
        replies.into_iter().for_each(|reply| model.push(reply));
        Ok(model)
    }

    /// Starts a server that chooses its reply by the last thing the user said, as it was said.
    ///
    /// Where a prompt is named several times, each request takes the next of its replies, and the last one stays;
    /// so a tool call and what the model says about its outcome are two replies to one prompt. A tool call that
    /// is the last one is followed by the text `Done.`
    ///
    /// ```
    /// use codex_appserver_testkit::{MockModel, Reply};
    ///
    /// let model = MockModel::by_prompt([
    ///     ("Hello.", Reply::text_chunks(["Hello ", "there."])),
    ///     ("Look around.", Reply::command("ls")),
    ///     ("Look around.", Reply::text("There is nothing here.")),
    ///     ("Too much?", Reply::too_many_requests()),
    /// ])?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn by_prompt<P: Into<String>>(replies: impl IntoIterator<Item = (P, Reply)>) -> io::Result<Self> {
        let model = Self::start()?;
        let mut replies = kinds::ByPrompt::new(replies);
        model.answer_with(move |request| replies.choose(request));
        Ok(model)
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `base_url` of a model provider: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Adds a reply at the end of the queue.
    pub fn push(&self, reply: Reply) {
        lock(&self.shared.script).queue.push_back(reply);
    }

    /// Answers by this closure whenever the queue is empty. It runs on the server's thread, one request at a
    /// time, and should not block: make it return a reply with a [`Gate`] instead.
    pub fn answer_with(&self, handler: impl FnMut(&ModelRequest) -> Reply + Send + 'static) {
        lock(&self.shared.script).handler = Some(Box::new(handler));
    }

    /// How many replies no request has taken yet; a test that is through may want to see 0.
    pub fn unused(&self) -> usize {
        lock(&self.shared.script).queue.len()
    }

    /// All requests so far, oldest first. A request is in it before its answer begins.
    pub fn requests(&self) -> Vec<ModelRequest> {
        lock(&self.shared.requests).clone()
    }

    /// The requests about this message of the user ([`ModelRequest::is_about`]), oldest first.
    pub fn requests_about(&self, text: &str) -> Vec<ModelRequest> {
        self.requests().into_iter().filter(|request| request.is_about(text)).collect()
    }

    /// How often the user has sent a message with this text, as far as codex has told the model. 1, however many requests
    /// have the message in their history; 2 if a client has sent it twice, be it after a crash of codex.
    ///
    /// Counts the ids that codex has given to the messages. Where they have none, the most that are in one request.
    pub fn times_sent(&self, text: &str) -> usize {
        let requests = lock(&self.shared.requests);
        let ids: HashSet<&str> = requests.iter().flat_map(|request| request.ids_of(text)).flatten().collect();
        let without =
            requests.iter().map(|request| request.ids_of(text).iter().filter(|id| id.is_none()).count());
        ids.len() + without.max().unwrap_or_default()
    }

    /// Blocks until there were `count` requests in all, and gives them.
    pub fn wait_for_requests(
        &self,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<ModelRequest>, NotReached> {
        let requests = lock(&self.shared.requests);
        let (requests, _) = self
            .shared
            .requested
            .wait_timeout_while(requests, timeout, |requests| requests.len() < count)
            .unwrap_or_else(PoisonError::into_inner);
        match requests.len() {
            seen if seen < count => {
                Err(NotReached { what: "requests to the model".into(), expected: count, seen, timeout })
            }
            _ => Ok(requests.clone()),
        }
    }
}

impl Drop for MockModel {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread was reported where it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Keeps the request and decides on its answer, both under one lock: the order of the requests is the
    /// order of the replies.
    fn answer(&self, request: ModelRequest) -> (usize, Reply) {
        let mut script = lock(&self.script);
        let request = self.keep(request);
        let number = request.number;
        if let Some(reply) = script.queue.pop_front() {
            return (number, reply);
        }
        let reply = match &mut script.handler {
            Some(handler) => handler(&request),
            None => Reply::fail(400, format!("the mock has no reply left for request {number}")),
        };
        (number, reply)
    }

    /// Numbers the request and keeps it.
    fn keep(&self, mut request: ModelRequest) -> ModelRequest {
        let mut requests = lock(&self.requests);
        request.number = requests.len() + 1;
        requests.push(request.clone());
        self.requested.notify_all();
        request
    }
}
