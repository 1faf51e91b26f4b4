//! `cargo xtask record`: records the traffic of an app-server while passing it through.

use std::ffi::OsString;

use anyhow::Result;

use crate::{Outcome, program};

/// Record the traffic of a codex app-server while passing it through; `--help` lists the options.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// What the recorder is given, as it is: it has its own help.
    #[arg(value_name = "ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs the verb.
pub fn run(args: &Args) -> Result<Outcome> {
    program::run("codex-appserver-record", &program::as_written(&args.arguments))
}
