//! A comment on a pull request: what breaks first, every finding folded to a line, never longer than GitHub
//! takes. The blocks are the HTML that GitHub's Markdown allows: in it, no name of a schema is markup.

use askama::Template;

use super::filters;
use super::sections::{Part, Section, sections};
use super::summary::Summary;
use super::view::{LeftOutView, View};
use super::words::{count, levels, sides};
use crate::verdict::Gate;
use crate::{Comparison, Counts};

/// The longest comment that GitHub takes, in characters; we count bytes, which are never fewer.
pub const LIMIT: usize = 65_536;
/// What the closing tags and the words about what is left out take at most.
const RESERVE: usize = 512;
/// How many methods a finding names.
const METHODS: usize = 8;
/// The first line, by which a workflow finds its own comment again.
pub const MARKER: &str = "<!-- codex-appserver-diff -->";

#[derive(Template)]
#[template(path = "comment_head.html")]
struct Head<'c> {
    marker: &'static str,
    sides: String,
    questions: [(&'static str, Counts); 3],
    summary: Summary,
    left_out: Option<LeftOutView>,
    comparison: &'c Comparison,
}

#[derive(Template)]
#[template(path = "comment_finding.html")]
struct Block<'c> {
    view: View<'c>,
}

/// A finding told in one line.
#[derive(Template)]
#[template(path = "comment_line.html")]
struct Line<'c> {
    view: View<'c>,
}

/// Renders a comparison.
///
/// # Errors
///
/// A template fails, which none is known to do.
pub fn render(comparison: &Comparison, gate: Gate) -> askama::Result<String> {
    let summary = Summary::of(comparison);
    let questions = levels(summary.old_client, summary.new_client, summary.source);
    let left_out = LeftOutView::of(comparison);
    let head = Head { marker: MARKER, sides: sides(comparison), questions, summary, left_out, comparison };
    let head = head.render()? + "\n";
    let sections = sections(comparison, gate);
    let mut comment = Comment::default();
    for least_in_full in DETAIL {
        comment = Comment { text: head.clone(), left_out: Vec::new() };
        for section in &sections {
            comment.section(comparison, gate, section, least_in_full)?;
        }
        // Better all of them in a line than some of them in full.
        if comment.left_out.iter().all(|(part, ..)| part.is_listed()) {
            break;
        }
    }
    Ok(comment.finish(comparison))
}

/// Up to which part findings are told in full: as far as there is room for the others.
const DETAIL: [Option<Part>; 4] = [Some(Part::Waived), Some(Part::Dangerous), Some(Part::Breaking), None];

/// A comment under way.
#[derive(Default)]
struct Comment {
    text: String,
    /// How many findings of which part did not fit.
    left_out: Vec<(Part, &'static str, usize)>,
}

impl Comment {
    /// Adds as many findings of a section as fit.
    fn section(
        &mut self,
        comparison: &Comparison,
        gate: Gate,
        section: &Section<'_>,
        least_in_full: Option<Part>,
    ) -> askama::Result<()> {
        let in_full = !section.part.is_listed() && least_in_full.is_some_and(|least| section.part <= least);
        let (open, close) = frame(section, in_full);
        let mut shown = 0;
        for finding in &section.findings {
            let view = View::new(finding, comparison, gate, 0, METHODS);
            let block = if in_full { Block { view }.render()? } else { Line { view }.render()? } + "\n";
            let before = if shown == 0 { open.len() } else { 0 };
            if self.text.len() + before + block.len() + close.len() + RESERVE > LIMIT {
                break;
            }
            if shown == 0 {
                self.text.push_str(&open);
            }
            self.text.push_str(&block);
            shown += 1;
        }
        if shown > 0 {
            self.text.push_str(close);
        }
        if shown < section.findings.len() {
            self.left_out.push((section.part, section.title, section.findings.len() - shown));
        }
        Ok(())
    }

