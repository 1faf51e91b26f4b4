//! The command line of the recorder: `codex-appserver record`, and the program of this crate.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{RecordError, Recording, Redactor};

/// Record the traffic of a codex app-server while passing it through.
///
/// Runs CMD and stands between it and whoever started the recorder: every byte is passed on unchanged, and
/// each line is written to the trace with its direction and time.
///
/// Exits as CMD does (128 and the signal where one ended it), and with 2 when CMD does not run or the trace
/// could not be written.
///
/// Example: cargo xtask record --redact -- codex app-server
#[derive(clap::Args)]
pub struct Args {
    /// Mask secrets, e-mail addresses and the home folder in the trace, never in what is passed on.
    #[arg(long)]
    redact: bool,
    /// Where the trace goes.
    #[arg(long, value_name = "FILE", default_value = "trace.jsonl")]
    out: PathBuf,
    /// Overwrite the trace if it exists.
    #[arg(long)]
    force: bool,
    /// The version of codex, for the header of the trace.
    #[arg(long, value_name = "VERSION")]
    codex: Option<String>,
    /// The command to run, after `--`.
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Why nothing was recorded; completes "failed to ...".
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("write the trace {}: it exists already; name another with --out, or overwrite it with --force", .0.display())]
    Exists(PathBuf),
    #[error(
        "write the trace to standard output, which carries the traffic and nothing else; name a file with --out"
    )]
    StandardOutput,
    #[error("write the trace {}: {error}; name another with --out", path.display())]
    Open { path: PathBuf, error: io::Error },
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Records until the command ends, and returns the exit code for this process: the command's own, 128 and the signal
/// that ended it, or 2 where nothing was recorded. Prints the error.
pub fn run(args: &Args) -> i32 {
    record(args).unwrap_or_else(|failure| {
        let _ = writeln!(io::stderr(), "error: failed to {failure}");
        2
    })
}

fn record(args: &Args) -> Result<i32, Failure> {
    let trace = Trace::open(&args.out, args.force)?;
    let (program, arguments) = args.command.split_first().expect("clap requires a command");
    let mut recording = match Recording::start(Command::new(program).args(arguments)) {
        Ok(recording) => recording,
        Err(error) => {
            trace.give_up();
            return Err(error.into());
        }
    };
    if let Some(version) = &args.codex {
        recording = recording.codex(version);
    }
    if args.redact {
        recording = recording.redact(redactor(&args.command));
    }
    Ok(recording.run(trace.into_empty())?.exit_code())
}

/// Knows our home, which the command inherits, and one that the command is given: `env HOME=… codex`.
fn redactor(command: &[OsString]) -> Redactor {
    let given = command.iter().filter_map(|word| {
        let (name, value) = word.to_str()?.split_once('=')?;
        ["HOME", "USERPROFILE"].contains(&name).then(|| OsStr::new(value))
    });
    given.fold(Redactor::from_env(), |redactor, home| redactor.home(Path::new(home)))
}

/// The file of the trace, opened before the command is started and emptied after.
struct Trace {
    file: File,
    path: PathBuf,
    is_new: bool,
}

impl Trace {
    fn open(path: &Path, force: bool) -> Result<Self, Failure> {
        let failed = |error| Failure::Open { path: path.to_owned(), error };
        let done = |file, is_new| Ok(Self { file, path: path.to_owned(), is_new });
        if path == Path::new("-") {
            return Err(Failure::StandardOutput);
        }
        match options().create_new(true).open(path) {
            Ok(file) => return done(file, true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        let file = options().open(path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if is_standard_output(&found) {
            return Err(Failure::StandardOutput);
        }
        // A pipe or a device has nothing that could be lost.
        if !force && found.is_file() {
            return Err(Failure::Exists(path.to_owned()));
        }
        done(file, false)
    }

    /// Nothing will be recorded: leaves things as they were.
    fn give_up(self) {
        if self.is_new {
            let _ = fs::remove_file(&self.path);
        }
    }

    fn into_empty(self) -> File {
        if !self.is_new {
            // A pipe or a device is empty already; a file that does not empty will not write either.
            let _ = self.file.set_len(0);
        }
        self.file
    }
}

/// Whether this is what our standard output goes to, by whatever name: `/dev/stdout`, or the file it was
/// redirected to.
#[cfg(unix)]
fn is_standard_output(found: &fs::Metadata) -> bool {
    use std::os::{fd::AsFd, unix::fs::MetadataExt};
    let Ok(ours) = io::stdout().as_fd().try_clone_to_owned() else { return false };
    let same = |ours: fs::Metadata| (ours.dev(), ours.ino()) == (found.dev(), found.ino());
    File::from(ours).metadata().is_ok_and(same)
}

#[cfg(not(unix))]
fn is_standard_output(_: &fs::Metadata) -> bool {
    false
}

/// Only the user may read the trace: it holds whole conversations.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
