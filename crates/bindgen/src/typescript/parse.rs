//! Reads the TypeScript that `codex app-server generate-ts` prints: one exported type per file, made of the dozen
//! forms that the ts-rs crate writes. Anything else is an error with its line.

use std::collections::BTreeMap;

use serde_json::Value;

/// A TypeScript type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ts {
    /// `unknown` or `any`.
    Any,
    Null,
    Boolean,
    /// `number` or `bigint`.
    Number,
    String,
    /// `never`: no value at all.
    Never,
    /// `"text"`, `1` or `true`.
    Literal(Value),
    /// Another type, by the name that the file knows it under.
    Ref(String),
    Array(Box<Ts>),
    /// An object with free keys.
    Map(Box<Ts>),
    Object(Vec<Member>),
    Union(Vec<Ts>),
    Intersection(Vec<Ts>),
}

/// One member of an object type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) name: String,
    /// Written with `?`.
    pub(super) optional: bool,
    pub(super) ty: Ts,
}

/// What one file holds.
#[derive(Debug, Default)]
pub(super) struct File {
    /// The path that each imported name comes from, as written.
    pub(super) imports: BTreeMap<String, String>,
    /// The exported type.
    pub(super) exported: Option<(String, Ts)>,
}

/// A line, and what is wrong there.
type Problem = (usize, String);

/// Parses one file.
pub(super) fn file(text: &str) -> Result<File, Problem> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let mut file = File::default();
    while !parser.at_end() {
        if parser.word("import") {
            parser.word("type");
            let names = parser.names()?;
            parser.expect_word("from")?;
            let path = parser.quoted()?;
            file.imports.extend(names.into_iter().map(|name| (name, path.clone())));
        } else {
            parser.expect_word("export")?;
            parser.expect_word("type")?;
            let name = parser.name()?;
            parser.expect('=')?;
            file.exported = Some((name, parser.ty()?));
        }
        parser.expect(';')?;
    }
    Ok(file)
}

