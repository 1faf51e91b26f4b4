//! Checks the samples of every fixture with the types that were generated from it. `compile.rs` builds
//! this file together with the generated code and a table of the types that have samples.
//!
//! | list | decodes | encodes to | beyond that |
//! |---|---|---|---|
//! | `valid` | yes | `encodes`, else `json` | nothing in it is `Unrecognized` |
//! | `tolerated` | yes | `encodes`, else `json` | what a newer peer sends |
//! | `invalid` | no: `path` is the error's path, its message contains `error` | | |
//! | `built` | | `json`, from the value of the expression `rust` | |
//!
//! Texts are compared as JSON values. `encodes` may differ from `json` only by what is the same value in
//! Rust: members that are `null`, equal to their default, unknown, or under a second name. So `encodes`
//! itself is decoded and has to be equal and to encode to itself. The text is also read with the members of
//! every object the other way round, and by way of `serde_json::Value`, with the same outcome.

use std::fmt::{Debug, Write};

use codex_appserver_wire as wire;
use serde_json::Value;

mod table;

const KEYS: [&str; 9] =
    ["type", "json", "encodes", "debug", "hides", "experimental", "path", "error", "rust"];

fn main() {
    let folder = std::env::args().nth(1).expect("the folder of the fixtures is an argument");
    let mut run = Run { folder: folder.into(), checked: 0, failures: Vec::new() };
    table::all(&mut run);
    for failure in &run.failures {
        println!("{failure}");
    }
    println!("{} samples checked, {} failed", run.checked, run.failures.len());
    std::process::exit(i32::from(!run.failures.is_empty()));
}

/// One run over all samples.
struct Run {
    folder: std::path::PathBuf,
    checked: usize,
    failures: Vec<String>,
}

/// What can be asked of a type that is known by its name only.
struct Codec<T> {
    decode: fn(&str) -> Result<T, wire::DecodeError>,
    from_value: fn(Value) -> Result<T, serde_json::Error>,
    encode: fn(&T) -> Result<String, wire::EncodeError>,
}

impl Run {
    /// Checks the samples of one type in one fixture.
    fn samples<T>(&mut self, fixture: &str, name: &str)
    where
        T: wire::Serialize + serde::de::DeserializeOwned + PartialEq + Debug,
    {
        let codec = Codec::<T> {
            decode: |text| wire::decode(text),
            from_value: serde_json::from_value,
            encode: wire::encode,
        };
        let samples = self.read(fixture);
        for list in ["valid", "tolerated", "invalid"] {
            for (index, sample) in list_of(&samples, list).filter(|(_, sample)| sample["type"] == name) {
                let outcome = match list {
                    "invalid" => refused(&codec, sample),
                    _ => accepted(&codec, sample, list == "valid"),
                };
                self.note(format!("{fixture}: {list}[{index}] ({name})"), outcome);
            }
        }
    }

    /// Checks one value that was made in Rust.
    fn built<T: wire::Serialize>(&mut self, fixture: &str, index: usize, value: &T) {
        let expected = self.read(fixture)["built"][index]["json"].clone();
        let outcome = encoded(wire::encode(value)).and_then(|actual| equal("encodes", &actual, &expected));
        self.note(format!("{fixture}: built[{index}]"), outcome);
    }

    fn read(&self, fixture: &str) -> Value {
        let path = self.folder.join(fixture).with_extension("json");
        let text = std::fs::read_to_string(path).expect("the fixture is there");
        let mut root: Value = serde_json::from_str(&text).expect("the fixture is JSON");
        root["samples"].take()
    }

    fn note(&mut self, place: String, outcome: Result<(), String>) {
        self.checked += 1;
        if let Err(problem) = outcome {
            self.failures.push(format!("{place}: {problem}"));
        }
    }
}

/// The samples of a list that this build can check.
fn list_of<'s>(samples: &'s Value, list: &str) -> impl Iterator<Item = (usize, &'s Value)> {
    let all = samples.get(list).and_then(Value::as_array).into_iter().flatten().enumerate();
    all.filter(|(_, sample)| cfg!(feature = "experimental") || sample["experimental"] != true).inspect(
        |(index, sample)| {
            let keys = sample.as_object().expect("a sample is an object").keys();
            let unknown: Vec<_> = keys.filter(|key| !KEYS.contains(&key.as_str())).collect();
            assert!(unknown.is_empty(), "sample {index} has members {unknown:?} that nothing reads");
        },
    )
}

fn accepted<T: PartialEq + Debug>(codec: &Codec<T>, sample: &Value, known: bool) -> Result<(), String> {
    let json = &sample["json"];
    let expected = sample.get("encodes").unwrap_or(json);
    let text = json.to_string();
    let value = (codec.decode)(&text).map_err(|error| format!("does not decode: {error}"))?;
    let debug = format!("{value:?}");
    equal("encodes", &encoded((codec.encode)(&value))?, expected)?;

    let same = |what: &str, other: Result<T, String>| match other {
        Ok(other) if other == value => Ok(()),
        Ok(other) => Err(format!("{what} is another value: {other:?} instead of {debug}")),
        Err(error) => Err(format!("{what} does not decode: {error}")),
    };
    let decode = |text: &str| (codec.decode)(text).map_err(|error| error.to_string());
    same("the text with its members reversed", decode(&reversed(json)))?;
    same("the `serde_json::Value`", (codec.from_value)(json.clone()).map_err(|error| error.to_string()))?;
    same("the text of `encodes`", decode(&expected.to_string()))?;
    let again = decode(&expected.to_string())?;
    equal("encodes after `encodes`", &encoded((codec.encode)(&again))?, expected)?;

    if known && debug.contains("Unrecognized") {
        return Err(format!("is valid, yet decodes to {debug}"));
    }
    match (sample["debug"].as_str(), sample["hides"].as_str()) {
        (Some(part), _) if !debug.contains(part) => Err(format!("`{part}` is not in the Debug text {debug}")),
        (_, Some(secret)) if debug.contains(secret) => Err(format!("a secret is in the Debug text {debug}")),
        _ => Ok(()),
    }
}

fn refused<T: Debug>(codec: &Codec<T>, sample: &Value) -> Result<(), String> {
    let text = sample["json"].to_string();
    let (path, part) = (sample["path"].as_str(), sample["error"].as_str());
    let (Some(path), Some(part)) = (path, part) else { return Err("lacks `path` or `error`".into()) };
    match (codec.decode)(&text) {
        Ok(value) => Err(format!("decodes to {value:?}")),
        Err(error) if error.path() != path => Err(format!("the path is `{}`: {error}", error.path())),
        Err(error) if !error.message().contains(part) => Err(format!("the message is `{}`", error.message())),
        Err(_) => Ok(()),
    }
}

fn encoded(text: Result<String, wire::EncodeError>) -> Result<Value, String> {
    let text = text.map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("encodes to {text}, which is no JSON: {error}"))
}

fn equal(what: &str, actual: &Value, expected: &Value) -> Result<(), String> {
    if actual == expected { Ok(()) } else { Err(format!("{what} to {actual} instead of {expected}")) }
}

/// The text with the members of every object in descending order; `to_string` has them ascending.
fn reversed(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut out = String::from("{");
            for (index, (name, value)) in members.iter().rev().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                let _ = write!(out, "{comma}{}:{}", Value::from(name.as_str()), reversed(value));
            }
            out + "}"
        }
        Value::Array(items) => format!("[{}]", items.iter().map(reversed).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
