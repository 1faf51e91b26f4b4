//! One page that needs nothing else: findings, a section per method, filters. askama escapes what it prints,
//! and the page's own policy lets no script and no style run but those written here, by their hashes.

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::filters;
use super::sections::sections;
use super::summary::Summary;
use super::view::{LeftOutView, MethodView, View, by_method};
use super::words::{levels, sides};
use crate::verdict::{Axis, Gate, Skew};
use crate::{Comparison, Counts, Level};

/// How many methods a finding names before it is unfolded.
const METHODS: usize = 4;
/// The style of all our pages.
pub(crate) const STYLE: &str = include_str!("../../templates/page.css");
const SCRIPT: &str = include_str!("../../templates/page.js");

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'v, 'c> {
    comparison: &'c Comparison,
    sides: String,
    summary: Summary,
    questions: [(&'static str, Counts); 3],
    left_out: Option<LeftOutView>,
    level_of: &'static str,
    choices: [(&'static str, &'static str); 5],
    levels: [Level; 3],
    groups: &'v [Group<'c>],
    methods: Vec<MethodView<'v, 'c>>,
    style: &'static str,
    style_hash: String,
    script: &'static str,
    script_hash: String,
}

struct Group<'c> {
    title: &'static str,
    views: Vec<View<'c>>,
}

/// Renders a comparison.
///
/// # Errors
///
/// A template fails, which none is known to do.
pub fn render(comparison: &Comparison, gate: Gate) -> askama::Result<String> {
    let mut number = 0;
    let mut groups = Vec::new();
    for section in sections(comparison, gate) {
        let views = section.findings.into_iter().map(|finding| {
            number += 1;
            View::new(finding, comparison, gate, number - 1, METHODS)
        });
        groups.push(Group { title: section.title, views: views.collect() });
    }
    let summary = Summary::of(comparison);
    let page = Page {
        comparison,
        sides: sides(comparison),
        questions: levels(summary.old_client, summary.new_client, summary.source),
        summary,
        left_out: LeftOutView::of(comparison),
        level_of: match (gate.axis, gate.skew) {
            (Axis::Wire, Skew::OldClient) => "old-client",
            (Axis::Wire, Skew::NewClient) => "new-client",
            (Axis::Wire, Skew::Both) => "either",
            (Axis::Source, _) => "source",
            (Axis::Both, _) => "worst",
        },
        choices: [
            ("old-client", "level for an old client, new server"),
            ("new-client", "level for a new client, old server"),
            ("either", "the worse of these two"),
            ("source", "level for Rust code"),
            ("worst", "the worst level"),
        ],
        levels: Level::WORST_FIRST,
        methods: by_method(groups.iter().flat_map(|group| &group.views)),
        groups: &groups,
        style: STYLE,
        style_hash: content_hash(STYLE),
        script: SCRIPT,
        script_hash: content_hash(SCRIPT),
    };
    page.render()
}

/// How a content security policy names a script or style.
pub(crate) fn content_hash(text: &str) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn as_the_browser_gets_it() {
        let page = render(&example::comparison(), Gate::default()).expect("renders");
        // Style and script stand in their own files.
        let page = page.replace(STYLE, "…").replace(SCRIPT, "…");
        let hash = |text| content_hash(text);
        let page = page.replace(&hash(STYLE), "STYLE").replace(&hash(SCRIPT), "SCRIPT");
        insta::assert_snapshot!("html", page);
        let limited = render(&example::limited(), Gate::default()).expect("renders");
        assert!(limited.contains("3 findings left out") && limited.contains("thread/levitate"));
        assert!(render(&example::empty(), Gate::default()).expect("renders").contains("No difference."));
    }

    #[test]
    fn no_name_becomes_markup() {
        let page = render(&example::hostile(), Gate::default()).expect("renders");
        assert!(!page.contains("<img"), "a tag of the schema got through");
        assert_eq!(page.matches("</script>").count(), 1);
        assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
    }

    #[test]
    fn the_page_asks_nobody_for_anything() {
        let page = render(&example::comparison(), Gate::default()).expect("renders");
        for outside in ["http://", "https://", "src=", "url(", "@import", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
