//! What a message is, by its head; and which request an answer belongs to.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::passed::{Direction, Kind};

/// What is read of a message.
#[derive(Deserialize)]
struct Head {
    id: Option<Value>,
    method: Option<String>,
}

/// A message, as far as it has a name.
#[derive(Debug, PartialEq)]
pub(super) struct Named {
    pub(super) kind: Kind,
    pub(super) method: Option<String>,
    pub(super) id: Option<Value>,
}

/// Remembers the requests without an answer: by connection, by who was asked, by id.
#[derive(Debug, Default)]
pub(super) struct Requests {
    open: HashMap<(usize, Direction, String), String>,
}

impl Requests {
    /// Tells what this message is.
    pub(super) fn name(&mut self, connection: usize, direction: Direction, text: &[u8]) -> Named {
        let Ok(Head { id, method }) = serde_json::from_slice(text) else {
            return Named { kind: Kind::Other, method: None, id: None };
        };
        let key = |direction| (connection, direction, id.as_ref().map(Value::to_string).unwrap_or_default());
        let (kind, method) = match (&id, method) {
            (Some(_), Some(method)) => {
                self.open.insert(key(direction), method.clone());
                (Kind::Request, Some(method))
            }
            (Some(_), None) => (Kind::Answer, self.open.remove(&key(direction.reverse()))),
            (None, Some(method)) => (Kind::Notification, Some(method)),
            (None, None) => (Kind::Other, None),
        };
        Named { kind, method, id }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_has_the_method_of_its_request() {
        let mut requests = Requests::default();
        let mut name = |connection, direction, message: Value| {
            let named = requests.name(connection, direction, message.to_string().as_bytes());
            super::super::passed::name(named.kind, named.method.as_deref())
        };
        let (server, client) = (Direction::ToServer, Direction::ToClient);
        assert_eq!(name(1, server, json!({"id": 0, "method": "a"})), "a");
        // The ids of both sides, and of all connections, are apart; so are a number and a text.
        assert_eq!(name(1, client, json!({"id": 0, "method": "b"})), "b");
        assert_eq!(name(2, client, json!({"id": 0, "method": "c"})), "c");
        assert_eq!(name(1, client, json!({"id": "0", "result": 1})), "answer");
        assert_eq!(name(1, client, json!({"id": 0, "error": 1})), "answer to a");
        assert_eq!(name(1, server, json!({"id": 0, "result": 1})), "answer to b");
        assert_eq!(name(1, server, json!({"id": 0, "result": 1})), "answer");
        assert_eq!(name(2, server, json!({"id": 0, "result": 1})), "answer to c");
        assert_eq!(name(1, client, json!({"method": "d", "params": {}})), "d");
        assert_eq!(name(1, client, json!({"params": {}})), "other");
        assert_eq!(requests.name(1, client, b"garbage").kind, Kind::Other);
        assert_eq!(requests.name(1, client, &[0xff]).kind, Kind::Other);
    }

    /// A value of any depth is passed over.
    #[test]
    fn a_deep_message_has_a_name() {
        let deep = format!("{{\"method\":\"a\",\"params\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(
            Requests::default().name(1, Direction::ToServer, deep.as_bytes()).method.as_deref(),
            Some("a")
        );
    }
}
