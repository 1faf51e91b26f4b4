//! Takes the requests of the server, and hands each to the task that it is about.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codex_appserver::client::{ClientBuilder, Context, HandlerError, RpcError, method};
use codex_appserver::protocol::wire::{Request, UnknownMethod};
use codex_appserver::{CodexBuilder, Turn};
use codex_appserver_wire::decode;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::clerk::Note;
use super::instance::Instances;
use crate::core::answers::Answer;
use crate::store::requests::NewRequest;

/// A request of a sub-agent may come before the events that say whose sub-agent it is were read.
const LOOKS: usize = 40;
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The tasks that this worker works on, by the threads that they are about.
#[derive(Debug)]
pub(super) struct Desk {
    instances: Arc<Instances>,
    entries: Mutex<Vec<Entry>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    thread_id: String,
    /// The turn, once it is known: it knows its sub-agents.
    turn: Option<Turn>,
    notes: UnboundedSender<Note>,
}

/// The place of a task at the desk, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    desk: Arc<Desk>,
    number: u64,
}

impl Desk {
    pub(super) fn new(instances: Arc<Instances>) -> Arc<Self> {
        Arc::new(Self { instances, entries: Mutex::default(), next: AtomicU64::new(0) })
    }

    /// Has the requests about a thread handed to a task from now on.
    pub(super) fn seat(self: &Arc<Self>, thread_id: &str, notes: &UnboundedSender<Note>) -> Seat {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Entry { number, thread_id: thread_id.to_owned(), turn: None, notes: notes.clone() };
        self.entries().push(entry);
        Seat { desk: Arc::clone(self), number }
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest task on this thread, or whose sub-agent has it.
    fn find(&self, thread_id: &str) -> Option<UnboundedSender<Note>> {
        let entries = self.entries();
        let owns = |entry: &&Entry| entry.thread_id == thread_id;
        let works_for = |entry: &&Entry| {
            let agents = entry.turn.as_ref().map(Turn::agents).unwrap_or_default();
            agents.iter().any(|agent| agent.thread_id == thread_id)
        };
        let found = entries.iter().rev().find(owns).or_else(|| entries.iter().rev().find(works_for));
        found.map(|entry| entry.notes.clone())
    }

    /// Waits for the answer to a request, for days perhaps.
    async fn ask(&self, context: Context, params: Value) -> Result<Answer, HandlerError> {
        let Some(thread_id) = context.thread_id() else { return Err(HandlerError::Unhandled) };
        let mut notes = self.find(thread_id);
        for _ in 0..LOOKS {
            if notes.is_some() {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
            notes = self.find(thread_id);
        }
        let Some(notes) = notes else { return Err(HandlerError::Unhandled) };
        let status = context.client().ok_or(HandlerError::Unhandled)?.status();
        let server = self.instances.of(&status).ok_or(HandlerError::Unhandled)?;
        let method = context.method().to_owned();
        let request = NewRequest { server, id: context.id().clone(), method, params };
        let (answer, answered) = oneshot::channel();
        let asked = Note::Asked { request, generation: status.generation, answer };
        if notes.send(asked).is_ok()
            && let Ok(answer) = answered.await
        {
            return Ok(answer);
        }
        // The task is not ours any more, and whoever has it answers. This ends when the request is resolved, or with
        // the connection.
        pending().await
    }
}

impl Seat {
    /// Has the requests of the sub-agents of a turn handed to the same task.
    pub(super) fn turn(&self, turn: &Turn) {
        let mut entries = self.desk.entries();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.number == self.number) {
            entry.turn = Some(turn.clone());
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut entries = self.desk.entries();
        let gone = entries.iter().position(|entry| entry.number == self.number);
        let entry = gone.map(|at| entries.swap_remove(at));
        // The last handle of a turn may act when it is dropped.
        drop((entries, entry));
    }
}

/// Has the desk answer everything that the server asks about threads.
pub(super) fn serve(builder: CodexBuilder, desk: &Arc<Desk>) -> CodexBuilder {
    builder.client(|client| {
        let client = on::<method::ItemCommandExecutionRequestApproval>(client, desk);
        let client = on::<method::ItemFileChangeRequestApproval>(client, desk);
        let client = on::<method::ItemPermissionsRequestApproval>(client, desk);
        let client = on::<method::McpServerElicitationRequest>(client, desk);
        let client = on::<method::ItemToolRequestUserInput>(client, desk);
        let client = on::<method::ItemToolCall>(client, desk);
        let desk = Arc::clone(desk);
        client.on_unknown(move |request: UnknownMethod, context: Context| {
            let desk = Arc::clone(&desk);
            async move { result(desk.ask(context, request.params.unwrap_or_default()).await?) }
        })
    })
}

fn on<M>(client: ClientBuilder, desk: &Arc<Desk>) -> ClientBuilder
where
    M: Request + 'static,
    M::Params: Send,
    M::Response: Send + 'static,
{
    let desk = Arc::clone(desk);
    // Before all other handlers, those of the SDK included.
    client.on_if::<M, _, _, _>(
        |_| true,
        move |params: M::Params, context: Context| {
            let (desk, params) = (Arc::clone(&desk), value(&params));
            async move {
                let result = result(desk.ask(context, params?).await?)?;
                Ok(decode::<M::Response>(&result.to_string())?)
            }
        },
    )
}

fn value(params: &impl Serialize) -> Result<Value, HandlerError> {
    serde_json::to_value(params).map_err(|error| RpcError::new(-32603, error.to_string()).into())
}

fn result(answer: Answer) -> Result<Value, HandlerError> {
    match answer {
        Answer::Result(result) => Ok(result),
        Answer::Error { code, message } => Err(RpcError::new(code, message).into()),
    }
}
