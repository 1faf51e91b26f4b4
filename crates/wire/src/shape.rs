//! The protocol as data: what a value looks like on the wire, for tools that look at JSON without a type.
//!
//! `codex-appserver-shapes` has one [`Shape`] per definition and one [`Method`] per method.

use crate::Release;

/// What a value looks like on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Any JSON value.
    Any,
    /// `true` or `false`.
    Bool,
    /// An integer.
    Integer,
    /// A 64-bit number.
    Double,
    /// A 32-bit number.
    Float,
    /// A string.
    String,
    /// A string with known values, among others.
    Enum(&'static [&'static str]),
    /// An integer with known values, among others.
    IntegerEnum(&'static [i128]),
    /// `true` or `false`, of which this one is known.
    BoolLiteral(bool),
    /// A definition, by its name in the schema.
    Named(&'static str),
    /// A list.
    Array(&'static Shape),
    /// An object with free keys.
    Map(&'static Shape),
    /// The shape, or `null`.
    Nullable(&'static Shape),
    /// An object with known members.
    Object(Object),
    /// Objects told apart by the string in their member `tag`.
    Tagged {
        /// The wire name of that member.
        tag: &'static str,
        /// What stands beside it, by its value.
        arms: &'static [(&'static str, Object)],
    },
    /// Strings, and objects whose single member names the arm.
    External {
        /// The arms that are strings.
        strings: &'static [&'static str],
        /// The arms that are objects, with the shape of their member.
        objects: &'static [(&'static str, Shape)],
    },
    /// Shapes told apart by their JSON type.
    ByType(&'static [Shape]),
    /// Objects told apart by their members.
    ByKeys(&'static [Shape]),
}

/// An object with known members.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Object {
    /// The members.
    pub members: &'static [Member],
    /// Members beyond the known ones are part of the value.
    pub open: bool,
}

/// One member of an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Member {
    /// The name on the wire.
    pub name: &'static str,
    /// Other names that decode.
    pub aliases: &'static [&'static str],
    /// The shape of its value.
    pub shape: Shape,
    /// Whether it has to be there.
    pub required: bool,
    /// The JSON value that an absent member stands for, unless that is `null`.
    pub default: Option<&'static str>,
    /// Absent and `null` mean different things.
    pub distinct_null: bool,
    /// The first release of codex that has it, experimental or not.
    pub since: Release,
}

impl Member {
    /// A member that has to be there.
    pub const fn required(name: &'static str, shape: Shape) -> Self {
        let (aliases, default, since) = (&[], None, Release::OLDEST);
        Self { name, aliases, shape, required: true, default, distinct_null: false, since }
    }

    /// A member that may be absent, or `null` for the same.
    pub const fn optional(name: &'static str, shape: Shape) -> Self {
        Self { required: false, ..Self::required(name, shape) }
    }

    /// The member with other names that decode.
    #[must_use]
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// The member with the JSON value that its absence stands for.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The member with the release that it came with: minor version and patch of 0.x.
    #[must_use]
    pub const fn since(self, minor: u16, patch: u16) -> Self {
        Self { since: Release::new(0, minor, patch), ..self }
    }

    /// The member, absent and `null` being different.
    #[must_use]
    pub const fn distinct_null(self) -> Self {
        Self { distinct_null: true, ..self }
    }
}

/// The kinds of messages that carry a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Client to server, answered.
    ClientRequest,
    /// Server to client, answered.
    ServerRequest,
    /// Server to client.
    ServerNotification,
    /// Client to server.
    ClientNotification,
}

/// One method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Method {
    /// The wire name.
    pub name: &'static str,
    /// Who sends it, and whether it is answered.
    pub kind: Kind,
    /// The `params` member; none where the method has none.
    pub params: Option<Shape>,
    /// The `result` member of the answer; none for a notification.
    pub response: Option<Shape>,
    /// Only the experimental surface has it.
    pub experimental: bool,
    /// The first release of codex that has it, experimental or not.
    pub since: Release,
}
