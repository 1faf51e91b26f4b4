//! One server with its keeper: their files, their processes, and how they are removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpgid, getpgrp, kill_process, kill_process_group};

use super::folder::file_error;
use crate::error::Error;
use crate::process::Process;

const KEEPER: &str = include_str!("keeper.sh");

/// How long a keeper may take to open or to remove its FIFO: a server that is being stopped has five seconds of it.
const KEEPER_PATIENCE: Duration = Duration::from_secs(10);

/// How long a server that is to be replaced may take to end by itself.
const TERM_PATIENCE: Duration = Duration::from_secs(2);

/// How long a killed process may take to be gone.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// How long the keeper of a server that has ended may take for the rest.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A process has no arguments while it becomes another program, and when it has ended and was not waited for.
const EXEC_PATIENCE: Duration = Duration::from_millis(200);

const LOOKS: Duration = Duration::from_millis(5);

/// The folder of one server. Each start has a folder of its own, so that a keeper which is still cleaning up removes
/// nothing of the next server.
#[derive(Clone)]
pub(super) struct Instance {
    folder: PathBuf,
}

impl Instance {
    /// Any name, to measure paths with.
    pub(super) const SAMPLE_NAME: &str = "00000000";

    pub(super) fn new_name() -> String {
        format!("{:08x}", fastrand::u32(..))
    }

