//! The trace in a scenario.

use codex_appserver_record::replay::{Session, Trace};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A session of a trace; in JSON the name of the trace and its lines.
#[derive(Clone, Debug)]
pub(super) struct Recorded(pub(super) Session);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    lines: Vec<String>,
}

impl Recorded {
    fn text(&self) -> Text {
        let lines = self.0.to_trace().lines().map(str::to_owned).collect();
        Text { name: self.0.trace_name().to_owned(), lines }
    }
}

impl PartialEq for Recorded {
    fn eq(&self, other: &Self) -> bool {
        (self.0.trace_name(), self.0.to_trace()) == (other.0.trace_name(), other.0.to_trace())
    }
}

impl Serialize for Recorded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Recorded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text { name, lines } = Text::deserialize(deserializer)?;
        let trace = Trace::read(name, lines.join("\n").as_bytes());
        trace.and_then(Trace::into_session).map(Self).map_err(D::Error::custom)
    }
}
