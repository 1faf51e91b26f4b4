//! Objects: members, free keys, and members of which exactly one is there.

use serde_json::{Map, Value};

use super::{Reader, flag, is_experimental};
use crate::error::{Error, Result, step};
use crate::shape::{Description, Field, Object, Shape};
use crate::since::Since;

impl<'s> Reader<'s> {
    pub(super) fn object_shape(&self, object: &'s Map<String, Value>, at: &str) -> Result<Shape> {
        let rest = object.get("additionalProperties");
        if !object.contains_key("properties") {
            let item = match rest {
                Some(schema @ Value::Object(_)) => self.shape(schema, &step(at, "additionalProperties"))?,
                _ => Shape::Any,
            };
            return Ok(Shape::Map(Box::new(item)));
        }
        let additional = match rest {
            None | Some(Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(_) => {
                return Err(Error::schema(
                    step(at, "additionalProperties"),
                    "unsupported: known members beside free keys of a fixed shape",
                ));
            }
        };
        Ok(Shape::Object(Object { fields: self.fields(object, at)?, choice: Vec::new(), additional }))
    }

    /// The members under `properties`, sorted.
    pub(super) fn fields(&self, object: &'s Map<String, Value>, at: &str) -> Result<Vec<Field>> {
        super::check_keywords(object, at)?;
        super::check_parts(object, at)?;
        let Some(properties) = object.get("properties").and_then(Value::as_object) else {
            return Ok(Vec::new());
        };
        let required: Vec<&str> = object
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        if let Some(unknown) = required.iter().find(|name| !properties.contains_key(**name)) {
            return Err(Error::schema(
                step(at, "required"),
                format!("requires `{unknown}`, which is no member"),
            ));
        }
        let mut fields = properties
            .iter()
            .map(|(wire, value)| {
                let here = step(&step(at, "properties"), wire);
                let field = Field {
                    wire: wire.clone(),
                    aliases: Vec::new(),
                    shape: self.shape(value, &here)?,
                    required: required.contains(&wire.as_str()),
                    default: value.get("default").filter(|default| !default.is_null()).cloned(),
                    distinct_null: false,
                    experimental: is_experimental(value),
                    deprecated: flag(value, "deprecated"),
                    description: Description::of(value),
                    since: Since::default(),
                };
                if field.experimental && field.required {
                    return Err(Error::schema(
                        here,
                        "experimental, yet required: a stable client could not leave it out",
                    ));
                }
                Ok(field)
            })
            .collect::<Result<Vec<_>>>()?;
        fields.sort_by(|a, b| a.wire.cmp(&b.wire));
        Ok(fields)
    }

    /// The members of which exactly one is there: every arm is an object with one required member.
    pub(super) fn choice(&self, arms: &'s [Value], at: &str) -> Result<Vec<Field>> {
        arms.iter()
            .enumerate()
            .map(|(index, arm)| {
                let here = step(at, index);
                let arm = arm.as_object().ok_or_else(|| Error::schema(&here, "unsupported arm"))?;
                match <[Field; 1]>::try_from(self.fields(arm, &here)?) {
                    Ok([field]) if field.required => Ok(field),
                    _ => Err(Error::schema(
                        here,
                        "unsupported: an inner choice with other than one required member",
                    )),
                }
            })
            .collect()
    }
}