    fn finish(mut self, comparison: &Comparison) -> String {
        if comparison.findings.is_empty() && comparison.left_out.is_none() {
            self.text.push_str("\nNo difference.\n");
        }
        let total: usize = self.left_out.iter().map(|(.., count)| count).sum();
        if total > 0 {
            let parts: Vec<String> = self
                .left_out
                .iter()
                .map(|(_, title, count)| format!("{}: {count}", decapitalised(title)))
                .collect();
            let line = format!(
                "\n… {} left out ({}); a comment holds no more. `cargo xtask diff` tells all.\n",
                count(total, "more finding"),
                parts.join(", ")
            );
            self.text.push_str(&line);
        }
        self.text
    }
}

/// What stands around the findings of a section: what breaks is shown, the rest is folded once more.
fn frame(section: &Section<'_>, in_full: bool) -> (String, &'static str) {
    let heading = format!("{} ({})", section.title, section.findings.len());
    let folded = format!("\n<details><summary><b>{heading}</b></summary>\n");
    match (section.part, in_full) {
        (Part::Breaking, true) => (format!("\n<h4>{heading}</h4>\n\n"), ""),
        (Part::Breaking, false) => (format!("\n<h4>{heading}</h4>\n\n<ul>\n"), "</ul>\n"),
        (_, true) => (folded + "<blockquote>\n\n", "</blockquote></details>\n"),
        (_, false) => (folded + "<ul>\n", "</ul></details>\n"),
    }
}

fn decapitalised(title: &str) -> String {
    title.chars().enumerate().map(|(at, c)| if at == 0 { c.to_ascii_lowercase() } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn as_the_reviewer_gets_it() {
        insta::assert_snapshot!(
            "markdown",
            render(&example::comparison(), Gate::default()).expect("renders")
        );
        insta::assert_snapshot!(
            "markdown_uses",
            render(&example::limited(), Gate::default()).expect("renders")
        );
        insta::assert_snapshot!(
            "markdown_empty",
            render(&example::empty(), Gate::default()).expect("renders")
        );
    }

    #[test]
    fn a_long_comment_is_cut_between_findings_and_says_so() {
        for copies in [20, 60, 200, 5000] {
            let mut comparison = example::comparison();
            comparison.findings = comparison.findings.iter().cycle().take(8 * copies).cloned().collect();
            let text = render(&comparison, Gate::default()).expect("renders");
            assert!(text.len() < LIMIT, "{copies}: {}", text.len());
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
            assert_eq!(text.matches("<blockquote>").count(), text.matches("</blockquote>").count());
            let block = |line: &&str| line.starts_with("<details>") && line.contains("<code>");
            let told = text.lines().filter(|line| line.starts_with("<li>") || block(line)).count();
            let left_out = 8 * copies - told;
            let words = format!("… {} left out (", count(left_out, "more finding"));
            assert_eq!(text.contains(&words), left_out > 0, "{words}");
        }
    }

    #[test]
    fn no_name_becomes_markup() {
        let text = render(&example::hostile(), Gate::default()).expect("renders");
        assert!(!text.contains("<img") && !text.contains("</script>"), "{text}");
        // An empty line would end the block of HTML and start Markdown.
        assert!(!text.contains("\n# x"), "{text}");
        let mention = regex_free_mention(&text);
        assert_eq!(mention, None, "{text}");
    }

    /// A `@name` that stands outside of `<code>` and `<pre>`, where GitHub would tell that person.
    fn regex_free_mention(text: &str) -> Option<&str> {
        let mut outside = text;
        while let Some(at) = outside.find("@everyone") {
            let before = &text[..text.len() - outside.len() + at];
            let open = |tag: &str| {
                before.matches(&format!("<{tag}")).count() > before.matches(&format!("</{tag}")).count()
            };
            if !open("code") && !open("pre") {
                return Some(&outside[at..(at + 40).min(outside.len())]);
            }
            outside = &outside[at + 1..];
        }
        None
    }
}
