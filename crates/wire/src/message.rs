//! The enums over all methods of one kind: how a method picks the type of its params.

use serde::de::{Deserialize, IgnoredAny, MapAccess};
use serde::ser::SerializeMap;
use serde_json::Value;

use crate::de::{self, Key};
use crate::text::{self, Text, push_quoted};
use crate::{DecodeError, RequestId, TraceContext};

/// A message whose method the bindings do not know, kept whole.
#[derive(Clone, Debug, PartialEq)]
pub struct UnknownMethod {
    /// The method as it stands on the wire.
    pub method: String,
    /// The `params` member, where there is one.
    pub params: Option<Value>,
}

/// An enum over all methods of one kind, such as every server notification.
pub trait Message: Sized {
    /// What the enum is called in error texts.
    const NAME: &'static str;

    /// The wire name of this message's method.
    fn method(&self) -> &str;

    #[doc(hidden)]
    fn from_params<'de, A: MapAccess<'de>>(method: &str, params: Params<'_, A>) -> Result<Self, A::Error>;

    #[doc(hidden)]
    fn write_params<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// The `params` member of a message that is being decoded, there or not.
pub struct Params<'a, A>(Option<&'a mut A>);

impl<'de, A: MapAccess<'de>> Params<'_, A> {
    /// Params that have to be there.
    pub fn required<T: Deserialize<'de>>(self) -> Result<T, A::Error> {
        match self.0 {
            Some(map) => de::value(map),
            None => Err(de::missing("params")),
        }
    }

    /// Params that may be left out or `null`.
    pub fn optional<T: Deserialize<'de>>(self) -> Result<Option<T>, A::Error> {
        match self.0 {
            Some(map) => de::value(map),
            None => Ok(None),
        }
    }

    /// Params without members: absent, `null` and `{}` are all the same.
    pub fn empty<T: Deserialize<'de> + Default>(self) -> Result<T, A::Error> {
        self.optional().map(Option::unwrap_or_default)
    }

    /// A method without params: whatever stands there is ignored.
    pub fn none(self) -> Result<(), A::Error> {
        match self.0 {
            Some(map) => map.next_value::<IgnoredAny>().map(drop),
            None => Ok(()),
        }
    }

    /// A method that the bindings do not know.
    pub fn unknown(self, method: &str) -> Result<UnknownMethod, A::Error> {
        let params = self.0.map(de::value).transpose()?;
        Ok(UnknownMethod { method: method.to_owned(), params })
    }
}

/// A message with the members that stand beside `method` and `params`. It is filled where it lies: on the
/// way out of a deserializer it would be moved half a dozen times.
pub(crate) struct Parts<T> {
    pub(crate) message: Option<T>,
    pub(crate) id: Option<RequestId>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) emitted_at_ms: Option<i64>,
}

impl<T: Message> Parts<T> {
    /// Nothing yet.
    pub(crate) const NONE: Self = Self { message: None, id: None, trace: None, emitted_at_ms: None };

    /// Reads a whole message.
    pub(crate) fn read<'de, D: serde::Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(PartsVisitor(self))
    }

    /// Reads a text that is a message and nothing else.
    pub(crate) fn read_text(&mut self, text: &str) -> Result<(), DecodeError> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = self.read(&mut deserializer).and_then(|()| deserializer.end());
        read.map_err(|error| DecodeError::locate(text, &error))
    }
}

/// One pass where `method` stands before `params`, as the app-server writes it; else what came too
/// early is kept as text and read again.
fn fill<'de, T: Message, A: MapAccess<'de>>(parts: &mut Parts<T>, mut map: A) -> Result<(), A::Error> {
    let mut method: Option<Key<'de>> = None;
    let mut early_params: Option<Text<'de>> = None;
    while let Some(key) = de::key(&mut map)? {
        match &*key {
            "method" if method.is_some() => return Err(de::duplicate("method")),
            "method" => method = Some(de::value(&mut map)?),
            "params" => match &method {
                // Not by `?`, which would move it once more.
                Some(method) => match T::from_params(method, Params(Some(&mut map))) {
                    Ok(message) => parts.message = Some(message),
                    Err(error) => return Err(error),
                },
                None => early_params = Some(de::value(&mut map)?),
            },
            "id" => parts.id = de::value(&mut map)?,
            "trace" => parts.trace = de::value(&mut map)?,
            "emittedAtMs" => parts.emitted_at_ms = de::value(&mut map)?,
            _ => de::skip(&mut map)?,
        }
    }
    let method = de::required(method, "method")?;
    if parts.message.is_none() {
        parts.message = Some(match early_params {
            Some(params) => {
                let mut text = String::with_capacity(method.len() + params.get().len() + 32);
                text.push_str("{\"method\":");
                push_quoted::<A::Error>(&mut text, &method)?;
                text.push_str(",\"params\":");
                params.push_tags_first::<A::Error>(&mut text, 1)?;
                text.push('}');
                text::reread_shallow::<Bare<T>, A::Error>(&text)?.0
            }
            None => T::from_params::<A>(&method, Params(None))?,
        });
    }
    Ok(())
}

/// A message read for its own sake.
pub(crate) struct Bare<T>(pub(crate) T);

impl<'de, T: Message> Deserialize<'de> for Bare<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_message(deserializer).map(Self)
    }
}

struct PartsVisitor<'p, T>(&'p mut Parts<T>);

impl<'de, T: Message> serde::de::Visitor<'de> for PartsVisitor<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a {} object", T::NAME)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        fill(self.0, map)
    }
}

/// Reads a message without its envelope, whatever stands beside `method` and `params`.
#[doc(hidden)]
pub fn deserialize_message<'de, T: Message, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let mut parts = Parts::NONE;
    parts.read(deserializer)?;
    de::required(parts.message, "method")
}

/// Writes a message without its envelope: `method` and `params`.
#[doc(hidden)]
pub fn serialize_message<T: Message, S: serde::Serializer>(
    message: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("method", message.method())?;
    message.write_params(&mut map)?;
    map.end()
}

/// `Serialize` and `Deserialize` for an enum over methods, as the bare message without its envelope.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_message {
    ($name:ident) => {
        impl $crate::Serialize for $name {
            fn serialize<S: $crate::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::serialize_message(self, serializer)
            }
        }

        impl<'de> $crate::Deserialize<'de> for $name {
            fn deserialize<D: $crate::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::deserialize_message(deserializer)
            }
        }
    };
}
