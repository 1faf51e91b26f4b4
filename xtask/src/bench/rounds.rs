//! Medians, spreads and ratios of a measurement in rounds, as one table.

use std::fmt::Write as _;

use serde::Deserialize;

use super::report::median;

/// All races.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Report {
    races: Vec<Race>,
}

/// What all contenders did.
#[derive(Deserialize)]
struct Race {
    name: String,
    /// What is counted.
    unit: String,
    /// How many of them in a round.
    amount: usize,
    contenders: Vec<Contender>,
}

/// What was measured of one of them: a sample a round, all in the same order.
#[derive(Deserialize)]
struct Contender {
    name: String,
    role: Role,
    one_at_a_time: bool,
    seconds: Vec<f64>,
    cpu_seconds: Vec<f64>,
    lost: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Limit,
    Peer,
    Ours,
}

impl Report {
    /// The table for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for race in &self.races {
            text.push_str(&race.text());
            text.push('\n');
        }
        text.push_str(EXPLANATION);
        text
    }
}

const EXPLANATION: &str = "\
µs each: median of the rounds; spread: fastest and slowest round as parts of it. CPU µs: processor time of
the client's process alone. to limit, to peer: how many times as long as the bare loop and as the fastest
peer of the race it takes, both of the same round; the median of that. lost: sent, but never delivered.
* cannot have more than one call in flight.
Only the ratios count: times differ from machine to machine and from day to day.
";

impl Race {
    fn text(&self) -> String {
        let rounds = self.contenders.first().map_or(0, |contender| contender.seconds.len());
        // Writing to a string does not fail.
        let mut text = format!("{} ({} {} in each of {rounds} rounds)\n", self.name, self.amount, self.unit);
        let _ = writeln!(
            text,
            "{:<26} {:>11} {:>9} {:>13} {:>9} {:>9} {:>9} {:>7}",
            "", "per second", "µs each", "spread", "CPU µs", "to limit", "to peer", "lost"
        );
        let limit = self.contenders.iter().find(|one| one.role == Role::Limit);
        let peer = self.fastest_peer();
        for contender in &self.contenders {
            let time = contender.time();
            let star = if contender.one_at_a_time { "*" } else { "" };
            let (least, most) = contender.spread();
            let _ = writeln!(
                text,
                "{:<26} {:>11.0} {:>9.2} {:>13} {:>9.2} {:>9} {:>9} {:>7}",
                format!("{}{star}", contender.name),
                1.0 / time,
                time * 1e6,
                format!("{least:.2}-{most:.2}"),
                median(contender.cpu_seconds.iter().copied()) * 1e6,
                ratio(contender, limit),
                ratio(contender, peer),
                percent(median(contender.lost.iter().copied())),
            );
        }
        text
    }

    fn fastest_peer(&self) -> Option<&Contender> {
        let peers = self.contenders.iter().filter(|one| one.role == Role::Peer);
        peers.min_by(|a, b| a.time().total_cmp(&b.time()))
    }
}

impl Contender {
    /// Seconds for each.
    fn time(&self) -> f64 {
        median(self.seconds.iter().copied())
    }

    /// The fastest and the slowest round, compared to the median.
    fn spread(&self) -> (f64, f64) {
        let least = self.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        let most = self.seconds.iter().copied().fold(0.0, f64::max);
        let middle = self.time();
        (least / middle, most / middle)
    }
}

/// How many times as long as another it takes: rounds are compared with each other, since what slows a machine
/// down for a while slows down the whole round.
fn ratio(one: &Contender, other: Option<&Contender>) -> String {
    let Some(other) = other else { return "-".to_owned() };
    let rounds = one.seconds.iter().zip(&other.seconds).map(|(one, other)| one / other);
    format!("{:.2}", median(rounds))
}

fn percent(part: f64) -> String {
    if part == 0.0 { "-".to_owned() } else { format!("{:.1} %", part * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contender(name: &str, role: &str, microseconds: [f64; 3], lost: f64) -> serde_json::Value {
        let seconds = microseconds.map(|time| time / 1e6);
        serde_json::json!({
            "name": name, "role": role, "one_at_a_time": role == "peer",
            "seconds": seconds, "cpu_seconds": seconds, "lost": vec![lost; 3],
        })
    }

    /// The line of the table about somebody.
    fn line(contenders: &[serde_json::Value], name: &str) -> String {
        let race =
            serde_json::json!({"name": "calls", "unit": "calls", "amount": 10, "contenders": contenders});
        let report: Report = serde_json::from_value(serde_json::json!([race])).unwrap();
        let text = report.text();
        let line = text.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("{text}")).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ratios_are_taken_within_rounds() {
        // The machine was slow in the second round: no ratio may show it.
        let all = [
            contender("bare", "limit", [1.0, 50.0, 2.0], 0.0),
            contender("slow", "peer", [8.0, 400.0, 16.0], 0.0),
            contender("fast", "peer", [4.0, 200.0, 8.0], 0.0),
            contender("ours", "ours", [2.0, 100.0, 4.0], 0.0),
        ];
        assert_eq!(line(&all, "ours"), "ours 250000 4.00 0.50-25.00 4.00 2.00 0.50 -");
        assert_eq!(line(&all, "bare"), "bare 500000 2.00 0.50-25.00 2.00 1.00 0.25 -");
        assert_eq!(line(&all, "slow"), "slow* 62500 16.00 0.50-25.00 16.00 8.00 2.00 -");
    }

    #[test]
    fn what_is_lost_is_told_and_what_is_missing_too() {
        let all = [contender("sdk", "peer", [1.0, 2.0, 3.0], 0.125)];
        assert_eq!(line(&all, "sdk"), "sdk* 500000 2.00 0.50-1.50 2.00 - 1.00 12.5 %");
    }
}
