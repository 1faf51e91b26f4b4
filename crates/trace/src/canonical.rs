//! What two JSON values have in common when they mean the same message.
//!
//! The canonical form leaves out optional members that are `null` or equal their default, and members
//! that the protocol does not know; a member under another name that decodes gets the name it is written
//! under. What no type is known for stays as it is.

use codex_appserver_shapes::definition;
use codex_appserver_wire::shape::{Member, Object, Shape};
use serde_json::{Map, Value};

use crate::path::Path;
use crate::unknowns::Unknowns;

/// The canonical form of a value, and what was unknown about it.
pub fn canonical(value: &Value, shape: &Shape, path: &Path<'_>, unknowns: &mut Unknowns) -> Value {
    let mut walk = Walk { unknowns };
    walk.value(value, shape, path)
}

struct Walk<'u> {
    unknowns: &'u mut Unknowns,
}

/// One way to look at an object: its known members and, for an arm, its tag.
#[derive(Clone, Copy)]
struct View<'s> {
    object: &'s Object,
    tag: Option<(&'static str, &'static str)>,
}

impl<'s> View<'s> {
    fn member(&self, name: &str) -> Option<&'s Member> {
        self.object.members.iter().find(|member| member.name == name || member.aliases.contains(&name))
    }

    /// Whether the tag says so; of an arm without one, whether every member that has to be there and has
    /// fixed values has one of them.
    fn fits(&self, members: &Map<String, Value>) -> bool {
        let has = |name: &str, values: &[&str]| {
            members.get(name).and_then(Value::as_str).is_some_and(|value| values.contains(&value))
        };
        if let Some((name, value)) = self.tag {
            return has(name, &[value]);
        }
        let mut literals = self.object.members.iter().filter(|member| member.required);
        literals.all(|member| match resolve(&member.shape) {
            Some(Shape::Enum(values)) => has(member.name, values),
            Some(shape @ (Shape::IntegerEnum(_) | Shape::BoolLiteral(_))) => {
                members.get(member.name).is_some_and(|value| is_known(shape, value) == Some(true))
            }
            _ => true,
        })
    }
}

