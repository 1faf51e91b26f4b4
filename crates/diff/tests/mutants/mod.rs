//! Every place of a schema where a single mutation of some kind can happen, and what is expected of it.

use codex_appserver_bindgen::model::{MethodKind, Model};
use codex_appserver_bindgen::shape::Shape;
use codex_appserver_diff::Level::{self, Breaking as B, Dangerous as D, Safe as S};
use serde_json::{Map, Value, json};

/// A rule with its verdicts on WIRE, for an old client with a new server and for a new client with an old server, and
/// on SOURCE.
pub type Verdict = (&'static str, Level, Level, Level);

/// What is expected where the client writes the place, and where it reads it.
#[derive(Clone, Copy, Debug)]
pub struct Verdicts {
    pub written: Verdict,
    pub read: Verdict,
}

/// The table of the rules, written down once more.
pub const TABLE: [(&str, [Verdict; 2]); 32] = [
    (
        "required field",
        [("request-param-required-added", B, D, B), ("response-field-required-added", S, B, S)],
    ),
    (
        "optional field",
        [("request-param-optional-added", S, D, S), ("response-field-optional-added", S, D, S)],
    ),
    (
        "first field of an arm",
        [("request-param-optional-added", S, D, B), ("response-field-optional-added", S, D, B)],
    ),
    (
        "required field gone",
        [("request-param-required-removed", D, B, B), ("response-field-required-removed", B, S, B)],
    ),
    (
        "optional field gone",
        [("request-param-optional-removed", D, S, B), ("response-field-optional-removed", D, S, B)],
    ),
    ("required", [("request-param-became-required", B, S, B), ("response-field-became-required", S, B, B)]),
    ("optional", [("request-param-became-optional", S, B, B), ("response-field-became-optional", B, S, B)]),
    ("null", [("request-value-became-nullable", S, B, B), ("response-value-became-nullable", B, S, B)]),
    ("no null", [("request-value-became-non-null", B, S, B), ("response-value-became-non-null", S, B, B)]),
    ("other type", [("request-type-changed", B, B, B), ("response-type-changed", B, B, B)]),
    ("wider", [("request-type-widened", S, B, B), ("response-type-widened", B, S, B)]),
    ("narrower", [("request-type-narrowed", B, S, B), ("response-type-narrowed", S, B, B)]),
    ("signed", [("request-type-changed", B, B, B), ("response-type-changed", B, B, B)]),
    ("other default", [("request-default-changed", D, D, S), ("response-default-changed", D, D, S)]),
    ("no default", [("request-default-removed", D, D, S), ("response-default-removed", D, D, B)]),
    ("enum value", [("request-enum-value-added", S, B, S), ("response-enum-value-added", D, S, S)]),
    ("enum value gone", [("request-enum-value-removed", B, S, B), ("response-enum-value-removed", S, D, B)]),
    ("enum opened", [("request-enum-opened", S, B, B), ("response-enum-opened", D, S, B)]),
    ("arm", [("request-union-arm-added", S, B, S), ("response-union-arm-added", D, S, S)]),
    ("arm gone", [("request-union-arm-removed", B, S, B), ("response-union-arm-removed", S, D, B)]),
    (
        "experimental field",
        [("request-became-experimental", B, S, S), ("response-became-experimental", D, S, S)],
    ),
    ("stable field", [("request-became-stable", S, B, S), ("response-became-stable", S, D, S)]),
    ("deprecated", same(("became-deprecated", S, S, S))),
    ("description", same(("description-changed", S, S, S))),
    (
        "experimental method",
        [("request-became-experimental", B, S, B), ("response-became-experimental", D, S, B)],
    ),
    ("request", same(("request-added", S, B, S))),
    ("request gone", same(("request-removed", B, S, B))),
    ("notification", same(("notification-added", S, D, S))),
    ("notification gone", same(("notification-removed", D, S, B))),
    ("server request", same(("server-request-added", D, S, S))),
    ("server request gone", same(("server-request-removed", S, D, B))),
    ("no client notification", same(("client-notification-removed", D, S, B))),
];

const fn same(verdict: Verdict) -> [Verdict; 2] {
    [verdict, verdict]
}

/// What a mutation happens to.
#[derive(Clone, Debug)]
pub enum Target {
    Definition(String),
    Method(MethodKind, String),
}

impl Target {
    pub fn name(&self) -> &str {
        match self {
            Self::Definition(name) | Self::Method(_, name) => name,
        }
    }
}

/// One mutation: a schema that takes the place of another.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub kind: &'static str,
    pub target: Target,
    /// Where, as a JSON pointer.
    pointer: String,
    mutated: Value,
    pub verdicts: Verdicts,
    /// Whether the place is on the stable surface, where its target is.
    pub stable: bool,
}

