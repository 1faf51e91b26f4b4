//! The files that a test and the stand-in of its codex share.
//!
//! `codex` is the program: a script that starts the stand-in. `order` is the newest order, `fired-N` says where order N was
//! carried out, and `run-N` is the journal of a server process. A process that is killed leaves them complete up to its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::point::Order;

#[derive(Clone, Debug)]
pub(super) struct Folder(PathBuf);

/// Where an order was carried out.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fired {
    pub(super) run: usize,
    pub(super) number: usize,
}

impl Folder {
    pub(super) fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The program that stands in for codex.
    pub(super) fn program(&self) -> PathBuf {
        self.0.join("codex")
    }

    /// Where the real codex of a run listens. It is not beside the socket of the stand-in: who keeps that folder may want
    /// to remove it.
    pub(super) fn socket(&self, run: usize) -> PathBuf {
        self.0.join(format!("{run}.sock"))
    }

    /// Writes the newest order, at once as a whole.
    pub(super) fn order(&self, order: &Order) -> io::Result<()> {
        let new = self.0.join("order.new");
        fs::write(&new, serde_json::to_vec(order)?)?;
        fs::rename(new, self.0.join("order"))
    }

    /// The newest order, if any.
    pub(super) fn newest_order(&self) -> Option<Order> {
        serde_json::from_slice(&fs::read(self.0.join("order")).ok()?).ok()
    }

    /// Notes that an order is carried out. False: it was before.
    pub(super) fn fire(&self, order: usize, fired: &Fired) -> io::Result<bool> {
        match OpenOptions::new().write(true).create_new(true).open(self.fired_path(order)) {
            Ok(mut file) => file.write_all(&serde_json::to_vec(fired)?).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Where an order was carried out.
    pub(super) fn fired(&self, order: usize) -> Option<Fired> {
        serde_json::from_slice(&fs::read(self.fired_path(order)).ok()?).ok()
    }

    fn fired_path(&self, order: usize) -> PathBuf {
        self.0.join(format!("fired-{order}"))
    }

    /// A new journal, and the number of its run.
    pub(super) fn add_run(&self) -> io::Result<(usize, File)> {
        for run in 1.. {
            match OpenOptions::new().append(true).create_new(true).open(self.run_path(run)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => return other.map(|file| (run, file)),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The journal of a run. None: there was no such run.
    pub(super) fn run(&self, run: usize) -> Option<Vec<u8>> {
        fs::read(self.run_path(run)).ok()
    }

    fn run_path(&self, run: usize) -> PathBuf {
        self.0.join(format!("run-{run}"))
    }
}