impl Walk<'_> {
    fn value(&mut self, value: &Value, shape: &Shape, path: &Path<'_>) -> Value {
        match (shape, value) {
            (Shape::Named(name), _) => match definition(name) {
                Some(shape) => self.value(value, shape, path),
                None => value.clone(),
            },
            (Shape::Nullable(_), Value::Null) => Value::Null,
            (Shape::Nullable(inner), _) => self.value(value, inner, path),
            (Shape::Double, Value::Number(number)) => {
                number.as_f64().map_or_else(|| value.clone(), Value::from)
            }
            (Shape::Float, Value::Number(number)) => {
                number.as_f64().map_or_else(|| value.clone(), |number| Value::from(number as f32))
            }
            (Shape::Enum(values), Value::String(text)) => {
                if !values.contains(&text.as_str()) {
                    self.unknowns.value(path);
                }
                value.clone()
            }
            (Shape::IntegerEnum(_) | Shape::BoolLiteral(_), _) => {
                if is_known(shape, value) == Some(false) {
                    self.unknowns.value(path);
                }
                value.clone()
            }
            (Shape::Array(inner), Value::Array(items)) => {
                let items = items.iter().enumerate();
                items.map(|(index, item)| self.value(item, inner, &path.index(index))).collect()
            }
            (Shape::Map(inner), Value::Object(members)) => {
                let each = |(name, value): (&String, &Value)| {
                    (name.clone(), self.value(value, inner, &path.member(name)))
                };
                Value::Object(members.iter().map(each).collect())
            }
            (Shape::Object(_) | Shape::Tagged { .. } | Shape::ByKeys(_), Value::Object(members)) => {
                self.object(members, shape, path)
            }
            (Shape::External { strings, objects }, _) => self.external(value, strings, objects, path),
            (Shape::ByType(arms), _) => match arms.iter().find(|arm| is_type_of(arm, value)) {
                Some(arm) => self.value(value, arm, path),
                None => value.clone(),
            },
            _ => value.clone(),
        }
    }

    /// An object that no view fits is one of a newer peer, kept whole.
    fn object(&mut self, members: &Map<String, Value>, shape: &Shape, path: &Path<'_>) -> Value {
        let mut views = Vec::new();
        collect_views(shape, &mut views);
        let fitting: Vec<View<'_>> = match shape {
            Shape::Object(_) => views,
            _ => views.into_iter().filter(|view| view.fits(members)).collect(),
        };
        if fitting.is_empty() {
            self.unknowns.value(path);
            return Value::Object(members.clone());
        }
        let mut kept = Map::new();
        for (name, value) in members {
            let path = path.member(name);
            if fitting.iter().any(|view| view.tag.is_some_and(|(tag, _)| tag == name)) {
                kept.insert(name.clone(), value.clone());
                continue;
            }
            let mut known: Vec<&Member> = fitting.iter().filter_map(|view| view.member(name)).collect();
            known.dedup();
            match self.best_member(value, &known, &path) {
                Some((name, value)) => kept.extend(value.map(|value| (name.to_owned(), value))),
                None if fitting.iter().any(|view| view.object.open) => {
                    kept.insert(name.clone(), value.clone());
                }
                None => self.unknowns.member(&path),
            }
        }
        Value::Object(kept)
    }

    /// Of several members of one name, in arms that look alike from outside, the one that knows most of
    /// the value. None where the member is not known.
    fn best_member(
        &mut self,
        value: &Value,
        known: &[&Member],
        path: &Path<'_>,
    ) -> Option<(&'static str, Option<Value>)> {
        if let [member] = known {
            return Some((member.name, self.member(value, member, path)));
        }
        let attempts = known.iter().map(|member| {
            let mut unknowns = Unknowns::default();
            let value = Walk { unknowns: &mut unknowns }.member(value, member, path);
            (unknowns, member.name, value)
        });
        let (unknowns, name, value) =
            attempts.min_by_key(|(unknowns, ..)| unknowns.members.len() + unknowns.values.len())?;
        self.unknowns.members.extend(unknowns.members);
        self.unknowns.values.extend(unknowns.values);
        Some((name, value))
    }

    /// The member's canonical value, unless that is what its absence stands for.
    fn member(&mut self, value: &Value, member: &Member, path: &Path<'_>) -> Option<Value> {
        if !member.required && !member.distinct_null && value.is_null() {
            return None;
        }
        let value = self.value(value, &member.shape, path);
        let default = member.default.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let is_default = default.is_some_and(|default| {
            Walk { unknowns: &mut Unknowns::default() }.value(&default, &member.shape, path) == value
        });
        (!is_default).then_some(value)
    }

    fn external(
        &mut self,
        value: &Value,
        strings: &[&str],
        objects: &[(&'static str, Shape)],
        path: &Path<'_>,
    ) -> Value {
        let arm = match value {
            Value::Object(members) => objects
                .iter()
                .find_map(|(name, shape)| Some((members, members.get_key_value(*name)?, name, shape))),
            _ => None,
        };
        let Some((members, (_, payload), name, shape)) = arm else {
            let is_known = value.as_str().is_some_and(|text| strings.contains(&text));
            if !is_known {
                self.unknowns.value(path);
            }
            return value.clone();
        };
        for other in members.keys().filter(|other| other != name) {
            self.unknowns.member(&path.member(other));
        }
        let payload = self.value(payload, shape, &path.member(name));
        Value::Object(Map::from_iter([((*name).to_owned(), payload)]))
    }
}

/// The shape behind references.
fn resolve(shape: &Shape) -> Option<&Shape> {
    match shape {
        Shape::Named(name) => resolve(definition(name)?),
        other => Some(other),
    }
}

/// Whether an integer or a boolean is one of the known values; none for a value of another type.
fn is_known(shape: &Shape, value: &Value) -> Option<bool> {
    match (shape, value) {
        (Shape::IntegerEnum(values), Value::Number(number)) => {
            let number = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from))?;
            Some(values.contains(&number))
        }
        (Shape::BoolLiteral(known), Value::Bool(value)) => Some(known == value),
        _ => None,
    }
}

/// Whether a value has the JSON type of an arm.
fn is_type_of(arm: &Shape, value: &Value) -> bool {
    match resolve(arm) {
        Some(Shape::Bool | Shape::BoolLiteral(_)) => value.is_boolean(),
        Some(Shape::Integer | Shape::IntegerEnum(_)) => value.is_i64() || value.is_u64(),
        Some(Shape::Double | Shape::Float) => value.is_number(),
        Some(Shape::String | Shape::Enum(_)) => value.is_string(),
        Some(Shape::Array(_)) => value.is_array(),
        Some(Shape::Map(_) | Shape::Object(_) | Shape::Tagged { .. } | Shape::ByKeys(_)) => value.is_object(),
        _ => false,
    }
}

