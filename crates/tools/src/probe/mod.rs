//! Finds the response type of a method that no rule finds: by the answer of the installed server.

mod server;

use anyhow::Result;
use codex_appserver_bindgen::model::Model;
use codex_appserver_bindgen::vectors::{Class, Subject};
use codex_appserver_bindgen::{Candidate, Config, Decision, Generator, Schema, candidates};
use codex_appserver_runtime::Codex;
use serde_json::{Value, json};

use server::Answer;

/// How many candidates the report lists.
const SHOWN: usize = 5;

/// An answer is shown up to here, in characters.
const LONGEST: usize = 200;

/// What the server says of a method.
pub struct Found {
    /// One sentence for the report.
    pub said: String,
    /// The definition that fits best, if one stands out.
    pub best: Option<String>,
}

/// Adds to the open decision about a method what the server answers, and the type that fits best to its row. Where the
/// server cannot be asked, the decision stays as it is and says why.
pub fn add_answer(open: &mut [Decision], codex: &Codex, schema: &Schema, method: &str) -> Result<()> {
    let start = format!("{method}: no response type");
    let Some(decision) = open.iter_mut().find(|decision| decision.problem.starts_with(&start)) else {
        return Ok(());
    };
    match find(codex, schema, method, None) {
        Ok(Found { said, best }) => {
            decision.problem = format!("{start}; {said}; add a [[response]] row");
            if let (Some(best), Some(row)) = (best, &mut decision.row) {
                *row = row.replacen("type = \"…\"", &format!("type = \"{best}\""), 1);
            }
        }
        Err(error) => decision.problem.push_str(&format!("; the server could not be asked: {error:#}")),
    }
    Ok(())
}

/// Sends the method with the smallest params that its type allows, and ranks the definitions by the answer.
pub fn find(codex: &Codex, schema: &Schema, method: &str, params: Option<Value>) -> Result<Found> {
    let params = match params {
        Some(params) => params,
        None => smallest_params(&Generator::new(Config::default(), schema.clone()).model()?, method),
    };
    match server::ask(codex, method, &params)? {
        Answer::Error(message) => {
            let said = format!("the server answers {params} with an error: {message}; try other params");
            Ok(Found { said, best: None })
        }
        Answer::Result(result) => {
            let ranked = candidates(schema, &result)?;
            let best = standing_out(&ranked).map(|best| best.name.clone());
            let list: Vec<String> = ranked.iter().take(SHOWN).map(show).collect();
            let fits = if list.is_empty() { "no definition".to_owned() } else { list.join(", ") };
            let result = shortened(&result);
            Ok(Found { said: format!("the server answers {params} with {result}, which fits {fits}"), best })
        }
    }
}

/// The first candidate, if it knows the whole answer better than the next.
fn standing_out(ranked: &[Candidate]) -> Option<&Candidate> {
    let rank = |candidate: &Candidate| (candidate.unknown, candidate.absent);
    match ranked {
        [only] => Some(only),
        [first, second, ..] if rank(first) < rank(second) => Some(first),
        _ => None,
    }
}

fn shortened(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn show(candidate: &Candidate) -> String {
    let Candidate { name, known, unknown, absent } = candidate;
    format!("{name} ({known} known, {unknown} unknown, {absent} absent members)")
}

fn smallest_params(model: &Model, method: &str) -> Value {
    let params =
        model.methods.iter().find(|other| other.name == method).and_then(|found| found.params.definition());
    let is_smallest =
        |subject: &Subject| matches!(subject, Subject::Definition(name) if Some(name.as_str()) == params);
    let vectors = model.vectors();
    let smallest = vectors
        .iter()
        .filter(|vector| vector.class == Class::Valid && is_smallest(&vector.subject))
        .min_by_key(|vector| vector.value.to_string().len());
    smallest.map_or_else(|| json!({}), |vector| vector.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_stands_out_if_it_fits_better_than_the_next() {
        let candidate =
            |name: &str, unknown, absent| Candidate { name: name.into(), known: 1, unknown, absent };
        let ranked = [candidate("A", 0, 0), candidate("B", 0, 1)];
        assert_eq!(standing_out(&ranked).map(|found| &*found.name), Some("A"));
        assert!(standing_out(&[candidate("A", 0, 1), candidate("B", 0, 1)]).is_none());
        assert!(standing_out(&[]).is_none());
    }
}
