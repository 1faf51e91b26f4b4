//! Works on tasks: claims them, runs a turn for each on an app-server, and stores what the server reports.
//!
//! A [`Runner`] is the worker that this crate brings, with the feature `worker`. Several may work on one store. A turn can be
//! adopted only where its thread is: by workers of the same machine and `CODEX_HOME`.
//!
//! ```no_run
//! use codex_appserver::SharedServer;
//! use codex_appserver_host::Host;
//! use codex_appserver_host::worker::{Runner, RunnerSettings, Server};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let host = Host::open("sqlite:").await?;
//! let server = SharedServer::for_home("/home/ann/.codex").start().await?;
//! let runner = Runner::connect(&host, RunnerSettings::default(), Server::Shared(server)).await?;
//! runner.run(async { drop(tokio::signal::ctrl_c().await) }).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! * **Each task runs once.** The intent is stored before it is sent. If the connection or the worker is lost, the turn is
//!   looked up by the id of its attempt and adopted; it is sent again only if the server never had it.
//! * **Turns on a shared server go on without their worker.** [`Runner::run`] gives its tasks back when it is to stop, and
//!   after a crash their leases expire. The next worker goes on with the same turns, and what they have asked is still
//!   asked. A child process ends with its worker, and its turns with it: that is the loss of a turn.
//! * **A turn that is lost** with its server was ended by no user: its task fails, asks, or goes on in a new turn that is told
//!   so, as [`IfLost`](crate::IfLost) says.
//! * **Every question of the agent is a row**, which any process answers with [`Host::answer`]. The answer goes to
//!   the server as it is. Questions about other threads are left to other clients, or declined where there are none.
//! * **A stale worker does no harm.** What it stores is refused. Its turn is interrupted, unless the next owner goes on with it.
//! * **Nothing waits for anything else.** Each task has its own events, requests and writer; a store that is away stops
//!   no turn.

mod begin;
mod clerk;
mod desk;
mod instance;
mod server;
mod task;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codex_appserver::{Codex, ConnectionState, Supervision};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::desk::Desk;
use self::instance::Instances;
pub use self::server::{RunnerError, Server};
use crate::core::machine::Input;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::store::leases::{Lease, Worker};
use crate::store::turns::Batch;

/// The first pause before an operation of the store is tried again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often a worker does what is due by the clock of the store.
const SWEEP: Duration = Duration::from_secs(1);

/// How long a worker waits at least between two looks for tasks.
const LOOK: Duration = Duration::from_millis(100);

/// How a [`Runner`] works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunnerSettings {
    /// What it calls itself, for people. Default: `worker PID`.
    pub label: String,
    /// On how many tasks it works at once. Default: 8.
    pub tasks_at_once: usize,
    /// How often it renews its leases. Default: a third of how long they last.
    pub renew: Option<Duration>,
    /// After how long without a task it ends. Default: never.
    pub idle: Option<Duration>,
    /// How long its tasks may take to store what they have when it is to stop. Default: 10 seconds.
    pub stop_patience: Duration,
    /// How the connection is made again. Default: as the SDK does, and without end.
    pub supervision: Supervision,
}

impl Default for RunnerSettings {
    fn default() -> Self {
        Self {
            label: format!("worker {}", std::process::id()),
            tasks_at_once: 8,
            renew: None,
            idle: None,
            stop_patience: Duration::from_secs(10),
            supervision: Supervision::default().attempts(None),
        }
    }
}

/// Why a [`Runner`] has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finished {
    /// It was to stop.
    Stopped,
    /// There was no task for as long as [`RunnerSettings::idle`] says.
    Idle,
}

/// Works on tasks until it is to stop. Dropped without [`run`](Self::run), it has done nothing.
#[derive(Debug)]
pub struct Runner {
    shared: Arc<Shared>,
}

