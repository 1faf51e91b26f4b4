//! Kill points: hits the real `codex app-server` by SIGKILL or SIGSTOP at a chosen message.
//!
//! A *kill point* is a message that passes between a client and the server, and the moment [before](Moment::Before) it
//! is delivered or [after](Moment::After). A program that supervises its app-server has to go on from each of them.
//!
//! [`KillPoints`] makes a program that stands in for the codex binary. It starts the real codex, passes all messages in
//! both directions, JSON lines on standard input and output or WebSocket messages on the Unix socket of `--listen
//! unix://PATH`, numbers them, and delivers the hit. All other arguments, such as `--version`, are left to the real codex.
//!
//! Record a run without a hit first. It tells the numbers and the names of the points:
//!
//! ```no_run
//! use codex_appserver_testkit::kill_points::{Hit, KillPoints, Moment};
//!
//! # fn main() -> std::io::Result<()> {
//! # let (program, codex) = ("kill-points", "codex");
//! let points = KillPoints::new(program, codex)?;
//! // Give `points.program()` to the client as the codex binary, and run a turn. Then:
//! for message in points.messages() {
//!     println!("{message}"); // as in `#7 to the server: turn/start`
//! }
//! // The next server is killed instead of delivering its answer to `turn/start`; the servers after it are not.
//! points.hit("answer to turn/start", Moment::Before, Hit::Kill)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What a client sees
//!
//! * After SIGKILL: what a killed codex leaves. The stand-in kills the real codex, waits for its end, and kills itself:
//!   no closing handshake, no exit code, and a socket file that nothing listens on.
//! * After SIGSTOP: a process that is stopped. Both processes are, so that streams stay open, the kernel still takes new
//!   connections, SIGTERM has no effect, and SIGKILL has. SIGCONT to the stand-in lets both go on.
//!
//! The real codex never outlives the stand-in: a small shell process waits for the stand-in's end and kills what is left.
//!
//! # Numbers
//!
//! Messages are numbered from 1 in each server process, in the order in which they arrive at the stand-in. Two messages
//! may swap their numbers from one run to the next, as the server's threads and the client happen to be fast. A
//! [name](Point::Named) stays. Frames of WebSocket that are no messages (ping, pong, close) have no number.

mod checkpoint;
mod folder;
mod frames;
mod journal;
mod lines;
mod name;
mod passed;
mod point;
mod points;
mod process;
mod program;
mod server;
mod socket;

pub use passed::{Direction, Kind, Passed};
pub use point::{Hit, Moment, Point};
pub use points::KillPoints;
pub use program::main;
