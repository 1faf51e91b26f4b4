//! The tools of each thread of a connection, and how their calls find them.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Poll, Waker};

use codex_appserver_client::generic::ClientBuilder;
use codex_appserver_methods::protocol::{DynamicToolCallParams, method};

use super::call::ToolCall;
use super::tool::Tools;
use crate::codex::Shared;
use crate::runtime::Runtime;

/// The tools of each thread.
///
/// A thread gets its id by the response to the call that starts it. The server may call its tools as soon as it has
/// sent that, before the task or thread that waits for it has seen it. So calls for unknown threads wait while a thread
/// with tools is being opened.
pub struct ToolRegistry<R: Runtime> {
    state: Mutex<State<R>>,
    changed: Condvar,
    shared: OnceLock<Weak<Shared<R>>>,
}

struct State<R: Runtime> {
    threads: HashMap<String, Arc<Tools<R>>>,
    /// How many threads with tools are being opened.
    opening: usize,
    wakers: Vec<Waker>,
}

impl<R: Runtime> ToolRegistry<R> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State { threads: HashMap::new(), opening: 0, wakers: Vec::new() }),
            changed: Condvar::new(),
            shared: OnceLock::new(),
        }
    }

    /// Says what the handles of the connection share; once, when it is open.
    pub(crate) fn open(&self, shared: &Arc<Shared<R>>) {
        let _ = self.shared.set(Arc::downgrade(shared));
    }

    /// The tools of a thread.
    pub(crate) fn of_thread(&self, thread_id: &str) -> Option<Arc<Tools<R>>> {
        self.state().threads.get(thread_id).cloned()
    }

    /// Sets the tools of a thread, until they are replaced.
    pub(crate) fn set_thread(&self, thread_id: &str, tools: Arc<Tools<R>>) {
        let mut state = self.state();
        let old = state.threads.insert(thread_id.to_owned(), tools);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.wake(wakers);
        // Without the lock: what it holds on to may come back here when it is dropped.
        drop(old);
    }

    /// A thread with tools is being opened, until what this returns is dropped.
    pub(crate) fn opening(self: &Arc<Self>) -> Opening<R> {
        self.state().opening += 1;
        Opening(self.clone())
    }

    /// The tools that a call is for: of its thread, or of the thread on whose behalf a sub-agent works. None if the call
    /// is not for this program.
    #[cfg(feature = "async")]
    pub(crate) fn poll_tools(&self, call: &ToolCall<R>, waker: &Waker) -> Poll<Option<Arc<Tools<R>>>> {
        let root = self.root_thread(call.turn_id());
        let mut state = self.state();
        let polled = state.find(call.thread_id(), root.as_deref());
        if polled.is_pending() && !state.wakers.iter().any(|known| known.will_wake(waker)) {
            state.wakers.push(waker.clone());
        }
        polled
    }

    /// The same, blocking this OS thread.
    #[cfg(feature = "blocking")]
    pub(crate) fn wait_tools(&self, call: &ToolCall<R>) -> Option<Arc<Tools<R>>> {
        let root = self.root_thread(call.turn_id());
        let mut state = self.state();
        loop {
            if let Poll::Ready(tools) = state.find(call.thread_id(), root.as_deref()) {
                return tools;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether a call is, or may be, for this program; other handlers of the client answer the rest.
    fn claims(&self, call: &DynamicToolCallParams) -> bool {
        let root = self.root_thread(&call.turn_id);
        !matches!(self.state().find(&call.thread_id, root.as_deref()), Poll::Ready(None))
    }

    /// The thread on whose behalf a sub-agent calls, by its turn.
    fn root_thread(&self, turn_id: &str) -> Option<String> {
        self.shared.get()?.upgrade()?.approvals.root_thread(turn_id)
    }

    fn wake(&self, wakers: Vec<Waker>) {
        self.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Runtime> State<R> {
    fn find(&self, thread_id: &str, root: Option<&str>) -> Poll<Option<Arc<Tools<R>>>> {
        let tools = [Some(thread_id), root].into_iter().flatten().find_map(|id| self.threads.get(id));
        match tools {
            Some(tools) => Poll::Ready(Some(tools.clone())),
            None if self.opening > 0 => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}

/// A thread with tools is being opened.
pub(crate) struct Opening<R: Runtime>(Arc<ToolRegistry<R>>);

impl<R: Runtime> Drop for Opening<R> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.opening -= 1;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.0.wake(wakers);
    }
}

/// Has a client answer calls of tools by what the registry knows.
pub(crate) fn serve<R: Runtime>(
    client: ClientBuilder<R>,
    registry: &Arc<ToolRegistry<R>>,
) -> ClientBuilder<R> {
    let (claiming, registry) = (registry.clone(), registry.clone());
    client.on_if::<method::ItemToolCall, _, _, _>(
        move |call| claiming.claims(call),
        move |params, context| {
            let shared = registry.shared.get().cloned().unwrap_or_default();
            R::serve_tool(registry.clone(), ToolCall::new(params, context, shared))
        },
    )
}
