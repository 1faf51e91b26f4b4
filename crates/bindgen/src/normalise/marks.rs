//! Unions without a tag: what an object of each arm is recognised by.

use serde_json::Value;

use super::Reader;
use crate::error::{Error, Result, step};
use crate::load::{pointer, ref_name};
use crate::shape::{IntegerEnum, KeyArm, Marks, Shape};
use crate::since::Since;

impl<'s> Reader<'s> {
    pub(super) fn key_arm(&self, value: &'s Value, at: &str) -> Result<KeyArm> {
        let mut marks = Vec::new();
        self.collect_marks(value, at, &mut marks, 0)?;
        Ok(KeyArm { shape: self.shape(value, at)?, marks, since: Since::default() })
    }

    /// One set of marks per object that the arm stands for, through references and inner unions.
    fn collect_marks(&self, value: &'s Value, at: &str, found: &mut Vec<Marks>, depth: usize) -> Result<()> {
        if depth > 16 {
            return Err(Error::schema(at, "unsupported: a union without a tag that contains itself"));
        }
        if let Some(name) = ref_name(value) {
            let target =
                self.raw.get(name).ok_or_else(|| Error::schema(at, format!("dangling $ref {name}")))?;
            return self.collect_marks(target, &pointer(name), found, depth + 1);
        }
        if let Some(Value::Array(arms)) = value.get("anyOf").or_else(|| value.get("oneOf")) {
            return arms
                .iter()
                .enumerate()
                .try_for_each(|(index, arm)| self.collect_marks(arm, &step(at, index), found, depth + 1));
        }
        let Some(object) = value.as_object() else { return Err(Error::schema(at, "unsupported arm")) };
        let mut marks = Marks::default();
        for field in self.fields(object, at)? {
            if field.required {
                match self.resolved(&field.shape)? {
                    Shape::StringEnum(values) => {
                        let values = values.into_iter().map(|value| value.wire).collect();
                        marks.literals.push((field.wire.clone(), values));
                    }
                    Shape::IntegerEnum(IntegerEnum { values, .. }) => {
                        let values = values.iter().map(|value| value.wire.to_string()).collect();
                        marks.fixed.push((field.wire.clone(), values));
                    }
                    Shape::BoolLiteral(value) => {
                        marks.fixed.push((field.wire.clone(), vec![value.to_string()]));
                    }
                    _ => marks.required.push(vec![field.wire.clone()]),
                }
            }
            marks.known.push(field.wire);
        }
        found.push(marks);
        Ok(())
    }

    fn resolved(&self, shape: &Shape) -> Result<Shape> {
        match shape {
            Shape::Ref(name) => match self.raw.get(name) {
                Some(target) if ["enum", "const"].iter().any(|key| target.get(key).is_some()) => {
                    self.shape(target, &pointer(name))
                }
                _ => Ok(shape.clone()),
            },
            _ => Ok(shape.clone()),
        }
    }
}
