//! Two times: what passed, and what the processors worked for this process, the server left out.

use std::time::Instant;

/// A time that was taken, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    /// On the wall.
    pub wall: f64,
    /// Of all threads of this process, in user and system mode. Where the system does not tell, nothing.
    pub cpu: f64,
}

/// Times that are being taken.
pub struct Clock {
    start: Instant,
    cpu: f64,
}

impl Clock {
    /// Starts both.
    pub fn start() -> Self {
        Self { cpu: cpu_seconds(), start: Instant::now() }
    }

    /// What they show now.
    pub fn stop(&self) -> Times {
        let wall = self.start.elapsed().as_secs_f64();
        Times { wall, cpu: cpu_seconds() - self.cpu }
    }
}

impl Times {
    /// The share of each of `n`.
    pub fn each(self, n: usize) -> Self {
        Self { wall: self.wall / n as f64, cpu: self.cpu / n as f64 }
    }
}

impl std::ops::AddAssign for Times {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

#[cfg(unix)]
fn cpu_seconds() -> f64 {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(not(unix))]
fn cpu_seconds() -> f64 {
    0.0
}
