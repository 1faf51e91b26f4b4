//! The guide is whole: its pages are listed and tested, its links lead somewhere, and the page for those who come from
//! the Python SDK misses nothing. That its code compiles is for the doc tests of this crate.

mod page;
mod python;

use std::collections::BTreeSet;
use std::fs;

use codex_appserver::CODEX_VERSION;
use codex_appserver_shapes::wire::shape::{Kind, Shape};
use codex_appserver_shapes::{METHODS, definition};
use codex_appserver_tests::repo::root;
use page::{Page, cell, folder, spans};
use regex::Regex;

const SUMMARY: &str = "SUMMARY.md";

/// The names of all pages.
fn names() -> BTreeSet<String> {
    let files = fs::read_dir(folder()).expect("the guide is there");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("a name"));
    names.filter(|name| name.ends_with(".md") && name != SUMMARY).collect()
}

fn all() -> Vec<Page> {
    names().iter().map(|name| Page::read(name)).collect()
}

#[test]
fn every_page_is_in_the_summary_and_once() {
    let links = Page::read(SUMMARY).links();
    assert_eq!(links.iter().cloned().collect::<BTreeSet<_>>(), names());
    assert_eq!(links.len(), names().len(), "a page is listed twice");
}

#[test]
fn every_page_is_a_doc_test() {
    let included = fs::read_to_string(root().join("tests/src/guide.rs")).expect("it is there");
    let file = Regex::new(r#""([a-z-]+\.md)","#).expect("a pattern");
    let included: BTreeSet<_> = file.captures_iter(&included).map(|found| found[1].to_owned()).collect();
    assert_eq!(included, names());
    for page in all() {
        for (fence, code) in &page.blocks {
            let known = ["rust", "rust,no_run", "sh", "toml", "python"].contains(&fence.as_str());
            assert!(known, "{}: a block is `{fence}`, which is not compiled:\n{code}", page.name);
        }
    }
}

/// The example adds a mock of the model and nothing else.
#[test]
fn the_whole_turn_is_the_example() {
    let example = root().join("crates/codex/examples/whole_turn/main.rs");
    let example = fs::read_to_string(example).expect("it is there").replace("serde_derive::", "serde::");
    let page = Page::read("whole-turn.md");
    let (_, program) = page.blocks.first().expect("it has a program");
    assert!(program.lines().count() <= 60, "{} lines", program.lines().count());
    let (program, _) = program.split_once("#[tokio::main]").expect("it has a `main`");
    assert!(example.contains(program), "the program of the page is not that of the example");
}

#[test]
fn every_link_leads_somewhere() {
    let mut seen = 0;
    for page in all().into_iter().chain([Page::read(SUMMARY)]) {
        for link in page.links().iter().filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { &page.name } else { file };
            assert!(names().contains(target), "{}: {link}: there is no such page", page.name);
            let anchors = Page::read(target).anchors();
            let found = anchor.is_empty() || anchors.iter().any(|known| known == anchor);
            assert!(found, "{}: {link}: there is no such heading", page.name);
            seen += 1;
        }
    }
    assert!(seen > 50, "only {seen} links were found");
}

/// The book cannot link to what is beside it, so such files are named in code.
#[test]
fn every_file_that_is_named_is_there() {
    let file = Regex::new(r"`((?:docs|crates|tests)/[^`\s]+)`").expect("a pattern");
    let prose: String = all().iter().map(|page| page.prose.join("\n")).collect();
    let files: Vec<_> = file.captures_iter(&prose).map(|found| found[1].to_owned()).collect();
    assert!(!files.is_empty());
    for file in files {
        assert!(root().join(&file).exists(), "{file} is not there");
    }
}

