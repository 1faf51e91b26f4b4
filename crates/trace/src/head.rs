//! The members that tell what a message is, read without looking at the rest.

use std::fmt;

use codex_appserver_wire::RequestId;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// What a message is, by the members it has. As for the codecs, a member that occurs twice counts as its
/// last occurrence, and a second `method` is an error.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) method: Option<String>,
    pub(crate) id: Option<RequestId>,
    pub(crate) has_result: bool,
    pub(crate) has_error: bool,
}

impl Head {
    pub(crate) fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadVisitor)
    }
}

struct HeadVisitor;

impl<'de> Visitor<'de> for HeadVisitor {
    type Value = Head;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
        let mut head = Head::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "method" if head.method.is_some() => return Err(A::Error::duplicate_field("method")),
                "method" => head.method = Some(map.next_value()?),
                "id" => head.id = map.next_value()?,
                other => {
                    head.has_result |= other == "result";
                    head.has_error |= other == "error";
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(head)
    }
}
