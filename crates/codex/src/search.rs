//! The hits that the server sends while a search runs.

use std::collections::VecDeque;

use codex_appserver_client::notification_method::ThreadSearchPartial;
use codex_appserver_client::{
    Error as ClientError, Event, EventSettings, Overflow, ServerNotification, Unreadable,
};
use codex_appserver_methods::protocol::ThreadSearchResult;
use codex_appserver_methods::protocol::wire::{DecodeError, Notification, RequestId};
use serde_json::Value;

use crate::error::Error;

/// What a search is told by. Hits that find no room are skipped: the answer has all that count.
pub(crate) fn settings(events: EventSettings) -> EventSettings {
    events.methods(&[ThreadSearchPartial::METHOD]).overflow(Overflow::Skip)
}

/// The hits of one search that were not read yet.
pub(crate) struct Previews {
    request_id: RequestId,
    unread: VecDeque<ThreadSearchResult>,
}

impl Previews {
    pub(crate) fn new(request_id: RequestId) -> Self {
        Self { request_id, unread: VecDeque::new() }
    }

    pub(crate) fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The next hit.
    pub(crate) fn next(&mut self) -> Option<ThreadSearchResult> {
        self.unread.pop_front()
    }

    /// Takes the hits of an event, if it is about this search.
    ///
    /// # Errors
    ///
    /// It is, and cannot be decoded.
    pub(crate) fn add(&mut self, event: Event) -> Result<(), Error> {
        if let Event::Unreadable(unreadable) = &event
            && self.concerns(unreadable)
        {
            let error = DecodeError::other(unreadable.to_string()).with_raw(unreadable.raw.clone());
            return Err(ClientError::Decode(error).into());
        }
        if let Some(ServerNotification::ThreadSearchPartial(partial)) = event.into_notification()
            && partial.request_id == self.request_id
        {
            self.unread.extend(partial.data);
        }
        Ok(())
    }

    /// Whether a message that cannot be decoded has hits of this search.
    fn concerns(&self, unreadable: &Unreadable) -> bool {
        let raw = &unreadable.raw;
        match serde_json::from_str::<Value>(raw) {
            Ok(message) => {
                message["method"] == ThreadSearchPartial::METHOD
                    && serde_json::to_value(&self.request_id)
                        .is_ok_and(|id| message["params"]["requestId"] == id)
            }
            // It is broken JSON, or the beginning of a line. Within a string the quotes would be escaped.
            Err(_) => {
                raw.contains(&format!("\"{}\"", ThreadSearchPartial::METHOD))
                    && member(raw, "requestId").is_some_and(|id| id == self.request_id.to_string())
            }
        }
    }
}

/// The number that is the value of the first member of this name, as text.
fn member<'a>(raw: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = raw.split_once(&format!("\"{name}\""))?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    // A number that the text ends with may have had more digits.
    Some(&value[..value.find(|end: char| !end.is_ascii_digit())?])
}

#[cfg(test)]
mod tests {
    use super::member;

    #[test]
    fn the_id_is_found_in_broken_json() {
        for (raw, id) in [
            (r#"{"params":{"requestId":12,"data":[{"#, Some("12")),
            (r#"{"params":{"requestId" : 12}"#, Some("12")),
            (r#"{"params":{"data":["\"requestId\":1"],"requestId":12,"#, Some("12")),
            (r#"{"params":{"requestId":12"#, None),
            (r#"{"params":{"requestId":"12","#, Some("")),
            (r#"{"params":{"data":["#, None),
        ] {
            assert_eq!(member(raw, "requestId"), id, "{raw}");
        }
    }
}
