//! What is noted about a server process while it runs.

use std::fs::File;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::folder::Folder;
use super::passed::Passed;
use super::process::Seen;

/// A line of a journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Entry {
    /// The process that stands in for codex, the real codex, and what ends that after the stand-in.
    Started { stand_in: Seen, codex: Seen, watcher: Seen },
    /// A message, before it is delivered.
    Passed(Passed),
    /// The message with this number was delivered.
    Delivered(usize),
}

/// The processes of a run.
#[derive(Clone, Debug)]
pub(super) struct Processes {
    pub(super) stand_in: Seen,
    pub(super) codex: Seen,
    pub(super) watcher: Seen,
}

impl Processes {
    pub(super) fn all(self) -> [Seen; 3] {
        [self.stand_in, self.codex, self.watcher]
    }
}

/// Writes the journal of this run. Each entry is one write, so that SIGKILL leaves no half of it.
#[derive(Debug)]
pub(super) struct Journal(File);

impl Journal {
    pub(super) fn new(file: File) -> Self {
        Self(file)
    }

    pub(super) fn started(&self, processes: Processes) -> io::Result<()> {
        let Processes { stand_in, codex, watcher } = processes;
        self.write(&Entry::Started { stand_in, codex, watcher })
    }

    pub(super) fn passed(&self, passed: Passed) -> io::Result<()> {
        self.write(&Entry::Passed(passed))
    }

    pub(super) fn delivered(&self, number: usize) -> io::Result<()> {
        self.write(&Entry::Delivered(number))
    }

    fn write(&self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        (&self.0).write_all(&line)
    }
}

/// What the journal of a run says.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) processes: Option<Processes>,
    pub(super) messages: Vec<Passed>,
}

impl Run {
    /// The runs so far, in the order of their starts.
    pub(super) fn all(folder: &Folder) -> Vec<Self> {
        (1..).map_while(|run| folder.run(run)).map(|journal| Self::read(&journal)).collect()
    }

    fn read(journal: &[u8]) -> Self {
        let mut run = Self::default();
        // The last line may be in the making.
        let entries =
            journal.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        for entry in entries {
            match entry {
                Entry::Started { stand_in, codex, watcher } => {
                    run.processes = Some(Processes { stand_in, codex, watcher });
                }
                Entry::Passed(passed) => run.messages.push(passed),
                Entry::Delivered(number) => {
                    if let Some(passed) = run.messages.get_mut(number.saturating_sub(1)) {
                        passed.delivered = true;
                    }
                }
            }
        }
        run
    }
}
