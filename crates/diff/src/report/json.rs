//! For programs: one JSON document, and its JSON Schema.

use schemars::JsonSchema;
use schemars::schema::RootSchema;
use serde::{Deserialize, Serialize};

use super::summary::Summary;
use crate::Comparison;

/// What `--format json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// The version of this format; members may be added without a new one.
    pub version: u32,
    /// The findings in a few numbers.
    pub summary: Summary,
    /// The comparison itself.
    #[serde(flatten)]
    pub comparison: Comparison,
}

impl Document {
    /// The version of the format that this crate writes.
    pub const VERSION: u32 = 2;

    /// The document of a comparison.
    pub fn of(comparison: &Comparison) -> Self {
        let summary = Summary::of(comparison);
        Self { version: Self::VERSION, summary, comparison: comparison.clone() }
    }
}

/// Renders a comparison.
///
/// # Errors
///
/// Serialisation fails, which no comparison is known to make it do.
pub fn render(comparison: &Comparison) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(&Document::of(comparison))? + "\n")
}

/// The JSON Schema of [`Document`].
pub fn schema() -> RootSchema {
    schemars::schema_for!(Document)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::report::example;

    /// Checked in for readers that have no Rust; `UPDATE_SCHEMA=1` writes it.
    #[test]
    fn the_schema_in_docs_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diff.schema.json");
        let current = serde_json::to_string_pretty(&schema()).expect("serialises") + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &current).expect("writes");
        }
        let kept = std::fs::read_to_string(&path).expect("docs/diff.schema.json is there");
        assert!(kept == current, "docs/diff.schema.json is stale; run this test with UPDATE_SCHEMA=1");
    }

    #[test]
    fn the_output_is_what_its_schema_says_and_reads_back() {
        let schema = serde_json::to_value(schema()).expect("serialises");
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        for comparison in [example::comparison(), example::hostile(), example::empty()] {
            let text = render(&comparison).expect("renders");
            let value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(validator.validate(&value).map_err(|error| error.to_string()), Ok(()));
            let document: Document = serde_json::from_str(&text).expect("reads back");
            assert_eq!(document.comparison, comparison);
        }
        let no_verdict = render(&example::comparison())
            .expect("renders")
            .replace("\"level\": \"breaking\"", "\"level\": \"bad\"");
        assert!(!validator.is_valid(&serde_json::from_str(&no_verdict).expect("JSON")));
    }

    #[test]
    fn as_programs_see_it() {
        let mut comparison = example::comparison();
        comparison.findings.truncate(2);
        insta::assert_snapshot!("json", render(&comparison).expect("renders"));
    }
}
