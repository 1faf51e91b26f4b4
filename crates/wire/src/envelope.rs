//! The four JSON-RPC shapes, and any of them untyped.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::de::{self, Object};
use crate::message::{Message, Parts};
use crate::ser::{self, Fields};
use crate::{DecodeError, RequestId};

/// W3C trace context that a request may carry for distributed tracing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceContext {
    /// The `traceparent` header value.
    pub traceparent: Option<String>,
    /// The `tracestate` header value.
    pub tracestate: Option<String>,
}

impl Object for TraceContext {
    const NAME: &'static str = "TraceContext";

    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut trace = Self::default();
        while let Some(key) = de::key(&mut map)? {
            match &*key {
                "traceparent" => trace.traceparent = de::value(&mut map)?,
                "tracestate" => trace.tracestate = de::value(&mut map)?,
                _ => de::skip(&mut map)?,
            }
        }
        Ok(trace)
    }
}

impl Fields for TraceContext {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        ser::optional(map, "traceparent", &self.traceparent)?;
        ser::optional(map, "tracestate", &self.tracestate)
    }
}

ser::impl_object!(TraceContext);

/// A request of any method of one kind, such as `RequestEnvelope<ServerRequest>`.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestEnvelope<T> {
    /// The id that the answer echoes.
    pub id: RequestId,
    /// Method and params.
    pub request: T,
    /// Trace context, where the sender has one.
    pub trace: Option<TraceContext>,
}

impl<T: Message> RequestEnvelope<T> {
    /// Decodes a whole message; an error names the method and the JSON path.
    ///
    /// The same as [`decode`](crate::decode), with less moving about.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        let mut parts = Parts::NONE;
        parts.read_text(text)?;
        Self::of(parts).map_err(|name| DecodeError::missing(text, name))
    }

    /// The envelope, or the member that is missing.
    fn of(parts: Parts<T>) -> Result<Self, &'static str> {
        let Some(request) = parts.message else { return Err("method") };
        let Some(id) = parts.id else { return Err("id") };
        Ok(Self { id, request, trace: parts.trace })
    }
}

impl<'de, T: Message> Deserialize<'de> for RequestEnvelope<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut parts = Parts::NONE;
        parts.read(deserializer)?;
        Self::of(parts).map_err(D::Error::missing_field)
    }
}

impl<T: Message> Serialize for RequestEnvelope<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        ser::field(&mut map, "method", self.request.method())?;
        ser::field(&mut map, "id", &self.id)?;
        self.request.write_params(&mut map)?;
        ser::optional(&mut map, "trace", &self.trace)?;
        map.end()
    }
}

/// A notification of any method of one kind, such as `NotificationEnvelope<ServerNotification>`.
#[derive(Clone, Debug, PartialEq)]
pub struct NotificationEnvelope<T> {
    /// Method and params.
    pub notification: T,
    /// When the app-server sent it, in milliseconds since the Unix epoch (wire: `emittedAtMs`).
    pub emitted_at_ms: Option<i64>,
}

impl<T: Message> NotificationEnvelope<T> {
    /// Decodes a whole message; an error names the method and the JSON path.
    ///
    /// The same as [`decode`](crate::decode), with less moving about.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        let mut parts = Parts::NONE;
        parts.read_text(text)?;
        Self::of(parts).map_err(|name| DecodeError::missing(text, name))
    }

    /// The envelope, or the member that is missing.
    fn of(parts: Parts<T>) -> Result<Self, &'static str> {
        let Some(notification) = parts.message else { return Err("method") };
        Ok(Self { notification, emitted_at_ms: parts.emitted_at_ms })
    }
}

impl<'de, T: Message> Deserialize<'de> for NotificationEnvelope<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut parts = Parts::NONE;
        parts.read(deserializer)?;
        Self::of(parts).map_err(D::Error::missing_field)
    }
}

impl<T: Message> Serialize for NotificationEnvelope<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        ser::field(&mut map, "method", self.notification.method())?;
        self.notification.write_params(&mut map)?;
        ser::optional(&mut map, "emittedAtMs", &self.emitted_at_ms)?;
        map.end()
    }
}

/// The answer to a request that went well.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseEnvelope<R> {
    /// The id of the request.
    pub id: RequestId,
    /// What the method answers.
    pub result: R,
}

impl<'de, R: Deserialize<'de>> Deserialize<'de> for ResponseEnvelope<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (id, result) = de::two_members(deserializer, "id", "result")?;
        Ok(Self { id, result })
    }
}

impl<R: Serialize> Serialize for ResponseEnvelope<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        ser::field(&mut map, "id", &self.id)?;
        ser::field(&mut map, "result", &self.result)?;
        map.end()
    }
}

/// The answer to a request that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorEnvelope {
    /// The id of the request.
    pub id: RequestId,
    /// What went wrong.
    pub error: RpcError,
}

impl<'de> Deserialize<'de> for ErrorEnvelope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (error, id) = de::two_members(deserializer, "error", "id")?;
        Ok(Self { id, error })
    }
}

impl Serialize for ErrorEnvelope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        ser::field(&mut map, "error", &self.error)?;
        ser::field(&mut map, "id", &self.id)?;
        map.end()
    }
}

/// A JSON-RPC error object.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcError {
    /// The error code, `-32600` and its neighbours where the app-server itself speaks.
    pub code: i64,
    /// What went wrong, for people.
    pub message: String,
    /// More about it, for programs.
    pub data: Option<Value>,
}

