//! The rules: one per kind of change and, where it matters who writes the place, per writer. Everything about
//! a rule is said here once: its verdicts, its page in `docs/rules.md`, its part of a finding's sentence.

mod fields;
mod methods;
mod stability;
mod unions;
mod values;
mod waive;

use crate::change::{Change, Raw};
use crate::finding::{Direction, Level, Skews, Verdict, Wire};

pub use crate::finding::Judged;

/// What a kind of change means.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The name findings carry, such as `request-param-required-added`.
    pub id: &'static str,
    /// What has changed, in a few words.
    pub title: &'static str,
    /// What has changed, exactly.
    pub what: &'static str,
    /// Why it is judged as it is.
    pub why: &'static str,
    /// One change that the rule is about.
    pub example: &'static str,
    /// When a finding may be waived.
    pub waive: &'static str,
    /// The rule of the opposite change.
    pub mirror: Mirror,
    /// The kind of change.
    pub change: Change,
    /// Who writes the place; none where it does not matter.
    pub written: Option<Written>,
    /// The verdict on Rust code, where a finding has no reason of its own to differ.
    pub source: Level,
    /// The verdict on the bytes between a client of the old version and a server of the new one.
    pub old_client: Judged,
    /// The verdict on the bytes between a client of the new version and a server of the old one.
    pub new_client: Judged,
}

const fn safe(text: &'static str) -> Judged {
    Judged { level: Level::Safe, text }
}

const fn dangerous(text: &'static str) -> Judged {
    Judged { level: Level::Dangerous, text }
}

const fn breaking(text: &'static str) -> Judged {
    Judged { level: Level::Breaking, text }
}

/// The rule that a comparison the other way round applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// The rule of this id.
    Rule(&'static str),
    /// There is none, for this reason.
    None(&'static str),
}

/// Who writes what has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Written {
    /// The client.
    ByClient,
    /// The server.
    ByServer,
}

/// Every rule, by topic.
pub static RULES: &[Rule] = &ALL;

const TOPICS: [&[Rule]; 5] =
    [&fields::RULES, &values::RULES, &unions::RULES, &methods::RULES, &stability::RULES];

const COUNT: usize = fields::RULES.len()
    + values::RULES.len()
    + unions::RULES.len()
    + methods::RULES.len()
    + stability::RULES.len();

static ALL: [Rule; COUNT] = {
    let mut all = [fields::RULES[0]; COUNT];
    let (mut topic, mut next) = (0, 0);
    while topic < TOPICS.len() {
        let mut index = 0;
        while index < TOPICS[topic].len() {
            all[next] = TOPICS[topic][index];
            (index, next) = (index + 1, next + 1);
        }
        topic += 1;
    }
    all
};

/// The rule of an id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// The rule of a change in what one side writes. A test holds that there is one for each.
pub(crate) fn find(change: Change, written: Written) -> &'static Rule {
    let applies = |rule: &&Rule| rule.change == change && rule.written.is_none_or(|side| side == written);
    RULES.iter().find(applies).unwrap_or(&RULES[0])
}

/// What a change means in what one side writes.
#[derive(Clone, Copy, Debug)]
struct OneSided {
    rule: &'static Rule,
    wire: Skews,
    source: Level,
}

/// What a change means.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    pub(crate) rule: &'static Rule,
    pub(crate) wire: Wire,
    pub(crate) source: Level,
}

/// The verdicts on the wire of a change in what one side writes.
pub(crate) fn wire(raw: &Raw, written: Written) -> Skews {
    let rule = find(raw.change, written);
    match (raw.wire, written) {
        (None, _) => Skews { old_client: rule.old_client, new_client: rule.new_client },
        (Some([skews, _]), Written::ByClient) | (Some([_, skews]), Written::ByServer) => skews,
    }
}

fn one_sided(raw: &Raw, written: Written) -> OneSided {
    let rule = find(raw.change, written);
    let source = raw.source.map_or(rule.source, |(level, _)| level);
    OneSided { rule, wire: wire(raw, written), source }
}

/// Where both sides write the place, the worse verdict counts on each axis and for each skew, and the rule is
/// that of the side whose verdict on old clients is the worse one.
pub(crate) fn judge(raw: &Raw, direction: Direction) -> Judgement {
    let of_one = |written| {
        let OneSided { rule, wire, source } = one_sided(raw, written);
        let alone = |judged: Judged| Verdict { level: judged.level, text: judged.text.to_owned() };
        let wire = Wire { old_client: alone(wire.old_client), new_client: alone(wire.new_client) };
        Judgement { rule, wire, source }
    };
    match direction {
        Direction::ClientWrites => of_one(Written::ByClient),
        Direction::ClientReads => of_one(Written::ByServer),
        Direction::Both => {
            let (written, read) = (one_sided(raw, Written::ByClient), one_sided(raw, Written::ByServer));
            let badness = |side: &OneSided| (side.wire.old_client.level, side.source);
            let rule = if badness(&read) > badness(&written) { read.rule } else { written.rule };
            let wire = Wire {
                old_client: worse(written.wire.old_client, read.wire.old_client),
                new_client: worse(written.wire.new_client, read.wire.new_client),
            };
            Judgement { rule, wire, source: written.source.max(read.source) }
        }
    }
}

/// The worse of two verdicts, with both reasons where they are equally bad.
fn worse(one: Judged, other: Judged) -> Verdict {
    let level = one.level.max(other.level);
    let mut texts: Vec<&str> =
        [one, other].iter().filter(|judged| judged.level == level).map(|judged| judged.text).collect();
    texts.dedup();
    Verdict { level, text: texts.join("; ") }
}