/// What all tasks of a runner share.
#[derive(Debug)]
struct Shared {
    host: Host,
    codex: Codex,
    desk: Arc<Desk>,
    instances: Arc<Instances>,
    settings: RunnerSettings,
    worker: Mutex<Option<Worker>>,
    /// The leases of the tasks at work.
    running: Mutex<HashSet<Lease>>,
    stop: watch::Sender<bool>,
}

impl Runner {
    /// The connection that it works over.
    pub fn codex(&self) -> &Codex {
        &self.shared.codex
    }

    /// Works on tasks until `stop` is ready, such as by a signal, or until there was none for long enough.
    ///
    /// When it is to stop, turns on a server that outlives it go on, and their tasks are given back. Dropping the future is
    /// like a crash: the tasks wait until their leases have expired.
    ///
    /// # Errors
    ///
    /// The connection is over and cannot be made again, or the store is broken. Tasks were given back as far as that is
    /// possible.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<Finished, RunnerError> {
        let shared = &self.shared;
        shared.register().await?;
        let mut around = JoinSet::new();
        around.spawn(renew(Arc::clone(shared)));
        around.spawn(sweep(Arc::clone(shared)));
        around.spawn(server::watch(Arc::clone(shared)));
        let mut tasks = Tasks::default();
        let done = shared.take_tasks(&mut tasks, stop).await;
        shared.stop.send_replace(true);
        tasks.end(shared).await;
        around.shutdown().await;
        shared.leave().await;
        done
    }
}

/// The tasks at work, with their leases.
#[derive(Default)]
struct Tasks {
    set: JoinSet<()>,
    leases: HashMap<tokio::task::Id, Lease>,
}

impl Tasks {
    /// Waits until a task is over; forever if there is none. Yields the lease of one that panicked.
    async fn over(&mut self) -> Option<Lease> {
        let (id, panicked) = match self.set.join_next_with_id().await {
            Some(Ok((id, ()))) => (id, false),
            Some(Err(error)) => (error.id(), error.is_panic()),
            None => return std::future::pending().await,
        };
        self.leases.remove(&id).filter(|_| panicked)
    }

    /// Waits for the tasks, which have been told to stop, and gives back what is left.
    async fn end(mut self, shared: &Shared) {
        let all = async {
            while !self.set.is_empty() {
                if let Some(lease) = self.over().await {
                    shared.lose(&lease).await;
                }
            }
        };
        if tokio::time::timeout(shared.settings.stop_patience, all).await.is_ok() {
            return;
        }
        self.set.shutdown().await;
        for lease in self.leases.into_values() {
            if let Err(error) = shared.host.release(&lease).await {
                tracing::warn!(task = %lease.task(), %error, "a task could not be given back");
            }
        }
    }
}

