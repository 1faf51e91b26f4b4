//! What the store does for users and workers, one file per part of it.

mod answering;
pub(crate) mod events;
pub(crate) mod leases;
pub(crate) mod outbox;
mod prune;
pub(crate) mod record;
pub(crate) mod requests;
mod rows;
pub(crate) mod tasks;
pub(crate) mod turns;
