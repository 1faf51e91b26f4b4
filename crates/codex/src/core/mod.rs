//! What the SDK knows, as plain values: no connection, no clock, no lock, no waiting.
//!
//! [`announcements`] and [`deciders`] say who answers an approval. The rest of the crate puts these values behind locks.

pub(crate) mod announcements;
pub(crate) mod deciders;
#[cfg(test)]
mod fixtures;
