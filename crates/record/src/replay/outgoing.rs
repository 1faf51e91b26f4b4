//! What the replay writes: messages of the recorded server, with the ids of this run.

use std::time::Duration;

use super::compare::{Aliases, renamed};
use super::message::{Message, with_id};
use crate::trace::Content;

/// A message of the server that is to be written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outgoing {
    /// The message, without a line break.
    pub content: Content,
    /// What it is.
    pub kind: OutgoingKind,
    /// How long after the message before it the recorded server sent it.
    pub gap: Duration,
}

/// What a message of the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutgoingKind {
    /// The first answer to a request of the client.
    Answer,
    /// A request to the client.
    Request,
    /// A notification, an answer that comes again, or what is no message.
    Other,
}

/// The answer of the trace under the id of this run.
pub(super) fn answer(content: &Content, id: &str) -> Option<Content> {
    let Content::Line(line) = content else { return None };
    let Message::Answer { id: recorded, .. } = Message::read(line) else { return None };
    Some(Content::Line(with_id(line, recorded, id)))
}

/// A message of the trace with the ids of this run.
pub(super) fn with_aliases(content: Content, aliases: &Aliases) -> Content {
    match content {
        Content::Line(line) if !aliases.is_empty() => Content::Line(renamed(&line, aliases)),
        content => content,
    }
}
