//! The command line of the checker: `codex-appserver trace`, and the program of this crate.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, IsTerminal, Read};
use std::process::ExitCode;

use clap::ValueEnum;
use codex_appserver_record::{ReadError, Reader};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{Checker, Line, Report};

/// Decode recorded app-server traffic with the typed bindings, encode it again and compare.
///
/// Exit codes: 0 everything came back as it was, 1 something failed or did not, 2 could not run.
///
/// Example: cargo xtask trace tests/fixtures/recorded/approval-accept.jsonl
#[derive(clap::Args)]
pub struct Args {
    /// Trace files, or files with a bare protocol message per line; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// What to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// How many problems to tell in full; all are counted.
    #[arg(long, value_name = "N", default_value_t = 50)]
    problems: usize,
    /// The longest line to read, in bytes; a longer one is a failure of that line alone.
    #[arg(long, value_name = "BYTES", default_value_t = Reader::<io::Empty>::LIMIT)]
    limit: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A table for people.
    Text,
    /// One JSON object.
    Json,
}

/// Checks the files, prints the report and returns the exit code of this process. Prints errors.
pub fn run(args: &Args) -> ExitCode {
    let mut report = Report::new(args.problems);
    let mut code = ExitCode::SUCCESS;
    for name in &args.files {
        report.file(name);
        if let Err(error) = check_file(name, args.limit, &mut report) {
            eprintln!("error: failed to {error} ({name})");
            code = ExitCode::from(2);
        }
    }
    match print(&report, args.format) {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => {
            eprintln!("error: failed to print the report: {error}");
            code = ExitCode::from(2);
        }
        Ok(()) => {}
    }
    if code == ExitCode::SUCCESS && report.has_problems() { ExitCode::from(1) } else { code }
}

fn check_file(name: &str, limit: usize, report: &mut Report) -> Result<(), ReadError> {
    let (input, length): (Box<dyn Read>, Option<u64>) = match name {
        "-" => (Box::new(io::stdin()), None),
        name => {
            let file = File::open(name)?;
            let length = file.metadata()?.len();
            (Box::new(file), Some(length))
        }
    };
    let progress = progress(name, length);
    let mut reader = Reader::new(BufReader::with_capacity(1 << 16, input)).limit(limit);
    let mut checker = Checker::new();
    while let Some((number, entry)) = reader.next() {
        let line = match entry {
            Ok(entry) => checker.entry(&entry),
            Err(ReadError::Io(error)) => return Err(error.into()),
            Err(error) => Line::broken(format!("failed to {error}")),
        };
        report.line(number, line);
        progress.set_position(reader.bytes_read());
    }
    progress.finish_and_clear();
    Ok(())
}

/// Shown on a terminal alone.
fn progress(name: &str, length: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let template = match length {
        Some(_) => "{msg} {wide_bar} {bytes}/{total_bytes} {eta}",
        None => "{msg} {spinner} {bytes}",
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_message(name.to_owned())
}

fn print(report: &Report, format: Format) -> io::Result<()> {
    use std::io::Write;
    let mut out = io::stdout().lock();
    match format {
        Format::Text => write!(out, "{report}")?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, report)?;
            writeln!(out)?;
        }
    }
    out.flush()
}