    pub(super) fn is_name(text: &str) -> bool {
        text.len() == Self::SAMPLE_NAME.len() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    pub(super) fn in_folder(folder: &Path, name: &str) -> Self {
        Self { folder: folder.join(name) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    fn clients(&self) -> PathBuf {
        self.folder.join("clients")
    }

    fn script(&self) -> PathBuf {
        self.folder.join("keeper")
    }

    /// Starts a keeper, which starts the server. Both outlive this program. The log must be open for appending.
    pub(super) fn start(
        &self,
        process: &Process,
        idle: Duration,
        log: File,
        log_limit: u64,
    ) -> Result<(), Error> {
        let script = self.script();
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&script);
        written
            .and_then(|mut file| file.write_all(KEEPER.as_bytes()))
            .map_err(|source| file_error(&script, source))?;
        let mut shell = Command::new("/bin/sh");
        shell.arg(&script).arg(&self.folder).arg(whole_seconds(idle).to_string());
        shell.arg(log_limit.to_string());
        shell.arg(process.find_program()?).args(process.words().skip(1));
        shell.arg("--listen").arg(self.url());
        process.set_surroundings(&mut shell);
        shell.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        // The shell leaves the keeper to the init process, so that this program has no child to wait for.
        match shell.status() {
            Ok(_) => Ok(()),
            Err(reason) => Err(crate::process::not_started(&shell, reason)),
        }
    }

    /// What the server listens on; no other process has it in its arguments.
    fn url(&self) -> std::ffi::OsString {
        let mut url = std::ffi::OsString::from("unix://");
        url.push(self.socket());
        url
    }

    /// Keeps the server from being stopped as long as the file is open. `None`: there is no keeper.
    pub(super) fn attach(&self) -> io::Result<Option<File>> {
        self.wake_keeper();
        let begun = Instant::now();
        loop {
            match open_fifo(&self.clients()) {
                // The keeper closes before it looks for clients the last time. So long as it is open afterwards, the
                // keeper will see this one.
                Ok(mut clients) if self.clients().exists() => {
                    return announce(&mut clients).map(|()| Some(clients));
                }
                Ok(_) => {}
                Err(error) if is_unread(&error) => return Ok(None),
                // The keeper opens it soon, or has closed it to stop the server.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            if !self.exists() || begun.elapsed() >= KEEPER_PATIENCE {
                return Ok(None);
            }
            std::thread::sleep(LOOKS);
        }
    }

    /// Whether a keeper is there. It may be about to stop the server.
    pub(super) fn has_keeper(&self) -> bool {
        [self.clients(), self.folder.join("closed")].iter().any(|fifo| open_fifo(fifo).is_ok())
    }

    /// Whether it was not removed yet. A keeper removes it when the server has ended.
    pub(super) fn exists(&self) -> bool {
        self.folder.exists()
    }

    /// The server's process; none if it was not started yet.
    pub(super) fn pid(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.folder.join("pid")).ok()?;
        let number: i32 = text.trim().parse().ok()?;
        Pid::from_raw(number.max(0))
    }

    /// Whether the process is this server. The number of one that has ended may be given to any other program.
    pub(super) fn is_server(&self, pid: Pid) -> bool {
        has_argument(pid, self.url().as_bytes())
    }

    /// The processes of the keeper that run.
    fn keepers(&self) -> Vec<Pid> {
        let text = fs::read_to_string(self.folder.join("keepers")).unwrap_or_default();
        let pids = text.lines().filter_map(|line| Pid::from_raw(line.parse::<i32>().ok()?.max(0)));
        pids.filter(|pid| has_argument(*pid, self.script().as_os_str().as_bytes())).collect()
    }

    /// Continues a keeper that was stopped (`SIGSTOP`): it would neither stop the server nor remove its files.
    fn wake_keeper(&self) {
        for pid in self.keepers() {
            // It may have ended meanwhile.
            let _ = kill_process(pid, Signal::CONT);
        }
    }

    /// Ends the server and its keeper if they are there, and removes their files.
    pub(super) fn destroy(&self) {
        if let Some(pid) = self.pid().filter(|pid| self.is_server(*pid)) {
            // It fails only for a process that has ended.
            let _ = kill_process(pid, Signal::TERM);
            // A process that was stopped gets the signal when it goes on.
            let _ = kill_process(pid, Signal::CONT);
            if !self.wait_for_end(pid, TERM_PATIENCE) {
                kill_with_group(pid);
                self.wait_for_end(pid, KILL_PATIENCE);
            }
        }
        self.wake_keeper();
        self.wait_for_keeper();
        self.keepers().into_iter().for_each(kill_with_group);
        // The keeper may be removing it as well. What is left is removed at the next start.
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Gives the keeper of a server that has ended the time to write why, and to clean up.
    pub(super) fn wait_for_keeper(&self) {
        let begun = Instant::now();
        while self.exists() && !self.keepers().is_empty() && begun.elapsed() < LAST_WORDS {
            std::thread::sleep(LOOKS);
        }
    }

    fn wait_for_end(&self, pid: Pid, patience: Duration) -> bool {
        let begun = Instant::now();
        while self.is_server(pid) {
            if begun.elapsed() >= patience {
                return false;
            }
            std::thread::sleep(LOOKS);
        }
        true
    }
}

/// Whether the process has these bytes in its arguments.
fn has_argument(pid: Pid, part: &[u8]) -> bool {
    let begun = Instant::now();
    loop {
        let Some(arguments) = arguments(pid) else { return false };
        if !arguments.is_empty() || begun.elapsed() >= EXEC_PATIENCE {
            return memchr::memmem::find(&arguments, part).is_some();
        }
        std::thread::sleep(LOOKS);
    }
}

/// Kills the process, its keeper, and what it has started.
fn kill_with_group(pid: Pid) {
    // They fail only for processes that have ended.
    let _ = match getpgid(Some(pid)) {
        Ok(group) if group != getpgrp() => kill_process_group(group, Signal::KILL),
        _ => kill_process(pid, Signal::KILL),
    };
}

/// Opens a FIFO for writing without waiting for a reader.
fn open_fifo(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits();
    OpenOptions::new().write(true).custom_flags(flags.cast_signed()).open(path)
}

/// Says that there was a client. If there is no room, other clients have said that.
fn announce(clients: &mut File) -> io::Result<()> {
    match clients.write_all(b"\n") {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}

/// Nothing reads the FIFO.
fn is_unread(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error())
}

/// `sleep` of a POSIX system knows no fractions.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1)
}

/// The arguments of a process.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn arguments(pid: Pid) -> Option<Vec<u8>> {
    fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()
}

/// The arguments of a process.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn arguments(pid: Pid) -> Option<Vec<u8>> {
    let pid = pid.as_raw_nonzero().to_string();
    let listed = Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid]).output().ok()?;
    Some(listed.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_time_is_rounded_up() {
        let rounded = |millis| whole_seconds(Duration::from_millis(millis));
        assert_eq!([0, 1, 1000, 1001, 300_000].map(rounded), [1, 1, 1, 2, 300]);
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }

    /// A process that happens to have the number is left alone.
    #[test]
    fn only_the_server_itself_is_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let instance = Instance::in_folder(folder.path(), &Instance::new_name());
        fs::create_dir(instance.folder()).expect("a folder");
        let mut other = Command::new("sleep").arg("60").spawn().expect("a process");
        fs::write(instance.folder().join("pid"), other.id().to_string()).expect("a file");
        instance.destroy();
        assert!(!instance.exists());
        assert!(other.try_wait().expect("a state").is_none(), "it was killed");
        other.kill().expect("a process");
        other.wait().expect("an end");
    }
}