/// Those of the README are run by tests.
#[test]
fn every_command_is_one_of_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README is there");
    let readme: BTreeSet<_> = readme.lines().collect();
    let sh: String = all().iter().map(|page| page.code("sh")).collect();
    let commands: Vec<_> =
        sh.lines().filter(|line| line.starts_with("cargo xtask") || line.starts_with("cargo run")).collect();
    assert!(!commands.is_empty());
    for command in commands {
        assert!(readme.contains(command), "`{command}` is not in the README, whose commands are tested");
    }
}

/// What the page for installing says is what the workspace says.
#[test]
fn versions_and_features_are_those_of_the_crate() {
    let install = fs::read_to_string(folder().join("install.md")).expect("the page is there");
    let (minor, _) = CODEX_VERSION.rsplit_once('.').expect("three numbers");
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("it is there");
    let rust =
        workspace.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("a version of Rust");
    for said in [
        format!("@openai/codex@{CODEX_VERSION}\n"),
        format!("version = \"{minor}\""),
        format!("Rust {} or newer", rust.trim_matches('"')),
    ] {
        assert!(install.contains(&said), "install.md does not say {said:?}");
    }

    let manifest = fs::read_to_string(root().join("crates/codex/Cargo.toml")).expect("it is there");
    let features =
        manifest.split("[features]").nth(1).and_then(|rest| rest.split("\n[").next()).expect("features");
    let key = Regex::new(r"(?m)^([a-z]+) = ").expect("a pattern");
    let key = key.captures_iter(features).map(|found| found[1].to_owned());
    // One is a list of others, the other is switched on by them.
    let features: BTreeSet<_> = key.filter(|name| name != "default" && name != "client").collect();
    let rows = Page::read("install.md").rows();
    let told = rows.iter().flat_map(|row| spans(cell(row, "feature").unwrap_or_default()));
    assert_eq!(told.map(str::to_owned).collect::<BTreeSet<_>>(), features);
}

/// A kind that a new codex adds is a gap until the page says how it is answered, and the front end does.
#[test]
fn every_question_of_the_server_is_on_the_page() {
    let rows = Page::read("front-ends.md").rows();
    let told = rows.iter().flat_map(|row| spans(cell(row, "wire name").unwrap_or_default()));
    let told: BTreeSet<_> = told.map(str::to_owned).collect();
    let questions = METHODS.iter().filter(|method| method.kind == Kind::ServerRequest);
    let mut asked: BTreeSet<_> = questions.map(|method| method.name.to_owned()).collect();
    let Some(Shape::Tagged { arms, .. }) = definition("McpServerElicitationRequestParams") else {
        panic!("an elicitation has modes");
    };
    asked.extend(arms.iter().map(|(mode, _)| (*mode).to_owned()));
    assert_eq!(told, asked);
    let source =
        fs::read_to_string(root().join("crates/codex/src/tokio/front_end.rs")).expect("the trait is there");
    for row in &rows {
        let method = spans(cell(row, "method of `FrontEnd`").unwrap_or_default())[0];
        let is_there = method.starts_with("client.on") || source.contains(&format!("    fn {method}(\n"));
        assert!(is_there, "`FrontEnd` has no method `{method}`");
    }
}

#[test]
fn no_line_is_too_long() {
    for page in all() {
        let prose = page.prose.iter().filter(|line| !line.starts_with('|'));
        let code = page.blocks.iter().flat_map(|(_, code)| code.lines());
        for line in prose.map(String::as_str).chain(code) {
            assert!(line.chars().count() <= 120, "{}: {line}", page.name);
        }
    }
}

/// The page that has it all side by side.
fn side_by_side() -> Page {
    Page::read("coming-from-python.md")
}

