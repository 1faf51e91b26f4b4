//! What waits to be stored, without a database: deltas of one text become one event.

use std::collections::VecDeque;

use codex_appserver_notifications::ServerNotification;
use serde_json::Value;

use crate::core::machine::Input;
use crate::core::status::EventKind;
use crate::store::events::NewEvent;
use crate::store::turns::{Batch, Update};

/// How many events from the end are looked through for an earlier delta of the same text: several items may be under way
/// at once.
const LOOK_BACK: usize = 16;

/// The member of a notification that adds to a text.
const DELTA: &str = "delta";

/// One event, and what it means.
#[derive(Debug)]
pub(super) struct Item {
    content: Content,
    input: Option<Input>,
}

#[derive(Debug)]
enum Content {
    Nothing,
    Event(NewEvent),
    Delta(Delta),
}

/// Deltas of one text, put together.
#[derive(Debug)]
struct Delta {
    method: String,
    /// The params without the delta.
    params: Value,
    text: String,
    merged: i64,
}

impl Item {
    pub(super) fn of_notification(notification: &ServerNotification, input: Option<Input>) -> Self {
        let mut message = serde_json::to_value(notification).unwrap_or_default();
        let mut params = message.get_mut("params").map(Value::take).unwrap_or_default();
        match Self::take_delta(&mut params) {
            Some(delta) => Self::of_delta(notification.method(), params, delta),
            None => {
                let event = NewEvent::of_server(EventKind::Notification, notification.method(), &params);
                Self { input, ..Self::of_event(event) }
            }
        }
    }

    pub(super) fn of_event(event: NewEvent) -> Self {
        Self { content: Content::Event(event), input: None }
    }

    pub(super) fn of_input(input: Input) -> Self {
        Self { content: Content::Nothing, input: Some(input) }
    }

    fn of_delta(method: &str, params: Value, text: String) -> Self {
        let delta = Delta { method: method.to_owned(), params, text, merged: 1 };
        Self { content: Content::Delta(delta), input: None }
    }

    /// Takes the delta out of the params of a notification that adds to a text.
    fn take_delta(params: &mut Value) -> Option<String> {
        let members = params.as_object_mut()?;
        if !members.get(DELTA)?.is_string() {
            return None;
        }
        match members.remove(DELTA) {
            Some(Value::String(delta)) => Some(delta),
            _ => None,
        }
    }

    fn bytes(&self) -> usize {
        match &self.content {
            Content::Nothing => 0,
            Content::Event(event) => event.bytes(),
            Content::Delta(delta) => delta.text.len() + delta.method.len() + 300,
        }
    }

    fn into_event(self) -> (Option<NewEvent>, Option<Input>) {
        let event = match self.content {
            Content::Nothing => None,
            Content::Event(event) => Some(event),
            Content::Delta(Delta { method, mut params, text, merged }) => {
                params[DELTA] = Value::String(text);
                let event = NewEvent::of_server(EventKind::Notification, &method, &params);
                Some(NewEvent { merged, ..event })
            }
        };
        (event, self.input)
    }
}

/// What waits, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: VecDeque<Item>,
    update: Update,
    /// How many of the items have an input.
    inputs: usize,
    bytes: usize,
    /// How many items are in the batch that is being stored, and how many bytes they have.
    under_way: usize,
    bytes_under_way: usize,
    /// How many events were dropped since the last batch, and in all.
    dropped: u64,
    dropped_in_all: u64,
    /// The turn of the task, once it is known.
    pub turn_id: Option<String>,
    /// What is there is to be stored without waiting for more.
    pub flush: bool,
    /// Nothing more comes.
    pub closed: bool,
    /// Nothing is stored any more.
    pub ended: bool,
}

impl Queue {
    /// Adds an item. Deltas join an earlier one of the same text unless it would have more than `payload` bytes. If more
    /// than `limit` bytes wait, an event is dropped and counted; an input never is. Says whether there is one more item.
    pub fn push(&mut self, item: Item, update: Update, payload: usize, limit: usize) -> bool {
        if let Some(turn_id) = &update.turn_id {
            self.turn_id = Some(turn_id.clone());
        }
        self.update.merge(update);
        let bytes = item.bytes();
        let item = if self.bytes() + bytes > limit {
            self.dropped += 1;
            self.dropped_in_all += 1;
            match item.input {
                Some(input) => Item::of_input(input),
                None => return false,
            }
        } else {
            let Some(item) = self.join(item, payload) else { return false };
            item
        };
        self.bytes += item.bytes();
        self.inputs += usize::from(item.input.is_some());
        self.items.push_back(item);
        true
    }

    /// Adds a delta to an earlier one. Returns the item if there is none.
    fn join(&mut self, item: Item, payload: usize) -> Option<Item> {
        let Content::Delta(new) = &item.content else { return Some(item) };
        for earlier in self.items.iter_mut().rev().take(LOOK_BACK) {
            // Beyond anything else, the order would change.
            let Content::Delta(old) = &mut earlier.content else { break };
            if old.method == new.method && old.params == new.params {
                if old.text.len() + new.text.len() > payload / 2 {
                    break;
                }
                old.text.push_str(&new.text);
                old.merged += new.merged;
                self.bytes += new.text.len();
                return None;
            }
        }
        Some(item)
    }

