//! The rules: one per kind of change and, where it matters who writes the place, per writer. Everything about
//! a rule is said here once: its verdicts, its page in `docs/rules.md`, its part of a finding's sentence.

mod fields;
mod methods;
mod stability;
mod unions;
mod values;
mod waive;

use crate::change::{Change, Raw};
use crate::finding::{Direction, Level};

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
    /// The verdict on the bytes of deployed peers.
    pub wire: Level,
    /// The verdict on Rust code, where a finding has no reason of its own to differ.
    pub source: Level,
    /// What it means to somebody who uses the place, as the second half of a sentence.
    pub consequence: &'static str,
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

/// What a change means, given who writes the place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) rule: &'static Rule,
    pub(crate) wire: Level,
    pub(crate) source: Level,
}

/// What a change means in what one side writes.
pub(crate) fn verdict(raw: &Raw, written: Written) -> Verdict {
    let rule = find(raw.change, written);
    let wire = match (raw.wire, written) {
        (None, _) => rule.wire,
        (Some([level, _]), Written::ByClient) | (Some([_, level]), Written::ByServer) => level,
    };
    Verdict { rule, wire, source: raw.source.map_or(rule.source, |(level, _)| level) }
}

/// Where both sides write the place, the worse verdict counts on each axis, and the rule is that of the
/// worse one.
pub(crate) fn judge(raw: &Raw, direction: Direction) -> Verdict {
    match direction {
        Direction::ClientWrites => verdict(raw, Written::ByClient),
        Direction::ClientReads => verdict(raw, Written::ByServer),
        Direction::Both => {
            let (written, read) = (verdict(raw, Written::ByClient), verdict(raw, Written::ByServer));
            let worse =
                if (read.wire, read.source) > (written.wire, written.source) { read } else { written };
            Verdict {
                rule: worse.rule,
                wire: written.wire.max(read.wire),
                source: written.source.max(read.source),
            }
        }
    }
}
