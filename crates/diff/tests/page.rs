//! The page of `cargo xtask diff` in a real browser: it opens, filters, follows links, is light and dark, runs
//! nothing that a schema brings along, and has nothing to complain about.

#[path = "page/browser.rs"]
mod browser;

use std::path::{Path, PathBuf};

use browser::{Browser, Scheme};
use codex_appserver_bindgen::model::Model;
use codex_appserver_bindgen::{Config, Generator, Schema, Source};
use codex_appserver_diff::history::History;
use codex_appserver_diff::report::{Summary, html};
use codex_appserver_diff::verdict::Gate;
use codex_appserver_diff::{Comparison, Options, compare};
use serde_json::json;

/// How many findings the page shows.
const SHOWN: &str = "document.querySelectorAll('article.finding:not([hidden])').length";

fn model(version: &str) -> Model {
    let path = format!("{}/../../tests/fixtures/protocols/{version}.json", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).expect("a fixture");
    let schema = Schema::from_canonical(&Source { name: version, bytes: &bytes }).expect("a schema");
    Generator::new(Config::default(), schema).model().expect("a model")
}

/// Two versions that differ in every way.
fn comparison() -> Comparison {
    compare(&model("0.115.0"), &model("0.150.0"), &Options::default())
}

fn page(comparison: &Comparison, dir: &Path) -> PathBuf {
    let page = dir.join("diff.html");
    std::fs::write(&page, html::render(comparison, Gate::default()).expect("renders")).expect("writes");
    page
}

