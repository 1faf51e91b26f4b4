//! Fields of forms, and what they make of lines of text.

use serde_json::json;

use super::*;
use crate::elicitation::Form;

fn form(properties: &Value, required: &[&str]) -> Form {
    let schema = json!({"type": "object", "properties": properties, "required": required});
    let request = json!({
        "threadId": "T", "turnId": null, "serverName": "files", "mode": "form", "message": "Who?",
        "requestedSchema": schema,
    });
    let request: codex_appserver_methods::protocol::McpServerElicitationRequestParams =
        serde_json::from_value(request).expect("a request");
    match crate::elicitation::Elicitation::of(request) {
        crate::elicitation::Elicitation::Form(form) => form,
        _ => panic!("it is a form"),
    }
}

/// A field by its schema, with what it takes, and lines with their values; null where it does not take them.
#[test]
fn lines_become_values() {
    let titled = json!([{"const": "s", "title": "Small"}, {"const": "l", "title": "Large"}]);
    for (schema, takes, lines) in [
        (json!({"type": "string"}), "a text", json!({"": "", " a ": " a "})),
        (
            json!({"type": "string", "minLength": 2, "maxLength": 3, "format": "email"}),
            "a text of the format email, 2 to 3 characters",
            json!({"ä": null, "äö": "äö", "äöüß": null}),
        ),
        (
            json!({"type": "integer", "minimum": 0}),
            "a whole number, at least 0",
            json!({"7": 7, " 7 ": 7, "7.5": null, "-1": null, "": null, "x": null}),
        ),
        (
            json!({"type": "number", "maximum": 1.5}),
            "a number, at most 1.5",
            json!({"1.5": 1.5, "1": 1.0, "2": null, "nan": null, "inf": null}),
        ),
        (json!({"type": "boolean"}), "yes or no", json!({"Y": true, "no": false, "1": null, "": null})),
        (
            json!({"type": "string", "enum": ["red", "2"]}),
            "one of red, 2",
            json!({"red": "red", "2": "2", "1": "red", "0": null, "3": null, "Red": null}),
        ),
        (
            json!({"type": "string", "oneOf": titled.clone()}),
            "one of Small (s), Large (l)",
            json!({"s": "s", "Large": "l", "2": "l"}),
        ),
        (
            json!({"type": "string", "enum": ["s", "l"], "enumNames": ["Small"]}),
            "one of Small (s), l",
            json!({"Small": "s", "l": "l"}),
        ),
        (
            json!({"type": "array", "minItems": 1, "items": {"type": "string", "enum": ["a", "b"]}}),
            "any of a, b, at least 1 of them",
            json!({"a": ["a"], "b, 1": ["b", "a"], "": null, "a, a": null, "c": null}),
        ),
        (
            json!({"type": "array", "maxItems": 1, "items": {"anyOf": titled.clone()}}),
            "any of Small (s), Large (l), at most 1 of them",
            json!({"Small": ["s"], "": [], "s, l": null}),
        ),
    ] {
        let form = form(&json!({"field": schema}), &[]);
        let field = &form.fields()[0];
        assert_eq!(field.kind.to_string(), takes);
        for (line, expected) in lines.as_object().expect("lines") {
            let value = field.parse(line);
            assert_eq!(value.as_ref().unwrap_or(&Value::Null), expected, "{schema} {line:?} {value:?}");
        }
    }
}

#[test]
fn secrets_are_known_by_their_format_or_name() {
    for (name, schema, is_secret) in [
        ("x", json!({"type": "string", "format": "password"}), true),
        ("password", json!({"type": "string"}), true),
        ("apiKey", json!({"type": "string"}), true),
        ("API_KEY", json!({"type": "string"}), true),
        ("x", json!({"type": "string", "title": "Your access token"}), true),
        ("pin", json!({"type": "integer"}), false),
        ("key", json!({"type": "string"}), false),
        ("spinner", json!({"type": "string", "title": "Tokens per day"}), false),
    ] {
        let form = form(&json!({name: schema}), &[]);
        assert_eq!(form.fields()[0].is_secret(), is_secret, "{name} {schema}");
    }
}

#[test]
fn defaults_fit_their_fields() {
    for (schema, default) in [
        (json!({"type": "integer", "default": 3}), json!(3)),
        (json!({"type": "number", "default": 0.5}), json!(0.5)),
        (json!({"type": "boolean", "default": true}), json!(true)),
        (json!({"type": "string", "enum": ["a"], "default": "a"}), json!("a")),
        (
            json!({"type": "array", "items": {"type": "string", "enum": ["a"]}, "default": ["a"]}),
            json!(["a"]),
        ),
    ] {
        let form = form(&json!({"field": schema}), &[]);
        let field = &form.fields()[0];
        assert_eq!(field.default.as_ref(), Some(&default));
        assert_eq!(field.check(&default), Ok(()));
    }
}

#[test]
fn a_form_takes_what_it_asks_for_and_nothing_else() {
    let name = json!({"name": {"type": "string", "title": "Name"}, "age": {"type": "integer"}});
    for (values, error) in [
        (json!({"name": "Bo"}), ""),
        (json!({"name": "Bo", "age": 7}), ""),
        (json!({}), "fill in `name`: it is required"),
        (json!({"name": 5}), "fill in `name`: it takes a text"),
        (json!({"name": "Bo", "age": "7"}), "fill in `age`: it takes a whole number"),
        (json!({"name": "Bo", "age": 7.5}), "fill in `age`: it takes a whole number"),
        (json!({"name": "Bo", "admin": true}), "fill in `admin`: the form has no such field"),
    ] {
        let checked = form(&name, &["name"]).check(values.as_object().expect("values"));
        assert_eq!(checked.err().map(|error| error.to_string()).unwrap_or_default(), error, "{values}");
    }
    let impossible =
        form(&name, &["name", "secret"]).check(json!({"name": "Bo"}).as_object().expect("values"));
    assert_eq!(impossible, Err(FormError::Missing { field: "secret".into() }));
}
