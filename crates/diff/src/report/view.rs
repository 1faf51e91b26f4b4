//! What the templates print: findings with their texts cut to pieces that need no further thought.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::words::{
    first_methods, left_out as left_out_sentence, left_out_levels, message, methods, plain, shapes, witnesses,
};
use crate::verdict::{Gate, Skew};
use crate::waivers::row;
use crate::{Comparison, Counts, Finding, Level, Reach, Verdict};

/// What may stand in an `id` and behind `#` as it is.
const FRAGMENT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A finding for a template.
pub(super) struct View<'c> {
    pub(super) finding: &'c Finding,
    /// Its position in the page, by which the sections of methods refer to it.
    pub(super) number: usize,
    pub(super) message: Vec<Words>,
    /// What stands between the place and the message on one line.
    pub(super) lead: &'static str,
    pub(super) methods: Vec<&'c str>,
    /// A few of the methods, and how many more there are.
    pub(super) first: Vec<&'c str>,
    pub(super) more: usize,
    pub(super) witnesses: Vec<&'c Reach>,
    /// One line each, with the sign of a diff.
    pub(super) shapes: Vec<String>,
    /// Both ways in which versions meet, with what happens.
    pub(super) skews: [(&'static str, &'c Verdict); 2],
    /// The row that accepts the finding, if the comparison fails for it.
    pub(super) row: Option<String>,
}

/// What `--uses` left out, for a template.
pub(super) struct LeftOutView {
    pub(super) sentence: String,
    pub(super) levels: [(&'static str, Counts); 3],
    pub(super) methods: Vec<String>,
    pub(super) types: Vec<String>,
    pub(super) unknown: Vec<String>,
}

impl LeftOutView {
    pub(super) fn of(comparison: &Comparison) -> Option<Self> {
        let left_out = comparison.left_out.as_ref()?;
        Some(Self {
            sentence: left_out_sentence(left_out),
            levels: left_out_levels(left_out),
            methods: left_out.methods.clone(),
            types: left_out.types.clone(),
            unknown: left_out.unknown.clone(),
        })
    }
}

/// A piece of a sentence: prose, or the name of something.
pub(super) struct Words {
    pub(super) code: bool,
    pub(super) text: String,
}

/// A method with the findings that reach it.
pub(super) struct MethodView<'v, 'c> {
    pub(super) name: &'c str,
    pub(super) kinds: Vec<&'c str>,
    pub(super) worst: Level,
    pub(super) rows: Vec<MethodRow<'v, 'c>>,
}

/// A finding in the section of a method.
pub(super) struct MethodRow<'v, 'c> {
    pub(super) view: &'v View<'c>,
    /// The ways there from this method, where they are more than its name.
    pub(super) witnesses: Vec<&'c str>,
}

impl<'c> View<'c> {
    /// `few` is how many methods are named where there is little room.
    pub(super) fn new(
        finding: &'c Finding,
        comparison: &Comparison,
        gate: Gate,
        number: usize,
        few: usize,
    ) -> Self {
        let (lead, text) = message(finding);
        let (first, more) = first_methods(finding, few);
        let shapes = shapes(finding).into_iter().map(|(sign, shape)| format!("{sign} {}", plain(shape)));
        Self {
            finding,
            number,
            message: words(&text),
            lead,
            methods: methods(finding),
            first,
            more,
            witnesses: witnesses(finding)
                .into_iter()
                .filter(|reach| reach.witness != finding.place)
                .collect(),
            shapes: shapes.collect(),
            skews: [Skew::OldClient, Skew::NewClient].map(|skew| (skew.as_str(), finding.verdict(skew))),
            row: gate.offers_row(finding).then(|| row(comparison, finding)),
        }
    }

    /// The `id` of the finding in the page.
    pub(super) fn anchor(&self) -> String {
        format!("finding/{}", utf8_percent_encode(&self.finding.fingerprint, &FRAGMENT))
    }

    /// The method, where the finding is about nothing else.
    pub(super) fn whole_method(&self) -> Option<&'c str> {
        match &self.finding.reach[..] {
            [only] if only.witness == self.finding.place => Some(&only.method),
            _ => None,
        }
    }

    /// The worst of all verdicts.
    pub(super) fn worst(&self) -> Level {
        self.finding.worst()
    }
}

impl MethodView<'_, '_> {
    /// The `id` of the method's section.
    pub(super) fn anchor(&self) -> String {
        method_anchor(self.name)
    }
}

pub(super) fn method_anchor(name: &str) -> String {
    format!("method/{}", utf8_percent_encode(name, &FRAGMENT))
}

/// Every method that a finding reaches, by name.
pub(super) fn by_method<'c: 'v, 'v>(views: impl Iterator<Item = &'v View<'c>>) -> Vec<MethodView<'v, 'c>> {
    let mut methods: BTreeMap<&'c str, MethodView<'v, 'c>> = BTreeMap::new();
    for view in views {
        for reach in &view.finding.reach {
            let name = reach.method.as_str();
            let method = methods.entry(name).or_insert_with(|| MethodView::new(name));
            method.add(view, reach);
        }
    }
    methods.into_values().collect()
}

impl<'v, 'c> MethodView<'v, 'c> {
    fn new(name: &'c str) -> Self {
        Self { name, kinds: Vec::new(), worst: Level::Safe, rows: Vec::new() }
    }

    fn add(&mut self, view: &'v View<'c>, reach: &'c Reach) {
        if !self.kinds.contains(&reach.kind.as_str()) {
            self.kinds.push(&reach.kind);
        }
        self.worst = self.worst.max(view.worst());
        // A method that is reached both ways has the finding once.
        if self.rows.last().is_none_or(|row| row.view.number != view.number) {
            self.rows.push(MethodRow { view, witnesses: Vec::new() });
        }
        if let Some(row) = self.rows.last_mut().filter(|_| reach.witness != self.name) {
            row.witnesses.push(&reach.witness);
        }
    }
}

/// The pieces of a sentence in which backticks mark the names.
pub(super) fn words(message: &str) -> Vec<Words> {
    let pieces = message.split('`').enumerate();
    let pieces = pieces.map(|(index, text)| Words { code: index % 2 == 1, text: text.to_owned() });
    pieces.filter(|words| !words.text.is_empty()).collect()
}
