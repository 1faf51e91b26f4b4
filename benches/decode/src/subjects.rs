//! Who races: these bindings, the same types with serde's derive, the peer crate, and no types at all.

use std::fmt::Debug;

use anyhow::{Result, anyhow, bail};
use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::ServerRequest;
use codex_appserver_wire::{self as wire, NotificationEnvelope, RequestEnvelope, RequestId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Line;

/// A way to read and write messages, as a user of it would.
pub trait Subject {
    /// The name in tables.
    const NAME: &'static str;
    /// A decoded message.
    type Message: Debug;

    /// Reads a message of the server.
    fn decode(line: &Line) -> Result<Self::Message>;

    /// Writes it.
    fn encode(message: &Self::Message) -> Result<String>;
}

/// These bindings.
pub struct Ours;

/// What these bindings make of a message.
#[derive(Debug)]
#[allow(missing_docs, clippy::large_enum_variant)]
pub enum OurMessage {
    Notification(NotificationEnvelope<ServerNotification>),
    Request(RequestEnvelope<ServerRequest>),
}

impl Subject for Ours {
    const NAME: &'static str = "ours";
    type Message = OurMessage;

    fn decode(line: &Line) -> Result<OurMessage> {
        Ok(match line.is_request {
            false => OurMessage::Notification(ServerNotification::decode(&line.text)?),
            true => OurMessage::Request(ServerRequest::decode(&line.text)?),
        })
    }

    fn encode(message: &OurMessage) -> Result<String> {
        Ok(match message {
            OurMessage::Notification(message) => wire::encode(message)?,
            OurMessage::Request(message) => wire::encode(message)?,
        })
    }
}

/// The same types with serde's derive.
pub struct Derived;

/// A notification with what stands beside it.
#[derive(Debug, Serialize, Deserialize)]
pub struct DerivedNotification {
    #[serde(flatten)]
    notification: derived_notifications::ServerNotification,
    #[serde(rename = "emittedAtMs", skip_serializing_if = "Option::is_none")]
    emitted_at_ms: Option<i64>,
}

/// A request with what stands beside it.
#[derive(Debug, Serialize, Deserialize)]
pub struct DerivedRequest {
    id: RequestId,
    #[serde(flatten)]
    request: derived_requests::ServerRequest,
}

/// What the derived types make of a message.
#[derive(Debug)]
#[allow(missing_docs, clippy::large_enum_variant)]
pub enum DerivedMessage {
    Notification(DerivedNotification),
    Request(DerivedRequest),
}

impl Subject for Derived {
    const NAME: &'static str = "serde derive";
    type Message = DerivedMessage;

    fn decode(line: &Line) -> Result<DerivedMessage> {
        Ok(match line.is_request {
            false => DerivedMessage::Notification(serde_json::from_str(&line.text)?),
            true => DerivedMessage::Request(serde_json::from_str(&line.text)?),
        })
    }

    fn encode(message: &DerivedMessage) -> Result<String> {
        Ok(match message {
            DerivedMessage::Notification(message) => serde_json::to_string(message)?,
            DerivedMessage::Request(message) => serde_json::to_string(message)?,
        })
    }
}

/// The peer crate. It does not keep `emittedAtMs`.
pub struct CodexCodes;

impl Subject for CodexCodes {
    const NAME: &'static str = "codex-codes";
    type Message = codex_codes::ServerMessage;

    fn decode(line: &Line) -> Result<codex_codes::ServerMessage> {
        codex_codes::ServerMessage::from_json_str(&line.text).map_err(|error| anyhow!("{error}"))
    }

    fn encode(message: &codex_codes::ServerMessage) -> Result<String> {
        Ok(match message {
            codex_codes::ServerMessage::Notification(notification) => serde_json::to_string(notification)?,
            codex_codes::ServerMessage::Request { .. } => bail!("codex-codes does not write server requests"),
        })
    }
}

/// No types: `serde_json::Value`.
pub struct Untyped;

impl Subject for Untyped {
    const NAME: &'static str = "Value";
    type Message = Value;

    fn decode(line: &Line) -> Result<Value> {
        Ok(serde_json::from_str(&line.text)?)
    }

    fn encode(message: &Value) -> Result<String> {
        Ok(serde_json::to_string(message)?)
    }
}