impl Mutant {
    pub fn apply(&self, schema: &mut Value) {
        let place = schema.pointer_mut(&self.pointer).expect("the place was found in this schema");
        *place = self.mutated.clone();
    }
}

/// Every mutation of a schema.
pub fn all(schema: &Value, model: &Model) -> Vec<Mutant> {
    let mut found = Finder { mutants: Vec::new() };
    let definitions = schema["definitions"].as_object().expect("a schema has definitions");
    for (name, definition) in definitions.iter().filter(|(name, _)| model.usage.contains_key(*name)) {
        let at = format!("/definitions/{name}");
        let place = Place { target: Target::Definition(name.clone()), stable: true };
        match &model.definitions[name].shape {
            Shape::Object(object) if object.choice.is_empty() => found.object(&place, &at, definition, None),
            Shape::StringEnum(_) => found.string_enum(&place, &at, definition),
            Shape::Tagged(tagged) => found.tagged(&place, &at, definition, &tagged.tag),
            Shape::External(_) => found.external(&place, &at, definition),
            _ => {}
        }
        if definition.get("deprecated").is_none() {
            found.push("deprecated", &place, &at, with(definition, "deprecated", json!(true)));
        }
        if definition.get("x-description").is_some() {
            found.push("description", &place, &at, with(definition, "x-description", json!("zz")));
        }
    }
    for kind in MethodKind::ALL {
        found.methods(kind, &definitions[kind.union_name()]);
    }
    found.mutants
}

#[derive(Clone)]
struct Place {
    target: Target,
    stable: bool,
}

struct Finder {
    mutants: Vec<Mutant>,
}

impl Finder {
    fn push(&mut self, kind: &'static str, place: &Place, pointer: &str, mutated: Value) {
        let row = TABLE.iter().find(|(name, _)| *name == kind).expect("every kind is in the table");
        let [written, read] = row.1;
        let verdicts = Verdicts { written, read };
        let Place { target, stable } = place.clone();
        self.mutants.push(Mutant { kind, target, pointer: pointer.to_owned(), mutated, verdicts, stable });
    }

    /// `tag`: the object is an arm, or the part of a union that stands beside its arms.
    fn object(&mut self, place: &Place, at: &str, schema: &Value, tag: Option<&str>) {
        let members = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let own = members.keys().filter(|name| Some(name.as_str()) != tag);
        let bare = tag.is_some() && own.count() == 0 && schema.get("anyOf").is_none();
        let extra = |schema: &Value| {
            let mut schema = schema.clone();
            schema["properties"]["zzExtra"] = json!({"type": "string"});
            schema
        };
        if schema.get("properties").is_some() {
            let kind = if bare { "first field of an arm" } else { "optional field" };
            self.push(kind, place, at, extra(schema));
            if !bare {
                self.push("required field", place, at, requiring(&extra(schema), "zzExtra"));
            }
        }
        for (name, member) in members.iter().filter(|(name, _)| Some(name.as_str()) != tag) {
            self.member(place, at, schema, name, member);
        }
    }

