//! Input that the terminal does not show.

use std::io::{self, IsTerminal};

/// Hides what the user types at standard input, from now until this is dropped. The end of the line shows.
///
/// It is for answers that are secret, such as questions with `is_secret` and fields with
/// [`is_secret`](crate::Field::is_secret), in a program that reads standard input itself.
/// [`Terminal::ask_secret`](crate::generic::Terminal::ask_secret) hides its answers without this. Lines come as before: only
/// the echo of the terminal is off. What was typed and not read yet is dropped, at the beginning and at the end. If
/// standard input is no terminal, nothing is shown in any case and nothing is changed.
///
/// A signal that ends the program leaves the terminal without its echo; handle Ctrl-C and drop this first.
#[derive(Debug)]
#[must_use = "dropping it shows again what is typed"]
pub struct HiddenInput {
    /// Shows the input again when it is dropped. None where there is nothing to show again.
    _echo: Option<Echo>,
}

impl HiddenInput {
    /// Hides what is typed at standard input.
    ///
    /// # Errors
    ///
    /// The terminal cannot be told to hide it, which is so on Windows: then what the user types is seen.
    pub fn stdin() -> io::Result<Self> {
        let stdin = io::stdin();
        Ok(Self { _echo: if stdin.is_terminal() { Echo::off(&stdin)? } else { None } })
    }

    /// Hides nothing, where there is nothing that shows what comes in.
    pub(crate) fn nothing() -> Self {
        Self { _echo: None }
    }

    /// Hides what is typed at this terminal.
    #[cfg(all(test, unix))]
    pub(crate) fn of(terminal: &impl std::os::fd::AsFd) -> io::Result<Self> {
        Ok(Self { _echo: Echo::off(terminal)? })
    }
}

/// The echo of a terminal, which is off. Dropping it switches it on again.
#[cfg(unix)]
#[derive(Debug)]
struct Echo {
    terminal: std::os::fd::OwnedFd,
    before: rustix::termios::Termios,
}

#[cfg(unix)]
impl Echo {
    /// Switches the echo off; none if it is off already.
    fn off(terminal: &impl std::os::fd::AsFd) -> io::Result<Option<Self>> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let terminal = terminal.as_fd().try_clone_to_owned()?;
        let before = tcgetattr(&terminal)?;
        if !before.local_modes.contains(LocalModes::ECHO) {
            return Ok(None);
        }
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(&terminal, OptionalActions::Flush, &hidden)?;
        Ok(Some(Self { terminal, before }))
    }
}

#[cfg(unix)]
impl Drop for Echo {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // Half a secret must not become the beginning of the next line. A terminal that is gone shows nothing.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Without `unsafe` the echo of a console cannot be switched off.
#[cfg(not(unix))]
#[derive(Debug)]
struct Echo;

#[cfg(not(unix))]
impl Echo {
    fn off(_: &io::Stdin) -> io::Result<Option<Self>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, unix))]
mod tests;
