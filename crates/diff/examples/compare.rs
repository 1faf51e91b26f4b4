//! Prints the findings between two schema files, and how long the comparison took:
//! `cargo run --release -p codex-appserver-diff --example compare -- OLD.json NEW.json`.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use codex_appserver_bindgen::model::Model;
use codex_appserver_bindgen::{Config, Generator, Schema, Source};
use codex_appserver_diff::{Options, compare};

fn model(name: &str) -> Result<Model, Box<dyn Error>> {
    let bytes = std::fs::read(name)?;
    let schema = Schema::from_any(&Source { name, bytes: &bytes }, None)?;
    Ok(Generator::new(Config::default(), schema).model()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [old, new] = &files[..] else { return Err("expected two schema files".into()) };
    let (old, new) = (model(old)?, model(new)?);
    let start = Instant::now();
    let comparison = compare(&old, &new, &Options::default());
    let took = start.elapsed();
    let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in &comparison.findings {
        *rules.entry(&finding.rule).or_default() += 1;
        println!(
            "{:?}/{:?}/{:?} {} {} [{} method(s)] {}",
            finding.wire.old_client.level,
            finding.wire.new_client.level,
            finding.source,
            finding.rule,
            finding.message,
            finding.reach.len(),
            finding.reach.first().map_or("", |reach| &reach.witness),
        );
    }
    for (rule, count) in rules {
        eprintln!("{count:5} {rule}");
    }
    eprintln!("{} findings in {took:?}", comparison.findings.len());
    Ok(())
}
