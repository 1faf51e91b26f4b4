//! Calls that are begun with a subscription; each body is compiled twice, for tasks and for threads.

#[cfg(all(feature = "async", unix))]
mod tasks;
#[cfg(feature = "blocking")]
mod threads;
