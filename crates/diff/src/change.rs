//! What can change between two protocols, before anybody asks whom it concerns.

use crate::finding::{Level, Skews};
use crate::path::Path;

/// The kinds of changes. Together with who writes the place, each makes one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is explained by its rule")]
pub enum Change {
    RequiredAdded,
    RequiredRemoved,
    OptionalAdded,
    OptionalRemoved,
    BecameRequired,
    BecameOptional,
    DefaultAdded,
    DefaultRemoved,
    DefaultChanged,
    FreeMembersAdded,
    FreeMembersRemoved,
    BecameNullable,
    BecameNonNull,
    TypeChanged,
    Widened,
    Narrowed,
    Represented,
    TypeRenamed,
    EnumOpened,
    EnumClosed,
    ValueAdded,
    ValueRemoved,
    ArmAdded,
    ArmRemoved,
    UntaggedArmAdded,
    UntaggedArmRemoved,
    RequestAdded,
    RequestRemoved,
    NotificationAdded,
    NotificationRemoved,
    ServerRequestAdded,
    ServerRequestRemoved,
    ClientNotificationAdded,
    ClientNotificationRemoved,
    MethodRenamed,
    BecameStable,
    BecameExperimental,
    BecameDeprecated,
    NoLongerDeprecated,
    DescriptionChanged,
}

impl Change {
    /// What a comparison the other way round calls it.
    pub fn opposite(self) -> Self {
        PAIRS
            .iter()
            .find_map(|(one, other)| match self {
                change if change == *one => Some(*other),
                change if change == *other => Some(*one),
                _ => None,
            })
            .unwrap_or(self)
    }
}

impl Change {
    /// Whether the new type takes what the old one did not, and the other way round.
    pub(crate) fn extent(self) -> Extent {
        let (widens, narrows) = match self {
            Self::RequiredRemoved
            | Self::BecameOptional
            | Self::BecameNullable
            | Self::Widened
            | Self::EnumOpened
            | Self::ValueAdded
            | Self::ArmAdded
            | Self::UntaggedArmAdded => (true, false),
            Self::TypeChanged => (true, true),
            Self::RequiredAdded
            | Self::BecameRequired
            | Self::BecameNonNull
            | Self::Narrowed
            | Self::EnumClosed
            | Self::ValueRemoved
            | Self::ArmRemoved
            | Self::UntaggedArmRemoved => (false, true),
            _ => (false, false),
        };
        Extent { widens, narrows }
    }
}

/// How the values of a type grow and shrink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) widens: bool,
    pub(crate) narrows: bool,
}

/// Changes that undo each other; whatever is not here undoes itself.
const PAIRS: [(Change, Change); 17] = [
    (Change::RequiredAdded, Change::RequiredRemoved),
    (Change::OptionalAdded, Change::OptionalRemoved),
    (Change::BecameRequired, Change::BecameOptional),
    (Change::DefaultAdded, Change::DefaultRemoved),
    (Change::FreeMembersAdded, Change::FreeMembersRemoved),
    (Change::BecameNullable, Change::BecameNonNull),
    (Change::Widened, Change::Narrowed),
    (Change::EnumOpened, Change::EnumClosed),
    (Change::ValueAdded, Change::ValueRemoved),
    (Change::ArmAdded, Change::ArmRemoved),
    (Change::UntaggedArmAdded, Change::UntaggedArmRemoved),
    (Change::RequestAdded, Change::RequestRemoved),
    (Change::NotificationAdded, Change::NotificationRemoved),
    (Change::ServerRequestAdded, Change::ServerRequestRemoved),
    (Change::ClientNotificationAdded, Change::ClientNotificationRemoved),
    (Change::BecameStable, Change::BecameExperimental),
    (Change::BecameDeprecated, Change::NoLongerDeprecated),
];

/// A change at a place, before its verdict.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Raw {
    /// The way from the definition or the method to what changed.
    pub(crate) path: Path,
    pub(crate) change: Change,
    /// What was there, in one line.
    pub(crate) old: Option<String>,
    /// What is there now, in one line.
    pub(crate) new: Option<String>,
    /// The verdicts on WIRE where the client writes and where it reads, if one type replaces another.
    pub(crate) wire: Option<[Skews; 2]>,
    /// What differs inside, if one type replaces another.
    pub(crate) inside: Vec<String>,
    /// The verdict on SOURCE where it differs from the rule's, and why.
    pub(crate) source: Option<(Level, &'static str)>,
}

impl Raw {
    pub(crate) fn new(path: Path, change: Change, old: Option<String>, new: Option<String>) -> Self {
        Self { path, change, old, new, wire: None, inside: Vec::new(), source: None }
    }

    pub(crate) fn with_source(mut self, level: Level, why: &'static str) -> Self {
        self.source = Some((level, why));
        self
    }
}
