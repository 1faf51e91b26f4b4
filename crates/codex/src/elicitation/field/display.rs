//! What a field takes, in words for people.

use std::fmt;

use super::{Choice, FieldKind};

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.title {
            Some(title) if *title != self.value => write!(f, "{title} ({})", self.value),
            _ => f.write_str(&self.value),
        }
    }
}

impl fmt::Display for FieldKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { format, min_length, max_length } => {
                match format {
                    Some(format) => write!(f, "a text of the format {format}")?,
                    None => f.write_str("a text")?,
                }
                limits(f, min_length.as_ref(), max_length.as_ref(), " characters")
            }
            Self::Number { whole, minimum, maximum } => {
                f.write_str(if *whole { "a whole number" } else { "a number" })?;
                limits(f, minimum.as_ref(), maximum.as_ref(), "")
            }
            Self::YesNo => f.write_str("yes or no"),
            Self::OneOf(choices) => list(f, "one of ", choices),
            Self::Several { choices, min_items, max_items } => {
                list(f, "any of ", choices)?;
                limits(f, min_items.as_ref(), max_items.as_ref(), " of them")
            }
            Self::Unrecognized(_) => f.write_str("something that this version does not know"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, what: &str, choices: &[Choice]) -> fmt::Result {
    let choices: Vec<_> = choices.iter().map(ToString::to_string).collect();
    write!(f, "{what}{}", choices.join(", "))
}

fn limits<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    min: Option<&T>,
    max: Option<&T>,
    unit: &str,
) -> fmt::Result {
    match (min, max) {
        (Some(min), Some(max)) => write!(f, ", {min} to {max}{unit}"),
        (Some(min), None) => write!(f, ", at least {min}{unit}"),
        (None, Some(max)) => write!(f, ", at most {max}{unit}"),
        (None, None) => Ok(()),
    }
}
