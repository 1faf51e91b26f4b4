//! Durable tasks for Codex.

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
