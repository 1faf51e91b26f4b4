//! The second witness: the TypeScript types that codex prints come from the same Rust types as its JSON Schema, but
//! through another library. Where the two disagree, one of them is wrong about the wire.

mod compare;
mod methods;
mod parse;
mod renames;
mod words;

use std::collections::BTreeMap;

use crate::decision::Decision;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::rows::TypeScriptRow;
use crate::tables::Tables;
use compare::Difference;
use parse::{Member, Ts};

/// The table with the rows about TypeScript.
const FILE: &str = "schema/overrides.toml";

/// How far references and nested unions are followed. Deeper ones count as they are written.
const DEPTH: usize = 16;

/// The types that `codex app-server generate-ts` prints.
#[derive(Clone, Debug, Default)]
pub struct TypeScript {
    /// By path below the output folder, without `.ts`. References name such paths as well.
    types: BTreeMap<String, Ts>,
}

impl TypeScript {
    /// Reads the files: for each its path below the output folder, with `/` between folders, and its text.
    ///
    /// # Errors
    ///
    /// A file that holds anything else than what ts-rs writes, with the line, or a reference that leads nowhere.
    pub fn parse<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Result<Self> {
        let mut types = BTreeMap::new();
        for (path, text) in files {
            let Some(key) =
                path.strip_suffix(".ts").filter(|key| *key != "index" && !key.ends_with("/index"))
            else {
                continue;
            };
            let file = parse::file(text)
                .map_err(|(line, problem)| Error::table(&format!("generate-ts/{path}:{line}"), problem))?;
            let Some((name, ty)) = file.exported else { continue };
            let resolve = |reference: &str| match file.imports.get(reference) {
                Some(import) => join(key, import),
                None if reference == name => key.to_owned(),
                None => reference.to_owned(),
            };
            types.insert(key.to_owned(), resolved(ty, &resolve));
        }
        Ok(Self { types })
    }

    /// What a person has to decide where these types disagree with the model: each difference that no row of
    /// `overrides.toml` explains, and each row that explains nothing. `stable` is the TypeScript of the stable
    /// surface, which says what is experimental.
    pub fn decisions(&self, stable: &Self, model: &Model, tables: &Tables) -> Vec<Decision> {
        let rows = &tables.overrides.typescript;
        let explains = |row: &TypeScriptRow, found: &Difference| {
            (&row.place, &row.schema, &row.typescript) == (&found.place, &found.schema, &found.typescript)
        };
        let differences = compare::differences(self, stable, model);
        let unexplained: Vec<&Difference> =
            differences.iter().filter(|found| !rows.iter().any(|row| explains(row, found))).collect();
        let renamed = renames::of(&unexplained);
        let others = unexplained.iter().filter(|found| !renamed.covers(found)).map(|found| decision(found));
        let idle = rows.iter().filter(|row| !differences.iter().any(|found| explains(row, found)));
        let idle = idle.map(|TypeScriptRow { place, schema, typescript, .. }| {
            let problem = format!(
                "[[typescript]] {place}: `{schema}`, TypeScript `{typescript}` explains nothing; remove the row"
            );
            Decision::new(FILE, problem)
        });
        renamed.decisions().chain(others).chain(idle).collect()
    }

    /// The arms of a type: unions in unions laid flat, `A & (B | C)` multiplied out, objects joined by `&` merged.
    fn arms(&self, ty: &Ts) -> Vec<Ts> {
        self.arms_within(ty, DEPTH)
    }

    fn arms_within(&self, ty: &Ts, depth: usize) -> Vec<Ts> {
        let Some(depth) = depth.checked_sub(1) else { return vec![ty.clone()] };
        match ty {
            Ts::Union(list) => list.iter().flat_map(|ty| self.arms_within(ty, depth)).collect(),
            Ts::Intersection(parts) => {
                let mut products: Vec<Vec<Member>> = vec![Vec::new()];
                for part in parts {
                    let Some(choices) = self.objects(part, depth) else { return vec![ty.clone()] };
                    let longer = |product: &Vec<Member>, choice: &Vec<Member>| {
                        product.iter().chain(choice).cloned().collect::<Vec<Member>>()
                    };
                    products = products
                        .iter()
                        .flat_map(|product| choices.iter().map(move |choice| longer(product, choice)))
                        .collect();
                }
                products.into_iter().map(Ts::Object).collect()
            }
            other => vec![other.clone()],
        }
    }

    /// The members of each arm of a type, references followed; `None` where an arm is no object. Free keys beside
    /// known members are left out, as in the schema.
    fn objects(&self, ty: &Ts, depth: usize) -> Option<Vec<Vec<Member>>> {
        let depth = depth.checked_sub(1)?;
        let mut all = Vec::new();
        for arm in self.arms_within(ty, depth) {
            match arm {
                Ts::Object(members) => all.push(members),
                Ts::Map(_) => all.push(Vec::new()),
                Ts::Ref(path) => all.extend(self.objects(self.types.get(&path)?, depth)?),
                _ => return None,
            }
        }
        Some(all)
    }

    /// The type behind a definition of the schema. Of two definitions with one name the older one has another name
    /// there, and stands outside `v2` here.
    fn of_definition(&self, name: &str) -> Option<(&String, &Ts)> {
        let older = ["V1", "Legacy"].iter().find_map(|prefix| name.strip_prefix(prefix));
        let paths = [Some(format!("v2/{name}")), Some(name.to_owned()), older.map(str::to_owned)];
        paths.into_iter().flatten().find_map(|path| self.types.get_key_value(&path))
    }
}

/// A difference, with the row for when the schema is right.
fn decision(found: &Difference) -> Decision {
    let Difference { place, schema, typescript } = found;
    let problem = format!(
        "{place}: the JSON Schema says `{schema}`, TypeScript says `{typescript}`; find out what the server \
         writes, then add a [[typescript]] row or correct the schema in extra.json"
    );
    Decision::new(FILE, problem).row(format!(
        "[[typescript]]\nplace = {}\nschema = {}\ntypescript = {}\nwhy = \"…\"\n",
        quoted(place),
        quoted(schema),
        quoted(typescript)
    ))
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The path that an import of the file `from` leads to: `v2/A` imports `../B` and means `B`.
fn join(from: &str, import: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The type with every reference replaced by what `resolve` makes of it.
fn resolved(ty: Ts, resolve: &dyn Fn(&str) -> String) -> Ts {
    let boxed = |ty: Box<Ts>| Box::new(resolved(*ty, resolve));
    let all = |list: Vec<Ts>| list.into_iter().map(|ty| resolved(ty, resolve)).collect();
    match ty {
        Ts::Ref(name) => Ts::Ref(resolve(&name)),
        Ts::Array(item) => Ts::Array(boxed(item)),
        Ts::Map(value) => Ts::Map(boxed(value)),
        Ts::Object(mut members) => {
            for member in &mut members {
                member.ty = resolved(std::mem::replace(&mut member.ty, Ts::Any), resolve);
            }
            Ts::Object(members)
        }
        Ts::Union(arms) => Ts::Union(all(arms)),
        Ts::Intersection(parts) => Ts::Intersection(all(parts)),
        plain => plain,
    }
}
