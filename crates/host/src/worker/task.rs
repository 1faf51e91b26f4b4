//! Works on one task: begins or adopts its turn, stores what the server reports, and records how it ended.

use std::sync::Arc;
use std::time::Duration;

use codex_appserver::client::Events;
use codex_appserver::protocol::TurnStatus;
use codex_appserver::{
    ClientError, Error as CodexError, Event, ServerNotification, Turn, TurnResult, TurnStream,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::clerk::{Clerk, Note, Order};
use super::{Running, Shared, insist};
use crate::core::machine::{Input, TurnEnd};
use crate::core::notices;
use crate::core::status::EventKind;
use crate::error::Error;
use crate::ids::{ClientMessageId, ServerInstance};
use crate::store::events::NewEvent;
use crate::store::leases::Claim;
use crate::store::turns::{Batch, Update};
use crate::writer::{EventWriter, WriterStatus};

/// How long an interrupt that failed waits for the next try.
const INTERRUPT_AGAIN: Duration = Duration::from_secs(1);

/// How long a turn whose task has ended may take to end as well before it is interrupted.
const LINGER: Duration = Duration::from_secs(2);

/// How often a worker that was fenced asks what has become of its turn.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How long a task that has to wait for others is left alone.
const BUSY: Duration = Duration::from_secs(1);

/// Why a worker does not go on with a task.
#[derive(Debug)]
pub(super) enum Stop {
    /// The store does not take its word: another worker owns the task, or the store is broken.
    Store(Error),
    /// The turn cannot be begun.
    Failed(String),
    /// The turn is lost.
    Lost(String),
    /// The task is given back, for the next worker.
    Left,
    /// The task is given back, since another one has its thread.
    Busy,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// A task at work.
pub(super) struct Working {
    pub shared: Arc<Shared>,
    pub claim: Claim,
    pub notes: UnboundedSender<Note>,
    /// An earlier turn of the task was lost.
    pub after_loss: bool,
}

/// How the reading of a turn ended.
enum Read {
    /// As the server says.
    Ended(Box<TurnResult>),
    /// The server has no word on it.
    Lost(String),
    /// Another worker owns the task.
    Fenced,
    /// The task has ended before its turn.
    Over,
    /// The worker stops, or its connection does.
    Left,
}

/// Works on a task until it has ended, or belongs to another worker.
pub(super) async fn work(shared: Arc<Shared>, claim: Claim) {
    let lease = claim.lease;
    let _running = Running::new(&shared, lease);
    let (notes, told) = unbounded_channel();
    let (orders, mut heard) = unbounded_channel();
    let clerk = Clerk::new(&shared.host, lease, orders);
    tokio::spawn(clerk.run(told));
    let attempts = insist(|| shared.host.attempts(lease.task())).await.unwrap_or_default();
    let after_loss = attempts.last().is_some_and(|attempt| attempt.outcome.as_deref() == Some("lost"));
    let working = Working { shared: Arc::clone(&shared), claim, notes, after_loss };
    let input = match working.run(&mut heard).await {
        Ok(()) => return,
        Err(Stop::Store(error)) => {
            tracing::warn!(task = %lease.task(), %error, "a task was taken away or cannot be stored");
            return;
        }
        Err(Stop::Failed(error)) => Input::StartFailed { error },
        Err(Stop::Lost(reason)) => Input::TurnLost { reason },
        Err(stop @ (Stop::Left | Stop::Busy)) => {
            if matches!(stop, Stop::Busy) {
                tokio::time::sleep(BUSY).await;
            }
            if let Err(error) = insist(|| shared.host.release(&lease)).await {
                tracing::debug!(task = %lease.task(), %error, "a task could not be given back");
            }
            return;
        }
    };
    let batch = Batch { inputs: vec![input], ..Batch::default() };
    if let Err(error) = insist(|| shared.host.append(&lease, &batch)).await {
        tracing::warn!(task = %lease.task(), %error, "the end of a task could not be stored");
    }
}

impl Working {
    async fn run(&self, orders: &mut UnboundedReceiver<Order>) -> Result<(), Stop> {
        let begun = self.begin().await?;
        let host = &self.shared.host;
        let writer = host.writer(&self.claim.lease, begun.thread.id());
        writer.turn(begun.turn.id());
        if begun.found {
            // Its start was heard by another worker.
            writer.input(Input::TurnStarted);
        }
        let turn = begun.turn.clone().with_agent_events();
        let mut following = Following {
            working: self,
            writer,
            status: Some(begun.status),
            lost: begun.lost,
            end: None,
            interrupting: None,
        };
        let read = following.read(&begun.thread, &turn, orders).await;
        if let Some(interrupting) = following.interrupting.take() {
            interrupting.abort();
        }
        // What the server has said counts, whatever happened after it.
        let said = following.end.take_if(|_| !matches!(read, Read::Ended(_)));
        if let Some(end) = said {
            following.writer.notification(&end);
            following.writer.close().await?;
            return Ok(());
        }
        match read {
            Read::Ended(result) => following.end(&result),
            Read::Lost(reason) => following.writer.input(Input::TurnLost { reason }),
            Read::Fenced => return self.leave_to_others(&turn, begun.id).await,
            Read::Over => interrupt(&turn).await,
            Read::Left if self.shared.instances.place.outlives() => {
                following.writer.close().await?;
                return Err(Stop::Left);
            }
            Read::Left => {
                interrupt(&turn).await;
                following.writer.close().await?;
                return Err(Stop::Lost("the worker has ended, and its server with it".to_owned()));
            }
        }
        following.writer.close().await?;
        drop(begun.seat);
        Ok(())
    }

    /// Another worker owns the task. On a server that it can reach it goes on with the turn; else the turn is of no use any
    /// more, and is interrupted.
    pub(super) async fn leave_to_others(&self, turn: &Turn, id: ClientMessageId) -> Result<(), Stop> {
        while self.shared.instances.place.outlives() {
            tokio::select! {
                () = tokio::time::sleep(ASK_AGAIN) => {}
                () = self.shared.stopping() => return Ok(()),
            }
            let attempts = match self.shared.host.attempts(self.claim.task.id).await {
                Err(error) if error.is_passing() => continue,
                attempts => attempts?,
            };
            let Some(attempt) = attempts.iter().find(|attempt| attempt.client_message_id == id) else {
                break;
            };
            match attempt.outcome.as_deref() {
                None => {}
                Some("lost" | "replaced") => break,
                Some(_) => return Ok(()),
            }
        }
        interrupt(turn).await;
        Ok(())
    }

    pub(super) fn resumed(&self, server: ServerInstance, generation: u64) {
        // The clerk is there as long as the task is ours.
        let _ = self.notes.send(Note::Resumed { server, generation });
    }
}

/// What is kept while the events of a turn are read.
struct Following<'a> {
    working: &'a Working,
    writer: EventWriter,
    status: Option<Events>,
    /// The server was killed, so that an interrupted turn was lost.
    lost: bool,
    /// The end of the turn, which is stored with what the records say.
    end: Option<ServerNotification>,
    interrupting: Option<JoinHandle<()>>,
}

impl Following<'_> {
    async fn read(
        &mut self,
        thread: &codex_appserver::Thread,
        turn: &Turn,
        orders: &mut UnboundedReceiver<Order>,
    ) -> Read {
        let mut watched = self.writer.watch();
        let mut turn = turn.clone();
        let mut stream = turn.stream();
        loop {
            let shared = &self.working.shared;
            tokio::select! {
                event = stream.next() => match event {
                    Some(Ok(event)) => self.take(&event, &turn),
                    Some(Err(CodexError::Stalled(stalled))) => {
                        self.writer.event(NewEvent::host("host/stalled", stalled.to_string()));
                    }
                    // Its own events came faster than they were read; the server's records have the rest.
                    Some(Err(CodexError::Client(ClientError::Overrun { .. }))) => {
                        turn = thread.follow(turn.id()).with_agent_events();
                        stream = turn.stream();
                    }
                    Some(Err(error)) => return failed(error),
                    None => return ended(stream),
                },
                event = next(&mut self.status) => match event {
                    Some(Ok(event)) => {
                        if let Some(notification) = event.notification() {
                            self.writer.notification(notification);
                        }
                    }
                    _ => self.status = None,
                },
                Some(order) = orders.recv() => match order {
                    Order::Interrupt => self.interrupt(&turn),
                    Order::Fenced => return Read::Fenced,
                    Order::Ended => return self.linger(stream, &turn).await,
                },
                () = refused(&mut watched) => return Read::Fenced,
                () = shared.stopping() => return Read::Left,
            }
        }
    }

    fn take(&mut self, event: &Event, turn: &Turn) {
        match event {
            Event::Notification(envelope) => self.notification(&envelope.notification, turn),
            Event::Reconnected { generation, missed } => {
                self.lost |= missed.restarted != Some(false);
                let summary =
                    format!("the connection was lost for {:?}; this is number {generation}", missed.duration);
                self.writer.event(NewEvent::host("host/reconnected", summary));
                for item in &missed.items {
                    let item = serde_json::json!({ "item": item });
                    self.writer.event(NewEvent::of_server(EventKind::Host, "host/missed", &item));
                }
                let status = self.working.shared.codex.status();
                if let Some(server) = self.working.shared.instances.of(&status) {
                    self.working.resumed(server, status.generation);
                }
            }
            Event::Unreadable(line) => {
                let method = line.method.as_deref().unwrap_or("unreadable");
                self.writer.event(NewEvent::protocol(method, &line.raw));
            }
            Event::Lagged { skipped } => {
                self.writer.event(NewEvent::host("host/skipped", format!("{skipped} events were skipped")));
            }
            // The desk has it.
            _ => {}
        }
    }

    fn notification(&mut self, notification: &ServerNotification, turn: &Turn) {
        // The server that runs the turn is alive.
        self.lost = false;
        match notification {
            ServerNotification::ServerRequestResolved(resolved) => {
                let shared = &self.working.shared;
                if let Some(server) = shared.instances.of(&shared.codex.status()) {
                    let resolved = Note::Resolved { server, id: resolved.request_id.clone() };
                    // The clerk is there as long as the task is ours.
                    let _ = self.working.notes.send(resolved);
                }
            }
            ServerNotification::TurnCompleted(completed) if completed.turn.id == turn.id() => {
                self.end = Some(notification.clone());
                return;
            }
            _ => {}
        }
        self.writer.notification(notification);
    }

    /// Interrupts the turn beside the reading of its events.
    fn interrupt(&mut self, turn: &Turn) {
        let turn = turn.clone();
        self.interrupting = Some(tokio::spawn(async move {
            while let Err(error) = turn.interrupt().await {
                tracing::debug!(turn = turn.id(), %error, "an interrupt failed; it is tried again");
                tokio::time::sleep(INTERRUPT_AGAIN).await;
            }
        }));
    }

    /// The task has ended. Its turn may have as well, in which case its last events are still read.
    async fn linger(&mut self, mut stream: TurnStream, turn: &Turn) -> Read {
        let rest = async {
            while let Some(event) = stream.next().await {
                match event {
                    Ok(event) => self.take(&event, turn),
                    Err(_) => return,
                }
            }
        };
        match tokio::time::timeout(LINGER, rest).await {
            Ok(()) => match stream.into_result() {
                Ok(result) => Read::Ended(Box::new(result)),
                Err(_) => Read::Over,
            },
            Err(_) => Read::Over,
        }
    }

    /// Stores the end: as the server has said it, else as its records do.
    fn end(&mut self, result: &TurnResult) {
        let recorded = Update {
            final_text: result.final_text.clone(),
            last_progress: result.final_text.clone(),
            usage: result.usage.as_ref().and_then(|usage| serde_json::to_string(usage).ok()),
            ..Update::default()
        };
        match self.end.take() {
            Some(end) => self.writer.notification_with(&end, recorded),
            None => self.writer.recorded(recorded, how(result, self.lost)),
        }
    }
}

