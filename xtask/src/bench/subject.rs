//! What the compile-time benchmark measures: crates, profiles and samples.

use serde::Serialize;

/// What cargo does with the crates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// `cargo check`.
    Check,
    /// `cargo build`.
    Debug,
    /// `cargo build --release`.
    Release,
}

impl Profile {
    /// All of them, the fastest first.
    pub const ALL: [Self; 3] = [Self::Check, Self::Debug, Self::Release];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }

    /// The verb of cargo.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Debug | Self::Release => "build",
        }
    }

    /// The profile of cargo.
    pub fn cargo_profile(self) -> &'static str {
        match self {
            Self::Check | Self::Debug => "dev",
            Self::Release => "release",
        }
    }
}

/// What is measured: the crates of a library, and a consumer of it.
#[derive(Debug)]
pub struct Subject {
    /// The name in tables.
    pub name: &'static str,
    /// The package below `benches/build` whose library is the crates and whose example is the consumer.
    pub package: &'static str,
    /// The features of that package.
    pub features: &'static str,
    /// The crates whose time counts.
    pub crates: &'static [&'static str],
    /// The library target of the package.
    pub library: &'static str,
    /// The example of the package.
    pub consumer: &'static str,
    /// The part of the peer's time that it should stay below; not for `check`.
    pub goal: Option<f64>,
}

const OURS: &[&str] = &[
    "codex-appserver-wire",
    "codex-appserver-enums",
    "codex-appserver-types",
    "codex-appserver-requests",
    "codex-appserver-notifications",
    "codex-appserver-methods",
];

/// The peer, which all others are compared to.
pub const PEER: Subject = Subject {
    name: "codex-codes 0.166.4",
    package: "bench-codex-codes",
    features: "",
    crates: &["codex-codes"],
    library: "codex_codes_library",
    consumer: "codex_codes_consumer",
    goal: None,
};

/// The stable surface of the generated crates.
pub const STABLE: Subject = Subject {
    name: "ours, stable",
    package: "bench-ours",
    features: "",
    crates: OURS,
    library: "ours_library",
    consumer: "ours_consumer",
    goal: Some(0.25),
};

/// Their experimental surface.
pub const EXPERIMENTAL: Subject =
    Subject { name: "ours, experimental", features: "experimental", goal: Some(0.5), ..STABLE };

/// What one measurement took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    /// Seconds for the library crates.
    pub library: f64,
    /// Seconds for the consumer.
    pub consumer: f64,
}
