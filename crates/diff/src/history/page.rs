//! A history as Markdown and as a page with a chart.

use askama::Template;

use super::chart::Chart;
use super::{History, Row};
use crate::report::filters;
use crate::report::html::{STYLE, content_hash};

#[derive(Template)]
#[template(path = "history.html")]
struct Page<'h> {
    rows: &'h [Row],
    command: String,
    chart: Chart,
    style: &'static str,
    style_hash: String,
}

#[derive(Template)]
#[template(path = "history.md", escape = "html")]
struct Table<'h> {
    rows: &'h [Row],
    command: String,
}

impl History {
    /// A page of its own, with a chart.
    ///
    /// # Errors
    ///
    /// A template fails, which none is known to do.
    pub fn html(&self) -> askama::Result<String> {
        let chart = Chart::of(self);
        let command = self.command();
        let page = Page { rows: &self.rows, command, chart, style: STYLE, style_hash: content_hash(STYLE) };
        page.render()
    }

    /// A table, and the methods that came and went.
    ///
    /// # Errors
    ///
    /// A template fails, which none is known to do.
    pub fn markdown(&self) -> askama::Result<String> {
        Ok(Table { rows: &self.rows, command: self.command() }.render()? + "\n")
    }
}

impl History {
    /// What makes this history again.
    fn command(&self) -> String {
        let names: Vec<&str> = self.rows.iter().map(|row| row.name.as_str()).collect();
        format!("cargo xtask diff --history {}", names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counts;
    use crate::history::{Break, Step, Surface};

    fn history() -> History {
        let surface = |stable, experimental| Surface { stable, experimental };
        let row = |name: &str, stable, step| Row {
            name: name.to_owned(),
            requests: surface(stable, 7),
            server_requests: surface(9, 2),
            notifications: surface(30, 3),
            client_notifications: surface(1, 0),
            types: stable * 5,
            step,
        };
        let step = Step {
            added: vec!["thread/section/create".to_owned(), "<b>|x".to_owned()],
            removed: vec!["thread/rollback".to_owned()],
            breaks: vec![Break {
                place: "Thread.<b>".to_owned(),
                message: "`Thread.<b>` is gone: clients miss it.".to_owned(),
            }],
            wire: Counts { breaking: 3, dangerous: 4, safe: 5 },
            source: Counts { breaking: 6, dangerous: 0, safe: 6 },
        };
        History {
            rows: vec![
                row("0.99.0", 63, None),
                row("0.115.0", 90, Some(step)),
                row("<i>", 110, Some(Step::default())),
            ],
        }
    }

    #[test]
    fn as_the_reader_sees_it() {
        insta::assert_snapshot!("history_markdown", history().markdown().expect("renders"));
        let page = history().html().expect("renders");
        insta::assert_snapshot!(
            "history_html",
            page.replace(STYLE, "…").replace(&content_hash(STYLE), "STYLE")
        );
        assert!(!page.contains("<i>") && !page.contains("<b>"), "{page}");
    }

    #[test]
    fn a_history_of_nothing_is_a_page_too() {
        assert!(History::default().html().expect("renders").contains("</html>"));
        assert!(History::default().markdown().expect("renders").contains("| version |"));
    }
}
