//! How the running program is called, for help texts and for messages that name a command.

use std::process::ExitCode;
use std::sync::OnceLock;

use anyhow::Result;
use clap::{Command, CommandFactory, Parser};

use crate::Outcome;

/// The name of the program in a checkout. The help texts of the verbs are written for it.
const IN_A_CHECKOUT: &str = "cargo xtask";

static NAME: OnceLock<&str> = OnceLock::new();

/// Parses the arguments of a program that is called `name`, and remembers the name. The program ends here after
/// `--help`, `--version` and wrong arguments.
pub fn parse<P: Parser>(name: &'static str) -> P {
    let name = *NAME.get_or_init(|| name);
    let matches = command_line::<P>(name).get_matches();
    P::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// The command line of a program that is called `name`.
pub fn command_line<P: CommandFactory>(name: &'static str) -> Command {
    named(P::command(), name)
}

/// A command of the running program: `command("codegen")` is `cargo xtask codegen` in a checkout.
pub fn command(verb: &str) -> String {
    format!("{} {verb}", NAME.get().copied().unwrap_or(IN_A_CHECKOUT))
}

/// The exit code of a verb: 0 clean, 1 a check found something, 2 could not run. Prints the error.
pub fn exit_code(result: Result<Outcome>) -> ExitCode {
    match result {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Found) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Puts the program's name into the help texts of all verbs.
fn named(mut command: Command, name: &'static str) -> Command {
    let renamed =
        |text: Option<&clap::builder::StyledStr>| Some(text?.to_string().replace(IN_A_CHECKOUT, name));
    if let Some(text) = renamed(command.get_about()) {
        command = command.about(text);
    }
    if let Some(text) = renamed(command.get_long_about()) {
        command = command.long_about(text);
    }
    command.mut_subcommands(|verb| named(verb, name))
}
