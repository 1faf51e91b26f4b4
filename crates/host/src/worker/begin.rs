//! Begins the turn of a task, or finds the one that an earlier worker began: no intent becomes two turns.

use std::future::Future;
use std::time::Duration;

use codex_appserver::client::notification_method::ThreadStatusChanged;
use codex_appserver::client::wire::Notification as _;
use codex_appserver::client::{Events, RpcErrorKind};
use codex_appserver::protocol::{
    AskForApproval, ReadOnlySandboxPolicy, SandboxMode, SandboxPolicy, ThreadStatus,
    WorkspaceWriteSandboxPolicy,
};
use codex_appserver::{
    ClientError, ConnectionState, Error as CodexError, EventSettings, Filter, Thread, Turn,
};

use super::desk::Seat;
use super::insist;
use super::task::{Stop, Working};
use crate::core::status::{ApprovalPolicy, Sandbox, Status};
use crate::error::Error;
use crate::ids::{ClientMessageId, ServerInstance};
use crate::store::events::NewEvent;
use crate::store::turns::{Attempt, Batch};

/// How often a turn is begun anew whose start was lost with the connection before the server had it.
const STARTS: usize = 5;

/// How often, and how long after each other, a turn is looked for that the server may be about to begin.
const LOOKS: usize = 6;
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long a call that failed with its connection, or a thread that is busy, is left alone.
const AGAIN: Duration = Duration::from_millis(500);

/// The notifications that name the thread and no turn, and say how the task stands.
const OF_THREAD: &[&str] = &[ThreadStatusChanged::METHOD];

/// A turn that runs, or has run.
pub(super) struct Begun {
    pub thread: Thread,
    pub turn: Turn,
    /// What the server says of the thread.
    pub status: Events,
    /// Has the requests about the thread handed to the task.
    pub seat: Seat,
    /// The id of its attempt.
    pub id: ClientMessageId,
    /// Another worker began it.
    pub found: bool,
    /// The server that it was begun on is gone, so that an interrupted turn was lost.
    pub lost: bool,
}

/// A thread to begin the turn on.
struct Opened {
    server: ServerInstance,
    thread: Thread,
    seat: Seat,
    /// It is there already, with settings of its own.
    resumed: bool,
}

impl Working {
    /// The turn of the task, which runs exactly once.
    pub(super) async fn begin(&self) -> Result<Begun, Stop> {
        if let Some(attempt) = &self.claim.unfinished
            && let Some(begun) = self.adopt(attempt).await?
        {
            return Ok(begun);
        }
        let task = &self.claim.task;
        let mut thread_id = task.thread_id.clone().or_else(|| task.asked_thread_id.clone());
        for _ in 0..STARTS {
            let opened = self.open(thread_id.as_deref()).await?;
            thread_id = Some(opened.thread.id().to_owned());
            if let Some(begun) = self.start(opened).await? {
                return Ok(begun);
            }
        }
        Err(Stop::Failed(format!(
            "the connection to the server was lost {STARTS} times while the turn was begun"
        )))
    }

    /// Looks up the turn that an earlier worker began, or was about to begin. `None` if the server never had it.
    async fn adopt(&self, attempt: &Attempt) -> Result<Option<Begun>, Stop> {
        let Some(thread_id) = &attempt.thread_id else { return Ok(None) };
        let seat = self.shared.desk.seat(thread_id, &self.notes);
        let server = self.connected().await?;
        let same = attempt.server.as_ref() == Some(&server);
        let status = self.subscribe(thread_id);
        let thread = match self.resume(thread_id).await? {
            Ok(thread) => thread,
            // A thread is recorded with its first turn.
            Err(_) if attempt.turn_id.is_none() => return Ok(None),
            Err(error) => return Err(Stop::Lost(format!("its thread cannot be loaded: {error}"))),
        };
        // The server may have the call of a worker that has just died, and not have begun the turn.
        let looks = if same && attempt.turn_id.is_none() { LOOKS } else { 1 };
        let turn = match (self.find(&thread, attempt, looks).await?, &attempt.turn_id) {
            (Some(turn), _) => turn,
            (None, Some(turn_id)) => thread.follow(turn_id),
            (None, None) => return Ok(None),
        };
        self.acknowledge(&server, &turn).await?;
        if !same {
            insist(|| self.shared.host.orphan_others(&self.claim.lease, &server)).await?;
        }
        seat.turn(&turn);
        Ok(Some(Begun {
            thread,
            turn,
            status,
            seat,
            id: attempt.client_message_id,
            found: true,
            lost: !same,
        }))
    }

