//! What the store does for users and workers, one file per part of it.

pub(crate) mod events;
pub(crate) mod leases;
pub(crate) mod outbox;
pub(crate) mod record;
pub(crate) mod requests;
pub(crate) mod tasks;
pub(crate) mod turns;
