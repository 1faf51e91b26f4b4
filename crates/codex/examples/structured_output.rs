//! Answers as Rust types: `run_as` asks for the JSON Schema of a type and reads the answer as one.
//!
//! `cargo run --example structured_output`; with `--offline` nobody has to be logged in, and the second answer does not
//! fit, to show what becomes of it.

mod stage;

use codex_appserver::schemars::JsonSchema;
use codex_appserver::{Codex, Error};
use codex_appserver_testkit::Reply;
use serde_derive::Deserialize;
use stage::Stage;

/// What is to be found out. Comments become descriptions that the model reads.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "codex_appserver::schemars")]
struct Review {
    /// One sentence on the whole.
    summary: String,
    findings: Vec<Finding>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "codex_appserver::schemars")]
struct Finding {
    severity: Severity,
    title: String,
    /// Where it is, if it is in one place.
    place: Option<Place>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "codex_appserver::schemars")]
struct Place {
    file: String,
    line: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(crate = "codex_appserver::schemars")]
enum Severity {
    Low,
    High,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new([
        Reply::text(
            r#"{"summary":"Small and sound.","findings":[
                {"severity":"high","title":"A test is missing","place":{"file":"src/lib.rs","line":7}},
                {"severity":"low","title":"There is no README","place":null}]}"#,
        ),
        Reply::text(r#"{"summary":"Fine.","findings":[{"severity":"huge","title":"?","place":null}]}"#),
    ])?;
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;
    let thread = codex.thread_start().await?;

    let answer = thread.run_as::<Review>("Review the code in this folder.").await?;
    println!("{}", answer.value.summary);
    for Finding { severity, title, place } in &answer.value.findings {
        let place = place.as_ref().map_or("all over".to_owned(), |at| format!("{}:{}", at.file, at.line));
        println!("{severity:?}: {title} ({place})");
    }

    // An answer that does not fit is an error that holds the text as well, so that nothing is lost.
    match thread.run_as::<Review>("And once more, please.").await {
        Ok(answer) => println!("{} finding(s)", answer.value.findings.len()),
        Err(Error::Output(mismatch)) => {
            println!("no review: {}", mismatch.error);
            println!("but the text: {}", mismatch.result.text());
        }
        Err(error) => return Err(error.into()),
    }
    codex.close().await;
    Ok(())
}
