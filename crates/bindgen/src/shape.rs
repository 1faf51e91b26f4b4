//! The canonical shapes that every definition of the schema is reduced to.

use crate::load;
use crate::since::Since;

/// What a value looks like on the wire.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Any JSON value.
    Any,
    /// `true` or `false`.
    Bool,
    /// An integer of a given width.
    Integer(IntFormat),
    /// A number; `wide` is 64-bit.
    Number {
        /// `double` rather than `float`.
        wide: bool,
    },
    /// A string without fixed values.
    String,
    /// Another definition.
    Ref(String),
    /// A list.
    Array(Box<Shape>),
    /// An object with free keys.
    Map(Box<Shape>),
    /// The shape, or `null`.
    Nullable(Box<Shape>),
    /// An object with known members.
    Object(Object),
    /// A string with known values.
    StringEnum(Vec<EnumValue>),
    /// An integer with known values.
    IntegerEnum(IntegerEnum),
    /// A boolean of which one value is known.
    BoolLiteral(bool),
    /// Objects told apart by a member with a fixed value.
    Tagged(Tagged),
    /// Strings, and objects whose single member names the arm.
    External(Vec<ExternalArm>),
    /// Arms told apart by JSON type.
    ByType(Vec<Shape>),
    /// Objects told apart by their members; each arm is a definition or an object.
    ByKeys(Vec<KeyArm>),
}

/// An integer with known values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegerEnum {
    /// The format, which unknown values have to fit as well.
    pub format: IntFormat,
    /// The known values in schema order, each once.
    pub values: Vec<IntegerValue>,
}

/// One value of an integer enum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegerValue {
    /// The integer on the wire.
    pub wire: i128,
    /// Only the experimental bundle has it.
    pub experimental: bool,
    /// When it came.
    pub since: Since,
}

/// The integer formats of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IntFormat {
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
}

impl IntFormat {
    /// The least and the greatest value.
    pub fn range(self) -> (i128, i128) {
        match self {
            Self::I8 => (i8::MIN.into(), i8::MAX.into()),
            Self::I16 => (i16::MIN.into(), i16::MAX.into()),
            Self::I32 => (i32::MIN.into(), i32::MAX.into()),
            Self::I64 => (i64::MIN.into(), i64::MAX.into()),
            Self::U8 => (0, u8::MAX.into()),
            Self::U16 => (0, u16::MAX.into()),
            Self::U32 => (0, u32::MAX.into()),
            Self::U64 => (0, u64::MAX.into()),
        }
    }
}

/// An object with known members.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// The members, sorted by wire name.
    pub fields: Vec<Field>,
    /// Exactly one of several members stands beside the others, such as `url` or `fileId`.
    pub choice: Vec<Field>,
    /// Members beyond the known ones are part of the value.
    pub additional: bool,
}

/// What the schema says about something in prose. It is no part of a shape: shapes that differ in it alone are equal.
#[derive(Clone, Debug, Default, Eq)]
pub struct Description {
    /// The text, where it was kept.
    pub text: Option<String>,
    /// Tells whether two texts are the same; none where there is no text.
    pub mark: Option<String>,
}

impl PartialEq for Description {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Description {
    /// What a schema says about itself.
    pub(crate) fn of(schema: &serde_json::Value) -> Self {
        let member = |name: &str| schema.get(name).and_then(serde_json::Value::as_str);
        let text = member("description");
        let mark = match text {
            Some(text) => load::mark(text),
            None => member(load::DESCRIPTION).map(str::to_owned),
        };
        Self { text: text.map(str::to_owned), mark }
    }
}

/// One member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name on the wire.
    pub wire: String,
    /// Other names that are accepted.
    pub aliases: Vec<String>,
    /// The shape of its value.
    pub shape: Shape,
    /// Whether the member has to be there.
    pub required: bool,
    /// The value that an absent member stands for, unless that is `null`.
    pub default: Option<serde_json::Value>,
    /// Absent and `null` mean different things.
    pub distinct_null: bool,
    /// Only the experimental bundle has it.
    pub experimental: bool,
    /// Upstream advises against it.
    pub deprecated: bool,
    /// What upstream says about it.
    pub description: Description,
    /// When it came.
    pub since: Since,
}

/// One value of a string enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumValue {
    /// The string on the wire.
    pub wire: String,
    /// Only the experimental bundle has it.
    pub experimental: bool,
    /// What upstream says about it.
    pub description: Description,
    /// When it came.
    pub since: Since,
}

