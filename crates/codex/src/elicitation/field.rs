//! A field of a form: what it takes, and how a line of text becomes its value.

mod display;

use codex_appserver_methods::protocol::{
    McpElicitationEnumSchema as Enum, McpElicitationMultiSelectEnumSchema as MultiSelect,
    McpElicitationNumberType, McpElicitationPrimitiveSchema as Schema,
    McpElicitationSingleSelectEnumSchema as SingleSelect, McpElicitationStringFormat,
};
use serde_json::Value;

use super::form::FormError;

/// A field of a [`Form`](crate::Form).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Field {
    /// The name of its value.
    pub name: String,
    /// What to call it before people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether the form needs a value for it.
    pub required: bool,
    /// The value that it has unless the user says otherwise.
    pub default: Option<Value>,
    /// What it takes.
    pub kind: FieldKind,
}

/// What a [`Field`] takes. `Display` says it to people, as in `a whole number of at least 0`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FieldKind {
    /// A text; the lengths are in characters.
    #[non_exhaustive]
    Text {
        /// What the text is to be, such as an email address. The SDK does not check it.
        format: Option<McpElicitationStringFormat>,
        /// The least length.
        min_length: Option<u32>,
        /// The greatest length.
        max_length: Option<u32>,
    },
    /// A number.
    #[non_exhaustive]
    Number {
        /// Whether it has to be whole.
        whole: bool,
        /// The least value.
        minimum: Option<f64>,
        /// The greatest value.
        maximum: Option<f64>,
    },
    /// Yes or no.
    YesNo,
    /// One of these.
    OneOf(Vec<Choice>),
    /// Any of these.
    #[non_exhaustive]
    Several {
        /// What there is to choose from.
        choices: Vec<Choice>,
        /// How many have to be chosen.
        min_items: Option<u64>,
        /// How many may be chosen.
        max_items: Option<u64>,
    },
    /// Something that this version does not know, as the schema has it. No value passes for it.
    Unrecognized(Value),
}

/// One of several values of a [`Field`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The value.
    pub value: String,
    /// What to call it before people, where that is something else.
    pub title: Option<String>,
}