/// Types nested deeper than this are refused; codex prints four levels.
const DEPTH: usize = 100;

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    /// What is left, without the white space and comments before it.
    fn rest(&mut self) -> &'t str {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let end = match () {
                () if trimmed.starts_with("//") => trimmed.find('\n'),
                () if trimmed.starts_with("/*") => trimmed.find("*/").map(|end| end + 2),
                () => return trimmed,
            };
            self.at += end.unwrap_or(trimmed.len());
        }
    }

    fn at_end(&mut self) -> bool {
        self.rest().is_empty()
    }

    fn problem(&mut self, expected: &str) -> Problem {
        let rest = self.rest();
        let line = self.text[..self.at].matches('\n').count() + 1;
        let found: String = rest.chars().take(20).collect();
        (line, format!("expected {expected}, found `{found}`"))
    }

    /// Takes the character if it comes next.
    fn take(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), Problem> {
        if self.take(wanted) { Ok(()) } else { Err(self.problem(&format!("`{wanted}`"))) }
    }

    /// Takes the word if it comes next, as a whole.
    fn word(&mut self, wanted: &str) -> bool {
        let found = self.peek_name() == Some(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    fn expect_word(&mut self, wanted: &str) -> Result<(), Problem> {
        if self.word(wanted) { Ok(()) } else { Err(self.problem(&format!("`{wanted}`"))) }
    }

    fn peek_name(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        (end > 0 && !rest.starts_with(|c: char| c.is_ascii_digit())).then(|| &rest[..end])
    }

    fn name(&mut self) -> Result<String, Problem> {
        let Some(name) = self.peek_name() else { return Err(self.problem("a name")) };
        self.at += name.len();
        Ok(name.to_owned())
    }

    /// `{ A, B }`
    fn names(&mut self) -> Result<Vec<String>, Problem> {
        let mut names = Vec::new();
        self.expect('{')?;
        while !self.take('}') {
            names.push(self.name()?);
            self.take(',');
        }
        Ok(names)
    }

    /// A string literal. TypeScript's escapes are those of JSON, as far as names need them.
    fn quoted(&mut self) -> Result<String, Problem> {
        let mut values = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
        match values.next() {
            Some(Ok(text)) => {
                self.at += values.byte_offset();
                Ok(text)
            }
            _ => Err(self.problem("a string")),
        }
    }

    /// `A | B`, with an optional `|` before the first.
    fn ty(&mut self) -> Result<Ts, Problem> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.problem(&format!("at most {DEPTH} nested types")));
        }
        self.take('|');
        let mut arms = vec![self.intersection()?];
        while self.take('|') {
            arms.push(self.intersection()?);
        }
        self.depth -= 1;
        Ok(if arms.len() == 1 { arms.remove(0) } else { Ts::Union(arms) })
    }

    /// `A & B`
    fn intersection(&mut self) -> Result<Ts, Problem> {
        let mut parts = vec![self.postfix()?];
        while self.take('&') {
            parts.push(self.postfix()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Ts::Intersection(parts) })
    }

    /// `A[]`
    fn postfix(&mut self) -> Result<Ts, Problem> {
        let mut ty = self.primary()?;
        while self.take('[') {
            self.expect(']')?;
            ty = Ts::Array(Box::new(ty));
        }
        Ok(ty)
    }

    fn primary(&mut self) -> Result<Ts, Problem> {
        if self.take('(') {
            let ty = self.ty()?;
            self.expect(')')?;
            return Ok(ty);
        }
        if self.take('{') {
            return self.object();
        }
        let rest = self.rest();
        if rest.starts_with('"') {
            return Ok(Ts::Literal(Value::String(self.quoted()?)));
        }
        if rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let end =
                rest[1..].find(|c: char| !(c.is_ascii_digit() || c == '.')).map_or(rest.len(), |n| n + 1);
            let number = serde_json::from_str(&rest[..end]).map_err(|_| self.problem("a number"))?;
            self.at += end;
            return Ok(Ts::Literal(Value::Number(number)));
        }
        self.named()
    }

    fn named(&mut self) -> Result<Ts, Problem> {
        Ok(match self.name()?.as_str() {
            "unknown" | "any" => Ts::Any,
            "null" | "undefined" => Ts::Null,
            "boolean" => Ts::Boolean,
            "number" | "bigint" => Ts::Number,
            "string" => Ts::String,
            "never" => Ts::Never,
            "true" => Ts::Literal(Value::Bool(true)),
            "false" => Ts::Literal(Value::Bool(false)),
            "Array" => {
                self.expect('<')?;
                let item = self.ty()?;
                self.expect('>')?;
                Ts::Array(Box::new(item))
            }
            "Record" => {
                self.expect('<')?;
                self.ty()?;
                self.expect(',')?;
                let value = self.ty()?;
                self.expect('>')?;
                if value == Ts::Never { Ts::Object(Vec::new()) } else { Ts::Map(Box::new(value)) }
            }
            other => Ts::Ref(other.to_owned()),
        })
    }

    /// What comes after `{`: members, or `[key in string]?: T` alone.
    fn object(&mut self) -> Result<Ts, Problem> {
        if self.take('[') {
            self.name()?;
            if !self.word("in") {
                self.expect(':')?;
            }
            self.ty()?;
            self.expect(']')?;
            self.take('?');
            self.expect(':')?;
            let value = self.ty()?;
            let _ = self.take(',') || self.take(';');
            self.expect('}')?;
            return Ok(Ts::Map(Box::new(value)));
        }
        let mut members = Vec::new();
        while !self.take('}') {
            let name = if self.rest().starts_with('"') { self.quoted()? } else { self.name()? };
            let optional = self.take('?');
            self.expect(':')?;
            members.push(Member { name, optional, ty: self.ty()? });
            if !self.take(',') && !self.take(';') {
                self.expect('}')?;
                break;
            }
        }
        Ok(Ts::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ty(text: &str) -> Ts {
        let file =
            file(&format!("export type T = {text};")).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        file.exported.expect("one type").1
    }

    fn member(name: &str, optional: bool, ty: Ts) -> Member {
        Member { name: name.into(), optional, ty }
    }

    #[test]
    fn reads_every_form_that_is_printed() {
        let text = |value: &str| Ts::Literal(value.into());
        let boxed = |ty: Ts| Box::new(ty);
        for (source, expected) in [
            ("string", Ts::String),
            ("bigint", Ts::Number),
            ("unknown", Ts::Any),
            ("\"a-b\" | \"\\u00e9\"", Ts::Union(vec![text("a-b"), text("é")])),
            (
                "| 1 | -2.5 | true",
                Ts::Union(vec![Ts::Literal(1.into()), Ts::Literal((-2.5).into()), Ts::Literal(true.into())]),
            ),
            ("Array<Turn | null>", Ts::Array(boxed(Ts::Union(vec![Ts::Ref("Turn".into()), Ts::Null])))),
            ("(string)[]", Ts::Array(boxed(Ts::String))),
            ("Record<string, never>", Ts::Object(vec![])),
            ("Record<string, number>", Ts::Map(boxed(Ts::Number))),
            ("{ [key in string]?: boolean }", Ts::Map(boxed(Ts::Boolean))),
            ("{ [key: string]: boolean; }", Ts::Map(boxed(Ts::Boolean))),
            (
                "{ a: string, \"b-c\"?: null, }",
                Ts::Object(vec![member("a", false, Ts::String), member("b-c", true, Ts::Null)]),
            ),
            (
                "{ a: string } & ({ b: 1 } | { })",
                Ts::Intersection(vec![
                    Ts::Object(vec![member("a", false, Ts::String)]),
                    Ts::Union(vec![
                        Ts::Object(vec![member("b", false, Ts::Literal(1.into()))]),
                        Ts::Object(vec![]),
                    ]),
                ]),
            ),
        ] {
            assert_eq!(ty(source), expected, "{source}");
        }
    }

    #[test]
    fn imports_and_comments_are_understood() {
        let text = "// One.\nimport type { A, B } from \"./v2/A\";\n/** Two; { */\nexport type T = A /* three */ | B;\n";
        let file = file(text).expect("a file");
        assert_eq!(file.imports["B"], "./v2/A");
        assert_eq!(
            file.exported,
            Some(("T".into(), Ts::Union(vec![Ts::Ref("A".into()), Ts::Ref("B".into())])))
        );
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let deep = format!("export type A = {}string;", "(".repeat(100_000));
        let (line, problem) = file(&deep).expect_err("too deep");
        assert_eq!(line, 1);
        assert!(problem.starts_with("expected at most 100 nested types"), "{problem}");
    }

    #[test]
    fn what_is_not_understood_is_named_with_its_line() {
        for (text, line, expected) in [
            ("\nexport class A {}", 2, "expected `type`, found `class A {}`"),
            ("export type A = { a };", 1, "expected `:`, found `};`"),
            ("export type A = (a: string) => void;", 1, "expected `)`, found `: string) => void;`"),
            ("export type A = \"a;", 1, "expected a string, found `\"a;`"),
            ("export type A = Array<string", 1, "expected `>`, found ``"),
            ("export type A = - ;", 1, "expected a number, found `- ;`"),
        ] {
            assert_eq!(file(text).err(), Some((line, expected.to_owned())), "{text}");
        }
    }
}
