//! The table of steps: what each tier checks, in the order in which it runs.

use super::call::{Call, Cargo, cargo, default_tests, offline_tests, tests, tool};
use super::tier::Tier;

/// The crates whose code is another one without the feature `experimental`.
const WITHOUT_EXPERIMENTAL: &str =
    "-p codex-appserver -p codex-appserver-client -p codex-appserver-trace -p codex-appserver-tests";

/// What selects xtask, which is in a workspace of its own.
pub const XTASK: &str = "--manifest-path xtask/Cargo.toml";

/// How long each fuzz target runs.
const FUZZ_SECONDS: u32 = 60;

/// A named list of calls.
pub struct Step {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it checks, in a few words.
    pub about: &'static str,
    /// The first tier that runs it.
    pub tier: Tier,
    calls: Vec<Call>,
    /// What the full tier calls as well.
    full: Vec<Call>,
}

impl Step {
    /// A step that calls the same in every tier.
    pub fn new(name: &'static str, tier: Tier, about: &'static str, calls: Vec<Call>) -> Self {
        Self { name, about, tier, calls, full: Vec::new() }
    }

    /// What the full tier calls after the calls of the default tier.
    fn in_full(mut self, calls: Vec<Call>) -> Self {
        self.full = calls;
        self
    }

    /// What the step calls in a tier.
    pub fn calls(&self, tier: Tier) -> impl Iterator<Item = &Call> {
        self.calls.iter().chain(if tier == Tier::Full { &self.full[..] } else { &[] })
    }
}

/// Every step. Those of the default tier that are over soon come first: they fail first.
pub fn steps() -> Vec<Step> {
    vec![
        Step::new("fmt", Tier::Default, "formatting", fmt()),
        Step::new(
            "codegen",
            Tier::Default,
            "the generated crates are what codegen makes of the schema",
            vec![cargo("run --quiet --manifest-path xtask/Cargo.toml -- codegen --check").into()],
        ),
        Step::new("clippy", Tier::Default, "lints, with all features", clippy())
            .in_full(clippy_of_other_features()),
        Step::new(
            "doc",
            Tier::Default,
            "docs without warnings",
            vec![doc("--workspace --all-features").into()],
        ),
        Step::new(
            "tests",
            Tier::Default,
            "unit, snapshot, doc and workspace tests, with all features",
            vec![tests("--workspace --all-features"), offline_tests(XTASK)],
        )
        .in_full(vec![default_tests(WITHOUT_EXPERIMENTAL)]),
        Step::new("tiers", Tier::Default, "no test has vanished from its tier", vec![Call::Tiers]),
        Step::new(
            "downstream",
            Tier::Default,
            "crates that depend on the SDK as users do: without tokio, and as it comes",
            vec![downstream("test", "blocking-only").into(), downstream("test", "full-async").into()],
        )
        .in_full(vec![
            downstream("test", "types-only").into(),
            downstream("build", "types-only").platform("wasm32-unknown-unknown").into(),
        ]),
        Step::new(
            "loads",
            Tier::Full,
            "the loads on the client in full size, in release mode",
            vec![offline_tests(
                "-p codex-appserver-client --all-features --release --test loads --test process",
            )],
        ),
        Step::new(
            "bench",
            Tier::Full,
            "the decode, client and relay benchmarks build, agree with their peers on every message, and run",
            vec![
                cargo("run --quiet --manifest-path xtask/Cargo.toml -- bench decode --quick").into(),
                cargo("run --quiet --manifest-path xtask/Cargo.toml -- bench client --quick").into(),
                cargo("run --quiet --manifest-path xtask/Cargo.toml -- bench relay --quick").into(),
            ],
        ),
        Step::new(
            "package",
            Tier::Full,
            "every publishable crate packages and builds from its package",
            vec![
                cargo("package --quiet --workspace --exclude codex-appserver-tests --allow-dirty")
                    .fresh_target()
                    .into(),
            ],
        ),
        Step::new("deny", Tier::Full, "licences, sources and bans of all dependencies", deny()),
        Step::new(
            "typos",
            Tier::Full,
            "spelling",
            vec![tool("typos", "typos --version", "cargo install --locked typos-cli")],
        ),
        Step::new(
            "book",
            Tier::Full,
            "the guide builds as a book",
            vec![tool("mdbook build docs/guide", "mdbook --version", "cargo install --locked mdbook")],
        ),
        Step::new(
            "fuzz",
            Tier::Full,
            "each fuzz target for a minute",
            ["wire", "diff", "trace"].map(fuzz).into(),
        ),
        Step::new(
            "compatibility",
            Tier::Full,
            "docs/compatibility.md says what the bindings make of installed codex versions",
            vec![tool(
                "cargo run --quiet -p codex-appserver-tests --features experimental --example compatibility \
                 -- --check",
                "npm --version",
                "install Node.js 20 or newer",
            )],
        ),
        Step::new(
            "portable",
            Tier::Named,
            "what CI runs on macOS and Windows: unit tests, and the clients against the scripted server",
            portable(),
        ),
    ]
}

