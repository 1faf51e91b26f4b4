//! The samples for tests: each decodes to what it encodes to, and the schema allows it.

use std::fmt::Debug;

use codex_appserver_bindgen::names;
use codex_appserver_tests::protocol;
use codex_appserver_trace::is_typed;
use codex_appserver_wire::{Deserialize, Serialize, decode, encode};
use codex_appserver_wire::{de, ser};
use serde_json::Value;

use crate::oracle;

/// What a sample is as JSON, whether no catch-all was needed for it, and whether it comes back the same.
struct Checked {
    json: String,
    typed: bool,
    same: bool,
}

type Check = fn() -> Checked;

/// Every sample, by the name of its type.
static SAMPLES: &[(&str, Check)] = include!(concat!(env!("OUT_DIR"), "/samples.rs"));

fn value<T>(sample: T) -> Checked
where
    T: for<'de> Deserialize<'de> + Serialize + Debug + PartialEq,
{
    let json = encode(&sample).expect("it encodes");
    let same = decode::<T>(&json).expect("it decodes") == sample;
    Checked { json, typed: is_typed(&sample), same }
}

/// An arm of a union has no codec of its own: its members are read and written, without the tag.
fn arm<T: de::Object + ser::Fields + Debug + PartialEq>(sample: T) -> Checked {
    let mut json = serde_json::Serializer::new(Vec::new());
    ser::object(&sample, &mut json).expect("it encodes");
    let json = String::from_utf8(json.into_inner()).expect("JSON is text");
    let again: T = de::object(&mut serde_json::Deserializer::from_str(&json)).expect("it decodes");
    Checked { json, typed: true, same: again == sample }
}

#[test]
fn every_sample_comes_back_the_same() {
    assert!(SAMPLES.len() > 500, "{}", SAMPLES.len());
    for (name, check) in SAMPLES {
        let Checked { json, typed, same } = check();
        assert!(typed && same, "{name}: {json}: typed {typed}, the same {same}");
        assert_eq!(check().json, json, "{name} has another sample each time");
    }
}

#[test]
fn the_schema_allows_every_sample() {
    let definitions = oracle::schema("schema/app-server.json", Some("schema/extra.json"));
    let model = protocol::pinned();
    let mut failures = Vec::new();
    let mut judged = 0;
    for name in model.definitions.keys() {
        let rust = names::type_name(name);
        let Some((_, check)) = SAMPLES.iter().find(|(sample, _)| *sample == rust) else { continue };
        let json: Value = serde_json::from_str(&check().json).expect("it is JSON");
        judged += 1;
        if let Err(error) = oracle::validator(&definitions, name).validate(&json) {
            failures.push(format!("{name}: {error}: {json}"));
        }
    }
    assert!(judged > 300, "{judged}");
    assert!(failures.is_empty(), "{}:\n{}", failures.len(), failures.join("\n"));
}