/// Every object that a shape may stand for.
fn collect_views<'s>(shape: &'s Shape, views: &mut Vec<View<'s>>) {
    match shape {
        Shape::Named(name) => {
            if let Some(shape) = definition(name) {
                collect_views(shape, views);
            }
        }
        Shape::Object(object) => views.push(View { object, tag: None }),
        Shape::Tagged { tag, arms } => {
            views.extend(arms.iter().map(|(value, object)| View { object, tag: Some((tag, value)) }));
        }
        Shape::ByKeys(arms) => arms.iter().for_each(|arm| collect_views(arm, views)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(name: &'static str, value: &Value) -> (Value, Unknowns) {
        let mut unknowns = Unknowns::default();
        let canonical = canonical(value, &Shape::Named(name), &Path::ROOT, &mut unknowns);
        (canonical, unknowns)
    }

    #[track_caller]
    fn becomes(name: &'static str, value: Value, expected: Value) {
        assert_eq!(of(name, &value).0, expected, "{name}");
    }

    #[test]
    fn a_fixed_value_that_is_another_one_is_unknown_and_kept() {
        let of = |shape: Shape, value: Value| {
            let mut unknowns = Unknowns::default();
            assert_eq!(canonical(&value, &shape, &Path::ROOT, &mut unknowns), value);
            unknowns.values.len()
        };
        assert_eq!(of(Shape::IntegerEnum(&[1, 2]), json!(2)), 0);
        assert_eq!(of(Shape::IntegerEnum(&[1, 2]), json!(3)), 1);
        assert_eq!(of(Shape::IntegerEnum(&[u64::MAX as i128]), json!(u64::MAX)), 0);
        assert_eq!(of(Shape::BoolLiteral(true), json!(true)), 0);
        assert_eq!(of(Shape::BoolLiteral(true), json!(false)), 1);
        // Another type is for the decoder to refuse.
        assert_eq!(of(Shape::IntegerEnum(&[1]), json!("1")), 0);
    }

    #[test]
    fn fixed_values_tell_arms_apart() {
        const ONE: Object = Object {
            members: &[
                Member::required("version", Shape::IntegerEnum(&[1])),
                Member::optional("text", Shape::String),
            ],
            open: false,
        };
        const TWO: Object = Object {
            members: &[
                Member::required("version", Shape::IntegerEnum(&[2])),
                Member::optional("lang", Shape::String),
            ],
            open: false,
        };
        let shape = Shape::ByKeys(&[Shape::Object(ONE), Shape::Object(TWO)]);
        let value = json!({"version": 2, "text": "a", "lang": "x"});
        let mut unknowns = Unknowns::default();
        let kept = canonical(&value, &shape, &Path::ROOT, &mut unknowns);
        assert_eq!(kept, json!({"version": 2, "lang": "x"}));
        assert_eq!(unknowns.members, ["text"]);
    }

    #[test]
    fn optional_members_that_say_nothing_are_left_out() {
        becomes("ThreadListParams", json!({"limit": null, "cursor": "c"}), json!({"cursor": "c"}));
        // Here `null` says something.
        becomes("ThreadListParams", json!({"projectId": null}), json!({"projectId": null}));
        // `text_elements` has the default `[]`.
        let text = json!({"type": "text", "text": "x", "text_elements": []});
        becomes("UserInput", text, json!({"type": "text", "text": "x"}));
        // A member that has to be there stays, whatever it says.
        let account = json!({"type": "chatgpt", "email": null, "planType": "plus"});
        becomes("Account", account.clone(), account);
    }

    #[test]
    fn what_is_lost_is_not_left_out() {
        let whole =
            json!({"type": "text", "text": "x", "text_elements": [{"byteRange": {"start": 0, "end": 1}}]});
        becomes("UserInput", whole.clone(), whole);
    }

    #[test]
    fn other_names_become_the_name_on_the_wire() {
        let by_schema = json!({"type": "turnStarted", "position": 1, "turn_id": "t"});
        becomes(
            "ThreadTimelineEntry",
            by_schema,
            json!({"type": "turnStarted", "position": 1, "turnId": "t"}),
        );
    }

    #[test]
    fn unknown_members_are_left_out_and_told() {
        let (canonical, unknowns) = of("UserInput", &json!({"type": "text", "text": "x", "new": {"a": 1}}));
        assert_eq!(canonical, json!({"type": "text", "text": "x"}));
        assert_eq!(unknowns.members, ["new"]);
    }

    #[test]
    fn unknown_values_tags_and_arms_are_kept_whole_and_told() {
        for (name, value) in [
            ("TurnStatus", json!("paused")),
            ("ThreadItem", json!({"type": "hologram", "id": null, "deep": {"a": null}})),
            ("CodexErrorInfo", json!({"brandNew": {"a": null}})),
            ("McpElicitationPrimitiveSchema", json!({"type": "date", "title": null})),
        ] {
            let (canonical, unknowns) = of(name, &value);
            assert_eq!(canonical, value, "{name}");
            assert_eq!((unknowns.values, unknowns.members.len()), (vec![String::new()], 0), "{name}");
        }
    }

    #[test]
    fn unions_without_a_tag_are_looked_at_by_the_arms_that_fit() {
        let titled =
            json!({"type": "array", "title": null, "items": {"anyOf": [{"const": "a", "title": "A"}]}});
        let mut expected = titled.clone();
        expected.as_object_mut().expect("an object").remove("title");
        becomes("McpElicitationPrimitiveSchema", titled, expected);
    }

    #[test]
    fn numbers_are_compared_by_value() {
        let schema = |number: Value| json!({"type": "number", "maximum": number});
        assert_eq!(
            of("McpElicitationPrimitiveSchema", &schema(json!(2))).0,
            of("McpElicitationPrimitiveSchema", &schema(json!(2.0))).0
        );
    }
}