#[test]
fn every_name_of_the_python_sdk_has_a_row() {
    let rows = side_by_side().rows();
    let left: BTreeSet<String> = rows
        .iter()
        .filter(|row| cell(row, "Rust").is_some_and(|rust| !rust.is_empty()))
        .flat_map(|row| spans(cell(row, "Python").unwrap_or_default()))
        .map(str::to_owned)
        .collect();
    let mut wanted: Vec<String> = python::NAMES.iter().map(|name| (*name).to_owned()).collect();
    for (classes, methods) in python::METHODS {
        let methods = methods.iter().map(|(method, _)| *method);
        wanted
            .extend(methods.flat_map(|method| classes.iter().map(move |class| format!("{class}.{method}"))));
    }
    for (classes, fields) in python::FIELDS {
        wanted.extend(
            fields.iter().flat_map(|field| classes.iter().map(move |class| format!("{class}.{field}"))),
        );
    }
    let missing: Vec<_> = wanted.iter().filter(|name| !left.contains(*name)).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
    assert!(wanted.len() > 150);
}

/// The program beside each example of Python's.
#[test]
fn every_example_that_is_named_is_there() {
    let examples = root().join("crates/codex/examples");
    let mut seen = 0;
    for row in side_by_side().rows() {
        for name in spans(cell(&row, "program").unwrap_or_default()) {
            let found = [format!("{name}.rs"), format!("{name}/main.rs")]
                .iter()
                .any(|file| examples.join(file).is_file());
            assert!(found, "there is no example {name}");
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} examples are named");
}

#[test]
fn every_parameter_of_the_python_sdk_has_a_row() {
    let rows = side_by_side().rows();
    let has = |parameter: &str, method: &str| {
        rows.iter().any(|row| {
            let (Some(python), Some(of), Some(rust)) =
                (cell(row, "Python"), cell(row, "of"), cell(row, "Rust"))
            else {
                return false;
            };
            spans(python) == [parameter] && spans(of).contains(&method) && !rust.is_empty()
        })
    };
    for (method, parameters) in python::METHODS.iter().flat_map(|(_, methods)| *methods) {
        for parameter in *parameters {
            assert!(has(parameter, method), "no row for the parameter {parameter} of {method}");
        }
    }
    let calls: Vec<_> = rows.iter().flat_map(|row| spans(cell(row, "Python").unwrap_or_default())).collect();
    for (callee, arguments) in python::ARGUMENTS {
        for argument in *arguments {
            let found = calls.iter().any(|call| {
                let inner = call.strip_prefix(callee).and_then(|rest| rest.strip_prefix('('));
                inner.is_some_and(|rest| rest.trim_end_matches(')').split(", ").any(|word| word == *argument))
            });
            assert!(found, "no row for {callee}({argument})");
        }
    }
}

/// The blocks of the page are compiled, so what stands in them exists.
#[test]
fn every_name_of_the_rust_side_is_compiled() {
    let page = side_by_side();
    let code = page.code("rust");
    let has = |word: &str| Regex::new(&format!(r"\b{word}\b")).expect("a pattern").is_match(&code);
    let name = Regex::new(r"(\.|::)?\b([A-Za-z_]\w*)\b(\()?").expect("a pattern");
    let mut seen = BTreeSet::new();
    for row in page.rows() {
        let Some(rust) = cell(&row, "Rust").filter(|_| cell(&row, "to know").is_some()) else { continue };
        for span in spans(rust) {
            for found in name.captures_iter(span) {
                let word = &found[2];
                let is_method = found.get(1).is_some_and(|before| before.as_str() == ".");
                let is_type = word.starts_with(char::is_uppercase) || found.get(1).is_some();
                if is_method {
                    assert!(
                        code.contains(&format!(".{word}")) || is_field(&code, word),
                        "`{span}`: no `.{word}`"
                    );
                } else if is_type || found.get(3).is_some() {
                    assert!(has(word), "`{span}`: no `{word}` in the blocks of the page");
                } else {
                    // A variable or the value of an argument.
                    continue;
                }
                seen.insert(word.to_owned());
            }
        }
    }
    assert!(seen.len() > 150, "only {} names were seen", seen.len());
}

/// Fields are read by patterns too.
fn is_field(code: &str, word: &str) -> bool {
    code.contains(&format!(" {word},"))
}
