//! Processes by number and start time, so that a number which was given to another process is not taken for this one.

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// A process that was seen alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) pid: u32,
    /// When it started, as the system writes it. None if it had ended before one could look.
    pub(super) started: Option<String>,
}

impl Seen {
    pub(super) fn new(pid: u32) -> Self {
        Self { pid, started: look(pid).map(|(_, started)| started) }
    }

    /// Whether it has not ended. A stopped process is alive; a zombie is not.
    pub(super) fn is_alive(&self) -> bool {
        let found = look(self.pid);
        found.is_some_and(|(state, started)| !matches!(state, 'Z' | 'X') && self.started == Some(started))
    }

    /// Whether it is stopped.
    pub(super) fn is_stopped(&self) -> bool {
        look(self.pid).is_some_and(|(state, started)| state == 'T' && self.started == Some(started))
    }

    /// Whether it does nothing any more: it has ended or is stopped.
    pub(super) fn is_still(&self) -> bool {
        !self.is_alive() || self.is_stopped()
    }

    /// Kills it if it is alive.
    pub(super) fn kill(&self) {
        if self.is_alive() {
            send(self.pid, Signal::KILL);
        }
    }
}

/// Sends a signal. It fails only for a process that has ended.
pub(super) fn send(pid: u32, signal: Signal) {
    if let Some(pid) = number(pid) {
        let _ = kill_process(pid, signal);
    }
}

pub(super) fn number(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// The state of a process and when it started.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn look(pid: u32) -> Option<(char, String)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before has any characters, in parentheses.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    let state = fields.next()?.chars().next()?;
    // The state is field 3, the start field 22.
    Some((state, fields.nth(18)?.to_owned()))
}

/// The state of a process and when it started.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn look(pid: u32) -> Option<(char, String)> {
    let pid = pid.to_string();
    let listed = std::process::Command::new("ps").args(["-o", "state=,lstart=", "-p", &pid]).output().ok()?;
    let listed = String::from_utf8(listed.stdout).ok()?;
    let (state, started) = listed.trim().split_once(char::is_whitespace)?;
    Some((state.chars().next()?, started.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_zombie_is_not_alive() {
        let mut child = Command::new("sleep").arg("60").spawn().expect("a process");
        let seen = Seen::new(child.id());
        assert!(seen.is_alive());
        assert!(!Seen { started: Some("another time".into()), ..seen.clone() }.is_alive());
        seen.kill();
        while seen.is_alive() {
            std::thread::yield_now();
        }
        // It was not waited for.
        assert!(child.try_wait().expect("a state").is_some());
    }
}
