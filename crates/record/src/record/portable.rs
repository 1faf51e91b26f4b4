//! Streams and the end of the command where there is no `poll`: reading blocks, and a peer that is gone is
//! noticed at the next write.

use std::io::{self, PipeReader, Read, Write};
use std::process::ExitStatus;

pub(super) type Input = Box<dyn Read + Send>;
pub(super) type Output = Box<dyn Write + Send>;

/// The four ends of the two directions.
pub(super) struct Streams {
    pub(super) from_client: Input,
    pub(super) to_client: Output,
    pub(super) from_child: Input,
    pub(super) to_child: Output,
}

impl std::fmt::Debug for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Streams")
    }
}

impl Streams {
    pub(super) fn take(child: &mut std::process::Child) -> io::Result<Self> {
        let (Some(to_child), Some(from_child)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the command has no pipes"));
        };
        Ok(Self {
            from_client: Box::new(io::stdin()),
            to_client: Box::new(io::stdout()),
            from_child: Box::new(from_child),
            to_child: Box::new(to_child),
        })
    }
}

#[derive(PartialEq, Eq)]
pub(super) enum Ready {
    Read,
}

pub(super) fn ready(_: &Input, _: &Output, _: Option<&PipeReader>) -> Ready {
    Ready::Read
}

pub(super) fn write_all(output: &mut Output, bytes: &[u8]) -> io::Result<()> {
    output.write_all(bytes)?;
    output.flush()
}

#[derive(Clone)]
pub(super) struct Child;

impl Child {
    pub(super) fn new(_: &std::process::Child) -> Self {
        Self
    }

    pub(super) fn wait(&self, child: &mut std::process::Child) -> io::Result<ExitStatus> {
        child.wait()
    }
}

/// There is nothing to pass on: a Ctrl-C reaches every process of the console.
#[derive(Debug)]
pub(super) struct Signals;

impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) fn pass_to(self, _: Child, _: impl FnMut() + Send + 'static) {}
}

pub(super) fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(2)
}