#[test]
#[ignore = "full tier: it drives a browser"]
fn a_reviewer_opens_filters_and_follows() {
    let Some(mut browser) = Browser::start("a_reviewer_opens_filters_and_follows") else { return };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let comparison = comparison();
    let page = page(&comparison, dir.path());
    let (total, summary) = (comparison.findings.len(), Summary::of(&comparison));

    browser.open(&page, "");
    assert_eq!(browser.eval(SHOWN), json!(total));
    assert_eq!(
        browser.eval("document.getElementById('shown').textContent"),
        format!("{total} of {total} findings")
    );

    // Levels: what is left is what the document counts as breaking.
    browser.click("input[value=dangerous]");
    browser.click("input[value=safe]");
    assert_eq!(browser.eval(SHOWN), json!(summary.old_client.breaking));
    browser.select("of", "new-client");
    assert_eq!(browser.eval(SHOWN), json!(summary.new_client.breaking));
    browser.select("of", "source");
    assert_eq!(browser.eval(SHOWN), json!(summary.source.breaking));

    // Words, and everything again.
    browser.click("button[type=reset]");
    browser.wait_for(&format!("{SHOWN} === {total}"));
    browser.type_into("#words", "turn/start UserInput");
    let found = browser.eval(SHOWN).as_u64().expect("a number");
    assert!(found > 0 && found < total as u64, "{found}");
    let methods =
        "[...document.querySelectorAll('nav.index li:not([hidden]) code')].map((code) => code.textContent)";
    let named = browser.eval(methods);
    assert!(named.as_array().expect("a list").contains(&json!("turn/start")), "{named}");
    browser.type_into("#words", " no such word");
    assert_eq!(browser.eval("document.getElementById('nothing').hidden"), json!(false));

    // Direction and stability.
    browser.click("button[type=reset]");
    browser.wait_for(&format!("{SHOWN} === {total}"));
    browser.select("direction", "client writes");
    browser.select("stability", "experimental");
    let wrong = "document.querySelectorAll('article:not([hidden])[data-direction=\"client reads\"], article:not([hidden])[data-stability=stable]').length";
    assert_eq!(browser.eval(wrong), json!(0));
    assert!(browser.eval(SHOWN).as_u64() > Some(0));

    // A method of the index, and a finding from its section.
    browser.click("button[type=reset]");
    browser.wait_for(&format!("{SHOWN} === {total}"));
    browser.click(r#"nav.index a[href="\#method/turn/start"]"#);
    assert_eq!(browser.eval("document.querySelector(':target h3 code').textContent"), "turn/start");
    assert_eq!(
        browser.eval("innerHeight > document.querySelector(':target').getBoundingClientRect().top"),
        json!(true)
    );
    browser.click(":target li a");
    assert_eq!(browser.eval("document.querySelector(':target').tagName"), "ARTICLE");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
#[ignore = "full tier: it drives a browser"]
fn a_link_leads_to_a_method_even_if_the_filters_hide_it() {
    let Some(mut browser) = Browser::start("a_link_leads_to_a_method_even_if_the_filters_hide_it") else {
        return;
    };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let page = page(&comparison(), dir.path());
    browser.open(&page, "#method/thread/resume");
    assert_eq!(browser.eval("document.querySelector(':target h3 code').textContent"), "thread/resume");
    browser.type_into("#words", "no such word");
    assert_eq!(browser.eval(SHOWN), json!(0));
    browser.eval("location.hash = '#method/turn/start'");
    browser.wait_for(&format!("{SHOWN} > 0"));
    assert_eq!(browser.eval("document.querySelector(':target').hidden"), json!(false));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
#[ignore = "full tier: it drives a browser"]
fn pages_are_light_and_dark_and_readable_in_both() {
    let Some(mut browser) = Browser::start("pages_are_light_and_dark_and_readable_in_both") else { return };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let page = page(&comparison(), dir.path());
    let history = dir.path().join("history.html");
    let models = ["0.99.0", "0.115.0", "0.135.0"].map(model);
    let mut versions = History::default();
    versions.push("0.99.0", &models[0], None);
    for pair in models.windows(2) {
        let step = compare(&pair[0], &pair[1], &Options::default());
        versions.push(&pair[1].codex_version, &pair[1], Some((&pair[0], &step)));
    }
    std::fs::write(&history, versions.html().expect("renders")).expect("writes");
    for page in [&page, &history] {
        for scheme in [Scheme::Light, Scheme::Dark] {
            browser.prefer(scheme);
            browser.open(page, "");
            let brightness = |what: &str| {
                format!(
                    "getComputedStyle(document.body).{what}.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b)"
                )
            };
            let back = browser.eval(&brightness("backgroundColor")).as_i64().expect("a number");
            let front = browser.eval(&brightness("color")).as_i64().expect("a number");
            assert_eq!(back > front, scheme == Scheme::Light, "{}: {back} behind {front}", page.display());
            assert!((back - front).abs() > 400, "{}: {back} behind {front}", page.display());
        }
        assert_eq!(browser.complaints(), Vec::<String>::new());
    }
    assert_eq!(browser.eval("document.querySelectorAll('svg circle').length"), json!(6));
}

#[test]
#[ignore = "full tier: it drives a browser"]
fn what_a_schema_brings_along_is_text() {
    let Some(mut browser) = Browser::start("what_a_schema_brings_along_is_text") else { return };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let nasty =
        "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'\"`";
    let mut comparison = comparison();
    comparison.findings.truncate(20);
    comparison.old.name.push_str(nasty);
    for finding in &mut comparison.findings {
        for text in [&mut finding.rule, &mut finding.place, &mut finding.message, &mut finding.fingerprint] {
            text.push_str(nasty);
        }
        finding.old = Some(nasty.to_owned());
        finding.waived = Some(nasty.to_owned());
        for reach in &mut finding.reach {
            for text in [&mut reach.method, &mut reach.kind, &mut reach.witness] {
                text.push_str(nasty);
            }
        }
    }
    browser.open(&page(&comparison, dir.path()), "");
    assert_ne!(browser.eval("document.title"), "owned");
    assert_eq!(browser.eval("[document.images.length, document.scripts.length]"), json!([0, 1]));
    // Links whose names need escaping still lead somewhere.
    browser.click("nav.index a");
    let target = browser.eval("document.querySelector(':target h3 code').textContent");
    assert!(target.as_str().is_some_and(|name| name.ends_with(nasty)), "{target}");
    assert_eq!(browser.complaints(), Vec::<String>::new());

    // The page's policy stands behind the escaping: a script that got in would not run.
    browser.eval("(() => { const s = document.createElement('script'); s.textContent = 'document.title = \"owned\"'; document.body.append(s); })()");
    assert_ne!(browser.eval("document.title"), "owned");
    let complaints = browser.complaints();
    assert!(complaints.iter().any(|line| line.contains("Content Security Policy")), "{complaints:?}");
}
