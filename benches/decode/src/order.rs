//! The same message with its tags first or last: JSON leaves the order of members open.

use std::fmt;

use anyhow::Result;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members that say what the rest of their object is.
const TAGS: [&str; 2] = ["method", "type"];

/// Where the tags stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Before all other members, as the app-server writes them.
    TagsFirst,
    /// Behind all other members.
    TagsLast,
}

/// Moves the tags of every object of a JSON text; what else there is keeps its order.
pub fn reorder(text: &str, order: Order) -> Result<String> {
    let text = text.trim();
    match text.as_bytes().first() {
        Some(b'{') => {
            let Members(mut members) = serde_json::from_str(text)?;
            // The sort is stable.
            members.sort_by_key(|(name, _)| TAGS.contains(&name.as_str()) == (order == Order::TagsLast));
            let parts = members.iter().map(|(name, value)| {
                Ok(format!("{}:{}", serde_json::to_string(name)?, reorder(value.get(), order)?))
            });
            Ok(format!("{{{}}}", parts.collect::<Result<Vec<_>>>()?.join(",")))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let parts = items.iter().map(|item| reorder(item.get(), order));
            Ok(format!("[{}]", parts.collect::<Result<Vec<_>>>()?.join(",")))
        }
        _ => Ok(text.to_owned()),
    }
}

/// The members of an object in their order.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'t> Deserialize<'t> for Members<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'t> Visitor<'t> for MembersVisitor {
            type Value = Members<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Members<'t>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_move_at_every_level_and_nothing_else_does() {
        let text = r#"{"method":"m","params":{"z":1,"item":[{"type":"t","b":"\n","a":2}]},"at":3}"#;
        let last = r#"{"params":{"z":1,"item":[{"b":"\n","a":2,"type":"t"}]},"at":3,"method":"m"}"#;
        assert_eq!(reorder(text, Order::TagsLast).unwrap(), last);
        assert_eq!(reorder(last, Order::TagsFirst).unwrap(), text);
    }
}
