//! The verb `diff`: what one version of the protocol does to another.

pub mod history;
mod measure;
mod output;
pub mod sides;
mod uses;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use codex_appserver_diff::verdict::{Axis, FailOn, Gate, Skew};
use codex_appserver_diff::waivers::Waivers;
use codex_appserver_diff::{Comparison, Options, Uses, compare, report, rules_markdown};

use crate::{Outcome, inputs};
pub use measure::Measured;
use output::Format;
use sides::Side;

/// Compare two versions of the protocol: what breaks, for whom, and why.
///
/// A version is a codex version (0.150.0; a fixture, the pinned schema, or installed through npm), a canonical
/// file, a raw bundle, STABLE,EXPERIMENTAL, or in a checkout git:REV for schema/app-server.json at that revision.
/// Exit codes: 0 clean, 1 --fail-on found something that is not waived, 2 could not run.
///
/// Example: cargo xtask diff 0.135.0 0.150.0 --out target/diff.html
#[derive(clap::Args)]
pub struct Args {
    /// The older and the newer version; with --history at least two, the oldest first.
    #[arg(value_name = "VERSION", required_unless_present = "rules")]
    versions: Vec<String>,
    /// What to write; without it the ending of --out tells, else text.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Write to this file instead of standard output; may be given several times.
    #[arg(long, value_name = "FILE")]
    out: Vec<PathBuf>,
    /// From which level on to exit 1.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOnArg::Breaking, conflicts_with = "history")]
    fail_on: FailOnArg,
    /// Whose levels count: the bytes between client and server, Rust code compiled against the crates, or both.
    #[arg(long, value_enum, default_value_t = AxisArg::Wire, conflicts_with = "history")]
    axis: AxisArg,
    /// Of the bytes, which versions meet. The reports show both. The default is what an update of a server does to
    /// the clients that are out there; new-client is for programs that also run with servers of the older version,
    /// and fails for almost every release, since those do not know its new methods.
    #[arg(long, value_enum, default_value_t = SkewArg::OldClient, conflicts_with = "history")]
    skew: SkewArg,
    /// Leave out what a program does not use, told from recordings and from lists of method and type names (one a
    /// line, # starts a comment). Give the versions first; may be given several times.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "history")]
    uses: Vec<PathBuf>,
    /// Leave out what only the experimental surface is concerned with.
    #[arg(long, conflicts_with = "history")]
    stable_only: bool,
    /// The findings that a person accepted for these versions; `none` for no file. Without it schema/waivers.toml of the
    /// checkout.
    #[arg(long, value_name = "FILE", conflicts_with = "history")]
    waivers: Option<PathBuf>,
    /// Tell each version from the one before it, as a table (.md) or a page with a chart (.html).
    #[arg(long, conflicts_with = "rules")]
    history: bool,
    /// Print the page about all rules.
    #[arg(long, conflicts_with_all = ["versions", "format"])]
    rules: bool,
    /// Say at the end how long it took and how much memory, for `cargo xtask bench diff`.
    #[arg(long, hide = true, conflicts_with = "history")]
    measure: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOnArg {
    Breaking,
    Dangerous,
    None,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum AxisArg {
    Wire,
    Source,
    Both,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SkewArg {
    /// A client of the older version with a server of the newer one.
    OldClient,
    /// A client of the newer version with a server of the older one.
    NewClient,
    /// The worse of the two.
    Both,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<Outcome> {
    if args.rules {
        output::write(&args.out, None, |_| Ok(rules_markdown()))?;
        return Ok(Outcome::Clean);
    }
    if args.history {
        return history::run(args);
    }
    let [old, new] = &args.versions[..] else {
        bail!("diff takes two versions, the older one first; --history takes more");
    };
    let start = Instant::now();
    let gate = args.gate();
    let (comparison, new) = args.compare(old, new)?;
    output::write(&args.out, args.format, |format| render(&comparison, gate, format, &new))?;
    if args.measure {
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        let measured = measure::Measured { milliseconds, peak_megabytes: measure::peak_megabytes() };
        eprintln!("{}", serde_json::to_string(&measured)?);
    }

    let failures = comparison.failures(gate).count();
    if failures == 0 {
        return Ok(Outcome::Clean);
    }
    let what = if failures == 1 { "1 finding is" } else { &format!("{failures} findings are") };
    eprintln!(
        "{what} {}{} and not waived; paste the row that the report prints into the file of waivers to accept one",
        args.fail_on,
        args.question(),
    );
    Ok(Outcome::Found)
}

/// Writes the comparison of two versions into files, whose endings tell the format.
pub fn write(old: &str, new: &str, out: &[PathBuf]) -> Result<()> {
    let args = Args {
        versions: vec![old.to_owned(), new.to_owned()],
        format: None,
        out: out.to_owned(),
        fail_on: FailOnArg::None,
        axis: AxisArg::Both,
        skew: SkewArg::OldClient,
        uses: Vec::new(),
        stable_only: false,
        waivers: None,
        history: false,
        rules: false,
        measure: false,
    };
    run(&args).map(drop)
}

impl Args {
    fn compare(&self, old: &str, new: &str) -> Result<(Comparison, Side)> {
        let tables = inputs::tables()?;
        let (old, new) = (Side::read(old, &tables)?, Side::read(new, &tables)?);
        let uses = uses::read(&self.uses, [&old.model, &new.model])?;
        let compare = |stable_only, uses: &Option<Uses>| {
            let (old_name, new_name) = (old.name.clone(), new.name.clone());
            compare(&old.model, &new.model, &Options { stable_only, uses: uses.clone(), old_name, new_name })
        };
        let mut comparison = compare(self.stable_only, &uses);
        if let Some(waivers) = self.read_waivers()? {
            // A waiver may be for what the other view says, or for what --uses leaves out.
            let mut others = vec![compare(!self.stable_only, &None)];
            if uses.is_some() {
                others.push(compare(self.stable_only, &None));
            }
            waivers.apply(std::iter::once(&mut comparison).chain(&mut others))?;
            if uses.is_some() {
                others.iter().for_each(|whole| comparison.waive_as(whole));
            }
        }
        Ok((comparison, new))
    }

    fn read_waivers(&self) -> Result<Option<Waivers>> {
        let path = match &self.waivers {
            Some(none) if none.as_os_str() == "none" => return Ok(None),
            Some(path) => path.clone(),
            // What the project accepts is not for others to accept.
            None if inputs::checkout().is_none() => return Ok(None),
            None => inputs::schema_dir().join("waivers.toml"),
        };
        let bytes = inputs::read(&path)?;
        let shown = inputs::shown(&path);
        let text = String::from_utf8(bytes).with_context(|| format!("{shown} is not UTF-8"))?;
        Ok(Some(Waivers::parse(&shown, &text)?))
    }

    fn gate(&self) -> Gate {
        let axis = match self.axis {
            AxisArg::Wire => Axis::Wire,
            AxisArg::Source => Axis::Source,
            AxisArg::Both => Axis::Both,
        };
        let skew = match self.skew {
            SkewArg::OldClient => Skew::OldClient,
            SkewArg::NewClient => Skew::NewClient,
            SkewArg::Both => Skew::Both,
        };
        let fail_on = match self.fail_on {
            FailOnArg::Breaking => FailOn::Breaking,
            FailOnArg::Dangerous => FailOn::Dangerous,
            FailOnArg::None => FailOn::Nothing,
        };
        Gate { axis, skew, fail_on }
    }

    /// Of the verdicts on the bytes, whose the exit code is.
    fn question(&self) -> &'static str {
        match (self.axis, self.skew) {
            (AxisArg::Source, _) => " for Rust code",
            (_, SkewArg::OldClient) => " for an old client with a new server",
            (_, SkewArg::NewClient) => " for a new client with an old server",
            (_, SkewArg::Both) => " for an old client with a new server or the other way round",
        }
    }
}

impl std::fmt::Display for FailOnArg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Breaking => "breaking",
            Self::Dangerous => "dangerous or worse",
            Self::None => "of no matter",
        })
    }
}

fn render(comparison: &Comparison, gate: Gate, format: Format, new: &Side) -> Result<String> {
    Ok(match format {
        Format::Text => report::text::render(comparison, gate),
        Format::Markdown => report::markdown::render(comparison, gate)?,
        Format::Json => report::json::render(comparison)?,
        Format::Github => report::github::render(comparison, gate, new.file.as_deref()),
        Format::Html => report::html::render(comparison, gate)?,
    })
}

/// A file below the root as git and GitHub call it.
fn repository_path(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let below = path.strip_prefix(inputs::checkout()?).ok()?;
    Some(below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"))
}
