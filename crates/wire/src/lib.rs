//! What the generated Codex app-server crates stand on.
//!
//! * [`Request`] and [`Notification`] tie a method name to its payload types;
//! * [`RequestEnvelope`], [`NotificationEnvelope`], [`ResponseEnvelope`] and [`ErrorEnvelope`] are the
//!   four JSON-RPC shapes, [`JsonRpcMessage`] any of them untyped;
//! * [`Transport`] and [`BlockingTransport`] are all that a connection has to offer for the flat method
//!   wrappers to work on it;
//! * [`Paged`] is a method that answers in pages, [`Pages`] and [`Items`] read them;
//! * [`decode`] and [`encode`] are the plain doors to and from JSON text; `decode` names the method
//!   and the JSON path of what is wrong;
//! * [`RpcErrorKind`] tells what sort of trouble an error of the server is;
//! * [`Release`] says since when a method exists;
//! * [`HandlerError`] is how a handler says that it does not answer, or answers with an error;
//! * [`LineBuffer`] makes lines of bytes, with a limit;
//! * [`de`] and [`ser`] are the building blocks of the generated codecs;
//! * [`shape`] is the protocol as data.
//!
//! The app-server speaks JSON-RPC 2.0 without the `"jsonrpc"` member, one object a line.

mod codec;
pub mod de;
mod envelope;
mod error;
mod error_kind;
mod handler;
mod id;
mod integer_enum;
mod lines;
mod message;
mod nullable;
mod paged;
mod path;
mod redact;
mod release;
mod reorder;
mod request;
pub mod ser;
pub mod shape;
#[cfg(feature = "sources")]
pub mod sources;
mod string_enum;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod text;
mod transport;

pub use codec::{decode, decode_bytes, encode, encode_params, encode_request};
pub use envelope::{
    ErrorEnvelope, JsonRpcMessage, NotificationEnvelope, RequestEnvelope, ResponseEnvelope, RpcError,
    TraceContext,
};
pub use error::{DecodeError, EncodeError};
pub use error_kind::RpcErrorKind;
pub use handler::HandlerError;
pub use id::RequestId;
pub use integer_enum::{IntegerEnum, UnknownInteger};
pub use lines::{LineBuffer, LineError};
pub use message::{Message, Params, UnknownMethod};
#[doc(hidden)]
pub use message::{deserialize_message, serialize_message};
pub use nullable::Patch;
pub use paged::{Items, Paged, Pages};
pub use redact::{Redacted, is_secret_name};
pub use release::{NotARelease, Release};
pub use request::{Direction, Notification, Request, RequestVisitor};
pub use string_enum::{StringEnum, UnknownValue};
pub use transport::{BlockingTransport, Endpoint, Transport};

#[doc(hidden)]
pub use serde::de::{Deserialize, Deserializer, Error as DeError, MapAccess, SeqAccess};
#[doc(hidden)]
pub use serde::ser::{Serialize, SerializeMap, Serializer};
