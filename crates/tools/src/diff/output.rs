//! Where a report goes, and in which format.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::inputs;
use crate::tree::write_named;

/// A format of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For the terminal.
    Text,
    /// For a comment on a pull request.
    Markdown,
    /// For programs; docs/diff.schema.json is its schema.
    Json,
    /// Annotations of a GitHub workflow run.
    Github,
    /// One page that needs no network.
    Html,
}

impl Format {
    /// The format that a file's ending stands for.
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "md" => Some(Self::Markdown),
            "json" => Some(Self::Json),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

/// Renders once for every file, or for standard output where there is none. Colours are for terminals:
/// `anstream` takes them out elsewhere, and no file gets them.
pub fn write(
    files: &[PathBuf],
    format: Option<Format>,
    render: impl Fn(Format) -> Result<String>,
) -> Result<()> {
    if files.is_empty() {
        let text = render(format.unwrap_or(Format::Text))?;
        return match print(&text, format.unwrap_or(Format::Text)) {
            // Whoever reads a pipe has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            printed => printed.context("cannot write to standard output"),
        };
    }
    for file in files {
        let format = format.or_else(|| Format::of(file)).unwrap_or(Format::Text);
        let text = match (render(format)?, format) {
            (text, Format::Text) => anstream::adapter::strip_str(&text).to_string(),
            (text, _) => text,
        };
        write_named(file, text.as_bytes())?;
        eprintln!("wrote {}", inputs::shown(file));
    }
    Ok(())
}

fn print(text: &str, format: Format) -> std::io::Result<()> {
    match format {
        Format::Text => anstream::stdout().write_all(text.as_bytes())?,
        _ => std::io::stdout().write_all(text.as_bytes())?,
    }
    std::io::stdout().flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_the_format() {
        let of = |path: &str| Format::of(Path::new(path));
        assert_eq!(of("docs/history.html"), Some(Format::Html));
        assert_eq!(of("a.md"), Some(Format::Markdown));
        assert_eq!(of("a.json"), Some(Format::Json));
        assert_eq!(of("html"), None);
    }
}
