//! Whether every reference leads somewhere.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{children, pointer, ref_name};
use crate::error::{Error, Result};

/// Every `$ref` has to name a definition.
pub(super) fn check(definitions: &BTreeMap<String, Value>) -> Result<()> {
    definitions.iter().try_for_each(|(name, schema)| check_schema(schema, &pointer(name), definitions))
}

fn check_schema(schema: &Value, at: &str, definitions: &BTreeMap<String, Value>) -> Result<()> {
    if let Some(target) = schema.get("$ref")
        && !ref_name(schema).is_some_and(|name| definitions.contains_key(name))
    {
        return Err(Error::schema(at, format!("dangling $ref {target}")));
    }
    let mut result = Ok(());
    children(schema, at, &mut |child, at| {
        if result.is_ok() {
            result = check_schema(child, &at, definitions);
        }
    });
    result
}