    async fn find(&self, thread: &Thread, attempt: &Attempt, looks: usize) -> Result<Option<Turn>, Stop> {
        let id = attempt.client_message_id.to_string();
        for look in 1..=looks {
            match self.call(|| thread.find_turn(&id)).await? {
                Ok(None) if look < looks => self.pause(LOOK_AGAIN).await?,
                Ok(turn) => return Ok(turn),
                Err(error) => return Err(Stop::Lost(format!("its turn cannot be looked up: {error}"))),
            }
        }
        Ok(None)
    }

    /// Opens the thread with this id, or a new one.
    async fn open(&self, thread_id: Option<&str>) -> Result<Opened, Stop> {
        if let Some(thread_id) = thread_id {
            let seat = self.shared.desk.seat(thread_id, &self.notes);
            let server = self.connected().await?;
            let is_asked_for = self.claim.task.asked_thread_id.as_deref() == Some(thread_id);
            match self.resume(thread_id).await? {
                Ok(thread) => {
                    self.until_idle(&thread).await?;
                    return Ok(Opened { server, thread, seat, resumed: true });
                }
                Err(error) if is_asked_for => {
                    return Err(Stop::Failed(format!("failed to load thread {thread_id}: {error}")));
                }
                // It had no turn, and was gone with its server.
                Err(_) => {}
            }
        }
        let server = self.connected().await?;
        let task = &self.claim.task;
        let started = self.call(async || {
            let call =
                self.shared.codex.thread_start().cwd(&task.cwd).approval_policy(self.approval_policy());
            let call = call.sandbox(match task.sandbox {
                Sandbox::ReadOnly => SandboxMode::ReadOnly,
                Sandbox::WorkspaceWrite => SandboxMode::WorkspaceWrite,
            });
            let call = if let Some(model) = &task.model { call.model(model) } else { call };
            Ok(call.await?)
        });
        let thread =
            started.await?.map_err(|error| Stop::Failed(format!("failed to start a thread: {error}")))?;
        let seat = self.shared.desk.seat(thread.id(), &self.notes);
        Ok(Opened { server, thread, seat, resumed: false })
    }

    /// Stores the intent, and sends it. `None` if the server does not have it.
    async fn start(&self, opened: Opened) -> Result<Option<Begun>, Stop> {
        let Opened { server, thread, seat, resumed } = opened;
        let (host, lease) = (&self.shared.host, &self.claim.lease);
        let attempt = match insist(|| host.intend(lease, &server, thread.id())).await {
            Err(Error::ThreadBusy { .. }) => return Err(Stop::Busy),
            Err(Error::TaskEnded { status: Status::Cancelled, .. }) => {
                return Err(Stop::Failed("it was interrupted before its turn began".to_owned()));
            }
            done => done?,
        };
        let status = self.subscribe(thread.id());
        let turn = match self.send(&thread, &attempt, resumed).await {
            Ok(turn) => turn,
            Err(error) if error.may_have_run() => match self.look_up(&server, &thread, &attempt).await? {
                Some(turn) => turn,
                None => return Ok(None),
            },
            Err(error) if error.is_retryable() => {
                self.pause(AGAIN).await?;
                return Ok(None);
            }
            Err(error) => return Err(Stop::Failed(format!("failed to begin the turn: {error}"))),
        };
        let id = attempt.client_message_id;
        if let Err(stop) = self.acknowledge(&server, &turn).await {
            // This worker was stopped for too long, and the next one may have begun another turn meanwhile.
            self.leave_to_others(&turn, id).await?;
            return Err(stop);
        }
        seat.turn(&turn);
        Ok(Some(Begun { thread, turn, status, seat, id, found: false, lost: false }))
    }

    /// Looks for a turn whose start was not answered.
    async fn look_up(
        &self,
        server: &ServerInstance,
        thread: &Thread,
        attempt: &Attempt,
    ) -> Result<Option<Turn>, Stop> {
        if self.connected().await? == *server {
            return self.find(thread, attempt, LOOKS).await;
        }
        // A thread without a record had no turn.
        match self.resume(thread.id()).await? {
            Ok(thread) => self.find(&thread, attempt, 1).await,
            Err(_) => Ok(None),
        }
    }

    async fn send(&self, thread: &Thread, attempt: &Attempt, resumed: bool) -> Result<Turn, ClientError> {
        let task = &self.claim.task;
        let id = attempt.client_message_id.to_string();
        let call = thread.turn(self.prompt()).client_user_message_id(id);
        if !resumed {
            return call.await;
        }
        // What the thread had before is not what the task says.
        let call =
            call.cwd(&task.cwd).approval_policy(self.approval_policy()).sandbox_policy(match task.sandbox {
                Sandbox::ReadOnly => SandboxPolicy::from(ReadOnlySandboxPolicy::new()),
                Sandbox::WorkspaceWrite => WorkspaceWriteSandboxPolicy::new().into(),
            });
        match &task.model {
            Some(model) => call.model(model).await,
            None => call.await,
        }
    }

