//! Keeps the requests of one task: stores them, sends the answers, and carries out interrupts.
//!
//! It is a task of its own and does one thing after another, so that a request is stored before it is resolved, and a
//! store that is away does not keep the events of the turn.

use std::collections::HashMap;
use std::time::Duration;

use codex_appserver_wire::RequestId;
use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::insist;
use crate::core::answers::{self, Answer};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::ids::{PendingId, ServerInstance};
use crate::store::leases::Lease;
use crate::store::requests::NewRequest;

/// What a server that still runs asks again comes before it has answered the call that resumes the thread. This is for the
/// way from there to here.
const REPEATS: Duration = Duration::from_secs(2);

/// What the clerk is told.
#[derive(Debug)]
pub(super) enum Note {
    /// The server asks, over the connection with this number.
    Asked { request: NewRequest, generation: u64, answer: oneshot::Sender<Answer> },
    /// The server says that a request is resolved.
    Resolved { server: ServerInstance, id: RequestId },
    /// The thread was resumed over the connection with this number: what the server has not repeated is resolved.
    Resumed { server: ServerInstance, generation: u64 },
}

/// What the clerk says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A user wants the turn to end.
    Interrupt,
    /// Another worker owns the task.
    Fenced,
    /// The task has ended.
    Ended,
}

pub(super) struct Clerk {
    host: Host,
    lease: Lease,
    orders: UnboundedSender<Order>,
    /// Where the answers go.
    waiting: HashMap<PendingId, oneshot::Sender<Answer>>,
    /// The connection over which each request, by its id as JSON, was asked last.
    asked: HashMap<String, u64>,
    /// The run of the server that asked last.
    server: Option<ServerInstance>,
    resumed: Option<(Instant, ServerInstance, u64)>,
    /// The user's wish was passed on.
    interrupted: bool,
}

impl Clerk {
    pub(super) fn new(host: &Host, lease: Lease, orders: UnboundedSender<Order>) -> Self {
        Self {
            host: host.clone(),
            lease,
            orders,
            waiting: HashMap::new(),
            asked: HashMap::new(),
            server: None,
            resumed: None,
            interrupted: false,
        }
    }

    /// Works until there is nothing to be told any more, or the task is not ours.
    pub(super) async fn run(mut self, mut notes: UnboundedReceiver<Note>) {
        let mut changes = self.host.changes();
        loop {
            let host = self.host.clone();
            let due = self.resumed.as_ref().map(|(at, ..)| *at);
            let done = tokio::select! {
                note = notes.recv() => match note {
                    Some(note) => self.take(note).await,
                    None => return,
                },
                () = until(due) => self.close_what_was_resolved().await,
                () = host.changed(&mut changes, self.lease.task()) => Ok(()),
            };
            let done = match done {
                Ok(()) => self.look().await,
                Err(error) => Err(error),
            };
            match done {
                Ok(None) => {}
                Ok(Some(order)) => return self.tell(order),
                Err(Error::Fenced { .. } | Error::NoTask(_)) => return self.tell(Order::Fenced),
                Err(error) => {
                    tracing::warn!(task = %self.lease.task(), %error, "failed to keep the requests of a task");
                }
            }
        }
    }

    fn tell(&self, order: Order) {
        // A task that is over has nothing to hear.
        let _ = self.orders.send(order);
    }

    async fn take(&mut self, note: Note) -> Result<()> {
        let (host, lease) = (self.host.clone(), self.lease);
        match note {
            Note::Asked { request, generation, answer } => {
                self.asked.insert(json!(request.id).to_string(), generation);
                if self.server.as_ref() != Some(&request.server) {
                    self.waiting.clear();
                    self.server = Some(request.server.clone());
                }
                match insist(|| host.open_request(&lease, &request)).await {
                    Ok(row) => drop(self.waiting.insert(row.id, answer)),
                    Err(Error::TaskEnded { .. }) => {
                        // The receiver is gone if the request is.
                        let _ = answer.send(answers::decline(&request.method, "the task has ended"));
                    }
                    Err(error) => return Err(error),
                }
            }
            Note::Resolved { server, id } => insist(|| host.resolved(&lease, &server, &id)).await?,
            Note::Resumed { server, generation } => {
                self.resumed = Some((Instant::now() + REPEATS, server, generation));
            }
        }
        Ok(())
    }

    /// Closes the requests that were resolved while no worker was there to hear it.
    async fn close_what_was_resolved(&mut self) -> Result<()> {
        let Some((_, server, generation)) = self.resumed.take() else { return Ok(()) };
        let (host, lease) = (self.host.clone(), self.lease);
        for request in insist(|| host.open_requests(Some(lease.task()))).await? {
            let repeated = self.asked.get(&request.request_id).is_some_and(|asked| *asked >= generation);
            if request.server == server && !repeated {
                let id = request.wire_id()?;
                insist(|| host.resolved(&lease, &server, &id)).await?;
            }
        }
        Ok(())
    }

    /// Reads what others have stored. An order ends the work.
    async fn look(&mut self) -> Result<Option<Order>> {
        let task = match self.host.task(self.lease.task()).await {
            Err(error) if error.is_passing() => return Ok(None),
            task => task?,
        };
        if task.status.is_terminal() {
            return Ok(Some(Order::Ended));
        }
        if task.worker.is_some_and(|worker| worker != self.lease.worker()) {
            return Ok(Some(Order::Fenced));
        }
        self.waiting.retain(|_, answer| !answer.is_closed());
        if let Some(server) = self.server.clone().filter(|_| !self.waiting.is_empty()) {
            match self.send(&server).await {
                Err(error) if error.is_passing() => {}
                done => done?,
            }
        }
        // After the answers: one of them may interrupt the turn by itself.
        if task.interrupted_by.is_some() && !self.interrupted {
            self.interrupted = true;
            self.tell(Order::Interrupt);
        }
        Ok(None)
    }

    async fn send(&mut self, server: &ServerInstance) -> Result<()> {
        for request in self.host.answers_to_send(&self.lease, server).await? {
            let Some(waiting) = self.waiting.remove(&request.id) else { continue };
            let Some(answer) = request.answer else { continue };
            // If the request is withdrawn, or its connection is lost, the answer waits until the server asks again.
            if waiting.send(answer).is_ok() {
                let (host, lease) = (self.host.clone(), self.lease);
                insist(|| host.answer_sent(&lease, request.id)).await?;
            }
        }
        Ok(())
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
