//! Finds or installs the `codex` binary and asks it for its version and its JSON Schema.
//!
//! Start from [`Installer`] to have npm fetch a version into a cache folder, or from [`Codex::find`] to use
//! one that is already there: the path it is given, the variable `CODEX_BIN`, `PATH`, what `npx` keeps, npm's
//! global packages, in this order ([`Search`] has the details). [`Codex::at`] and [`Codex::on_path`] look in one
//! place only. All calls block.
//!
//! ```no_run
//! use codex_appserver_runtime::{Installer, Surface};
//!
//! # fn main() -> Result<(), codex_appserver_runtime::Error> {
//! let codex = Installer::new(".cache")
//!     .progress(|event| eprintln!("{event}"))
//!     .install("0.150.0")?;
//! let schema: Vec<u8> = codex.json_schema(Surface::Stable)?;
//! # Ok(())
//! # }
//! ```

mod codex;
mod error;
mod install;
mod layout;
mod process;
mod progress;
mod search;
mod version;
mod wrapper;

pub use codex::{Codex, Surface};
pub use error::Error;
pub use install::Installer;
pub use progress::Progress;
pub use search::Search;
