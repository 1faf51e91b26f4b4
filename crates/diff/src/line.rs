//! Shapes in one line each, as a reader of a diff wants them.

use codex_appserver_bindgen::model::{Method, Model, Params};
use codex_appserver_bindgen::shape::{ExternalArm, Field, IntFormat, IntegerEnum, Object, Shape, TaggedArm};

/// How deep inline objects are spelled out.
const DEPTH: usize = 2;

/// A shape.
pub(crate) fn shape(shape: &Shape) -> String {
    at_depth(shape, DEPTH)
}

/// A shape, and what a definition that it names consists of: `Name = one | other`.
pub(crate) fn definition(model: &Model, shape: &Shape) -> String {
    match shape {
        Shape::Ref(name) => match model.definitions.get(name) {
            Some(definition) => format!("{name} = {}", at_depth(&definition.shape, DEPTH)),
            None => name.clone(),
        },
        shape => self::shape(shape),
    }
}

/// A member: `name: type`, `name?: type`, `name?: type = default`.
pub(crate) fn field(field: &Field) -> String {
    field_at(field, DEPTH)
}

/// A member's type, with `?` where the member is optional.
pub(crate) fn presence(field: &Field) -> String {
    let kind = if field.required { "required" } else { "optional" };
    format!("{kind} {}", shape(&field.shape))
}

/// An arm of a tagged union.
pub(crate) fn tagged_arm(tag: &str, arm: &TaggedArm) -> String {
    tagged_arm_at(tag, arm, DEPTH - 1)
}

fn tagged_arm_at(tag: &str, arm: &TaggedArm, depth: usize) -> String {
    let members = members(&arm.object, depth);
    let tag = format!("{tag}: {:?}", arm.value);
    format!("{{ {} }}", std::iter::once(tag).chain(members).collect::<Vec<_>>().join(", "))
}

/// An arm of a union of strings and objects with one member.
pub(crate) fn external_arm(arm: &ExternalArm) -> String {
    external_arm_at(arm, DEPTH)
}

/// The members of which one is there.
pub(crate) fn choice(fields: &[Field]) -> String {
    let fields: Vec<String> = fields.iter().map(|field| field_at(field, DEPTH - 1)).collect();
    format!("one of {{ {} }}", fields.join(" | "))
}

/// The `params` of a method.
pub(crate) fn params(params: &Params) -> String {
    match params {
        Params::None => "none".to_owned(),
        Params::Required(name) => name.clone(),
        Params::Nullable(name) => format!("{name} | none"),
    }
}

/// A method.
pub(crate) fn method(method: &Method) -> String {
    let response = method.response.as_deref().unwrap_or("any");
    match (method.kind.is_request(), &method.params) {
        (true, own) => format!("({}) -> {response}", params(own)),
        (false, own) => format!("({})", params(own)),
    }
}

fn at_depth(shape: &Shape, depth: usize) -> String {
    let inner = |shape: &Shape| at_depth(shape, depth);
    match shape {
        Shape::Any => "any".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Integer(format) => int(*format).to_owned(),
        Shape::Number { wide: true } => "f64".to_owned(),
        Shape::Number { wide: false } => "f32".to_owned(),
        Shape::String => "string".to_owned(),
        Shape::Ref(name) => name.clone(),
        Shape::Array(item) => {
            let text = inner(item);
            if text.contains(" | ") { format!("({text})[]") } else { format!("{text}[]") }
        }
        Shape::Map(value) => format!("map of {}", inner(value)),
        Shape::Nullable(value) => format!("{} | null", inner(value)),
        Shape::StringEnum(values) => joined(values.iter().map(|value| format!("{:?}", value.wire)), " | "),
        Shape::IntegerEnum(IntegerEnum { values, .. }) => {
            joined(values.iter().map(|value| value.wire.to_string()), " | ")
        }
        Shape::BoolLiteral(value) => value.to_string(),
        Shape::ByType(arms) => joined(arms.iter().map(inner), " | "),
        Shape::ByKeys(arms) => joined(arms.iter().map(|arm| inner(&arm.shape)), " | "),
        Shape::Tagged(tagged) => {
            let depth = depth.saturating_sub(1);
            joined(tagged.arms.iter().map(|arm| tagged_arm_at(&tagged.tag, arm, depth)), " | ")
        }
        Shape::External(arms) => joined(arms.iter().map(|arm| external_arm_at(arm, depth)), " | "),
        Shape::Object(_) if depth == 0 => "{ … }".to_owned(),
        Shape::Object(object) => match members(object, depth - 1) {
            members if members.is_empty() => "{}".to_owned(),
            members => format!("{{ {} }}", members.join(", ")),
        },
    }
}

fn external_arm_at(arm: &ExternalArm, depth: usize) -> String {
    match &arm.payload {
        None => format!("{:?}", arm.value),
        Some(payload) => format!("{{ {}: {} }}", arm.value, at_depth(payload, depth)),
    }
}

fn field_at(field: &Field, depth: usize) -> String {
    let mark = if field.required { "" } else { "?" };
    let default = match &field.default {
        Some(value) if !field.required => format!(" = {value}"),
        _ => String::new(),
    };
    format!("{}{mark}: {}{default}", field.wire, at_depth(&field.shape, depth))
}

fn members(object: &Object, depth: usize) -> Vec<String> {
    let mut all: Vec<String> = object.fields.iter().map(|field| field_at(field, depth)).collect();
    if !object.choice.is_empty() {
        all.push(choice(&object.choice));
    }
    if object.additional {
        all.push("…".to_owned());
    }
    all
}

fn joined(parts: impl Iterator<Item = String>, separator: &str) -> String {
    parts.collect::<Vec<_>>().join(separator)
}

fn int(format: IntFormat) -> &'static str {
    match format {
        IntFormat::I8 => "i8",
        IntFormat::I16 => "i16",
        IntFormat::I32 => "i32",
        IntFormat::I64 => "i64",
        IntFormat::U8 => "u8",
        IntFormat::U16 => "u16",
        IntFormat::U32 => "u32",
        IntFormat::U64 => "u64",
    }
}
