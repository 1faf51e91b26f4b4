//! A page of the guide, taken apart: prose, blocks of code, headings, tables.

use std::fs;
use std::path::PathBuf;

use codex_appserver_tests::repo::root;
use regex::Regex;

/// Where the guide is.
pub fn folder() -> PathBuf {
    root().join("docs/guide")
}

/// A page.
pub struct Page {
    /// The name of its file.
    pub name: String,
    /// All lines outside of blocks of code.
    pub prose: Vec<String>,
    /// The blocks of code, each with the words of its fence.
    pub blocks: Vec<(String, String)>,
}

/// A row of a table: the cells by the names of their columns.
pub type Row = Vec<(String, String)>;

impl Page {
    pub fn read(name: &str) -> Self {
        let text = fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (mut prose, mut blocks) = (Vec::new(), Vec::new());
        let mut open: Option<(String, String)> = None;
        for line in text.lines() {
            match (&mut open, line.strip_prefix("```")) {
                (Some(_), Some("")) => blocks.extend(open.take()),
                (Some((_, code)), _) => *code += &format!("{line}\n"),
                (None, Some(fence)) => open = Some((fence.to_owned(), String::new())),
                (None, None) => prose.push(line.to_owned()),
            }
        }
        assert!(open.is_none(), "{name}: a block of code has no end");
        Self { name: name.to_owned(), prose, blocks }
    }

    /// The code of all blocks whose fence begins like this.
    pub fn code(&self, language: &str) -> String {
        let blocks = self.blocks.iter().filter(|(fence, _)| fence.split(',').next() == Some(language));
        blocks.map(|(_, code)| code.as_str()).collect()
    }

    /// The targets of its links.
    pub fn links(&self) -> Vec<String> {
        let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
        let prose = self.prose.join("\n");
        link.captures_iter(&prose).map(|found| found[1].to_owned()).collect()
    }

    /// What a link can point at within the page, as code hosts and mdBook derive it from headings.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.prose.iter().filter(|line| line.starts_with('#'));
        let anchor = |heading: &String| {
            let kept = heading.trim_start_matches('#').trim().chars().filter_map(|c| match c {
                ' ' => Some('-'),
                '-' | '_' => Some(c),
                c => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
            });
            kept.collect()
        };
        headings.map(anchor).collect()
    }

    /// The rows of all its tables.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut columns: Vec<String> = Vec::new();
        for line in &self.prose {
            let Some(inner) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
                assert!(!line.starts_with('|'), "{}: a row has no end: {line}", self.name);
                columns.clear();
                continue;
            };
            let cells: Vec<_> = inner.split('|').map(|cell| cell.trim().to_owned()).collect();
            if columns.is_empty() {
                columns = cells;
            } else if !inner.starts_with("---") {
                assert_eq!(cells.len(), columns.len(), "{}: {line}", self.name);
                rows.push(columns.iter().cloned().zip(cells).collect());
            }
        }
        rows
    }
}

/// What a row has in this column.
pub fn cell<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.iter().find(|(name, _)| name == column).map(|(_, cell)| cell.as_str())
}

/// The pieces of code in a cell.
pub fn spans(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}
