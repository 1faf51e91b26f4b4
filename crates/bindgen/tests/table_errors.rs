//! What generation refuses in the tables beside the schema, and what a strict run refuses on top.

use codex_appserver_bindgen::{
    Config, Error, Generator, Layout, Output, Result, Schema, Source, TableSources, Tables,
};
use serde_json::{Value, json};

#[path = "support/bundle.rs"]
mod bundle;

/// The table files, empty but for what a test is about.
struct Files<'f> {
    overrides: &'f str,
    docs: &'f str,
    typify: &'f str,
    extra: &'f str,
}

impl Default for Files<'_> {
    fn default() -> Self {
        Self { overrides: "", docs: "", typify: "", extra: r#"{"definitions": {}}"# }
    }
}

impl Files<'_> {
    fn parse(&self) -> Result<Tables> {
        let source = |name, text| Source { name, bytes: str::as_bytes(text) };
        Tables::parse(&TableSources {
            overrides: source("overrides.toml", self.overrides),
            docs: source("docs.toml", self.docs),
            typify: source("typify.toml", self.typify),
            extra: source("extra.json", self.extra),
        })
    }

    fn generate(&self, definitions: &Value, strict: bool) -> Result<Output> {
        let bundle = bundle::bundle(definitions.as_object().expect("definitions by name"));
        let schema = Schema::from_any(&Source { name: "stable.json", bytes: bundle.as_bytes() }, None)?;
        let config = Config { tables: self.parse()?, layout: Layout::Workspace, strict, ..Config::default() };
        Generator::new(config, schema).run()
    }
}

/// Asserts that this failed with exactly this text.
#[track_caller]
fn fails<T>(result: Result<T>, place: &str, problem: &str) {
    let text = result.err().expect("this must fail").to_string();
    assert_eq!(text, format!("{place}: {problem}"));
    assert!(!text.contains('\n'), "an error of several lines: {text}");
}

