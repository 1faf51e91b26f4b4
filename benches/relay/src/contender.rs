//! The programs that take part.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program between standard input and output and a Unix socket.
#[derive(Debug)]
pub struct Contender {
    pub name: &'static str,
    pub speaks: Speaks,
    program: PathBuf,
    arguments: fn(&str) -> Vec<OsString>,
}

/// What it speaks on the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    Bytes,
    WebSocket,
}

impl Contender {
    /// Those that are installed. The peers are first: others are compared with them.
    pub fn all(relay: &Path) -> Vec<Self> {
        let contender = |name, speaks, program: &Path, arguments| {
            let program = program.to_owned();
            Self { name, speaks, program, arguments }
        };
        let all = vec![
            contender("socat", Speaks::Bytes, Path::new("socat"), |path| {
                vec!["-".into(), format!("UNIX-CONNECT:{path}").into()]
            }),
            contender("socat -b 262144", Speaks::Bytes, Path::new("socat"), |path| {
                vec!["-b".into(), "262144".into(), "-".into(), format!("UNIX-CONNECT:{path}").into()]
            }),
            contender("codex-relay --raw", Speaks::Bytes, relay, |path| {
                vec!["--raw".into(), format!("unix://{path}").into()]
            }),
            contender("websocat", Speaks::WebSocket, Path::new("websocat"), |path| {
                let options = ["-t", "-E", "-B", "262144", "--ws-c-uri=ws://localhost/", "-"];
                options.map(OsString::from).into_iter().chain([format!("ws-c:unix:{path}").into()]).collect()
            }),
            contender("codex-relay", Speaks::WebSocket, relay, |path| vec![format!("unix://{path}").into()]),
        ];
        all.into_iter().filter(Self::is_installed).collect()
    }

    fn is_installed(&self) -> bool {
        let mut command = Command::new(&self.program);
        let option = if self.name.starts_with("socat") { "-V" } else { "--version" };
        let found = command.arg(option).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        if !found {
            eprintln!("{} is not installed, and takes no part", self.name);
        }
        found
    }

    /// The command that connects to a socket.
    pub fn command(&self, socket: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args((self.arguments)(&socket.to_string_lossy()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        command
    }
}
