//! Generates Rust bindings from the Codex app-server JSON Schema.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use codex_appserver_bindgen::{Config, Generator, Schema, Source};
//!
//! let bytes = std::fs::read("codex_app_server_protocol.schemas.json")?;
//! let source = Source { name: "codex_app_server_protocol.schemas.json", bytes: &bytes };
//! let schema = Schema::from_any(&source, None)?.with_codex_version("0.150.0");
//! for (path, bytes) in Generator::new(Config::default(), schema).run()?.files {
//!     println!("{path}: {} bytes", bytes.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The modules are the stages, in the order the data takes: [`load`], `normalise`, [`model`], [`lower`],
//! `crosscheck`, `codecs`, `emit`. [`vectors`] makes test values from the model.

mod boxes;
mod candidates;
mod codecs;
mod crosscheck;
mod decision;
mod emit;
mod error;
mod generator;
pub mod history;
pub mod load;
pub mod lower;
pub mod model;
pub mod names;
mod normalise;
mod rows;
pub mod shape;
mod since;
mod tables;
mod typescript;
pub mod vectors;

pub use boxes::Boxes;
pub use candidates::{Candidate, candidates};
pub use codecs::Codecs;
pub use decision::Decision;
pub use emit::Layout;
pub use error::{Error, Result};
pub use generator::{Config, Generator, Output, Summary};
pub use load::{Prose, Schema, Source};
pub use tables::{TableSources, Tables};
pub use typescript::TypeScript;
