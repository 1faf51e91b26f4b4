//! What the SDK knows, as plain values: no connection, no clock, no lock, no waiting.
//!
//! [`turn`] is the state machine of one turn, [`view`] that of a thread's items, [`log`] what its events add up to, [`records`] what the server keeps of
//! it and [`lookup`] how that is read, [`attempts`] when a call to it is made again. [`announcements`] and [`deciders`] say who answers an approval.
//! The rest of the crate puts these values behind locks and waits for what they ask for.

pub(crate) mod agents;
pub(crate) mod announcements;
pub(crate) mod attempts;
pub(crate) mod deciders;
#[cfg(test)]
mod fixtures;
pub(crate) mod folders;
pub(crate) mod limit;
mod log;
mod lookup;
pub(crate) mod records;
pub(crate) mod turn;
pub(crate) mod usage;
pub(crate) mod view;

pub(crate) use lookup::{Lookup, Query};
pub(crate) use turn::{Step, Turn};