    fn member(&mut self, place: &Place, at: &str, schema: &Value, name: &str, member: &Value) {
        let experimental = member.get("x-stability").is_some();
        let required = requires(schema, name);
        let place = &Place { stable: place.stable && !experimental, ..place.clone() };
        let gone = if required { "required field gone" } else { "optional field gone" };
        let mut without = optional(schema, name);
        without["properties"].as_object_mut().expect("members").remove(name);
        self.push(gone, place, at, without);
        if required {
            self.push("optional", place, at, optional(schema, name));
        } else if !experimental {
            self.push("required", place, at, requiring(schema, name));
        }
        let here = format!("{at}/properties/{}", name.replace('~', "~0").replace('/', "~1"));
        if experimental {
            let stable = Place { stable: true, ..place.clone() };
            self.push("stable field", &stable, &here, without_key(member, "x-stability"));
        } else if !required && member.is_object() {
            let mutated = with(member, "x-stability", json!("experimental"));
            self.push("experimental field", place, &here, mutated);
        }
        if member.is_object() && member.get("deprecated").is_none() {
            self.push("deprecated", place, &here, with(member, "deprecated", json!(true)));
        }
        if member.get("x-description").is_some() {
            self.push("description", place, &here, with(member, "x-description", json!("zz")));
        }
        self.value(place, &here, member, required);
    }

    fn value(&mut self, place: &Place, here: &str, member: &Value, required: bool) {
        let plain = member.get("enum").is_none() && member.get("const").is_none();
        match member.get("type") {
            Some(Value::String(name)) if plain => {
                let nullable = with(member, "type", json!([name, "null"]));
                if member.get("default").is_none() {
                    self.push("null", place, here, nullable);
                }
                if name == "string" && member.get("default").is_none() {
                    self.push("other type", place, here, with(member, "type", json!("boolean")));
                }
            }
            Some(Value::Array(names)) if plain => {
                let name = names.iter().find(|name| *name != "null").expect("one type beside null");
                self.push(
                    "no null",
                    place,
                    here,
                    without_key(&with(member, "type", name.clone()), "default"),
                );
            }
            _ => {}
        }
        if let Some(format) = member.get("format").and_then(Value::as_str) {
            let mutated = |format: &str| with(member, "format", json!(format));
            match format {
                "int32" | "uint32" => self.push("wider", place, here, mutated("int64")),
                "int64" => self.push("narrower", place, here, mutated("uint16")),
                "uint64" | "uint" => self.push("signed", place, here, mutated("int64")),
                _ => {}
            }
        }
        if let (Some(Value::Bool(default)), false) = (member.get("default"), required)
            && member["type"] == "boolean"
        {
            self.push("other default", place, here, with(member, "default", json!(!default)));
            self.push("no default", place, here, without_key(member, "default"));
        }
        if let Some(items) = member.get("items").filter(|items| items.get("type").is_some()) {
            self.value(place, &format!("{here}/items"), items, true);
        }
    }

    fn string_enum(&mut self, place: &Place, at: &str, schema: &Value) {
        let Some(values) = schema.get("enum").and_then(Value::as_array) else { return };
        let more: Vec<Value> = values.iter().cloned().chain([json!("zzExtra")]).collect();
        self.push("enum value", place, at, with(schema, "enum", more.into()));
        let open = without_key(&without_key(schema, "enum"), "x-experimental-values");
        self.push("enum opened", place, at, open);
        for index in (0..values.len()).filter(|_| values.len() > 1) {
            let mut left = values.clone();
            let gone = left.remove(index);
            let gated = schema.get("x-experimental-values").and_then(Value::as_array);
            let stable = gated.is_none_or(|gated| !gated.contains(&gone));
            let place = &Place { stable, ..place.clone() };
            self.push("enum value gone", place, at, with(schema, "enum", left.into()));
        }
    }

    fn tagged(&mut self, place: &Place, at: &str, schema: &Value, tag: &str) {
        let Some((keyword, arms)) = arms(schema) else { return };
        self.object(place, at, schema, Some(tag));
        let extra = json!({
            "type": "object",
            "properties": {tag: {"type": "string", "enum": ["zzExtra"]}, "detail": {"type": "string"}},
            "required": [tag],
        });
        self.arms(place, at, schema, extra);
        for (index, arm) in arms.iter().enumerate() {
            let place = &Place { stable: arm.get("x-stability").is_none(), ..place.clone() };
            let here = format!("{at}/{keyword}/{index}");
            if schema.get("properties").is_none() {
                self.object(place, &here, arm, Some(tag));
            }
        }
    }