/// How a turn ended, by the server's records. One that was interrupted by the end of its server was lost.
fn how(result: &TurnResult, lost: bool) -> Input {
    let end = match &result.status {
        TurnStatus::Interrupted if lost => {
            return Input::TurnLost { reason: "the server ended while the turn was at work".to_owned() };
        }
        TurnStatus::Completed => TurnEnd::Completed,
        TurnStatus::Interrupted => TurnEnd::Interrupted,
        TurnStatus::Failed => TurnEnd::Failed(result.error.as_ref().map(notices::message)),
        other => TurnEnd::Unknown(other.as_str().to_owned()),
    };
    Input::TurnCompleted(end)
}

fn ended(stream: TurnStream) -> Read {
    match stream.into_result() {
        Ok(result) => Read::Ended(Box::new(result)),
        Err(error) => failed(error),
    }
}

/// What the end of a stream means that is no end of its turn.
fn failed(error: CodexError) -> Read {
    match error {
        CodexError::Client(_) | CodexError::Disconnected { .. } => Read::Left,
        error => Read::Lost(error.to_string()),
    }
}

/// Ready once the store takes nothing of this worker any more.
async fn refused(status: &mut watch::Receiver<WriterStatus>) {
    // The writer lives as long as its events are read.
    let _ = status.wait_for(|status| status.ended.is_some()).await;
}

async fn interrupt(turn: &Turn) {
    if let Err(error) = turn.interrupt().await {
        tracing::debug!(turn = turn.id(), %error, "a turn that is of no use any more was not interrupted");
    }
}

async fn next(events: &mut Option<Events>) -> Option<Result<Event, ClientError>> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}