/// Asserts that a strict run leaves exactly these decisions open, one line each.
#[track_caller]
fn leaves_open(result: Result<Output>, expected: &[&str]) {
    let text = result.expect_err("this must fail").to_string();
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

/// One request with a response, and a summary for it: what a strict run accepts.
fn sound() -> Value {
    json!({"FixtureCallParams": {"type": "object", "properties": {"a": {"type": ["string", "null"]}}}})
}

const SUMMARY: &str = "[methods]\n\"fixture/call\" = \"Calls.\"\n";

fn with_response(name: &str) -> Value {
    let mut definitions = sound();
    definitions[name] = json!({"type": "object"});
    definitions
}

#[test]
fn tables_that_do_not_parse() {
    let overrides = |overrides: &str| Files { overrides, ..Files::default() }.parse();
    let row = "[[root]]\ntype = \"X\"\nwhy = \"x\"\n";
    fails(overrides(&format!("{row}[[root]\n")), "overrides.toml:4", "unclosed array table, expected `]`");
    fails(overrides("[[root]]\ntype = \"X\"\n"), "overrides.toml:1", "missing field `why`");
    let problem = "unknown field `rot`, expected one of `response`, `method`, `wire_name`, `distinct_null`, `root`, `typescript`";
    fails(overrides("\n\n[[rot]]\n"), "overrides.toml:3", problem);
    let docs = Files { docs: "[methods]\na = 1\n", ..Files::default() };
    fails(docs.parse(), "docs.toml:2", "invalid type: integer `1`, expected a string");
    let typify = Files { typify: "differs = 1\n", ..Files::default() };
    fails(typify.parse(), "typify.toml:1", "invalid type: integer `1`, expected a sequence");
    let extra = Files { extra: "{\"definitions\": {}", ..Files::default() };
    fails(extra.parse(), "extra.json", "not JSON: EOF while parsing an object at line 1 column 18");
    let extra = Files { extra: "{}", ..Files::default() };
    fails(extra.parse(), "extra.json", "not JSON: missing field `definitions` at line 1 column 2");
}

#[test]
fn a_sound_schema_passes_a_strict_run() {
    let output =
        Files { docs: SUMMARY, ..Files::default() }.generate(&sound(), true).expect("nothing is wrong");
    assert_eq!(output.warnings, Vec::<String>::new());
}

#[test]
fn requests_without_a_response_name_the_candidates() {
    let request =
        json!({"properties": {"method": {"type": "string", "enum": ["odd/one"]}}, "required": ["method"]});
    let mut definitions = json!({"ClientRequest": {"oneOf": [request]}});
    let summary = "schema/docs.toml: no summary for `odd/one`; add a line to [methods]";
    let strictly = |definitions: &Value| Files::default().generate(definitions, true);
    leaves_open(
        strictly(&definitions),
        &[
            "schema/overrides.toml: odd/one: no response type; no response type is left over; ask the server; \
             add a [[response]] row",
            summary,
        ],
    );
    definitions["AResponse"] = json!({"type": "object"});
    definitions["BResponse"] = json!({"type": "object"});
    // The types that are left over are the candidates, and no decisions of their own.
    let two = "schema/overrides.toml: odd/one: no response type; candidates: AResponse, BResponse; add a [[response]] row";
    leaves_open(strictly(&definitions), &[two, summary]);
    leaves_open(
        Files { docs: SUMMARY, ..Files::default() }.generate(&with_response("ZResponse"), true),
        &["schema/overrides.toml: ZResponse: a response type that no method uses; add a [[response]] row"],
    );

    let overrides = "[[response]]\nmethod = 'odd/one'\ntype = 'CResponse'\nwhy = 'x'\n";
    leaves_open(
        Files { overrides, ..Files::default() }.generate(&definitions, true),
        &[
            "schema/overrides.toml: the [[response]] row of odd/one names `CResponse`, which is no definition; \
             correct its `type`",
            summary,
        ],
    );
}

/// Each decision brings the row that settles it; what only a person knows is `…`.
#[test]
fn decisions_bring_their_rows() {
    let request =
        json!({"properties": {"method": {"type": "string", "enum": ["odd/one"]}}, "required": ["method"]});
    let definitions = json!({"ClientRequest": {"oneOf": [request]}, "AResponse": {"type": "object"}});
    let Err(Error::Open(decisions)) = Files::default().generate(&definitions, true) else {
        panic!("decisions are open");
    };
    let rows: Vec<&str> = decisions.iter().filter_map(|decision| decision.row.as_deref()).collect();
    assert_eq!(
        rows,
        ["[[response]]\nmethod = \"odd/one\"\ntype = \"AResponse\"\nwhy = \"…\"\n", "\"odd/one\" = \"…\"\n",]
    );
    // The rows are what the tables take, once they are filled in.
    let docs = format!("[methods]\n{}", rows[1]);
    let [overrides, docs] = [rows[0], &docs].map(|text| text.replace('…', "Filled in."));
    let settled =
        Files { overrides: &overrides, docs: &docs, ..Files::default() }.generate(&definitions, true);
    assert_eq!(settled.expect("nothing is open").warnings, Vec::<String>::new());
}

#[test]
fn a_lenient_run_warns_instead() {
    let request =
        json!({"properties": {"method": {"type": "string", "enum": ["odd/one"]}}, "required": ["method"]});
    let definitions = json!({"ClientRequest": {"oneOf": [request]}, "AResponse": {"type": "object"}});
    let output = Files::default().generate(&definitions, false).expect("warnings only");
    assert_eq!(output.warnings, ["odd/one: no response type; candidates: AResponse; add a [[response]] row"]);
    assert_eq!(output.index, "client request odd/one () -> any\n");
}

#[test]
fn rows_of_no_use() {
    let idle = |overrides: &str, row: &str| {
        let files = Files { overrides, docs: SUMMARY, ..Files::default() };
        let problem =
            format!("{row} changes nothing: the schema has it already or lacks the place; remove the row");
        fails(files.generate(&sound(), true), "schema/overrides.toml", &problem);
        // The tables belong to the pinned schema: with another one some rows are bound to be idle.
        assert_eq!(files.generate(&sound(), false).expect("no error").warnings, Vec::<String>::new());
    };
    idle("[[response]]\nmethod = 'a'\ntype = 'B'\nwhy = 'x'", "[[response]] a");
    idle(
        "[[response]]\nmethod = 'fixture/call'\ntype = 'FixtureCallResponse'\nwhy = 'x'",
        "[[response]] fixture/call",
    );
    let method = "[[method]]\nunion = 'ClientRequest'\nmethod = 'fixture/call'\nparams = 'FixtureCallParams'\n\
                  experimental = false\nwhy = 'x'";
    idle(method, "[[method]] fixture/call");
    idle("[[root]]\ntype = 'Nowhere'\nwhy = 'x'", "[[root]] Nowhere");
    idle(
        "[[wire_name]]\ntype = 'FixtureCallParams'\nmembers = { b = 'c' }\nwhy = 'x'",
        "[[wire_name]] FixtureCallParams.b",
    );
    idle("[[distinct_null]]\ntype = 'Nowhere'\nmembers = ['a']\nwhy = 'x'", "[[distinct_null]] Nowhere.a");
    let required = "[[distinct_null]]\ntype = 'FixtureCallParams'\nmembers = ['a', 'b']\nwhy = 'x'";
    idle(required, "[[distinct_null]] FixtureCallParams.b");
}

#[test]
fn extra_definitions() {
    let extra = r#"{"definitions": {"FixtureCallParams": {"type": "object"}}}"#;
    let files = Files { extra, docs: SUMMARY, ..Files::default() };
    let problem =
        "FixtureCallParams changes nothing: the schema has it already or lacks the place; remove the row";
    fails(files.generate(&sound(), true), "schema/extra.json", problem);
    let extra =
        r##"{"definitions": {"More": {"type": "array", "items": {"$ref": "#/definitions/Nowhere"}}}}"##;
    // What refers to nothing in this schema is left out, which the pinned schema does not let pass.
    let files = Files { extra, docs: SUMMARY, ..Files::default() };
    assert!(files.generate(&sound(), false).is_ok());
    let problem = "More changes nothing: the schema has it already or lacks the place; remove the row";
    fails(files.generate(&sound(), true), "schema/extra.json", problem);
}

#[test]
fn summaries() {
    let strictly = |docs: &str| Files { docs, ..Files::default() }.generate(&sound(), true);
    let place = "schema/docs.toml";
    fails(strictly(""), place, "no summary for `fixture/call`; add a line to [methods]");
    let stale = format!("{SUMMARY}\"gone/away\" = \"Gone.\"\n[types]\nGone = \"Gone.\"\n");
    leaves_open(
        strictly(&stale),
        &[
            "schema/docs.toml: a summary for `gone/away`, which is no method; remove the line",
            "schema/docs.toml: a summary for `Gone`, which is no type that a method reaches; remove the line",
        ],
    );
}

#[test]
fn rows_about_typify_of_no_use() {
    let typify = "[[differs]]\nplace = 'FixtureCallParams.a'\nours = 'u64'\ntypify = 'u32'\nwhy = 'x'\n";
    let problem = "[[differs]] FixtureCallParams.a: ours `u64`, typify `u32` explains nothing: \
                   the two agree or differ otherwise; remove the row";
    let files = Files { typify, docs: SUMMARY, ..Files::default() };
    fails(files.generate(&sound(), true), "schema/typify.toml", problem);
}

/// An answer of the server tells its type: required members have to be there, known ones to have their JSON type.
#[test]
fn candidates_are_ranked_by_how_well_they_fit() {
    let mut definitions = sound();
    let object = |required: Value, properties: Value| json!({"type": "object", "required": required, "properties": properties});
    definitions["OneResponse"] = object(json!(["path"]), json!({"path": {"type": "string"}}));
    definitions["TwoResponse"] =
        object(json!(["path"]), json!({"path": {"type": "string"}, "more": {"type": ["string", "null"]}}));
    definitions["Other"] =
        object(json!(["path", "size"]), json!({"path": {"type": "string"}, "size": {"type": "integer"}}));
    definitions["Wrong"] = object(json!([]), json!({"path": {"type": "integer"}}));
    let bundle = bundle::bundle(definitions.as_object().expect("definitions by name"));
    let schema = Schema::from_any(&Source { name: "stable.json", bytes: bundle.as_bytes() }, None).unwrap();
    let names = |value: Value| -> Vec<String> {
        let ranked = codex_appserver_bindgen::candidates(&schema, &value).expect("the schema is understood");
        ranked.into_iter().map(|candidate| candidate.name).collect()
    };
    assert_eq!(names(json!({"path": "a"})), ["OneResponse", "TwoResponse"]);
    assert_eq!(names(json!({"path": "a", "more": null})), ["TwoResponse", "OneResponse"]);
    assert_eq!(names(json!({"path": "a", "size": 1})), ["Other", "OneResponse", "TwoResponse"]);
    assert_eq!(names(json!({"nothing": 1})), [""; 0]);
    assert_eq!(names(json!(["path"])), [""; 0]);
}

#[test]
fn a_placeholder_is_no_decision() {
    let files = Files { docs: "[methods]\n\"fixture/call\" = \"…\"\n", ..Files::default() };
    let definitions = json!({"FixtureCallParams": {"type": "object"}});
    fails(
        files.generate(&definitions, true),
        "docs.toml:2",
        "`…` stands for what a person has to write; write it",
    );
}
