//! Our own model of the Rust items that come out: what they are, not yet how they are written.

use crate::model::Home;
use crate::shape::{IntFormat, Marks};

/// One Rust type.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The Rust name.
    pub name: String,
    /// The definition it comes from; an arm's struct comes from its union.
    pub definition: String,
    /// The crate it goes into.
    pub home: Home,
    /// The module within a crate of payloads, from the first method that names it.
    pub group: Option<String>,
    /// Whether the feature `experimental` gates it.
    pub gated: bool,
    /// Doc lines.
    pub docs: Vec<String>,
    /// What it is.
    pub kind: ItemKind,
}

/// The kinds of Rust types.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// Another name for a type.
    Alias(RustType),
    /// An open enum of strings.
    StringEnum(Vec<StringVariant>),
    /// An open enum of integers.
    IntegerEnum(IntFormat, Vec<IntegerVariant>),
    /// A struct.
    Struct(Struct),
    /// An enum; which kind of union it is decides its codec.
    Union(Union),
}

/// A value of a string enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringVariant {
    /// The Rust name, unescaped.
    pub name: String,
    /// The string on the wire.
    pub wire: String,
    /// Doc lines.
    pub docs: Vec<String>,
}

/// A value of an integer enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegerVariant {
    /// The Rust name.
    pub name: String,
    /// The integer on the wire.
    pub wire: i128,
    /// Doc lines.
    pub docs: Vec<String>,
}

/// A struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// Its members.
    pub fields: Vec<FieldItem>,
    /// One of several members, as a field of an enum type.
    pub choice: Option<ChoiceField>,
    /// Keeps unknown members, because the schema says that they belong to the value.
    pub additional: bool,
    /// The client writes it: it has `new` and setters.
    pub written: bool,
    /// The tag of the union it is an arm of; an arm has no codec of its own.
    pub arm_tag: Option<String>,
}

impl Struct {
    /// The members that have to be given, in the order they are arguments: the thread, the turn and the
    /// item that a call is about, then other ids, then the rest by name.
    pub fn required(&self) -> Vec<&FieldItem> {
        let rank = |field: &FieldItem| match field.name.as_str() {
            "thread_id" => 0,
            "turn_id" => 1,
            "item_id" => 2,
            name if name == "id" || name.ends_with("_id") => 3,
            _ => 4,
        };
        let mut required: Vec<&FieldItem> = self
            .fields
            .iter()
            .filter(|field| matches!(field.presence, Presence::Required | Presence::Nullable))
            .collect();
        required.sort_by_key(|field| (rank(field), field.name.as_str()));
        required
    }

    /// The members that have a setter.
    pub fn settable(&self) -> impl Iterator<Item = &FieldItem> {
        self.fields.iter().filter(|field| {
            matches!(field.presence, Presence::Optional | Presence::Patch | Presence::Default(_))
        })
    }
}

/// A member of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldItem {
    /// The Rust name, unescaped.
    pub name: String,
    /// The name on the wire.
    pub wire: String,
    /// Other names that decode.
    pub aliases: Vec<String>,
    /// The type, without the `Option` or `Patch` that the presence adds.
    pub ty: RustType,
    /// Whether and how it may be missing.
    pub presence: Presence,
    /// The only boolean that the schema allows, where it allows one.
    pub literal: Option<bool>,
    /// Its `Debug` output is redacted.
    pub secret: bool,
    /// Doc lines.
    pub docs: Vec<String>,
}

/// Whether and how a member may be missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Presence {
    /// There.
    Required,
    /// There, possibly `null`: an `Option` that is always written.
    Nullable,
    /// Absent or `null`: an `Option` that is written when set.
    Optional,
    /// Absent stands for this value, and it is always written.
    Default(serde_json::Value),
    /// Absent and `null` differ.
    Patch,
}

/// A field that is one of several members.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceField {
    /// The Rust name, unescaped.
    pub name: String,
    /// The enum.
    pub enum_name: String,
    /// The members, the first of those present wins.
    pub arms: Vec<ChoiceArm>,
}

/// One of several members.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceArm {
    /// The variant.
    pub variant: String,
    /// The name on the wire.
    pub wire: String,
    /// The type of its value.
    pub ty: RustType,
}

/// An enum.
#[derive(Clone, Debug, PartialEq)]
pub struct Union {
    /// How arms are told apart.
    pub kind: UnionKind,
    /// The arms.
    pub variants: Vec<Variant>,
    /// Members that every arm has, with their field.
    pub shared: Vec<FieldItem>,
}

/// How the arms of a union are told apart.
#[derive(Clone, Debug, PartialEq)]
pub enum UnionKind {
    /// By this member.
    Tagged(String),
    /// By a string, or by the single member of an object.
    External,
    /// By JSON type.
    ByType,
    /// By members.
    ByKeys,
    /// By which member of its parent is there; has no codec of its own.
    Choice,
}

/// An arm.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The Rust name, unescaped.
    pub name: String,
    /// The tag, the string or the member on the wire; the JSON type of a by-type arm.
    pub wire: String,
    /// What it holds.
    pub payload: Option<RustType>,
    /// How an arm without a tag is recognised.
    pub marks: Vec<Marks>,
    /// Whether the feature `experimental` gates it.
    pub gated: bool,
    /// Doc lines.
    pub docs: Vec<String>,
}

/// A Rust type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RustType {
    Bool,
    Int(IntFormat),
    F32,
    F64,
    String,
    /// Any JSON value.
    Json,
    /// An object with free keys and any values.
    JsonMap,
    Vec(Box<RustType>),
    Map(Box<RustType>),
    Option(Box<RustType>),
    Boxed(Box<RustType>),
    /// An item of this or another generated crate.
    Named(String),
    /// The same, an enum of integers.
    Integers(String),
    /// A type of `codex-appserver-wire`.
    Wire(&'static str),
}

impl RustType {
    /// The item that this type is made of, however it holds it.
    pub(crate) fn named(&self) -> Option<&str> {
        match self {
            Self::Named(name) | Self::Integers(name) => Some(name),
            Self::Vec(inner) | Self::Map(inner) | Self::Option(inner) | Self::Boxed(inner) => inner.named(),
            _ => None,
        }
    }

    /// The item that a value of this type holds directly, without an allocation between.
    pub fn by_value(&self) -> Option<&str> {
        match self {
            Self::Named(name) | Self::Integers(name) => Some(name),
            Self::Option(inner) => inner.by_value(),
            _ => None,
        }
    }

    /// The same type, the item it holds directly put into a `Box`.
    #[must_use]
    pub fn boxed(self) -> Self {
        match self {
            Self::Option(inner) => Self::Option(Box::new(inner.boxed())),
            other => Self::Boxed(Box::new(other)),
        }
    }
}
