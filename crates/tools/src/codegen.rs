//! The verb `codegen`: writes or checks the generated crates.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use codex_appserver_bindgen::{Codecs, Config, Generator, Layout, Output, Prose, Schema, Source, Summary};

use crate::decisions;
use crate::program::command;
use crate::tree::{self, Change, Kind, Owner};
use crate::{Outcome, inputs, vendor};

/// How many lines of a difference `--check` shows per file.
const DIFF_LINES: usize = 8;
/// How many changed files the report names.
const LISTED: usize = 20;

/// Generate the Rust crates from the schema.
///
/// In a checkout of the repository this writes `generated/`. With --out it writes a workspace that builds by itself, with
/// a copy of the crate codex-appserver-wire; without --schema it is made from the schema of the pinned codex.
///
/// Example: cargo xtask codegen --check
///
/// Example: cargo xtask codegen --schema app-server.json --out bindings
#[derive(clap::Args)]
pub struct Args {
    /// Write nothing; list every file that differs and exit 1 if there is one.
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Write nothing; say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Generate from this schema instead: a canonical file, a raw bundle, or STABLE,EXPERIMENTAL.
    #[arg(long, value_name = "STABLE[,EXPERIMENTAL]", requires = "out")]
    schema: Option<String>,
    /// Write a workspace of its own into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The codex version of raw bundles, which do not name theirs.
    #[arg(long, value_name = "VERSION", requires = "schema")]
    codex_version: Option<String>,
    /// Refuse whatever is a warning for a schema other than the pinned one.
    #[arg(long)]
    strict: bool,
    /// Whose words go into the docs: ours alone, or the descriptions of the schema as well.
    ///
    /// Upstream's words are for a tree of your own. The canonical schema has none; raw bundles do, and so do
    /// files that `schema sync --keep-descriptions` wrote.
    #[arg(long, value_enum, default_value_t = DocsArg::Own, requires = "out")]
    docs: DocsArg,
    /// Generate what the benches compare with: the same types with serde's derive.
    #[arg(long, hide = true, value_enum, default_value_t = CodecsArg::Written, requires = "out")]
    codecs: CodecsArg,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum DocsArg {
    Own,
    Upstream,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum CodecsArg {
    Written,
    SerdeDerive,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<Outcome> {
    let (dir, owner) = match &args.out {
        Some(out) => (out.clone(), Owner::User),
        None => {
            let verb = format!("`{}` without --out", command("codegen"));
            let root = inputs::need_checkout(&verb, "pass --schema FILE --out DIR")?;
            (root.join("generated"), Owner::Codegen)
        }
    };
    let output = generate(args)?;
    if output.summary.codex_version == "unknown" {
        eprintln!("warning: the schema does not name its codex version; pass --codex-version");
    }
    for warning in &output.warnings {
        eprintln!("warning: {warning}");
    }
    let changes = tree::changes(&dir, &output.files, owner)?;
    let boxes = if args.out.is_none() { changed_boxes(&output)? } else { None };
    if args.check {
        return Ok(check(args, &dir, &output, &changes, boxes.as_ref()));
    }
    if !args.dry_run {
        tree::apply(&dir, &changes)?;
        if let Some(Kind::Missing(new) | Kind::Differs { new, .. }) = &boxes {
            tree::write_whole(&inputs::boxes_path(), new)?;
        }
    }
    show(&report(&dir, &output, &changes, boxes.is_some(), args.dry_run));
    Ok(Outcome::Clean)
}

/// How `schema/boxes.toml` differs from what this run boxed.
fn changed_boxes(output: &Output) -> Result<Option<Kind>> {
    let (path, new) = (inputs::boxes_path(), output.boxes.to_toml().into_bytes());
    if !path.exists() {
        return Ok(Some(Kind::Missing(new)));
    }
    let old = inputs::read(&path)?;
    Ok((old != new).then_some(Kind::Differs { old, new }))
}

fn generate(args: &Args) -> Result<Output> {
    let tables = inputs::tables()?;
    let codecs = match args.codecs {
        CodecsArg::Written => Codecs::Written,
        CodecsArg::SerdeDerive => Codecs::SerdeDerive,
    };
    let config = match &args.out {
        None => Config { tables, layout: Layout::Workspace, strict: true, codecs, ..Config::default() },
        Some(_) => {
            let layout = Layout::StandAlone { wire: vendor::FOLDER.to_owned() };
            let upstream_docs = args.docs == DocsArg::Upstream;
            Config { tables, layout, strict: args.strict, upstream_docs, codecs }
        }
    };
    let schema = match &args.schema {
        None => inputs::pinned_schema()?,
        Some(list) => {
            let prose = if args.docs == DocsArg::Upstream { Prose::Keep } else { Prose::Drop };
            read_schema(list, args.codex_version.as_deref(), prose)?
        }
    };
    let generated = Generator::new(config, schema).run();
    let mut output = generated.map_err(|error| match decisions::of_error(&error) {
        Some(open) => anyhow!("{}\n{}", decisions::count(open), decisions::text(open).trim_end()),
        None => error.into(),
    })?;
    if args.out.is_some() {
        output.files.extend(vendor::wire()?);
        output.files.sort();
    }
    Ok(output)
}

/// Generates what the benches compare with, from the pinned schema: the same types with serde's derive.
pub fn derived(dir: &Path) -> Result<()> {
    let wire = inputs::root().join("crates/wire").display().to_string();
    let config = Config {
        tables: inputs::tables()?,
        layout: Layout::StandAlone { wire },
        codecs: Codecs::SerdeDerive,
        ..Config::default()
    };
    let output = Generator::new(config, inputs::pinned_schema()?).run()?;
    tree::apply(dir, &tree::changes(dir, &output.files, Owner::User)?)
}

/// Reads one file, or two with a comma between.
pub fn read_schema(list: &str, version: Option<&str>, prose: Prose) -> Result<Schema> {
    let (first, second) = match list.split(',').map(str::trim).collect::<Vec<_>>()[..] {
        [first] if !first.is_empty() => (first, None),
        [first, second] if !first.is_empty() && !second.is_empty() => (first, Some(second)),
        _ => bail!("`{list}`: a schema is one file, or two with a comma between: STABLE,EXPERIMENTAL"),
    };
    let first_bytes = inputs::read(Path::new(first))?;
    let second_bytes = second.map(|path| inputs::read(Path::new(path))).transpose()?;
    let second = second.zip(second_bytes.as_deref()).map(|(name, bytes)| Source { name, bytes });
    let first = Source { name: first, bytes: &first_bytes };
    let schema = Schema::from_any_with(&first, second.as_ref(), prose)?;
    match version {
        Some(version) if !is_version(version) => {
            bail!("--codex-version takes a version such as 0.150.0, not `{version}`")
        }
        Some(version) => Ok(schema.with_codex_version(version)),
        None => Ok(schema),
    }
}

fn is_version(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    text.starts_with(|c: char| c.is_ascii_digit()) && text.contains('.') && text.chars().all(allowed)
}

fn check(args: &Args, dir: &Path, output: &Output, changes: &[Change], boxes: Option<&Kind>) -> Outcome {
    let place = inputs::shown(dir);
    let changes = changes.iter().map(|change| (inputs::shown(&dir.join(&change.path)), &change.kind));
    let boxes = boxes.map(|kind| (inputs::shown(&inputs::boxes_path()), kind));
    let changes: Vec<(String, &Kind)> = changes.chain(boxes).collect();
    if changes.is_empty() {
        show(&format!("{place}: {} files are what codegen makes of the schema\n", output.files.len()));
        return Outcome::Clean;
    }
    let mut text = String::new();
    for (path, kind) in &changes {
        match kind {
            Kind::Missing(_) => text.push_str(&format!("missing: {path}\n")),
            Kind::Orphan => text.push_str(&format!("orphan: {path}: nothing generates it\n")),
            Kind::Differs { old, new } => {
                text.push_str(&format!("differs: {path}\n{}", tree::short_diff(old, new, DIFF_LINES)));
            }
        }
    }
    show(&text);
    let count = if changes.len() == 1 { "1 file".to_owned() } else { format!("{} files", changes.len()) };
    eprintln!("{place}: {count} to mend; run `{}`", args.writing_command());
    Outcome::Found
}

/// Standard output may be a pipe that nobody reads to its end, which is no failure.
fn show(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

impl Args {
    /// The command that writes what `--check` compares with.
    fn writing_command(&self) -> String {
        let mut command = command("codegen");
        for (flag, value) in [("--schema", &self.schema), ("--codex-version", &self.codex_version)] {
            if let Some(value) = value {
                command.push_str(&format!(" {flag} {value}"));
            }
        }
        if self.docs == DocsArg::Upstream {
            command.push_str(" --docs upstream");
        }
        if let Some(out) = &self.out {
            command.push_str(&format!(" --out {}", out.display()));
        }
        command
    }
}

/// The counts, and what changed.
fn report(dir: &Path, output: &Output, changes: &[Change], boxes: bool, dry_run: bool) -> String {
    let summary = &output.summary;
    let Summary { codex_version, enums, structs, unions, aliases, .. } = summary;
    let mut lines = vec![
        format!("codex {codex_version}"),
        format!(
            "  requests         {} stable, {} experimental",
            summary.stable_requests, summary.experimental_requests
        ),
        format!(
            "  server requests  {} stable, {} experimental",
            summary.stable_server_requests, summary.experimental_server_requests
        ),
        format!(
            "  notifications    {} from the server, {} from the client",
            summary.notifications, summary.client_notifications
        ),
        format!(
            "  types            {structs} structs, {unions} unions, {enums} string enums, {aliases} aliases"
        ),
        format!("  crosscheck       {} plain definitions read by typify as well", summary.crosschecked),
    ];
    if !summary.unused.is_empty() {
        lines.push(format!("  not generated    {} definitions that no method uses", summary.unused.len()));
    }
    let place = inputs::shown(dir);
    if changes.is_empty() {
        lines.push(format!("{place}: {} files unchanged", output.files.len()));
    } else {
        let count =
            |matches: fn(&Kind) -> bool| changes.iter().filter(|change| matches(&change.kind)).count();
        lines.push(format!(
            "{place}: {}{} new, {} changed, {} deleted",
            if dry_run { "would be " } else { "" },
            count(|kind| matches!(kind, Kind::Missing(_))),
            count(|kind| matches!(kind, Kind::Differs { .. })),
            count(|kind| matches!(kind, Kind::Orphan)),
        ));
    }
    if boxes {
        let path = inputs::shown(&inputs::boxes_path());
        lines.push(format!("{path}: {}changed", if dry_run { "would be " } else { "" }));
    }
    for change in changes.iter().take(LISTED) {
        let sign = match change.kind {
            Kind::Missing(_) => '+',
            Kind::Differs { .. } => '~',
            Kind::Orphan => '-',
        };
        lines.push(format!("  {sign} {}", change.path));
    }
    if changes.len() > LISTED {
        lines.push(format!("  … and {} more", changes.len() - LISTED));
    }
    lines.join("\n") + "\n"
}