/// Objects told apart by a member with a fixed value.
#[derive(Clone, Debug, PartialEq)]
pub struct Tagged {
    /// The wire name of that member.
    pub tag: String,
    /// The arms in schema order.
    pub arms: Vec<TaggedArm>,
}

/// One arm of a tagged union.
#[derive(Clone, Debug, PartialEq)]
pub struct TaggedArm {
    /// The value of the tag.
    pub value: String,
    /// The members beside the tag.
    pub object: Object,
    /// Only the experimental bundle has it.
    pub experimental: bool,
    /// Upstream advises against it.
    pub deprecated: bool,
    /// What upstream says about it.
    pub description: Description,
    /// When it came.
    pub since: Since,
}

/// One arm of an externally tagged union.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalArm {
    /// The string, or the name of the single member.
    pub value: String,
    /// The shape of that member's value; none for a plain string.
    pub payload: Option<Shape>,
    /// Only the experimental bundle has it.
    pub experimental: bool,
    /// What upstream says about it.
    pub description: Description,
    /// When it came.
    pub since: Since,
}

/// One arm of a union without a tag.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyArm {
    /// The definition or the object.
    pub shape: Shape,
    /// How the arm, or each arm of a union below it, is recognised.
    pub marks: Vec<Marks>,
    /// When it came.
    pub since: Since,
}

/// What tells an object of one arm from the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Members that have one of a few fixed strings.
    pub literals: Vec<(String, Vec<String>)>,
    /// Members that have one of a few fixed integers or booleans, as JSON text.
    pub fixed: Vec<(String, Vec<String>)>,
    /// Members that have to be there, each by any of its names.
    pub required: Vec<Vec<String>>,
    /// Every known member.
    pub known: Vec<String>,
}

impl Marks {
    /// Whether an object with another value than the fixed ones is one of a newer peer, and kept.
    pub fn is_open(&self) -> bool {
        !self.literals.is_empty() || !self.fixed.is_empty()
    }
}

/// One definition of the schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Its name in the schema.
    pub name: String,
    /// What its values look like.
    pub shape: Shape,
    /// Upstream advises against it.
    pub deprecated: bool,
    /// What upstream says about it.
    pub description: Description,
    /// When it came.
    pub since: Since,
}

impl Shape {
    /// Calls `visit` with every definition this shape refers to, and how.
    pub fn refs<'s>(&'s self, visit: &mut dyn FnMut(&'s str, Edge)) {
        self.refs_by(Edge::default(), visit);
    }

    fn refs_by<'s>(&'s self, edge: Edge, visit: &mut dyn FnMut(&'s str, Edge)) {
        match self {
            Self::Ref(name) => visit(name, edge),
            Self::Array(inner) | Self::Map(inner) | Self::Nullable(inner) => inner.refs_by(edge, visit),
            Self::Object(object) => object.refs_by(edge, visit),
            Self::Tagged(tagged) => {
                for arm in &tagged.arms {
                    arm.object.refs_by(edge.arm(arm.experimental), visit);
                }
            }
            Self::External(arms) => {
                for arm in arms {
                    if let Some(payload) = &arm.payload {
                        payload.refs_by(edge.arm(arm.experimental), visit);
                    }
                }
            }
            Self::ByType(arms) => arms.iter().for_each(|arm| arm.refs_by(edge, visit)),
            Self::ByKeys(arms) => arms.iter().for_each(|arm| arm.shape.refs_by(edge, visit)),
            Self::Any
            | Self::Bool
            | Self::Integer(_)
            | Self::Number { .. }
            | Self::String
            | Self::StringEnum(_)
            | Self::IntegerEnum(_)
            | Self::BoolLiteral(_) => {}
        }
    }
}

impl Object {
    fn refs_by<'s>(&'s self, edge: Edge, visit: &mut dyn FnMut(&'s str, Edge)) {
        for field in self.fields.iter().chain(&self.choice) {
            field.shape.refs_by(edge.field(field.experimental), visit);
        }
    }
}

/// How a definition is reached from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// Through an experimental member, which is always compiled.
    pub experimental_field: bool,
    /// Through an experimental arm, which the feature gates.
    pub experimental_arm: bool,
}

impl Edge {
    fn field(self, experimental: bool) -> Self {
        Self { experimental_field: self.experimental_field || experimental, ..self }
    }

    fn arm(self, experimental: bool) -> Self {
        Self { experimental_arm: self.experimental_arm || experimental, ..self }
    }
}
