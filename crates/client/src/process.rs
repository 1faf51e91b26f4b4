//! An app-server as a child process: what is run, how, and how it is ended.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_appserver_runtime::Codex;

use crate::address::Address;
use crate::error::Error;

/// How many lines of standard error are kept for errors, and how much of each.
const STDERR_LINES: usize = 20;
const STDERR_LINE_BYTES: usize = 2000;

/// How long the last words of a process may take to arrive, once it has ended: its own children may hold its
/// standard error open.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(200);

/// How to run `codex app-server` as a child process.
///
/// The binary is the one that is set, else what the variable `CODEX_BIN` names, else `codex` on the `PATH`,
/// else what npm has in its caches; see [`codex_appserver_runtime::Codex::find`]. It speaks over its standard
/// input and output; its standard error goes to `tracing` (target `codex_appserver_client::stderr`, level
/// debug), and its last lines into the errors. On Windows it has no console, so that no window flashes up.
#[derive(Clone, PartialEq, Eq)]
pub struct Process {
    program: Option<PathBuf>,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    clear_environment: bool,
    folder: Option<PathBuf>,
    own_group: bool,
    pub(crate) patience: Patience,
}

/// How long a process may take for each step of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// After its standard input was closed.
    pub(crate) after_eof: Duration,
    /// After it was told to terminate.
    pub(crate) after_term: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { after_eof: Duration::from_secs(5), after_term: Duration::from_secs(5) }
    }
}

/// Values of the environment may be secrets: their names must do.
impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        f.debug_struct("Process")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .field("environment", &names)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Default for Process {
    fn default() -> Self {
        Self::new()
    }
}

impl Process {
    /// `codex app-server`, with the environment and the folder of this program.
    pub fn new() -> Self {
        Self {
            program: None,
            arguments: vec!["app-server".into()],
            environment: Vec::new(),
            clear_environment: false,
            folder: None,
            own_group: false,
            patience: Patience::default(),
        }
    }

    /// Takes program, arguments, environment and folder from a command.
    ///
    /// A command does not tell whether its environment was cleared: call [`env_clear`](Self::env_clear) as well
    /// where it was.
    pub fn from_command(command: &Command) -> Self {
        let owned = |text: &OsStr| text.to_owned();
        let environment = command.get_envs().map(|(name, value)| (owned(name), value.map(owned)));
        Self {
            program: Some(command.get_program().into()),
            arguments: command.get_args().map(owned).collect(),
            environment: environment.collect(),
            folder: command.get_current_dir().map(Path::to_owned),
            ..Self::new()
        }
    }

    /// The first word is the program.
    pub(crate) fn from_words(mut words: impl Iterator<Item = OsString>) -> Self {
        let program = words.next().unwrap_or_default();
        Self { program: Some(program.into()), arguments: words.collect(), ..Self::new() }
    }

    /// The program, `codex` where it is the one that would be found, and its arguments.
    pub(crate) fn words(&self) -> impl Iterator<Item = &OsStr> {
        let program = self.program.as_ref().map_or(OsStr::new("codex"), |program| program.as_os_str());
        std::iter::once(program).chain(self.arguments.iter().map(OsString::as_os_str))
    }

    /// Where an app-server with this `CODEX_HOME` listens unless told otherwise.
    pub fn default_socket(&self) -> Address {
        let set = self.environment.iter().rfind(|(name, _)| name == "CODEX_HOME");
        match set {
            Some((_, Some(home))) if !home.is_empty() => Address::of_home(home),
            _ => Address::DefaultSocket,
        }
    }