    fn external(&mut self, place: &Place, at: &str, schema: &Value) {
        let extra = json!({
            "type": "object",
            "properties": {"zzExtra": {"type": "object", "properties": {}}},
            "required": ["zzExtra"],
        });
        self.arms(place, at, schema, extra);
    }

    fn arms(&mut self, place: &Place, at: &str, schema: &Value, extra: Value) {
        let Some((keyword, arms)) = arms(schema) else { return };
        let more: Vec<Value> = arms.iter().cloned().chain([extra]).collect();
        self.push("arm", place, at, with(schema, keyword, more.into()));
        for (index, arm) in arms.iter().enumerate().filter(|_| arms.len() > 2) {
            // A list of strings is several arms in one; `type: [string, object]` is none.
            if arm.get("properties").is_none() {
                continue;
            }
            let mut left = arms.clone();
            left.remove(index);
            let place = &Place { stable: arm.get("x-stability").is_none(), ..place.clone() };
            self.push("arm gone", place, at, with(schema, keyword, left.into()));
        }
    }

    fn methods(&mut self, kind: MethodKind, union: &Value) {
        let (added, gone) = match kind {
            MethodKind::ClientRequest => (Some("request"), "request gone"),
            MethodKind::ServerRequest => (Some("server request"), "server request gone"),
            MethodKind::ServerNotification => (Some("notification"), "notification gone"),
            MethodKind::ClientNotification => (None, "no client notification"),
        };
        let at = format!("/definitions/{}", kind.union_name());
        let arms = union["oneOf"].as_array().expect("a union of methods has arms");
        if let Some(added) = added {
            let place = Place { target: Target::Method(kind, "zz/extra".to_owned()), stable: true };
            let arm = json!({
                "type": "object",
                "properties": {"method": {"type": "string", "enum": ["zz/extra"]}},
                "required": ["method"],
            });
            let more: Vec<Value> = arms.iter().cloned().chain([arm]).collect();
            self.push(added, &place, &at, with(union, "oneOf", more.into()));
        }
        for (index, arm) in arms.iter().enumerate() {
            let name = arm["properties"]["method"]["enum"][0].as_str().expect("a method has a name");
            let stable = arm.get("x-stability").is_none();
            let place = &Place { target: Target::Method(kind, name.to_owned()), stable };
            let mut left = arms.clone();
            left.remove(index);
            self.push(gone, place, &at, with(union, "oneOf", left.into()));
            if stable {
                let mutated = with(arm, "x-stability", json!("experimental"));
                self.push("experimental method", place, &format!("{at}/oneOf/{index}"), mutated);
            }
        }
    }
}

fn arms(schema: &Value) -> Option<(&'static str, &Vec<Value>)> {
    ["oneOf", "anyOf"].into_iter().find_map(|key| Some((key, schema.get(key)?.as_array()?)))
}

fn object(schema: &Value) -> Map<String, Value> {
    schema.as_object().cloned().unwrap_or_default()
}

fn with(schema: &Value, key: &str, value: Value) -> Value {
    let mut schema = object(schema);
    schema.insert(key.to_owned(), value);
    schema.into()
}

fn without_key(schema: &Value, key: &str) -> Value {
    let mut schema = object(schema);
    schema.remove(key);
    schema.into()
}

fn requires(schema: &Value, name: &str) -> bool {
    schema.get("required").and_then(Value::as_array).is_some_and(|names| names.contains(&json!(name)))
}

fn requiring(schema: &Value, name: &str) -> Value {
    let mut names = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    names.push(json!(name));
    with(schema, "required", names.into())
}

fn optional(schema: &Value, name: &str) -> Value {
    let mut names = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    names.retain(|other| other != name);
    with(schema, "required", names.into())
}
