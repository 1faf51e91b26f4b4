//! Takes the time of child processes.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

/// Linux reports process times in these, on every platform that Rust has.
const TICKS_PER_SECOND: f64 = 100.0;

/// What is counted as time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// User and system time of all child processes that have ended, and of theirs.
    CpuSeconds,
    /// Time on the wall, where the system does not tell the other in a file.
    WallSeconds,
}

impl Clock {
    /// The best clock this system has.
    pub fn best() -> Self {
        match children_cpu_seconds() {
            Ok(_) => Self::CpuSeconds,
            Err(_) => Self::WallSeconds,
        }
    }

    /// How the unit is called in a sentence.
    pub fn unit(self) -> &'static str {
        match self {
            Self::CpuSeconds => "CPU seconds",
            Self::WallSeconds => "wall-clock seconds",
        }
    }

    /// Times work that runs one child process after another and waits for each.
    pub fn time<T>(self, work: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
        match self {
            Self::WallSeconds => {
                let start = Instant::now();
                let value = work()?;
                Ok((start.elapsed().as_secs_f64(), value))
            }
            Self::CpuSeconds => {
                let before = children_cpu_seconds()?;
                let value = work()?;
                Ok((children_cpu_seconds()? - before, value))
            }
        }
    }
}

fn children_cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("cannot read /proc/self/stat")?;
    parse_children(&stat).context("/proc/self/stat has no times of children")
}

/// The sum of `cutime` and `cstime`: fields 16 and 17. The name in field 2 may hold spaces and brackets.
fn parse_children(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(13);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) as f64 / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::parse_children;

    #[test]
    fn children_are_found_behind_any_name() {
        let rest = "R 1 7 7 0 -1 4194304 93 20 0 0 11 12 1300 45 20 0 1 0 9 1 1";
        assert_eq!(parse_children(&format!("7 (xtask) {rest}")), Some(13.45));
        assert_eq!(parse_children(&format!("7 (a) b) {rest}")), Some(13.45));
        assert_eq!(parse_children("7 (xtask) R 1"), None);
    }
}
