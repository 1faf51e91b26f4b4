//! Pages that tell of each version: the history in `docs/`, and the counts in the README.

use anyhow::{Context, Result};
use codex_appserver_bindgen::{Decision, Summary};

use super::plan::Plan;
use crate::diff;

const HISTORY: &str = "docs/history.md";
const HISTORY_PAGE: &str = "docs/history.html";
const COMPATIBILITY: &str = "docs/compatibility.md";
const README: &str = "README.md";

/// Plans the history with this version at its end, unless it is there already.
pub fn extend_history(plan: &mut Plan, version: &str) -> Result<()> {
    let text = plan.text(HISTORY).with_context(|| format!("cannot read {HISTORY}"))?;
    let mut versions =
        listed(&text).with_context(|| format!("{HISTORY} does not say of which versions it is"))?;
    if versions.iter().any(|listed| listed == version) {
        return Ok(());
    }
    versions.push(version.to_owned());
    let history = diff::history::of(&versions)?;
    plan.write(HISTORY, history.markdown()?);
    plan.write(HISTORY_PAGE, history.html()?);
    Ok(())
}

/// The versions in the command that the page says it was written by.
fn listed(text: &str) -> Option<Vec<String>> {
    let (_, rest) = text.split_once("diff --history ")?;
    let (versions, _) = rest.split_once(" --out")?;
    Some(versions.split(' ').map(str::to_owned).collect())
}

/// A decision if the page about real servers has no row for this version: it is written by calling them.
pub fn compatibility(plan: &Plan, version: &str) -> Option<Decision> {
    let page = plan.text(COMPATIBILITY).unwrap_or_default();
    (!page.contains(&format!("| {version} |"))).then(|| Decision {
        file: COMPATIBILITY.to_owned(),
        problem: format!(
            "no row for codex {version}; write the page again: `cargo run -p codex-appserver-tests --features \
             experimental --example compatibility`"
        ),
        row: None,
    })
}

/// Plans the counts of the README: what stands between the version and `server requests`.
pub fn count(plan: &mut Plan, summary: &Summary) {
    let Some(readme) = plan.text(README) else { return };
    if let Some(counted) = counted(&readme, summary).filter(|counted| *counted != readme) {
        plan.write(README, counted);
    }
}

fn counted(readme: &str, summary: &Summary) -> Option<String> {
    let start = format!("codex {}: ", summary.codex_version);
    let (before, rest) = readme.split_once(&start)?;
    let (_, after) = rest.split_once(" server\n")?;
    let counts = format!(
        "{} requests ({} of them experimental), {} notifications and {}",
        summary.stable_requests + summary.experimental_requests,
        summary.experimental_requests,
        summary.notifications,
        summary.stable_server_requests + summary.experimental_server_requests,
    );
    Some(format!("{before}{start}{counts} server\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_the_history_are_in_its_head() {
        let head = "<!-- Written by `cargo xtask diff --history 0.1.0 0.2.0 --out FILE`; do not edit. -->";
        assert_eq!(listed(head), Some(vec!["0.1.0".to_owned(), "0.2.0".to_owned()]));
        assert_eq!(listed("nothing"), None);
    }

    #[test]
    fn a_compatibility_page_without_the_version_is_open() {
        let mut plan = Plan::new(crate::inputs::root());
        plan.write(COMPATIBILITY, "| 0.1.0 | yes |\n");
        assert!(compatibility(&plan, "0.1.0").is_none());
        assert!(compatibility(&plan, "0.2.0").expect("open").problem.contains("no row for codex 0.2.0"));
    }

    #[test]
    fn the_counts_are_those_of_the_summary() {
        let summary = Summary {
            codex_version: "0.2.0".into(),
            stable_requests: 3,
            experimental_requests: 2,
            notifications: 4,
            stable_server_requests: 1,
            ..Summary::default()
        };
        let counted = counted("All. codex 0.2.0: 1 request and 7 server\nrequests.", &summary);
        let expected =
            "All. codex 0.2.0: 5 requests (2 of them experimental), 4 notifications and 1 server\nrequests.";
        assert_eq!(counted.as_deref(), Some(expected));
    }
}
