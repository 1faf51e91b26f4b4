//! The history of the protocol: what is kept of each release, and what the generated docs say of it.

use codex_appserver_bindgen::history::{History, Release};
use codex_appserver_bindgen::{Config, Generator, Output, Result, Schema, Source, Tables};
use serde_json::{Map, Value, json};

/// A protocol whose client has these methods, each with a definition for its params.
fn protocol(version: &str, methods: &[(&str, &str)], definitions: Value) -> Schema {
    let arms: Vec<Value> = methods
        .iter()
        .map(|(method, params)| {
            let params = json!({"$ref": format!("#/definitions/{params}")});
            json!({"type": "object", "properties": {"method": {"type": "string", "enum": [method]}, "params": params},
                "required": ["method", "params"]})
        })
        .collect();
    let mut all = definitions.as_object().expect("definitions").clone();
    all.insert("ClientRequest".into(), json!({"oneOf": arms}));
    for union in ["ServerRequest", "ServerNotification", "ClientNotification"] {
        all.insert(union.into(), json!({"oneOf": []}));
    }
    let text = json!({"x-codex-version": version, "definitions": all}).to_string();
    Schema::from_canonical(&Source { name: version, bytes: text.as_bytes() }).expect("a canonical schema")
}

fn object(members: &[(&str, Value)]) -> Value {
    let members: Map<String, Value> =
        members.iter().map(|(name, of)| ((*name).to_owned(), of.clone())).collect();
    json!({"type": "object", "properties": members})
}

fn experimental(mut schema: Value) -> Value {
    schema["x-stability"] = json!("experimental");
    schema
}

fn text() -> Value {
    json!({"type": "string"})
}

