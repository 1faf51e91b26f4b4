//! The verb `diff --history`: each version against the one before it.

use anyhow::{Result, bail};
use codex_appserver_diff::history::History;
use codex_appserver_diff::{Options, compare};

use super::Args;
use super::output::{self, Format};
use super::sides::Side;
use crate::{Outcome, inputs};

/// Runs the verb. No version is accepted or refused here: waivers have no say.
pub fn run(args: &Args) -> Result<Outcome> {
    if args.versions.len() < 2 {
        bail!("--history takes at least two versions, the oldest first");
    }
    let history = of(&args.versions)?;
    output::write(&args.out, args.format, |format| match format {
        Format::Text | Format::Markdown => Ok(history.markdown()?),
        Format::Html => Ok(history.html()?),
        Format::Json => Ok(serde_json::to_string_pretty(&history)? + "\n"),
        Format::Github => bail!("a history has no annotations; --format takes markdown, html or json here"),
    })?;
    Ok(Outcome::Clean)
}

/// The history of these versions, the oldest first.
pub fn of(versions: &[String]) -> Result<History> {
    let tables = inputs::tables()?;
    let mut history = History::default();
    let mut before: Option<Side> = None;
    for name in versions {
        let side = Side::read(name, &tables)?;
        let comparison =
            before.as_ref().map(|before| compare(&before.model, &side.model, &Options::default()));
        let step = before.as_ref().zip(comparison.as_ref()).map(|(side, step)| (&side.model, step));
        history.push(name, &side.model, step);
        before = Some(side);
    }
    Ok(history)
}
