//! JSON lines on standard input and output.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::Arc;
use std::thread;

use super::checkpoint::{Checkpoint, Count};
use super::passed::Direction;

/// Standard input and output are one connection.
const CONNECTION: usize = 1;

/// Starts to pass lines in both directions; `answering` counts the threads that read codex.
pub(super) fn pass(
    checkpoint: &Arc<Checkpoint>,
    (input, output): (File, File),
    (stdin, stdout): (ChildStdin, ChildStdout),
    answering: &Arc<Count>,
) -> io::Result<()> {
    let (to_server, to_client) = (checkpoint.clone(), checkpoint.clone());
    let thread = |name: &str| thread::Builder::new().name(name.to_owned());
    // The end of either stream closes the other one.
    thread("to server").spawn(move || pump(&to_server, Direction::ToServer, input, stdin))?;
    let counted = answering.enter();
    thread("to client").spawn(move || {
        let _counted = counted;
        pump(&to_client, Direction::ToClient, stdout, output);
    })?;
    Ok(())
}

fn pump(checkpoint: &Checkpoint, direction: Direction, input: impl Read, mut output: impl Write) {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        let deliver = || output.write_all(&line).and_then(|()| output.flush());
        // Its peer is gone.
        if checkpoint.pass(CONNECTION, direction, &line, deliver).is_err() {
            return;
        }
        line.clear();
    }
}
