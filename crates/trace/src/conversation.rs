//! Which request an answer belongs to, and who sent a message whose direction nobody wrote down.

use std::collections::{HashMap, VecDeque};

use codex_appserver_record::Direction;
use codex_appserver_shapes::METHODS;
use codex_appserver_wire::RequestId;
use codex_appserver_wire::shape::Kind;

use crate::path::shortened;

/// How many requests may lie between a request and its answer. An older one is forgotten, so that a trace
/// full of requests that nobody answered does not fill the memory.
const MOST: usize = 65_536;

/// A request by its connection, the side that sent it, and its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    connection: Option<String>,
    sender: Direction,
    id: RequestId,
}

/// The requests that wait for their answers.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// By key: which request of the trace it is, and its method.
    requests: HashMap<Key, (u64, String)>,
    order: VecDeque<(u64, Key)>,
    seen: u64,
}

impl Pending {
    /// Remembers a request.
    pub(crate) fn sent(&mut self, connection: Option<&str>, sender: Direction, id: RequestId, method: &str) {
        let key = Key { connection: connection.map(str::to_owned), sender, id };
        // Of a method that somebody made up the start is enough to tell it by.
        let method = shortened(method).into_owned();
        self.seen += 1;
        self.order.push_back((self.seen, key.clone()));
        self.requests.insert(key, (self.seen, method));
        if self.order.len() > MOST
            && let Some((number, key)) = self.order.pop_front()
            // The id may be in use again.
            && self.requests.get(&key).is_some_and(|(newest, _)| *newest == number)
        {
            self.requests.remove(&key);
        }
    }

    /// The method of the request that `answerer` answers.
    pub(crate) fn answered(
        &mut self,
        connection: Option<&str>,
        answerer: Direction,
        id: RequestId,
    ) -> Option<String> {
        let key = Key { connection: connection.map(str::to_owned), sender: other(answerer), id };
        self.requests.remove(&key).map(|(_, method)| method)
    }

    /// Who may have sent an answer: the server, where the client has a request of this id.
    pub(crate) fn answerer(&self, connection: Option<&str>, id: &RequestId) -> Option<Direction> {
        [Direction::ServerToClient, Direction::ClientToServer].into_iter().find(|answerer| {
            let key =
                Key { connection: connection.map(str::to_owned), sender: other(*answerer), id: id.clone() };
            self.requests.contains_key(&key)
        })
    }
}

/// The side that a message of this side goes to.
pub(crate) fn other(direction: Direction) -> Direction {
    match direction {
        Direction::ClientToServer => Direction::ServerToClient,
        Direction::ServerToClient => Direction::ClientToServer,
    }
}

/// The kind of a message that carries a method.
pub(crate) fn kind(sender: Direction, is_request: bool) -> Kind {
    match (sender, is_request) {
        (Direction::ClientToServer, true) => Kind::ClientRequest,
        (Direction::ClientToServer, false) => Kind::ClientNotification,
        (Direction::ServerToClient, true) => Kind::ServerRequest,
        (Direction::ServerToClient, false) => Kind::ServerNotification,
    }
}

/// Who sends messages of a method; none where it is unknown or both do.
pub(crate) fn sender(method: &str, is_request: bool) -> Option<Direction> {
    let mut senders = [Direction::ClientToServer, Direction::ServerToClient].into_iter().filter(|sender| {
        METHODS
            .binary_search_by_key(&(method, kind(*sender, is_request)), |known| (known.name, known.kind))
            .is_ok()
    });
    match (senders.next(), senders.next()) {
        (Some(sender), None) => Some(sender),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Direction = Direction::ClientToServer;
    const SERVER: Direction = Direction::ServerToClient;

    #[test]
    fn both_sides_and_every_connection_have_ids_of_their_own() {
        let mut pending = Pending::default();
        pending.sent(None, CLIENT, 0.into(), "a");
        pending.sent(None, SERVER, 0.into(), "b");
        pending.sent(Some("1"), CLIENT, 0.into(), "c");
        pending.sent(None, CLIENT, "0".into(), "d");
        assert_eq!(pending.answered(None, SERVER, 0.into()).as_deref(), Some("a"));
        assert_eq!(pending.answered(None, SERVER, 0.into()), None);
        assert_eq!(pending.answered(None, CLIENT, 0.into()).as_deref(), Some("b"));
        assert_eq!(pending.answered(Some("1"), SERVER, 0.into()).as_deref(), Some("c"));
        assert_eq!(pending.answered(None, SERVER, "0".into()).as_deref(), Some("d"));
    }

    #[test]
    fn old_requests_are_forgotten_and_ids_may_be_used_again() {
        let mut pending = Pending::default();
        pending.sent(None, CLIENT, 0.into(), "old");
        pending.sent(None, CLIENT, 1.into(), "first");
        for id in 2..MOST as i64 {
            pending.sent(None, CLIENT, id.into(), "filler");
        }
        pending.sent(None, CLIENT, 1.into(), "second");
        pending.sent(None, CLIENT, (MOST as i64).into(), "filler");
        assert_eq!(pending.answered(None, SERVER, 0.into()), None);
        assert_eq!(pending.answered(None, SERVER, 1.into()).as_deref(), Some("second"));
        assert!(pending.requests.len() <= MOST && pending.order.len() <= MOST);
    }

    #[test]
    fn the_method_tells_the_sender() {
        assert_eq!(sender("thread/start", true), Some(CLIENT));
        assert_eq!(sender("turn/completed", false), Some(SERVER));
        assert_eq!(sender("item/tool/call", true), Some(SERVER));
        assert_eq!(sender("thread/start", false), None);
        assert_eq!(sender("no/such", true), None);
    }
}
