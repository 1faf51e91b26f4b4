//! The page of a few made-up results.

use super::*;

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn release(text: &str) -> Release {
    text.parse().expect("a release")
}

/// One version of each kind: as it should be, with trouble, out of reach.
fn tried() -> Vec<Tried> {
    let fine = Swept { decoded: 3, errors: 2, ..Swept::default() };
    let troubled = Swept {
        decoded: 1,
        errors: 1,
        too_old: set(&["thread/search", "memory/status"]),
        silent: set(&["fs/watch"]),
        answers: set(&["`thread/list`: data[].cwd: missing field `cwd`"]),
        events: set(&["`turn/started`: params.turn: missing field `id`", "`error`: params: not an object"]),
        gone: set(&["thread/rollback"]),
        unknown: set(&["thread/levitate"]),
        stopped: Some("the turn did not end".to_owned()),
    };
    let session = Err("thread/read: thread.turns[0]: missing field `id`".to_owned());
    vec![
        Tried { version: release("0.98.0"), swept: Err("no".to_owned()), session: Err("no".to_owned()) },
        Tried { version: release("0.99.0"), swept: Ok(troubled), session },
        Tried { version: release("0.150.0"), swept: Ok(fine), session: Ok(()) },
    ]
}

#[test]
fn the_page_counts_and_names_who_is_to_blame() {
    insta::assert_snapshot!(page("0.150.0", 5, "0.98.0 0.99.0 0.150.0", &tried()));
}

#[test]
fn the_page_names_the_command_without_arguments_where_there_are_none() {
    let page = page("0.150.0", 5, "", &[]);
    assert!(page.contains("--example compatibility`; do not edit. -->"), "{page}");
}

#[test]
fn two_machines_may_differ_in_what_is_refused_and_in_nothing_else() {
    let changed = |change: fn(&mut Swept)| {
        let mut tried = tried();
        change(tried[1].swept.as_mut().expect("it connects"));
        comparable(&page("0.150.0", 5, "", &tried))
    };
    let same = changed(|_| ());
    assert_eq!(changed(|swept| (swept.decoded, swept.errors) = (0, 2)), same);
    assert_ne!(changed(|swept| swept.silent.clear()), same);
    assert_ne!(changed(|swept| swept.answers = set(&["another one"])), same);
    assert_ne!(changed(|swept| swept.unknown.clear()), same);
}

#[test]
fn blame_is_the_same_whichever_element_is_wrong() {
    let text = "data[12].turns[0]: unknown id\n `01a22124-b5a8-73d1-84f3-65f2916e0407`";
    assert_eq!(blame(text), "data[].turns[]: unknown id `ID`");
}

#[test]
fn by_default_the_pin_is_tried_and_five_releases_before_it() {
    let history: Vec<Release> = (0..40).map(|minor| release(&format!("0.{}.0", 100 + minor))).collect();
    let names = |pin| -> Vec<_> {
        default_versions(&history, release(pin)).iter().map(ToString::to_string).collect()
    };
    assert_eq!(names("0.130.0"), ["0.110.0", "0.115.0", "0.120.0", "0.126.0", "0.129.0", "0.130.0"]);
    // A short history has fewer.
    assert_eq!(names("0.103.0"), ["0.102.0", "0.103.0"]);
}