    /// The program to run instead of the codex that would be found.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// One more argument, after `app-server`.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Overrides a value of codex's configuration: `-c KEY=VALUE`, the value as TOML.
    #[must_use]
    pub fn config(self, key: &str, value: &str) -> Self {
        self.arg("-c").arg(format!("{key}={value}"))
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), Some(value.into())));
        self
    }

    /// Sets several variables of the environment.
    #[must_use]
    pub fn envs<N, V>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), Some(value.into())));
        self.environment.extend(variables);
        self
    }

    /// Takes a variable out of the environment.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), None));
        self
    }

    /// Begins with an empty environment instead of this program's own.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.clear_environment = true;
        self
    }

    /// The folder to run in.
    #[must_use]
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets `CODEX_HOME`, the folder with codex's configuration, login and threads.
    #[must_use]
    pub fn codex_home(self, folder: impl Into<OsString>) -> Self {
        self.env("CODEX_HOME", folder)
    }

    /// Keeps Ctrl-C away from it: the process gets a group of its own. A terminal interrupts all programs of the
    /// group in front, and an app-server ends at once then. For programs that mean something else by Ctrl-C, such as
    /// to interrupt a turn.
    #[must_use]
    pub fn own_group(mut self) -> Self {
        self.own_group = true;
        self
    }

    /// How long `shutdown` of a client waits after closing the standard input, and
    /// then after the signal to terminate, before it kills. 5 s each unless set. Windows has no such signal:
    /// the second wait is left out.
    #[must_use]
    pub fn patience(mut self, after_eof: Duration, after_term: Duration) -> Self {
        self.patience = Patience { after_eof, after_term };
        self
    }

    /// The command, its standard input and outputs piped.
    pub(crate) fn command(&self) -> Result<Command, Error> {
        let mut command = Command::new(self.find_program()?);
        command.args(&self.arguments);
        self.set_surroundings(&mut command);
        set_apart(&mut command, self.own_group);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }

    /// The program to run.
    pub(crate) fn find_program(&self) -> Result<PathBuf, Error> {
        let program = match &self.program {
            // Like a shell: a bare name is looked up on the PATH by the operating system.
            Some(program) => program.clone(),
            None => Codex::find(None)?.path().to_owned(),
        };
        if program.as_os_str().is_empty() {
            let reason = io::Error::new(io::ErrorKind::InvalidInput, "the command has no words");
            return Err(Error::Start { program, reason });
        }
        Ok(program)
    }

    /// Gives a command the environment and the folder.
    pub(crate) fn set_surroundings(&self, command: &mut Command) {
        if self.clear_environment {
            command.env_clear();
        }
        // Its last words are shown in errors, where colours are noise.
        command.env("NO_COLOR", "1");
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
    }
}

/// Gives the process a group of its own, if it is to have one.
#[cfg(unix)]
fn set_apart(command: &mut Command, own_group: bool) {
    use std::os::unix::process::CommandExt;
    if own_group {
        command.process_group(0);
    }
}

/// The same, and without a console: a program that has no console itself would see a window for it.
#[cfg(windows)]
fn set_apart(command: &mut Command, own_group: bool) {
    use std::os::windows::process::CommandExt;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(CREATE_NO_WINDOW | if own_group { CREATE_NEW_PROCESS_GROUP } else { 0 });
}

#[cfg(not(any(unix, windows)))]
fn set_apart(_: &mut Command, _: bool) {}

/// Splits a process's standard error into lines: each goes to `tracing`, and the last are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct StderrLines {
    last: Arc<Mutex<VecDeque<String>>>,
    /// The line that is not complete yet, or its beginning.
    partial: Vec<u8>,
}

impl StderrLines {
    /// Takes in what was read.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.keep(&rest[..end]);
            self.finish();
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    /// The stream is over: what is left is a line.
    pub(crate) fn finish(&mut self) {
        if self.partial.is_empty() {
            return;
        }
        let line = String::from_utf8_lossy(&self.partial).into_owned();
        self.partial.clear();
        tracing::debug!(target: "codex_appserver_client::stderr", "{line}");
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == STDERR_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }

    /// The last lines, oldest first.
    pub(crate) fn last(&self) -> Vec<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Keeps the beginning of a line.
    fn keep(&mut self, part: &[u8]) {
        let room = STDERR_LINE_BYTES.saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&part[..part.len().min(room)]);
    }
}

/// Why a command does not start: the operating system uses the same words for a program and for a folder that is not
/// there.
pub(crate) fn not_started(command: &Command, reason: io::Error) -> Error {
    let folder = command.get_current_dir().filter(|folder| !folder.is_dir());
    let reason = match folder {
        Some(folder) => {
            let text = format!("the folder that it is to run in, `{}`, is not there", folder.display());
            io::Error::new(reason.kind(), text)
        }
        None => reason,
    };
    Error::Start { program: command.get_program().into(), reason }
}

/// For a process that was started without its pipes, which cannot be.
pub(crate) fn no_pipes() -> io::Error {
    io::Error::other("its standard input and outputs are not piped")
}

/// Asks a process to end. Gone already is fine.
#[cfg(unix)]
pub(crate) fn terminate(id: u32) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
}