fn fmt() -> Vec<Call> {
    let others = [
        "xtask",
        "tests/downstream/types-only",
        "tests/downstream/blocking-only",
        "tests/downstream/full-async",
        "tests/fuzz",
    ];
    let others =
        others.map(|folder| cargo(&format!("fmt --manifest-path {folder}/Cargo.toml --check")).into());
    std::iter::once(cargo("fmt --all --check").into()).chain(others).collect()
}

fn lint(select: &str) -> Call {
    cargo(&format!("clippy --quiet {select} -- -D warnings")).into()
}

fn clippy() -> Vec<Call> {
    [
        "--workspace --all-targets --all-features",
        "--manifest-path xtask/Cargo.toml --all-targets",
        // Without `experimental`, and with OS threads alone.
        "-p codex-appserver --lib --no-default-features --features blocking",
    ]
    .map(lint)
    .into()
}

fn clippy_of_other_features() -> Vec<Call> {
    [
        "--workspace --all-targets",
        "-p codex-appserver-client --lib --no-default-features --features blocking,ws",
        "-p codex-appserver-client --lib --no-default-features --features blocking",
        "-p codex-appserver-client --lib --no-default-features --features async,ws",
        "-p codex-appserver-client --lib --no-default-features",
        "-p codex-appserver --lib --no-default-features",
        "-p codex-appserver --lib --no-default-features --features async",
        "-p codex-appserver --lib --no-default-features --features structured",
    ]
    .map(lint)
    .into()
}

fn doc(select: &str) -> Cargo {
    cargo(&format!("doc --quiet --no-deps {select}")).env("RUSTDOCFLAGS", "-D warnings")
}

/// The crates below `tests/downstream` share a target folder.
fn downstream(verb: &str, name: &str) -> Cargo {
    let manifest = format!("tests/downstream/{name}/Cargo.toml");
    cargo(&format!("{verb} --quiet --manifest-path {manifest} --target-dir target/downstream"))
}

fn deny() -> Vec<Call> {
    ["Cargo.toml", "xtask/Cargo.toml"]
        .map(|manifest| {
            tool(
                format!("cargo deny --manifest-path {manifest} --all-features check bans licenses sources"),
                "cargo deny --version",
                "cargo install --locked cargo-deny",
            )
        })
        .into()
}

fn fuzz(target: &str) -> Call {
    tool(
        format!("cargo +nightly fuzz run --fuzz-dir tests/fuzz {target} -- -max_total_time={FUZZ_SECONDS}"),
        "cargo +nightly fuzz --version",
        "rustup toolchain install nightly && cargo install --locked cargo-fuzz",
    )
}

fn portable() -> Vec<Call> {
    vec![
        cargo("build --quiet --workspace --all-targets --all-features").into(),
        offline_tests("--workspace --exclude codex-appserver-tests --all-features --lib"),
        offline_tests(
            "-p codex-appserver-client --all-features \
             --test behaviour --test faults --test handlers --test tasks --test threads",
        ),
        offline_tests("-p codex-appserver --all-features --test scripted"),
    ]
}
