//! A home with its shared server, and programs that use it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use codex_appserver_client::generic::{Runtime, SharedServer, SharedServerBuilder};
use codex_appserver_client::{Methods, OsThreads, Process, blocking};
use codex_appserver_testkit::CodexHome;
use rustix::process::{Pid, Signal, kill_process_group};

const HOME: &str = "SHARED_SERVER_TEST_HOME";
const CODEX: &str = "SHARED_SERVER_TEST_CODEX";
const IDLE_SECONDS: &str = "SHARED_SERVER_TEST_IDLE_SECONDS";

/// A generous bound for whatever has to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Starts or finds the server as a program of its own, says its number, and stays until it is killed.
pub fn plays_a_client() -> bool {
    let (Some(home), Some(codex)) = (std::env::var_os(HOME), std::env::var_os(CODEX)) else { return false };
    let idle = std::env::var(IDLE_SECONDS).expect("a time").parse().expect("a number");
    let builder = blocking::SharedServer::for_home(home).codex_bin(codex);
    let builder = builder.idle_time(Duration::from_secs(idle));
    let server = builder.start().expect("a server");
    let client = blocking::Client::builder().connect_shared(&server).expect("a client");
    client.account_read().call().expect("an answer");
    println!("{}", server.pid());
    loop {
        std::thread::park();
    }
}

/// When it is dropped nothing is left of it.
pub struct Stage {
    pub home: CodexHome,
    pub codex: PathBuf,
}

impl Stage {
    /// Without a codex there is no stage: the test is skipped, which CI does not take.
    pub fn set() -> Option<Self> {
        let codex = crate::programs::codex()?;
        Some(Self { home: CodexHome::without_model().build().expect("a home"), codex })
    }

    /// Puts a script in the place of codex, which answers for its version.
    pub fn script(mut self, then: &str) -> Self {
        let path = self.home.root().join("codex");
        let codex = self.codex.display();
        let text = format!("#!/bin/sh\n[ \"$1\" = --version ] && exec {codex} --version\n{then}\n");
        write_program(&path, &text.replace("CODEX", &codex.to_string()));
        self.codex = path;
        self
    }

    pub fn builder<R: Runtime>(&self) -> SharedServerBuilder<R> {
        self.builder_in(&self.home.codex_home())
    }

    pub fn builder_in<R: Runtime>(&self, codex_home: &Path) -> SharedServerBuilder<R> {
        let process = Process::new().env_clear().envs(self.home.environment());
        let process = process.current_dir(self.home.workspace()).program(&self.codex);
        SharedServer::for_home(codex_home).process(|_| process).idle_time(Duration::from_secs(1))
    }

    pub fn start(&self) -> blocking::SharedServer {
        self.builder::<OsThreads>().start().expect("a server")
    }

    /// A program that plays a client.
    pub fn program(&self) -> Program {
        self.program_with_idle_time(1)
    }

    pub fn program_with_idle_time(&self, seconds: u32) -> Program {
        let mut command = Command::new(std::env::current_exe().expect("this test is a file"));
        self.home.set_environment(&mut command);
        command
            .env(HOME, self.home.codex_home())
            .env(CODEX, &self.codex)
            .env(IDLE_SECONDS, seconds.to_string());
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("a program");
        Program(child)
    }

    /// The folders of servers.
    pub fn instances(&self) -> Vec<PathBuf> {
        let folder = self.home.codex_home().join("app-server-shared");
        let versions = fs::read_dir(folder).into_iter().flatten().flatten();
        let entries =
            versions.flat_map(|version| fs::read_dir(version.path()).into_iter().flatten().flatten());
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    }

    /// All processes of the servers: those with the home in their arguments, and all of their groups.
    pub fn processes(&self) -> Vec<Pid> {
        let groups = self.groups();
        all_processes().filter(|pid| group(*pid).is_some_and(|group| groups.contains(&group))).collect()
    }

    /// The processes of the script that keeps the server.
    pub fn keepers(&self) -> Vec<Pid> {
        let is_keeper = |pid: &Pid| {
            let arguments = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            arguments.split(|byte| *byte == 0).any(|argument| argument.ends_with(b"/keeper"))
        };
        self.processes().into_iter().filter(is_keeper).collect()
    }

    fn groups(&self) -> Vec<Pid> {
        let root = self.home.root().to_str().expect("temporary folders have UTF-8 names");
        let is_ours = |pid: &Pid| {
            let arguments = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
            String::from_utf8_lossy(&arguments).contains(root)
        };
        let mut groups: Vec<_> = all_processes().filter(is_ours).filter_map(group).collect();
        groups.retain(|group| *group != rustix::process::getpgrp());
        groups.dedup();
        groups
    }

    /// Waits until there is no process of a server, and no folder.
    pub fn wait_until_nothing_is_left(&self) {
        wait_until("the servers are gone", || self.processes().is_empty() && self.instances().is_empty());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for group in self.groups() {
            // It may have ended meanwhile.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// A client in a process of its own. It is killed when this is dropped.
pub struct Program(Child);

impl Program {
    /// The number of the server that it uses.
    pub fn server(&mut self) -> u32 {
        let mut line = String::new();
        let stdout = self.0.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        line.trim().parse().expect("a number")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().expect("it runs until it is killed");
        self.0.wait().expect("an end");
    }
}

fn all_processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").expect("Linux has it").flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

/// The group of a process; those of the kernel have none.
fn group(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name in parentheses may have anything in it.
    let (_, fields) = stat.rsplit_once(')')?;
    // A process that is ending has -1.
    let group: i32 = fields.split_whitespace().nth(2)?.parse().ok()?;
    Pid::from_raw(group.max(0))
}

pub fn write_program(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("a program");
}

pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The number of a process as the system has it.
pub fn pid(number: u32) -> Pid {
    Pid::from_raw(number.try_into().expect("a small number")).expect("not zero")
}

/// Whether a process runs; one that has ended and was not waited for does not.
pub fn runs(pid: Pid) -> bool {
    fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).is_ok_and(|arguments| !arguments.is_empty())
}
