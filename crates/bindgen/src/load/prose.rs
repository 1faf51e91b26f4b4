//! Drops upstream prose and keeps the facts that hide in it.

use serde_json::{Map, Value};

use sha2::{Digest, Sha256};

use super::{DESCRIPTION, Prose, map_children};

/// The schema without titles and descriptions; a deprecation in a description becomes `deprecated: true`.
pub(super) fn to_facts(schema: Value, prose: Prose) -> Value {
    let Value::Object(mut object) = schema else { return schema };
    let description = object.get("description").and_then(Value::as_str);
    if description.is_some_and(says_deprecated) {
        object.insert("deprecated".into(), Value::Bool(true));
    }
    for key in ["title", "$schema"] {
        object.remove(key);
    }
    if prose == Prose::Drop
        && let Some(Value::String(text)) = object.remove("description")
        && let Some(mark) = mark(&text)
    {
        object.insert(DESCRIPTION.into(), Value::from(mark));
    }
    map_children(Value::Object(whole_numbers(object)), &mut |child| to_facts(child, prose))
}

/// Names a text by the first hex digits of its SHA-256, however its lines are broken; none for an empty one.
pub(crate) fn mark(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let hash = || Sha256::digest(words.join(" ")).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    (!words.is_empty()).then(hash)
}

/// The schema without a trace of its prose.
pub(super) fn bare(schema: Value) -> Value {
    let mut facts = to_facts(schema, Prose::Drop);
    forget_marks(&mut facts);
    facts
}

fn forget_marks(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        object.remove(DESCRIPTION);
    }
    *schema = map_children(std::mem::take(schema), &mut |mut child| {
        forget_marks(&mut child);
        child
    });
}

/// Whether a schema or something below it has a description.
pub(super) fn has_description(schema: &Value) -> bool {
    let mut found = schema.get("description").is_some_and(Value::is_string);
    super::children(schema, "", &mut |child, _| found = found || has_description(child));
    found
}

/// `@deprecated` anywhere, or a text that opens with the word; a text that merely mentions the
/// deprecation of something else is not one.
fn says_deprecated(description: &str) -> bool {
    let opening: String = description.trim_start().chars().take(10).collect();
    description.contains("@deprecated") || opening.eq_ignore_ascii_case("deprecated")
}

/// Upstream prints `minimum: 0.0` for integers.
fn whole_numbers(mut object: Map<String, Value>) -> Map<String, Value> {
    for key in ["minimum", "maximum"] {
        if let Some(number) = object.get(key).and_then(Value::as_f64).filter(|number| number.fract() == 0.0) {
            object.insert(key.into(), Value::from(number as i64));
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn titles_go_but_members_called_title_stay() {
        let schema = json!({"title": "X", "description": "Words.", "properties": {"title": {"title": "T", "type": "string"}}});
        assert_eq!(bare(schema), json!({"properties": {"title": {"type": "string"}}}));
    }

    #[test]
    fn of_a_description_a_mark_stays() {
        let of = |text: &str| to_facts(json!({"description": text, "items": true}), Prose::Drop);
        assert_eq!(of("Two words."), json!({"x-description": "a009b579", "items": true}));
        assert_eq!(of(" Two\n  words. "), of("Two words."));
        assert_ne!(of("Two word."), of("Two words."));
        assert_eq!(of(" \n"), json!({"items": true}));
        assert_eq!(to_facts(of("Two words."), Prose::Drop), of("Two words."));
    }

    #[test]
    fn deprecation_is_a_fact_where_the_text_states_it() {
        for (text, expected) in [
            ("@deprecated Ignored.", true),
            ("Deprecated: use `x`.", true),
            ("DEPRECATED APIs below", true),
            ("Prefer x. @deprecated", true),
            ("Summary of what is deprecated.", false),
        ] {
            let facts = to_facts(json!({"description": text}), Prose::Drop);
            assert_eq!(facts.get("deprecated").is_some(), expected, "{text}");
        }
        assert_eq!(to_facts(json!({"description": "Words."}), Prose::Keep), json!({"description": "Words."}));
    }
}