impl RpcError {
    /// An error without data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The answer to a request that nobody handles (code -32601).
    pub fn method_not_found(method: &str) -> Self {
        Self::new(-32601, format!("no handler for {method}"))
    }

    /// The answer to a request whose params do not decode (code -32602).
    pub fn invalid_params(error: &DecodeError) -> Self {
        Self::new(-32602, error.to_string())
    }

    /// The answer to a request that failed on this side (code -32603).
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(-32603, message)
    }
}

impl std::fmt::Display for RpcError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl std::error::Error for RpcError {}

/// Params that do not decode are invalid params (code -32602).
impl From<DecodeError> for RpcError {
    fn from(error: DecodeError) -> Self {
        Self::invalid_params(&error)
    }
}

impl Object for RpcError {
    const NAME: &'static str = "RpcError";

    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let (mut code, mut message, mut data) = (None, None, None);
        while let Some(key) = de::key(&mut map)? {
            match &*key {
                "code" => code = Some(de::value(&mut map)?),
                "message" => message = Some(de::value(&mut map)?),
                "data" => data = de::value(&mut map)?,
                _ => de::skip(&mut map)?,
            }
        }
        Ok(Self { code: de::required(code, "code")?, message: de::required(message, "message")?, data })
    }
}

impl Fields for RpcError {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        ser::field(map, "code", &self.code)?;
        ser::optional(map, "data", &self.data)?;
        ser::field(map, "message", &self.message)
    }
}

ser::impl_object!(RpcError);

/// Any JSON-RPC message, its payload untyped.
#[derive(Clone, Debug, PartialEq)]
pub enum JsonRpcMessage {
    /// A request: `id` and `method`.
    Request {
        /// The id that the answer echoes.
        id: RequestId,
        /// The wire name of the method.
        method: String,
        /// The payload.
        params: Option<Value>,
        /// Trace context, where the sender has one.
        trace: Option<TraceContext>,
    },
    /// A notification: `method` without `id`.
    Notification {
        /// The wire name of the method.
        method: String,
        /// The payload.
        params: Option<Value>,
        /// When the app-server sent it, in milliseconds since the Unix epoch.
        emitted_at_ms: Option<i64>,
    },
    /// An answer that went well: `id` and `result`.
    Response(ResponseEnvelope<Value>),
    /// An answer that failed: `id` and `error`.
    Error(ErrorEnvelope),
}

impl<'de> Deserialize<'de> for JsonRpcMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        de::object::<RawMembers, D>(deserializer)?.classify().map_err(D::Error::custom)
    }
}

impl Serialize for JsonRpcMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Request { id, method, params, trace } => {
                ser::field(&mut map, "method", method)?;
                ser::field(&mut map, "id", id)?;
                ser::optional(&mut map, "params", params)?;
                ser::optional(&mut map, "trace", trace)?;
            }
            Self::Notification { method, params, emitted_at_ms } => {
                ser::field(&mut map, "method", method)?;
                ser::optional(&mut map, "params", params)?;
                ser::optional(&mut map, "emittedAtMs", emitted_at_ms)?;
            }
            Self::Response(response) => {
                ser::field(&mut map, "id", &response.id)?;
                ser::field(&mut map, "result", &response.result)?;
            }
            Self::Error(error) => {
                ser::field(&mut map, "error", &error.error)?;
                ser::field(&mut map, "id", &error.id)?;
            }
        }
        map.end()
    }
}

/// Every member that one of the four shapes has.
#[derive(Default)]
struct RawMembers {
    id: Option<RequestId>,
    method: Option<String>,
    params: Option<Value>,
    trace: Option<TraceContext>,
    emitted_at_ms: Option<i64>,
    result: Option<Value>,
    error: Option<RpcError>,
}

impl Object for RawMembers {
    const NAME: &'static str = "JSON-RPC message";

    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut members = Self::default();
        while let Some(key) = de::key(&mut map)? {
            match &*key {
                "id" => members.id = de::value(&mut map)?,
                "method" => members.method = de::value(&mut map)?,
                "params" => members.params = de::value(&mut map)?,
                "trace" => members.trace = de::value(&mut map)?,
                "emittedAtMs" => members.emitted_at_ms = de::value(&mut map)?,
                // A `null` result is a result.
                "result" => members.result = Some(de::value(&mut map)?),
                "error" => members.error = de::value(&mut map)?,
                _ => de::skip(&mut map)?,
            }
        }
        Ok(members)
    }
}

impl RawMembers {
    fn classify(self) -> Result<JsonRpcMessage, &'static str> {
        let Self { id, method, params, trace, emitted_at_ms, result, error } = self;
        match (id, method, error, result) {
            (Some(id), Some(method), _, _) => Ok(JsonRpcMessage::Request { id, method, params, trace }),
            (None, Some(method), _, _) => Ok(JsonRpcMessage::Notification { method, params, emitted_at_ms }),
            (Some(id), None, Some(error), _) => Ok(JsonRpcMessage::Error(ErrorEnvelope { id, error })),
            (Some(id), None, None, Some(result)) => {
                Ok(JsonRpcMessage::Response(ResponseEnvelope { id, result }))
            }
            (Some(_), None, None, None) => Err("an `id` without `method`, `result` or `error`"),
            (None, None, _, _) => Err("neither `method` nor `id`"),
        }
    }
}
