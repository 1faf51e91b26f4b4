//! Changes of the status that are awaited.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::Tokio;
use crate::status::{Status, StatusChanges};

/// On tokio.
impl StatusChanges<Tokio> {
    /// The status, once it has changed. Giving up the future loses nothing.
    pub async fn next(&mut self) -> Option<Status> {
        poll_fn(|context| self.poll_next(context)).await
    }
}

impl Stream for StatusChanges<Tokio> {
    type Item = Status;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Status>> {
        StatusChanges::poll_next(&mut self, context)
    }
}