    /// Takes the oldest items as a batch. It counts as waiting until it is [`stored`](Self::stored).
    pub fn take(&mut self, limit: usize) -> Batch {
        let mut batch = Batch { update: std::mem::take(&mut self.update), ..Batch::default() };
        for item in self.items.drain(..limit.max(1).min(self.items.len())) {
            self.under_way += 1;
            self.bytes_under_way += item.bytes();
            let (event, input) = item.into_event();
            batch.events.extend(event);
            self.inputs -= usize::from(input.is_some());
            batch.inputs.extend(input);
        }
        self.bytes -= self.bytes_under_way;
        if self.items.is_empty() && self.dropped > 0 {
            let dropped = std::mem::take(&mut self.dropped);
            let summary =
                format!("{dropped} events were dropped here, since the store did not take them in time");
            batch.events.push(NewEvent::host("host/dropped", summary));
        }
        batch
    }

    /// The batch that was taken is stored.
    pub fn stored(&mut self) {
        self.under_way = 0;
        self.bytes_under_way = 0;
    }

    pub fn clear(&mut self) {
        self.items.clear();
        (self.inputs, self.bytes) = (0, 0);
        self.stored();
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.update == Update::default()
    }

    /// Whether something waits that changes the status.
    pub fn is_urgent(&self) -> bool {
        self.inputs > 0
    }

    pub fn waiting(&self) -> usize {
        self.items.len() + self.under_way
    }

    pub fn bytes(&self) -> usize {
        self.bytes + self.bytes_under_way
    }

    pub fn dropped_in_all(&self) -> u64 {
        self.dropped_in_all
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delta(item: &str, text: &str) -> Item {
        Item::of_delta("item/agentMessage/delta", json!({ "itemId": item }), text.to_owned())
    }

    fn push(queue: &mut Queue, item: Item) {
        queue.push(item, Update::default(), 64, 10_000);
    }

    fn texts(batch: &Batch) -> Vec<(String, i64)> {
        batch.events.iter().map(|event| (event.summary.clone(), event.merged)).collect()
    }

    #[test]
    fn deltas_of_one_text_become_one_event() {
        let mut queue = Queue::default();
        for (item, text) in [("a", "He"), ("b", "1"), ("a", "llo"), ("b", "2")] {
            push(&mut queue, delta(item, text));
        }
        push(&mut queue, Item::of_event(NewEvent::stderr("warning")));
        push(&mut queue, delta("a", "!"));
        assert_eq!(queue.waiting(), 4);
        let batch = queue.take(10);
        let expected = [("Hello", 2), ("12", 2), ("warning", 1), ("!", 1)];
        assert_eq!(texts(&batch), expected.map(|(text, merged)| (text.to_owned(), merged)));
        let payload: Option<Value> =
            batch.events[0].payload.as_deref().and_then(|json| serde_json::from_str(json).ok());
        assert_eq!(payload, Some(json!({"itemId": "a", "delta": "Hello"})));
        assert_eq!((queue.waiting(), queue.is_empty()), (4, true));
        queue.stored();
        assert_eq!((queue.waiting(), queue.bytes()), (0, 0));
    }

    #[test]
    fn a_text_is_split_before_it_is_clipped() {
        let mut queue = Queue::default();
        for _ in 0..5 {
            push(&mut queue, delta("a", "0123456789"));
        }
        let merged: Vec<i64> = queue.take(10).events.iter().map(|event| event.merged).collect();
        assert_eq!(merged, [3, 2]);
    }

    #[test]
    fn beyond_the_limit_events_are_dropped_and_inputs_kept() {
        let mut queue = Queue::default();
        for number in 0..100 {
            let event = NewEvent::stderr(&"x".repeat(400));
            let input = (number % 10 == 0).then_some(Input::TurnStarted);
            push(&mut queue, Item { input, ..Item::of_event(event) });
        }
        assert!(queue.bytes() <= 10_000);
        let dropped = queue.dropped_in_all();
        let batch = queue.take(1_000);
        assert_eq!(batch.inputs.len(), 10);
        let last = batch.events.last().map(|event| event.summary.clone()).unwrap_or_default();
        assert!(last.starts_with(&format!("{dropped} events were dropped here")), "{last}");
        assert_eq!(batch.events.len() as u64 - 1 + dropped, 100);
    }

    #[test]
    fn batches_are_bounded() {
        let mut queue = Queue::default();
        for number in 0..5 {
            push(&mut queue, Item::of_event(NewEvent::stderr(&number.to_string())));
        }
        let sizes: Vec<usize> = (0..3)
            .map(|_| {
                let batch = queue.take(2);
                queue.stored();
                batch.events.len()
            })
            .collect();
        assert_eq!(sizes, [2, 2, 1]);
    }
}