    /// What the agent is told. After a turn that was lost it is told so.
    fn prompt(&self) -> String {
        let prompt = &self.claim.task.prompt;
        if !self.after_loss {
            return prompt.clone();
        }
        format!(
            "An earlier turn worked on the task below and was cut off. What it did is not undone. Look at how far it \
             got, and go on from there.\n\n{prompt}"
        )
    }

    fn approval_policy(&self) -> AskForApproval {
        match self.claim.task.approval_policy {
            ApprovalPolicy::Untrusted => AskForApproval::Untrusted,
            ApprovalPolicy::OnRequest => AskForApproval::OnRequest,
        }
    }

    async fn acknowledge(&self, server: &ServerInstance, turn: &Turn) -> Result<(), Stop> {
        let (host, lease) = (&self.shared.host, &self.claim.lease);
        Ok(insist(|| host.acknowledge(lease, server, turn.id())).await?)
    }

    fn subscribe(&self, thread_id: &str) -> Events {
        let settings = EventSettings::default().methods(OF_THREAD);
        self.shared.codex.client().events_with(Filter::thread(thread_id), settings)
    }

    /// Loads a thread, and waits while another server has it. The inner error is the answer of the server.
    async fn resume(&self, thread_id: &str) -> Result<Result<Thread, CodexError>, Stop> {
        let mut told = false;
        loop {
            let resumed = self.call(async || Ok(self.shared.codex.thread_resume(thread_id).await?)).await?;
            match &resumed {
                Err(CodexError::Client(error)) if error.kind() == Some(RpcErrorKind::ActiveWriter) => {
                    self.tell_once(&mut told, "another app-server has the thread open").await?;
                    self.pause(AGAIN).await?;
                }
                Ok(_) => {
                    let status = self.shared.codex.status();
                    if let Some(server) = self.shared.instances.of(&status) {
                        self.resumed(server, status.generation);
                    }
                    return Ok(resumed);
                }
                Err(_) => return Ok(resumed),
            }
        }
    }

    /// Waits while a turn of another client runs on the thread: what is begun meanwhile would join it.
    async fn until_idle(&self, thread: &Thread) -> Result<(), Stop> {
        let mut told = false;
        loop {
            let read = self.call(async || Ok(thread.read().await?)).await?;
            match read.map(|read| read.thread.status) {
                Ok(ThreadStatus::Active(_)) => {
                    self.tell_once(&mut told, "another turn is at work on the thread").await?;
                    self.pause(AGAIN).await?;
                }
                _ => return Ok(()),
            }
        }
    }

    async fn tell_once(&self, told: &mut bool, what: &str) -> Result<(), Stop> {
        if !std::mem::replace(told, true) {
            let event = NewEvent::host("host/waits", what);
            let batch = Batch { events: vec![event], ..Batch::default() };
            insist(|| self.shared.host.append(&self.claim.lease, &batch)).await?;
        }
        Ok(())
    }

    /// Makes a call that may be made twice until the server has answered it.
    async fn call<T, F>(&self, make: impl Fn() -> F) -> Result<Result<T, CodexError>, Stop>
    where
        F: Future<Output = Result<T, CodexError>>,
    {
        loop {
            self.connected().await?;
            match make().await {
                Err(CodexError::Client(error)) if !is_answer(&error) => {
                    tracing::debug!(task = %self.claim.task.id, %error, "a call has no answer; it is made again");
                    self.pause(AGAIN).await?;
                }
                done => return Ok(done),
            }
        }
    }

    /// Waits until there is a connection, and says to which run of the server.
    pub(super) async fn connected(&self) -> Result<ServerInstance, Stop> {
        let mut changes = self.shared.codex.status_changes();
        loop {
            let status = self.shared.codex.status();
            if let Some(server) = self.shared.instances.of(&status) {
                return Ok(server);
            }
            if matches!(status.connection, ConnectionState::Closed(_)) {
                return Err(Stop::Left);
            }
            tokio::select! {
                _ = changes.next() => {}
                () = self.shared.stopping() => return Err(Stop::Left),
            }
        }
    }

    /// Waits, unless the worker is to stop.
    async fn pause(&self, time: Duration) -> Result<(), Stop> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.shared.stopping() => Err(Stop::Left),
        }
    }
}

/// Whether the server has answered, so that to ask again does not help.
fn is_answer(error: &ClientError) -> bool {
    let passing = matches!(
        error,
        ClientError::ConnectionLost { .. }
            | ClientError::TimedOut { .. }
            | ClientError::Overloaded { .. }
            | ClientError::Closed(_)
            | ClientError::Cancelled { .. }
    );
    !passing
}
