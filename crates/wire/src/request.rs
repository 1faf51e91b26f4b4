//! The traits that tie a method name to its payload types.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Release;

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client to the app-server.
    ClientToServer,
    /// From the app-server to the client.
    ServerToClient,
}

/// A method that is answered: one marker type per method implements this.
pub trait Request {
    /// The wire name, as in `thread/start`.
    const METHOD: &'static str;
    /// Who sends the request.
    const DIRECTION: Direction;
    /// Whether the server wants the `experimentalApi` capability for it.
    const EXPERIMENTAL: bool = false;
    /// The first release of codex that has the method, experimental or not.
    const SINCE: Release = Release::OLDEST;
    /// The `params` member: `()` where the method has none, an `Option` where it may be left out.
    type Params: Serialize + DeserializeOwned + Debug;
    /// The `result` member of the answer.
    type Response: Serialize + DeserializeOwned + Debug;
}

/// A method that is not answered.
pub trait Notification {
    /// The wire name, as in `turn/completed`.
    const METHOD: &'static str;
    /// Who sends the notification.
    const DIRECTION: Direction;
    /// Whether the method is part of the experimental surface.
    const EXPERIMENTAL: bool = false;
    /// The first release of codex that has the method, experimental or not.
    const SINCE: Release = Release::OLDEST;
    /// The `params` member: `()` where the method has none.
    type Params: Serialize + DeserializeOwned + Debug;
}

/// What to do with the request type of a method that is known by name only, such as decoding its answer.
pub trait RequestVisitor {
    /// What comes out.
    type Output;

    /// Called with the marker type of the method.
    fn visit<R: Request>(self) -> Self::Output;
}
