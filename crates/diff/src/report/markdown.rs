//! A comment on a pull request: what breaks first, every finding folded to a line, never longer than GitHub
//! takes. The blocks are the HTML that GitHub's Markdown allows: in it, no name of a schema is markup.

use askama::Template;

use super::filters;
use super::sections::{Part, Section, sections};
use super::summary::Summary;
use super::view::View;
use super::words::{count, sides};
use crate::Comparison;
use crate::verdict::Axis;

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
    summary: Summary,
    comparison: &'c Comparison,
}

#[derive(Template)]
#[template(path = "comment_finding.html")]
struct Block<'c> {
    view: View<'c>,
}

/// A safe finding takes a line.
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
pub fn render(comparison: &Comparison, axis: Axis) -> askama::Result<String> {
    let summary = Summary::of(comparison);
    let head = Head { marker: MARKER, sides: sides(comparison), summary, comparison };
    let mut comment = Comment { text: head.render()? + "\n", left_out: Vec::new() };
    for section in sections(comparison, axis) {
        comment.section(&section)?;
    }
    Ok(comment.finish(comparison))
}

/// A comment under way.
struct Comment {
    text: String,
    /// How many findings of which part did not fit.
    left_out: Vec<(&'static str, usize)>,
}

impl Comment {
    /// Adds as many findings of a section as fit. What breaks is shown, the rest is folded once more.
    fn section(&mut self, section: &Section<'_>) -> askama::Result<()> {
        let heading = format!("{} ({})", section.title, section.findings.len());
        let folded = |list: &str| format!("\n<details><summary><b>{heading}</b></summary>\n{list}\n\n");
        let (open, close) = match section.part {
            Part::Breaking => (format!("\n<h4>{heading}</h4>\n\n"), ""),
            Part::Safe => (folded("<ul>").trim_end().to_owned() + "\n", "</ul></details>\n"),
            _ => (folded("<blockquote>"), "</blockquote></details>\n"),
        };
        let mut shown = 0;
        for finding in &section.findings {
            let view = View::new(finding, 0, METHODS);
            let block = match section.part {
                Part::Safe => Line { view }.render()?,
                _ => Block { view }.render()?,
            } + "\n";
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
            self.left_out.push((section.title, section.findings.len() - shown));
        }
        Ok(())
    }

    fn finish(mut self, comparison: &Comparison) -> String {
        if comparison.findings.is_empty() {
            self.text.push_str("\nNo difference.\n");
        }
        let total: usize = self.left_out.iter().map(|(_, count)| count).sum();
        if total > 0 {
            let parts: Vec<String> = self
                .left_out
                .iter()
                .map(|(title, count)| format!("{}: {count}", title.to_lowercase()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn as_the_reviewer_gets_it() {
        insta::assert_snapshot!("markdown", render(&example::comparison(), Axis::Wire).expect("renders"));
        insta::assert_snapshot!("markdown_empty", render(&example::empty(), Axis::Wire).expect("renders"));
    }

    #[test]
    fn a_long_comment_is_cut_between_findings_and_says_so() {
        for copies in [20, 60, 200, 5000] {
            let mut comparison = example::comparison();
            comparison.findings = comparison.findings.iter().cycle().take(7 * copies).cloned().collect();
            let text = render(&comparison, Axis::Wire).expect("renders");
            assert!(text.len() < LIMIT, "{copies}: {}", text.len());
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
            assert_eq!(text.matches("<blockquote>").count(), text.matches("</blockquote>").count());
            let told = text.matches("Fingerprint").count()
                + text.matches("Waived: ").count()
                + text.matches("<li><code>").count();
            let left_out = 7 * copies - told;
            let words = format!("… {} left out (", count(left_out, "more finding"));
            assert_eq!(text.contains(&words), left_out > 0, "{words}");
        }
    }

    #[test]
    fn no_name_becomes_markup() {
        let text = render(&example::hostile(), Axis::Wire).expect("renders");
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
