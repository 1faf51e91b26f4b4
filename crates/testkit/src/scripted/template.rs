//! JSON with holes: text made once, so that an answer is a few copies and not a tree.

use std::io::Write as _;

use serde_json::Value;

/// JSON text with variables in it.
///
/// `$count`, `$i`, `$id` and `$params.…` are known. A string that is nothing but a variable becomes its value,
/// whatever its type; within a longer string it becomes text. `$$` before one of these names keeps it as it
/// is, and any other `$` is just a `$`.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Value(Var),
    InText(Var),
}

#[derive(Clone, Debug, PartialEq)]
enum Var {
    Count,
    Index,
    Id,
    Params(Vec<String>),
}

/// What the variables stand for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope<'a> {
    /// The id of the request, as JSON text.
    pub id: &'a str,
    /// Which request of this method it is, from 1.
    pub count: u64,
    /// The number within a flood, from 0.
    pub index: u64,
    /// The params of the request.
    pub params: &'a Value,
}

impl Template {
    /// Reads the variables out of a value.
    pub(super) fn new(value: &Value) -> Self {
        let mut template = Self::default();
        template.value(value);
        template
    }

    /// A notification with this method and these params, as a line without its break.
    pub(super) fn notification(method: &str, params: &Value) -> Self {
        let mut template = Self::default();
        template.text("{\"method\":");
        template.string(method);
        template.text(",\"params\":");
        template.value(params);
        template.text(",\"emittedAtMs\":1800000000000}");
        template
    }

    /// Whether params have to be read before it can be rendered.
    pub(super) fn needs_params(&self) -> bool {
        let is_params =
            |part: &Part| matches!(part, Part::Value(Var::Params(_)) | Part::InText(Var::Params(_)));
        self.parts.iter().any(is_params)
    }

    /// Appends the JSON text with the holes filled.
    pub(super) fn render(&self, scope: Scope<'_>, out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Value(var) => var.write(scope, out),
                Part::InText(var) => var.write_in_text(scope, out),
            }
        }
    }

    fn text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.text(if index == 0 { "[" } else { "," });
                    self.value(item);
                }
                self.text(if items.is_empty() { "[]" } else { "]" });
            }
            Value::Object(members) => {
                for (index, (name, member)) in members.iter().enumerate() {
                    self.text(if index == 0 { "{" } else { "," });
                    self.text(&Value::from(name.as_str()).to_string());
                    self.text(":");
                    self.value(member);
                }
                self.text(if members.is_empty() { "{}" } else { "}" });
            }
            plain => self.text(&plain.to_string()),
        }
    }

    fn string(&mut self, text: &str) {
        if let Some((var, "")) = variable(text) {
            return self.parts.push(Part::Value(var));
        }
        self.text("\"");
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            self.text(escaped(&rest[..dollar]).as_str());
            rest = &rest[dollar..];
            if let Some((var, after)) = variable(rest) {
                self.parts.push(Part::InText(var));
                rest = after;
            } else {
                self.text("$");
                let quoted = rest.starts_with("$$") && variable(&rest[1..]).is_some();
                // Of `$$count` one `$` is left, and the name behind it is plain text.
                rest = &rest[if quoted { 2 } else { 1 }..];
            }
        }
        self.text(escaped(rest).as_str());
        self.text("\"");
    }
}

impl Var {
    fn write(&self, scope: Scope<'_>, out: &mut Vec<u8>) {
        // Writing to memory does not fail.
        let _ = match self {
            Self::Count => write!(out, "{}", scope.count),
            Self::Index => write!(out, "{}", scope.index),
            Self::Id => out.write_all(scope.id.as_bytes()),
            Self::Params(path) => write!(out, "{}", at(scope.params, path)),
        };
    }

    fn write_in_text(&self, scope: Scope<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Count | Self::Index => self.write(scope, out),
            Self::Id => out.extend_from_slice(scope.id.trim_matches('"').as_bytes()),
            Self::Params(path) => {
                let text = match at(scope.params, path) {
                    Value::String(text) => escaped(text),
                    other => escaped(&other.to_string()),
                };
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
}

/// The variable at the start of a text, and what comes after it.
fn variable(text: &str) -> Option<(Var, &str)> {
    let name = text.strip_prefix('$')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = name.find(|c| !is_name(c)).unwrap_or(name.len());
    let (name, mut rest) = name.split_at(end);
    let var = match name {
        "count" => Var::Count,
        "i" => Var::Index,
        "id" => Var::Id,
        "params" => {
            let mut path = Vec::new();
            // A dot that no name follows ends a sentence.
            while let Some(after) = rest.strip_prefix('.').filter(|after| after.starts_with(is_name)) {
                let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
                path.push(after[..end].to_owned());
                rest = &after[end..];
            }
            Var::Params(path)
        }
        _ => return None,
    };
    Some((var, rest))
}

/// The member at a path; numbers index arrays, and what is not there is `null`.
fn at<'a>(value: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(value, |value, name| match value {
        Value::Array(items) => {
            name.parse().ok().and_then(|index: usize| items.get(index)).unwrap_or(&Value::Null)
        }
        other => &other[name.as_str()],
    })
}

/// The inside of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Scope, Template};

    fn render(template: Value, id: &str, params: Value) -> Value {
        let mut out = Vec::new();
        let template = Template::new(&template);
        template.render(Scope { id, count: 3, index: 7, params: &params }, &mut out);
        serde_json::from_slice(&out).expect("it is JSON")
    }

    #[test]
    fn variables_become_values_or_text() {
        let template = json!({
            "n": "$count", "i": ["$i", "-$i-"], "id": "$id", "in": "<$id>", "x": "$params.a.1.b", "all": "$params",
            "text": "say $params.say.", "none": "$params.no.where", "inText": "is $params.a",
        });
        let params = json!({"a": [0, {"b": [true]}], "say": "\"hi\"\n"});
        let expected = json!({
            "n": 3, "i": [7, "-7-"], "id": "r\"1", "in": "<r\"1>", "x": [true], "all": params,
            "text": "say \"hi\"\n.", "none": null, "inText": "is [0,{\"b\":[true]}]",
        });
        assert_eq!(render(template, r#""r\"1""#, params), expected);
    }

    #[test]
    fn all_else_stays_as_it_is() {
        let plain =
            json!({"$count": "$5 \u{e9}\t\"", "a": [], "o": {}, "n": [1.5, null, true, "$counter", "$"]});
        assert_eq!(render(plain.clone(), "1", Value::Null), plain);
        assert_eq!(
            render(json!(["$$count", "a $$i", "$$"]), "1", Value::Null),
            json!(["$count", "a $i", "$$"])
        );
    }
}