impl Field {
    pub(super) fn new(name: String, schema: &Schema, required: bool) -> Self {
        let (title, description, default, kind) = match schema {
            Schema::String(text) => {
                let (format, min_length, max_length) =
                    (text.format.clone(), text.min_length, text.max_length);
                let kind = FieldKind::Text { format, min_length, max_length };
                (&text.title, &text.description, text.default.clone().map(Value::from), kind)
            }
            Schema::Number(number) => {
                let whole = number.r#type == McpElicitationNumberType::Integer;
                let kind = FieldKind::Number { whole, minimum: number.minimum, maximum: number.maximum };
                (&number.title, &number.description, number.default.map(|value| count(value, whole)), kind)
            }
            Schema::Boolean(flag) => {
                (&flag.title, &flag.description, flag.default.map(Value::from), FieldKind::YesNo)
            }
            Schema::Enum(Enum::SingleSelect(SingleSelect::Untitled(one))) => {
                let kind = FieldKind::OneOf(plain(&one.r#enum));
                (&one.title, &one.description, one.default.clone().map(Value::from), kind)
            }
            Schema::Enum(Enum::SingleSelect(SingleSelect::Titled(one))) => {
                let kind = FieldKind::OneOf(
                    one.one_of.iter().map(|option| titled(&option.r#const, &option.title)).collect(),
                );
                (&one.title, &one.description, one.default.clone().map(Value::from), kind)
            }
            Schema::Enum(Enum::LegacyTitled(one)) => {
                let titles = one.enum_names.as_deref().unwrap_or_default();
                let title = |at: usize| titles.get(at).cloned();
                let choices = one.r#enum.iter().enumerate();
                let choices = choices.map(|(at, value)| Choice { value: value.clone(), title: title(at) });
                let kind = FieldKind::OneOf(choices.collect());
                (&one.title, &one.description, one.default.clone().map(Value::from), kind)
            }
            Schema::Enum(Enum::MultiSelect(several)) => match &**several {
                MultiSelect::Untitled(several) => {
                    let choices = plain(&several.items.r#enum);
                    let (min_items, max_items) = (several.min_items, several.max_items);
                    let kind = FieldKind::Several { choices, min_items, max_items };
                    (&several.title, &several.description, several.default.clone().map(Value::from), kind)
                }
                MultiSelect::Titled(several) => {
                    let options = several.items.any_of.iter();
                    let choices = options.map(|option| titled(&option.r#const, &option.title)).collect();
                    let (min_items, max_items) = (several.min_items, several.max_items);
                    let kind = FieldKind::Several { choices, min_items, max_items };
                    (&several.title, &several.description, several.default.clone().map(Value::from), kind)
                }
                other => (&None, &None, None, unrecognized(other)),
            },
            other => (&None, &None, None, unrecognized(other)),
        };
        let (title, description) = (title.clone(), description.clone());
        Self { name, title, description, required, default, kind }
    }

    /// Whether what the user types should be hidden: a text of the format `password`, or one that is named like a secret,
    /// such as `api_key`. A server cannot say so in a standard form, so the name has to do.
    pub fn is_secret(&self) -> bool {
        const WORDS: [&str; 7] = ["apikey", "passcode", "passphrase", "password", "pin", "secret", "token"];
        let FieldKind::Text { format, .. } = &self.kind else { return false };
        let names = [Some(&self.name), self.title.as_ref()];
        format.as_ref().is_some_and(|format| format.as_str() == "password")
            || names.into_iter().flatten().any(|name| {
                let words = words(name);
                let pairs = words.windows(2).map(<[_]>::concat);
                words.iter().cloned().chain(pairs).any(|word| WORDS.contains(&&*word))
            })
    }

    /// The value that a line of text stands for: `yes` or `no`, a number, a choice by its value, its title or its number
    /// from 1, several choices with commas between. Text is taken as it is.
    ///
    /// # Errors
    ///
    /// The field does not take it.
    pub fn parse(&self, text: &str) -> Result<Value, FormError> {
        let word = text.trim();
        let value = match &self.kind {
            FieldKind::Text { .. } => Some(Value::from(text)),
            FieldKind::Number { whole: true, .. } => word.parse::<i64>().ok().map(Value::from),
            FieldKind::Number { .. } => word.parse::<f64>().ok().map(Value::from),
            FieldKind::YesNo => match word.to_lowercase().as_str() {
                "y" | "yes" | "true" => Some(Value::Bool(true)),
                "n" | "no" | "false" => Some(Value::Bool(false)),
                _ => None,
            },
            FieldKind::OneOf(choices) => find(choices, word).map(Value::from),
            FieldKind::Several { choices, .. } => {
                let words = word.split(',').map(str::trim).filter(|word| !word.is_empty());
                words.map(|word| find(choices, word)).collect::<Option<Vec<_>>>().map(Value::from)
            }
            FieldKind::Unrecognized(_) => None,
        };
        let value = value.ok_or_else(|| self.invalid())?;
        self.check(&value).map(|()| value)
    }

    /// Whether the field takes this value.
    ///
    /// # Errors
    ///
    /// It does not.
    pub fn check(&self, value: &Value) -> Result<(), FormError> {
        let fits = |count: u64, min: Option<u64>, max: Option<u64>| {
            min.is_none_or(|min| count >= min) && max.is_none_or(|max| count <= max)
        };
        let takes = match &self.kind {
            FieldKind::Text { min_length, max_length, .. } => value.as_str().is_some_and(|text| {
                let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
                fits(length, min_length.map(u64::from), max_length.map(u64::from))
            }),
            FieldKind::Number { whole, minimum, maximum } => value.as_f64().is_some_and(|number| {
                (!whole || value.is_i64() || value.is_u64())
                    && minimum.is_none_or(|minimum| number >= minimum)
                    && maximum.is_none_or(|maximum| number <= maximum)
            }),
            FieldKind::YesNo => value.is_boolean(),
            FieldKind::OneOf(choices) => is_choice(choices, value),
            FieldKind::Several { choices, min_items, max_items } => value.as_array().is_some_and(|chosen| {
                let count = u64::try_from(chosen.len()).unwrap_or(u64::MAX);
                let again = (1..chosen.len()).any(|at| chosen[..at].contains(&chosen[at]));
                !again
                    && fits(count, *min_items, *max_items)
                    && chosen.iter().all(|value| is_choice(choices, value))
            }),
            FieldKind::Unrecognized(_) => false,
        };
        if takes { Ok(()) } else { Err(self.invalid()) }
    }

    fn invalid(&self) -> FormError {
        FormError::Invalid { field: self.name.clone(), expected: self.kind.to_string() }
    }
}

/// The words of a name, in small letters: `apiKey`, `api_key` and `API key` are the same two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut follows_small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && follows_small) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_lowercase());
        }
        follows_small = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A number of a schema, whole where the field is.
fn count(value: f64, whole: bool) -> Value {
    // Beyond these a double is no exact integer.
    let exact = whole && value.fract() == 0.0 && value.abs() < 9e15;
    #[allow(clippy::cast_possible_truncation, reason = "checked before")]
    if exact { Value::from(value as i64) } else { Value::from(value) }
}

fn plain(values: &[String]) -> Vec<Choice> {
    values.iter().map(|value| Choice { value: value.clone(), title: None }).collect()
}

fn titled(value: &str, title: &str) -> Choice {
    Choice { value: value.to_owned(), title: Some(title.to_owned()) }
}

fn unrecognized(schema: &impl codex_appserver_client::wire::Serialize) -> FieldKind {
    FieldKind::Unrecognized(serde_json::to_value(schema).unwrap_or_default())
}

fn find(choices: &[Choice], word: &str) -> Option<String> {
    let by_value = choices.iter().find(|choice| choice.value == word);
    let by_title = || choices.iter().find(|choice| choice.title.as_deref() == Some(word));
    let by_number = || choices.get(word.parse::<usize>().ok()?.checked_sub(1)?);
    by_value.or_else(by_title).or_else(by_number).map(|choice| choice.value.clone())
}

fn is_choice(choices: &[Choice], value: &Value) -> bool {
    choices.iter().any(|choice| *value == *choice.value)
}

#[cfg(test)]
mod tests;
