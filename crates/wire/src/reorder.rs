//! Moves the tags of a JSON text to the front of their objects, at every level at once, so that what reads
//! the text again needs one pass however deep the late tags are.

use memchr::memchr2;

/// serde_json refuses deeper nesting; text that is read again starts to count anew, so it is checked here.
pub(crate) const MAX_DEPTH: usize = 127;

/// The tags that are worth looking for below the top level. Any other late tag is found by its own union.
const TAGS: [&[u8]; 1] = [b"\"type\""];

/// Why a text was not copied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It nests deeper than serde_json reads.
    TooDeep,
    /// It is no JSON.
    Malformed,
}

/// Appends the value, `levels` of nesting below the top, with its tags in front.
/// The text is known to be JSON; what is not is refused or copied, never worse.
pub(crate) fn push(out: &mut String, text: &str, levels: usize) -> Result<(), Refused> {
    let mut copy = Copy { text, at: 0, copied: 0, out };
    copy.space();
    copy.value(levels)?;
    copy.space();
    if copy.at < text.len() {
        return Err(Refused::Malformed);
    }
    copy.copy_to(text.len())
}

/// Reads from `at` on; what it has read is copied in one go where the next tag has to move, and at the end.
struct Copy<'t, 'o> {
    text: &'t str,
    at: usize,
    copied: usize,
    out: &'o mut String,
}

impl<'t> Copy<'t, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refused> {
        if self.peek() != Some(byte) {
            return Err(Refused::Malformed);
        }
        self.at += 1;
        Ok(())
    }

    fn copy_to(&mut self, end: usize) -> Result<(), Refused> {
        self.out.push_str(self.text.get(self.copied..end).ok_or(Refused::Malformed)?);
        self.copied = end;
        Ok(())
    }

    fn value(&mut self, levels: usize) -> Result<(), Refused> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'{' | b'[') if levels >= MAX_DEPTH => Err(Refused::TooDeep),
            Some(b'{') => self.object(levels + 1),
            Some(b'[') => self.array(levels + 1),
            Some(_) => {
                while !matches!(self.peek(), None | Some(b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t')) {
                    self.at += 1;
                }
                Ok(())
            }
            None => Err(Refused::Malformed),
        }
    }

    /// A string; returns it with its quotes.
    fn string(&mut self) -> Result<&'t [u8], Refused> {
        let start = self.at;
        self.expect(b'"')?;
        let bytes = self.text.as_bytes();
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let found = memchr2(b'"', b'\\', rest).ok_or(Refused::Malformed)?;
            self.at += found + 1;
            if rest[found] == b'"' {
                return Ok(&bytes[start..self.at]);
            }
            // Whatever is escaped ends neither the string nor the escape.
            self.at += 1;
        }
    }

    fn array(&mut self, levels: usize) -> Result<(), Refused> {
        self.items(b'[', b']', |copy, _| copy.value(levels))
    }

    fn object(&mut self, levels: usize) -> Result<(), Refused> {
        // Where the first member is going to stand.
        let first = self.out.len() + (self.at - self.copied) + 1;
        // After a first tag, or a name that may spell one with escapes, no tag may pass what stands before it:
        // of members of one name the last counts.
        let mut passed = false;
        self.items(b'{', b'}', |copy, comma| {
            let start = copy.at;
            let name = copy.string()?;
            copy.space();
            copy.expect(b':')?;
            copy.space();
            let has_name = TAGS.contains(&name);
            let is_tag = has_name && !passed && copy.peek() == Some(b'"');
            copy.value(levels)?;
            passed |= has_name || name.contains(&b'\\');
            match comma {
                Some(comma) if is_tag => copy.move_up(first, comma, start),
                _ => Ok(()),
            }
        })
    }

    /// Copies the member that was read last, from `start` on, before all others of its object. The comma
    /// before it goes with it.
    fn move_up(&mut self, first: usize, comma: usize, start: usize) -> Result<(), Refused> {
        self.copy_to(comma)?;
        let member = self.text.get(start..self.at).ok_or(Refused::Malformed)?;
        self.out.insert(first, ',');
        self.out.insert_str(first, member);
        self.copied = self.at;
        Ok(())
    }

    /// What stands between two brackets; each item is told where the comma before it is.
    fn items(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self, Option<usize>) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        self.expect(open)?;
        self.space();
        if self.peek() == Some(close) {
            return self.expect(close);
        }
        let mut comma = None;
        loop {
            item(self, comma)?;
            self.space();
            if self.peek() != Some(b',') {
                return self.expect(close);
            }
            comma = Some(self.at);
            self.at += 1;
            self.space();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn reordered(text: &str) -> Result<String, Refused> {
        let mut out = String::new();
        push(&mut out, text, 0)?;
        Ok(out)
    }

    #[test]
    fn tags_lead_at_every_level() {
        let text = r#" { "a" : [ { "b" : "\"}" , "type" : "x" } , 1.50 ] , "é,}" : { } , "type" : "y" } "#;
        let expected = r#" {"type" : "y", "a" : [ {"type" : "x", "b" : "\"}"  } , 1.50 ] , "é,}" : { }  } "#;
        assert_eq!(reordered(text).as_deref(), Ok(expected));
        assert_eq!(reordered(expected).as_deref(), Ok(expected));
    }

    #[test]
    fn a_second_tag_stays_behind_the_first() {
        let text = r#"{"a":0,"type":"1","type":"2"}"#;
        assert_eq!(reordered(text).as_deref(), Ok(r#"{"type":"1","a":0,"type":"2"}"#));
    }

    #[test]
    fn no_tag_passes_another_member_of_its_name() {
        for text in [r#"{"a":0,"type":5,"type":"s"}"#, r#"{"\u0074ype":"a","type":"b"}"#] {
            assert_eq!(reordered(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_it_overflows_the_stack() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(reordered(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(reordered(&nested(MAX_DEPTH + 1)), Err(Refused::TooDeep));
        assert_eq!(reordered(&nested(1_000_000)), Err(Refused::TooDeep));
        assert_eq!(push(&mut String::new(), &nested(MAX_DEPTH), 1), Err(Refused::TooDeep));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[ -~é\"\\\\\n]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            let key = prop_oneof![Just("type".to_owned()), "[a-z\"\\\\,{}]{0,4}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((key, inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_value_stays_the_same(value in any_json(), pretty: bool) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            let out = reordered(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), value);
            prop_assert_eq!(reordered(&out).unwrap(), out);
        }

        #[test]
        fn what_is_no_json_does_no_harm(text in "[\\[\\]{}\",:\\\\aé0 ]{0,24}") {
            let _ = reordered(&text);
        }
    }

    #[test]
    fn the_value_of_a_real_message_stays_the_same() {
        let value =
            json!({"method": "m", "params": {"item": {"id": "\u{1F600}\"", "type": "t"}, "n": -1.5e9}});
        assert_eq!(serde_json::from_str::<Value>(&reordered(&value.to_string()).unwrap()).unwrap(), value);
    }
}
