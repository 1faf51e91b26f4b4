//! Where two JSON values differ first.

use serde_json::Value;

use crate::path::{Path, shortened};

/// The first difference of two values, in words, with its JSON path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: String,
    /// What became of what.
    pub what: String,
}

/// The first difference between what was read and what was written again; none where they are equal.
pub fn difference(read: &Value, written: &Value) -> Option<Difference> {
    at(read, written, &Path::ROOT)
}

fn at(read: &Value, written: &Value, path: &Path<'_>) -> Option<Difference> {
    let found = |path: &Path<'_>, what: String| Some(Difference { path: path.to_string(), what });
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            for (name, value) in read {
                let path = path.member(name);
                let below = match written.get(name) {
                    Some(other) => at(value, other, &path),
                    None => found(&path, format!("{} is lost", short(value))),
                };
                if below.is_some() {
                    return below;
                }
            }
            let added = written.iter().find(|(name, _)| !read.contains_key(*name));
            added.and_then(|(name, value)| found(&path.member(name), format!("{} appears", short(value))))
        }
        (Value::Array(read), Value::Array(written)) => {
            let mut pairs = read.iter().zip(written).enumerate();
            pairs.find_map(|(index, (read, written))| at(read, written, &path.index(index))).or_else(|| {
                let (from, to) = (read.len(), written.len());
                if from == to { None } else { found(path, format!("{from} items became {to}")) }
            })
        }
        _ if read == written => None,
        _ => found(path, format!("{} became {}", short(read), short(written))),
    }
}

/// The start of a value's text.
fn short(value: &Value) -> String {
    shortened(&value.to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_is_named_with_its_path() {
        let read = json!({"a": [1, {"b": "x", "c": null}]});
        let case = |written: Value, expected: &str| {
            let found = difference(&read, &written).map(|found| format!("{}: {}", found.path, found.what));
            assert_eq!(found.unwrap_or_default(), expected);
        };
        case(read.clone(), "");
        case(json!({"a": [1, {"b": "y", "c": null}]}), "a[1].b: \"x\" became \"y\"");
        case(json!({"a": [1, {"b": "x"}]}), "a[1].c: null is lost");
        case(json!({"a": [1, {"b": "x", "c": null, "d": 1}]}), "a[1].d: 1 appears");
        case(json!({"a": [1]}), "a: 2 items became 1");
        case(json!({"a": {}}), "a: [1,{\"b\":\"x\",\"c\":null}] became {}");
    }
}
