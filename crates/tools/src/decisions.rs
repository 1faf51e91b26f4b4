//! Open decisions as people read them: what is open, and the row to paste.

use codex_appserver_bindgen::{Decision, Error};

/// The decisions in an error of generation, where it is that error.
pub fn of_error(error: &Error) -> Option<&[Decision]> {
    match error {
        Error::Open(decisions) => Some(decisions),
        _ => None,
    }
}

/// One line for each decision, and below it the row that settles it.
pub fn text(decisions: &[Decision]) -> String {
    let mut text = String::new();
    for decision in decisions {
        text.push_str(&format!("{decision}\n"));
        for line in decision.row.iter().flat_map(|row| row.lines()) {
            text.push_str(&format!("    {line}\n"));
        }
    }
    text
}

/// `1 decision is open`, or `3 decisions are open`.
pub fn count(decisions: &[Decision]) -> String {
    match decisions.len() {
        1 => "1 decision is open".to_owned(),
        count => format!("{count} decisions are open"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stands_below_its_decision() {
        let decision = |problem: &str, row: Option<&str>| Decision {
            file: "a.toml".into(),
            problem: problem.into(),
            row: row.map(str::to_owned),
        };
        let decisions = [decision("one", Some("[[x]]\ny = 1\n")), decision("two", None)];
        assert_eq!(text(&decisions), "a.toml: one\n    [[x]]\n    y = 1\na.toml: two\n");
        assert_eq!(
            (&*count(&decisions), &*count(&decisions[..1])),
            ("2 decisions are open", "1 decision is open")
        );
    }
}
