//! Durable tasks for Codex: a store for tasks, what happens to them, what they wait for, and how they ended.
//!
//! A *task* is a piece of agent work that outlives the processes that work on it: a prompt, the turns that were begun for
//! it, its status, a log of events, the requests that wait for an answer, and its result. A [`Host`] is an open store
//! of tasks. SQLite needs no set-up; with PostgreSQL several machines share the tasks.
//!
//! The store knows no connection: a worker tells it what it hears from the server, and learns what it has to do. With the
//! feature `worker` there is one that uses the SDK: see the module `worker`. What it does with the store is this:
//!
//! ```
//! use codex_appserver_host::{Answer, Batch, Host, Input, NewRequest, NewTask, ServerInstance, Status, TurnEnd};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite:{}/tasks.sqlite", folder.path().display());
//! # let cwd = folder.path();
//! let host = Host::open(&url).await?;
//! let task = host.create(&NewTask::new("Tidy up the imports.", cwd)).await?.task;
//!
//! // A worker, in this process or in another one, claims the task and stores what it is about to send.
//! let worker = host.register("worker 1").await?;
//! let claim = host.claim(&worker).await?.expect("there is a task");
//! let server = ServerInstance::new("one run of an app-server");
//! let attempt = host.intend(&claim.lease, &server, "thread-1").await?;
//! // `turn/start` goes out with `attempt.client_message_id`, and the server answers.
//! host.acknowledge(&claim.lease, &server, "turn-1").await?;
//! let started = Batch { inputs: vec![Input::TurnStarted], ..Batch::default() };
//! assert_eq!(host.append(&claim.lease, &started).await?.status, Status::Working);
//!
//! // The server asks.
//! let method = "item/commandExecution/requestApproval".to_owned();
//! let params = json!({"threadId": "thread-1", "turnId": "turn-1", "itemId": "item-1", "command": "cargo fmt"});
//! let asked = NewRequest { server: server.clone(), id: 0.into(), method, params };
//! let request = host.open_request(&claim.lease, &asked).await?;
//! assert_eq!(host.task(task.id).await?.status, Status::WaitingForApproval);
//!
//! // A user answers, from any process, and the worker sends the answer.
//! host.answer(request.id, &Answer::Result(json!({"decision": "accept"})), "ann", false).await?;
//! for answered in host.answers_to_send(&claim.lease, &server).await? {
//!     host.answer_sent(&claim.lease, answered.id).await?;
//! }
//!
//! let ended = Batch { inputs: vec![Input::TurnCompleted(TurnEnd::Completed)], ..Batch::default() };
//! host.append(&claim.lease, &ended).await?;
//! assert_eq!(host.wait(task.id).await?.status, Status::Completed);
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! * **Leases.** A worker owns a task for a while, and renews its leases ([`Host::renew`]). Each claim has a higher number
//!   than the ones before, and every write of a worker carries it: a worker that was stopped for too long and comes back
//!   is refused ([`Error::Fenced`]). Only the clock of the database counts.
//! * **Intent before send.** [`Host::intend`] stores that a turn is about to be begun, with the id that goes out as
//!   `clientUserMessageId`. After a crash, the next owner gets it as [`Claim::unfinished`] and looks it up in the thread:
//!   no intent becomes two turns.
//! * **True statuses.** The server's word counts; an interrupt that came too late does not change how a turn ended. What
//!   has ended stays as it is. Nothing is `working` without a live lease.
//! * **One answer.** The first answer to a request wins, and the others learn who gave it. Answers have to fit the method
//!   of the request. An answer after the end of the task or of the server is refused. Without an answer, a request is
//!   declined at its [deadline](Deadlines); nothing is ever accepted by default.
//! * **No silent gaps.** An event has an id that is never used again. A reader from too far back gets a snapshot and is
//!   told so ([`Host::events`], [`Host::subscribe`]).
//! * **A store that is away stops no turn.** An [`EventWriter`] keeps events in memory, says so and catches up.
//! * **Secrets** are masked in events, summaries, errors, requests and notifications, by the recorder's rules. The prompt,
//!   the final text and answers that are still to be sent are kept as they are. Two deltas of one text that are stored in
//!   different transactions are masked each on its own.
//!
//! Files are for their user alone (mode 0600, in a folder of mode 0700). A store that a later version wrote is refused,
//! one of an earlier version is migrated when it is opened.

mod core;
mod db;
mod error;
mod host;
mod ids;
mod location;
mod settings;
mod store;
mod subscribe;
mod text;
#[cfg(feature = "worker")]
pub mod worker;
mod writer;

pub use crate::core::answers::{Answer, RESUME_METHOD};
pub use crate::core::machine::{Input, TurnEnd};
pub use crate::core::status::{
    ApprovalPolicy, DeliveryState, EventKind, IfLost, RequestKind, RequestStatus, Sandbox, Status,
    UnknownWord,
};
pub use crate::error::{Cause, Error, InvalidTask, Refusal, Result};
pub use crate::host::Host;
pub use crate::ids::{
    ClientMessageId, DeliveryId, EventId, InvalidId, PendingId, ServerInstance, TaskId, WorkerId,
};
pub use crate::location::Location;
pub use crate::settings::{Deadlines, Settings};
pub use crate::store::events::{EventPage, LoggedEvent, NewEvent, Reset, Snapshot};
pub use crate::store::leases::{Claim, Lease, Worker};
pub use crate::store::outbox::{Delivery, DeliveryStatus, Notice, Outcome};
pub use crate::store::record::Task;
pub use crate::store::requests::{NewRequest, PendingRequest};
pub use crate::store::tasks::{Created, NewTask, TaskFilter, TaskPage};
pub use crate::store::turns::{Attempt, Batch, Swept, Update};
pub use crate::subscribe::Subscription;
pub use crate::text::{EVENT_SUMMARY, SUMMARY, clip};
pub use crate::writer::{Degraded, Ended, EventWriter, WriterStatus};
