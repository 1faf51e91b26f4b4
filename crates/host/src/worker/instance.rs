//! Names for the runs of a server, so that request ids of one run are never taken for those of another.

use std::sync::{Mutex, PoisonError};

use codex_appserver::Status;
use uuid::Uuid;

use crate::ids::ServerInstance;

/// What a worker needs to know about the server that it is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A child process: its turns end with it.
    Child,
    /// A shared server: other workers on this machine find it by its process.
    #[cfg(unix)]
    Shared,
    /// A server at an address, of whose process nothing is known.
    Elsewhere,
}

impl Place {
    /// Whether turns go on without the worker.
    pub(super) fn outlives(self) -> bool {
        self != Self::Child
    }
}

/// The names of the runs that this worker is or was connected to.
#[derive(Debug)]
pub(super) struct Instances {
    pub(super) place: Place,
    /// Names what has no other name.
    token: Uuid,
    last: Mutex<Option<(u64, ServerInstance)>>,
}

impl Instances {
    pub(super) fn new(place: Place) -> Self {
        Self { place, token: Uuid::new_v4(), last: Mutex::new(None) }
    }

    /// The run that there is a connection to, if there is one.
    pub(super) fn of(&self, status: &Status) -> Option<ServerInstance> {
        if !status.is_connected() {
            return None;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((generation, instance)) = &*last
            && *generation == status.generation
        {
            return Some(instance.clone());
        }
        let instance = self.name(status);
        *last = Some((status.generation, instance.clone()));
        Some(instance)
    }

    fn name(&self, status: &Status) -> ServerInstance {
        #[cfg(unix)]
        if let (Place::Shared, Some(pid)) = (self.place, status.pid)
            && let Some(started) = process::started(pid)
        {
            return ServerInstance::new(format!("{} {pid} {started}", process::machine()));
        }
        ServerInstance::new(format!("{} {}", self.token, status.generation))
    }
}

#[cfg(unix)]
mod process {
    use std::fs;
    use std::process::Command;

    /// The name of the machine, with the id of its last start where that is known.
    pub(super) fn machine() -> String {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        match fs::read_to_string("/proc/sys/kernel/random/boot_id") {
            Ok(boot) => format!("{name} {}", boot.trim()),
            Err(_) => name,
        }
    }

    /// When a process was started, in the words of the system: its number may be used again.
    pub(super) fn started(pid: u32) -> Option<String> {
        if let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) {
            // The name of the program, in parentheses, may have spaces.
            let (_, fields) = stat.rsplit_once(')')?;
            return fields.split_whitespace().nth(19).map(str::to_owned);
        }
        let output = Command::new("ps").args(["-o", "lstart=", "-p"]).arg(pid.to_string()).output().ok()?;
        let started = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (!started.is_empty()).then_some(started)
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn a_process_has_one_start() {
            let pid = std::process::id();
            let started = super::started(pid).expect("this process runs");
            assert_eq!(super::started(pid), Some(started.clone()));
            assert_ne!(super::started(std::os::unix::process::parent_id()), Some(started));
        }
    }
}
