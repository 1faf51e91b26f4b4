//! The race itself; `cargo xtask bench decode` runs it and prints its table.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result};
use bench_decode::{
    CodexCodes, Derived, Line, Order, Ours, Subject, Untyped, check, recorded, reorder, single,
};
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};

fn main() -> Result<()> {
    let (lines, mut mix) = check(recorded()?)?;
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();

    let (first, last) = (ordered(&lines, Order::TagsFirst)?, ordered(&lines, Order::TagsLast)?);
    let mut to_decode = vec![
        ("decode mix".to_owned(), lines.clone()),
        ("decode mix, tags first".to_owned(), first),
        ("decode mix, tags last".to_owned(), last),
    ];
    for (name, line) in single()? {
        let (kept, _) = check(vec![line])?;
        let bytes: usize = kept.iter().map(|line| line.text.len()).sum();
        to_decode.push((format!("decode one {name} ({bytes} B)"), kept));
    }
    for (name, lines) in to_decode {
        decode_all(&mut criterion, &name, &lines);
        mix.races.push(name);
    }
    // The peer does not write requests of the server.
    let notifications: Vec<Line> = lines.into_iter().filter(|line| !line.is_request).collect();
    let name = "encode notifications of the mix";
    encode_all(&mut criterion, name, &notifications)?;
    mix.races.push(name.to_owned());
    criterion.final_summary();

    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/race.json");
    std::fs::write(path, serde_json::to_string(&mix)?).with_context(|| format!("cannot write {path}"))
}

fn ordered(lines: &[Line], order: Order) -> Result<Vec<Line>> {
    let lines: Result<Vec<Line>> =
        lines.iter().map(|line| Ok(line.with_text(reorder(&line.text, order)?))).collect();
    Ok(check(lines?)?.0)
}

fn group<'c>(criterion: &'c mut Criterion, name: &str, lines: &[Line]) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(lines.iter().map(|line| line.text.len() as u64).sum()));
    group
}

fn decode_all(criterion: &mut Criterion, name: &str, lines: &[Line]) {
    fn decode<S: Subject>(group: &mut BenchmarkGroup<'_, WallTime>, lines: &[Line]) {
        group.bench_function(S::NAME, |bencher| {
            bencher.iter(|| {
                for line in lines {
                    // What is decoded is dropped as well: users do so too.
                    let _ = black_box(S::decode(black_box(line)));
                }
            })
        });
    }
    let mut group = group(criterion, name, lines);
    decode::<Ours>(&mut group, lines);
    decode::<Derived>(&mut group, lines);
    decode::<CodexCodes>(&mut group, lines);
    decode::<Untyped>(&mut group, lines);
    group.finish();
}

fn encode_all(criterion: &mut Criterion, name: &str, lines: &[Line]) -> Result<()> {
    fn encode<S: Subject>(group: &mut BenchmarkGroup<'_, WallTime>, lines: &[Line]) -> Result<()> {
        let messages: Vec<S::Message> = lines.iter().map(S::decode).collect::<Result<_>>()?;
        group.bench_function(S::NAME, |bencher| {
            bencher.iter(|| {
                for message in &messages {
                    let _ = black_box(S::encode(black_box(message)));
                }
            })
        });
        Ok(())
    }
    let mut group = group(criterion, name, lines);
    encode::<Ours>(&mut group, lines)?;
    encode::<Derived>(&mut group, lines)?;
    encode::<CodexCodes>(&mut group, lines)?;
    encode::<Untyped>(&mut group, lines)?;
    group.finish();
    Ok(())
}
