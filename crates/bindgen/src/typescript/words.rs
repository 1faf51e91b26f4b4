//! Types and shapes in a few words, for the report.

use serde_json::Value;

use super::parse::Ts;
use crate::shape::Shape;

/// A literal without quotes.
pub(super) fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A type in a few words.
pub(super) fn show(ty: &Ts) -> String {
    match ty {
        Ts::Any => "unknown".into(),
        Ts::Null => "null".into(),
        Ts::Boolean => "boolean".into(),
        Ts::Number => "number".into(),
        Ts::String => "string".into(),
        Ts::Never => "never".into(),
        Ts::Literal(value) => value.to_string(),
        Ts::Ref(path) => path.rsplit('/').next().unwrap_or(path).to_owned(),
        Ts::Array(item) => format!("Array<{}>", show(item)),
        Ts::Map(value) => format!("Record<string, {}>", show(value)),
        Ts::Object(members) => {
            let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
            format!("{{ {} }}", names.join(", "))
        }
        Ts::Union(arms) => arms.iter().map(show).collect::<Vec<_>>().join(" | "),
        Ts::Intersection(parts) => parts.iter().map(show).collect::<Vec<_>>().join(" & "),
    }
}

/// A shape in a few words.
pub(super) fn describe(shape: &Shape) -> String {
    match shape {
        Shape::Any => "any value".into(),
        Shape::Bool => "boolean".into(),
        Shape::Integer(_) | Shape::Number { .. } => "number".into(),
        Shape::String => "string".into(),
        Shape::Ref(name) => name.clone(),
        Shape::Array(item) => format!("array of {}", describe(item)),
        Shape::Map(value) => format!("map of {}", describe(value)),
        Shape::Nullable(inner) => format!("{} or null", describe(inner)),
        Shape::Object(object) => {
            let names: Vec<&str> = object.fields.iter().map(|field| field.wire.as_str()).collect();
            format!("{{ {} }}", names.join(", "))
        }
        Shape::StringEnum(_) => "fixed strings".into(),
        Shape::IntegerEnum(_) => "fixed integers".into(),
        Shape::BoolLiteral(value) => value.to_string(),
        Shape::Tagged(tagged) => format!("objects by `{}`", tagged.tag),
        Shape::External(_) => "arms by name".into(),
        Shape::ByType(_) => "arms by JSON type".into(),
        Shape::ByKeys(_) => "arms by members".into(),
    }
}