impl Shared {
    /// Ready once the worker is to stop.
    async fn stopping(&self) {
        let mut stop = self.stop.subscribe();
        // The sender is in here, so that it cannot be gone.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    async fn register(&self) -> Result<Worker> {
        let worker = insist(|| self.host.register(&self.settings.label)).await?;
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner) = Some(worker.clone());
        Ok(worker)
    }

    async fn worker(&self) -> Result<Worker> {
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match worker {
            Some(worker) => Ok(worker),
            None => self.register().await,
        }
    }

    /// Renews all leases, and says which they are.
    async fn renew(&self) -> Result<Vec<Lease>> {
        match self.host.renew(&self.worker().await?).await {
            Err(Error::NoWorker(_)) => self.register().await.map(|_| Vec::new()),
            done => done,
        }
    }

    fn running(&self) -> MutexGuard<'_, HashSet<Lease>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker has met an error of its own, which shall not happen again and again.
    async fn lose(&self, lease: &Lease) {
        let input = Input::TurnLost { reason: "the worker met an error of its own".to_owned() };
        let batch = Batch { inputs: vec![input], ..Batch::default() };
        if let Err(error) = insist(|| self.host.append(lease, &batch)).await {
            tracing::warn!(task = %lease.task(), %error, "the end of a task could not be stored");
        }
    }

    /// Claims tasks as long as there are some.
    async fn take_tasks(
        self: &Arc<Self>,
        tasks: &mut Tasks,
        stop: impl Future<Output = ()>,
    ) -> Result<Finished, RunnerError> {
        let mut stop = pin!(stop);
        let mut changes = self.host.changes();
        let mut renewed = Instant::now();
        let mut busy = Instant::now();
        loop {
            let status = self.codex.status();
            if let ConnectionState::Closed(closed) = status.connection {
                return Err(RunnerError::Closed(closed));
            }
            if status.is_connected() && tasks.set.len() < self.settings.tasks_at_once {
                // A worker that was stopped for long must not take its own tasks for those of a dead one.
                if renewed.elapsed() >= self.settings.renew_every(&self.host) && self.renew().await.is_ok() {
                    renewed = Instant::now();
                }
                self.claim(tasks).await?;
            }
            if !tasks.set.is_empty() || !status.is_connected() {
                busy = Instant::now();
            }
            if self.settings.idle.is_some_and(|idle| busy.elapsed() >= idle) {
                return Ok(Finished::Idle);
            }
            let rest = self.settings.idle.map(|idle| idle.saturating_sub(busy.elapsed()));
            let wait = self.host.poll().min(rest.unwrap_or(Duration::MAX)).max(LOOK);
            tokio::select! {
                () = &mut stop => return Ok(Finished::Stopped),
                panicked = tasks.over() => if let Some(lease) = panicked {
                    self.lose(&lease).await;
                },
                _ = changes.recv() => tokio::time::sleep(LOOK).await,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn claim(self: &Arc<Self>, tasks: &mut Tasks) -> Result<(), RunnerError> {
        let worker = self.worker().await?;
        while tasks.set.len() < self.settings.tasks_at_once {
            match self.host.claim(&worker).await {
                Ok(Some(claim)) => {
                    let lease = claim.lease;
                    let task = tasks.set.spawn(task::work(Arc::clone(self), claim));
                    tasks.leases.insert(task.id(), lease);
                }
                Ok(None) => break,
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "no task can be claimed at present");
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Says that a lease is worked on, until it is dropped.
struct Running(Arc<Shared>, Lease);

impl Running {
    fn new(shared: &Arc<Shared>, lease: Lease) -> Self {
        shared.running().insert(lease);
        Self(Arc::clone(shared), lease)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running().remove(&self.1);
    }
}

impl RunnerSettings {
    fn renew_every(&self, host: &Host) -> Duration {
        self.renew.unwrap_or(host.settings().lease / 3).max(Duration::from_millis(10))
    }
}

/// Renews the leases, and gives back those of which the claim was lost with its answer: no task works on them.
async fn renew(shared: Arc<Shared>) {
    let mut idle = HashSet::new();
    loop {
        tokio::time::sleep(shared.settings.renew_every(&shared.host)).await;
        let leases = match shared.renew().await {
            Ok(leases) => leases,
            Err(error) => {
                tracing::warn!(%error, "leases could not be renewed");
                continue;
            }
        };
        let before = idle;
        idle = leases.into_iter().filter(|lease| !shared.running().contains(lease)).collect();
        // One that is idle once may have been claimed just now, or be about to end.
        for lease in idle.intersection(&before) {
            if let Err(error) = shared.host.release(lease).await {
                tracing::debug!(task = %lease.task(), %error, "a task could not be given back");
            }
        }
    }
}

async fn sweep(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        if let Err(error) = shared.host.sweep().await {
            tracing::warn!(%error, "what is due in the store could not be done");
        }
    }
}

/// Repeats an operation of the store while the store is away.
async fn insist<T, F>(mut operation: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        match operation().await {
            Err(error) if error.is_passing() => {
                tracing::debug!(%error, "the store is away; it is asked again");
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
            done => return done,
        }
    }
}