/// Five releases of a small protocol.
fn releases() -> Vec<Schema> {
    let place = |name: &'static str| (name, object(&[("line", text()), ("column", text())]));
    let mode = |values: &[&str]| json!({"type": "string", "enum": values});
    let call = |members: &[(&str, Value)]| ("CallParams", object(members));
    let item = |arms: &[(&str, &[&str])]| {
        let arms: Vec<Value> = arms
            .iter()
            .map(|(tag, members)| {
                let mut arm = object(&members.iter().map(|name| (*name, text())).collect::<Vec<_>>());
                arm["properties"]["type"] = mode(&[tag]);
                arm["required"] = json!(["type"]);
                arm
            })
            .collect();
        ("Item", json!({"oneOf": arms}))
    };
    let one = |version, methods: &[(&str, &str)], definitions: Vec<(&str, Value)>| {
        let mut all: Map<String, Value> =
            definitions.into_iter().map(|(name, of)| (name.to_owned(), of)).collect();
        for (_, params) in methods {
            all.insert(params.replace("Params", "Response"), json!({"type": "object"}));
            all.entry(*params).or_insert_with(|| json!({"type": "object"}));
        }
        protocol(version, methods, all.into())
    };
    let reference = |name: &str| json!({"$ref": format!("#/definitions/{name}")});
    let call_refs = |place: &str| {
        vec![
            ("at", reference(place)),
            ("item", reference("Item")),
            ("mode", reference("Mode")),
            ("text", text()),
        ]
    };
    let with = |members: &[(&'static str, Value)], place: &str| {
        let mut all = call_refs(place);
        all.extend(members.to_vec());
        all
    };
    vec![
        one(
            "0.99.0",
            &[("call", "CallParams"), ("old", "OldParams")],
            vec![
                call(&call_refs("Spot")),
                place("Spot"),
                item(&[("say", &["words"])]),
                ("Mode", mode(&["on", "off"])),
            ],
        ),
        one(
            "0.100.0",
            &[("call", "CallParams"), ("old", "OldParams")],
            vec![
                call(&with(&[("trial", experimental(text()))], "Spot")),
                place("Spot"),
                item(&[("say", &["words"]), ("run", &["command"])]),
                ("Mode", mode(&["on", "off", "auto"])),
            ],
        ),
        // The type of `at` is called something else from now on.
        one(
            "0.110.0",
            &[("call", "CallParams"), ("new", "NewParams")],
            vec![
                call(&with(&[("trial", text())], "Place")),
                place("Place"),
                item(&[("say", &["words", "tone"]), ("run", &["command"])]),
                ("Mode", mode(&["on", "auto"])),
            ],
        ),
        one(
            "0.120.0",
            &[("call", "CallParams"), ("new", "NewParams")],
            vec![
                call(&with(&[("trial", text())], "Place")),
                place("Place"),
                item(&[("say", &["words", "tone"]), ("run", &["command"])]),
                ("Mode", mode(&["on", "off", "auto"])),
            ],
        ),
        one(
            "0.130.0",
            &[("call", "CallParams"), ("newest", "NewestParams")],
            vec![
                call(&with(&[("later", text())], "Place")),
                place("Place"),
                item(&[("say", &["words"])]),
                ("Mode", mode(&["on", "later"])),
            ],
        ),
    ]
}

fn history(releases: &[Schema]) -> History {
    let mut history = History::default();
    for schema in releases {
        history.add(schema).expect("the schema is understood");
    }
    history
}

fn parse(text: &str) -> Result<History> {
    History::parse(&Source { name: "history.json", bytes: text.as_bytes() })
}

#[test]
fn the_file_has_a_line_for_each_history() {
    insta::assert_snapshot!(history(&releases()).to_json());
}

#[test]
fn what_is_written_is_read_again_and_releases_may_come_in_any_order() {
    let releases = releases();
    let whole = history(&releases);
    assert_eq!(parse(&whole.to_json()).expect("its own file"), whole);
    for order in [[4, 3, 2, 1, 0], [2, 4, 0, 1, 3], [0, 2, 1, 4, 3]] {
        let mut by_steps = History::default();
        for index in order {
            by_steps.add(&releases[index]).expect("the schema is understood");
            by_steps = parse(&by_steps.to_json()).expect("its own file");
        }
        assert_eq!(by_steps, whole, "{order:?}");
    }
    let mut again = whole.clone();
    again.add(&releases[2]).expect("the schema is understood");
    assert_eq!(again, whole);
    assert_eq!(whole.releases()[1], Release(0, 100, 0));
}

#[test]
fn a_file_of_another_form_is_an_error_with_its_place() {
    let file = |versions: &str, types: &str| {
        format!(r#"{{"//": "", "versions": [{versions}], "methods": {{}}, "types": {{"A": {types}}}}}"#)
    };
    for (versions, types, expected) in [
        (r#""0.99""#, "[]", "history.json#/versions: `0.99` is no release such as 0.150.0"),
        (r#""0.100.0", "0.99.0""#, "[]", "history.json#/versions: not in ascending order"),
        (r#""0.99.0""#, "[]", "history.json#/types/A: does not begin with a history such as `0.99.0`"),
        (r#""0.99.0""#, r#"["0.98.0"]"#, "history.json#/types/A: 0.98.0 is not in `versions`"),
        (
            r#""0.99.0""#,
            r#"["0.99.0 lost"]"#,
            "history.json#/types/A: `lost` is neither `experimental` nor `gone`",
        ),
        (
            r#""0.99.0""#,
            r#"["0.99.0", "a", ["0.99.0", "a"]]"#,
            "history.json#/types/A: `a` stands in it twice",
        ),
        (
            r#""0.99.0""#,
            r#"["0.99.0", 1]"#,
            "history.json#/types/A: `1` is neither a name nor a group of names",
        ),
    ] {
        assert_eq!(parse(&file(versions, types)).expect_err(expected).to_string(), expected);
    }
    assert!(parse("{}").is_err() && parse("").is_err());
}

fn generate(schema: Schema, history: History, strict: bool) -> Result<Output> {
    let tables = Tables::default().with_history(history);
    Generator::new(Config { tables, strict, ..Config::default() }, schema).run()
}

/// The lines of a generated file that stand for a name, with the dates above them.
fn dates(output: &Output, path: &str) -> Vec<String> {
    let file = output.files.iter().find(|(name, _)| name == path).unwrap_or_else(|| panic!("no {path}"));
    let text = String::from_utf8_lossy(&file.1).into_owned();
    let mut found = Vec::new();
    let mut date = None;
    for line in text.lines().map(str::trim) {
        if line.starts_with("/// Since") || line.starts_with("/// Experimental until") {
            date = Some(line.trim_start_matches("/// ").to_owned());
        } else if let Some(date) =
            (!line.starts_with("///") && !line.starts_with('#')).then(|| date.take()).flatten()
        {
            found.push(format!("{line} {date}"));
        }
    }
    found
}

/// Of the release after it nothing shows; a part that came with its owner is not dated again; a renamed type is as old
/// as it was under its former name.
#[test]
fn docs_date_what_came_later() {
    let releases = releases();
    let output = generate(releases[3].clone(), history(&releases), false).expect("it generates");
    assert_eq!(
        dates(&output, "requests/src/stable/general.rs"),
        [
            "pub trial: Option<String>, Since codex 0.100.0. Experimental until codex 0.110.0.",
            "pub fn trial(mut self, trial: impl Into<String>) -> Self { Since codex 0.100.0. Experimental until \
             codex 0.110.0.",
            "pub struct NewParams {} Since codex 0.110.0.",
            "pub struct NewResponse {} Since codex 0.110.0.",
        ]
    );
    assert_eq!(
        dates(&output, "types/src/stable/unions.rs"),
        [
            "Run(RunItem), Since codex 0.100.0.",
            "pub tone: Option<String>, Since codex 0.110.0.",
            "pub fn tone(mut self, tone: impl Into<String>) -> Self { Since codex 0.110.0.",
        ]
    );
    assert!(dates(&output, "types/src/stable/structs.rs").is_empty(), "it has got another name, that is all");
    let modes = dates(&output, "enums/src/stable/enums.rs");
    assert_eq!(
        modes,
        ["Off, Since codex 0.120.0.", "Auto, Since codex 0.100.0."],
        "it was gone and came back"
    );
    let since = &output.files.iter().find(|(name, _)| name == "methods/src/since.rs").expect("the table").1;
    let since = String::from_utf8_lossy(since);
    assert!(since.contains(r#"("call", wire::Release::OLDEST)"#), "{since}");
    assert!(since.contains(r#"("new", wire::Release::new(0, 110, 0))"#), "{since}");
    let all: String =
        output.files.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
    assert!(!all.contains("0.130.0") && !all.contains("130, 0"));
}

#[test]
fn the_pinned_release_has_to_be_in_the_history() {
    let releases = releases();
    let error = generate(releases[4].clone(), history(&releases[..4]), true).expect_err("it is not there");
    assert_eq!(
        error.to_string().lines().next(),
        Some(
            "schema/history.json: the history lacks codex 0.130.0; run `cargo xtask schema history 0.130.0`"
        )
    );
    let output = generate(releases[4].clone(), history(&releases[..4]), false).expect("it generates");
    assert!(
        output.warnings.iter().any(|warning| warning.contains("the history lacks")),
        "{:?}",
        output.warnings
    );
    assert!(dates(&output, "requests/src/stable/general.rs").is_empty());
}

fn read(path: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The releases whose protocols are in the repository are in the history as they are, and the file is as it was written.
#[test]
fn the_history_of_the_repository_agrees_with_its_protocols() {
    let bytes = read("schema/history.json");
    let history =
        History::parse(&Source { name: "schema/history.json", bytes: &bytes }).expect("the file is sound");
    assert_eq!(history.to_json().as_bytes(), bytes);
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/protocols");
    let fixtures = std::fs::read_dir(fixtures).expect("the fixtures").map(|entry| {
        let name = entry.expect("an entry").file_name();
        format!("tests/fixtures/protocols/{}", name.to_string_lossy())
    });
    let mut count = 0;
    for path in fixtures.filter(|path| path.ends_with(".json")).chain(["schema/app-server.json".to_owned()]) {
        let bytes = read(&path);
        let schema =
            Schema::from_canonical(&Source { name: &path, bytes: &bytes }).expect("a canonical schema");
        let mut again = history.clone();
        let release = again.add(&schema).expect("the schema is understood");
        assert!(history.releases().contains(&release), "{path} is not in the history");
        assert!(
            again == history,
            "{path} is not what the history says; run `cargo xtask schema history --again {release}`"
        );
        count += 1;
    }
    assert!(count > 5, "{count} protocols");
}
