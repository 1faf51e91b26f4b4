//! Answers that are no plain results: to nothing, twice, errors, broken, too long.

use codex_appserver_wire::DecodeError;

use super::{Bench, Failure};
use crate::core::Filter;
use crate::settings::Settings;

fn unreadable(bench: &mut Bench, id: i64) -> DecodeError {
    match bench.outcome(id) {
        Err(Failure::Unreadable(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_to_nothing_are_counted_and_harm_nobody() {
    let mut bench = Bench::window(1, 10);
    let (id, queued) = (bench.begin("m"), bench.begin("m"));
    for nothing in ["99", "-1", "0", "\"1\"", &queued.to_string()] {
        bench.line(&format!(r#"{{"id":{nothing},"result":{{}}}}"#));
    }
    assert!(bench.poll(id).is_pending() && bench.poll(queued).is_pending());
    assert_eq!(bench.core.stats().unknown_answers, 5);
    bench.result(id);
    bench.line(&format!(r#"{{"id":{id},"error":{{"code":1,"message":"no"}}}}"#));
    assert!(bench.outcome(id).is_ok(), "the first answer counts");
    bench.result(id);
    let stats = bench.core.stats();
    assert_eq!((stats.answers, stats.duplicate_answers), (1, 2));
}

#[test]
fn an_error_is_decoded_with_its_data() {
    let mut bench = Bench::new();
    let id = bench.begin("m");
    bench.line(&format!(r#"{{"error":{{"code":-32602,"message":"no","data":{{"a":[1]}}}},"id":{id}}}"#));
    match bench.outcome(id) {
        Err(Failure::Rpc(error)) => {
            assert_eq!((error.code, &*error.message), (-32602, "no"));
            assert_eq!(error.data, Some(serde_json::json!({"a": [1]})));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_error_of_another_shape_is_told_with_its_text() {
    let mut bench = Bench::new();
    let id = bench.begin("m");
    bench.line(&format!(r#"{{"error":{{"code":"seven"}},"id":{id}}}"#));
    let error = unreadable(&mut bench, id);
    assert_eq!(error.raw(), Some(r#"{"code":"seven"}"#));
    assert!(error.path().starts_with("error"), "{}", error.path());
}

#[test]
fn a_result_of_null_is_a_result() {
    let mut bench = Bench::new();
    let id = bench.begin("m");
    bench.line(&format!(r#"{{"id":{id},"result":null}}"#));
    assert_eq!(bench.outcome(id).expect("a result"), "null");
}

#[test]
fn a_broken_answer_fails_its_call_and_no_other() {
    let mut bench = Bench::new();
    let all = bench.subscribe(Filter::All);
    let (broken, twice, fine) = (bench.begin("m"), bench.begin("m"), bench.begin("m"));
    let no_text = bench.begin("m");
    bench.line(&format!(r#"{{"id":{broken},"result":{{"a":"#));
    let error = unreadable(&mut bench, broken);
    assert!(error.raw().is_some_and(|raw| raw.contains("\"result\"")), "{error:?}");
    bench.receive(b"{\"id\":4,\"result\":\"\xff\"}");
    assert!(unreadable(&mut bench, no_text).to_string().contains("UTF-8"));
    bench.line(&format!(r#"{{"id":{twice},"result":1}}{{"id":{fine},"result":1}}"#));
    unreadable(&mut bench, twice);
    assert!(bench.poll(fine).is_pending());
    for line in ["[]", "7", "{}", "{\"id\":3}", "garbage", "{\"method\":7}"] {
        bench.line(line);
    }
    assert!(bench.poll(fine).is_pending());
    bench.result(fine);
    assert!(bench.outcome(fine).is_ok());
    assert_eq!(bench.core.stats().unreadable_lines, 9);
    assert_eq!(bench.drain(all).len(), 9, "everybody who listens to all gets to know");
}

#[test]
fn a_line_that_is_too_long_fails_the_call_that_it_answers() {
    let mut bench = Bench::with(Settings { line_limit: 100, ..Settings::default() });
    let all = bench.subscribe(Filter::All);
    let thread = bench.subscribe(Filter::thread("t"));
    let (long, fine) = (bench.begin("m"), bench.begin("m"));
    bench.line(&format!(r#"{{"id":{long},"result":"{}"}}"#, "x".repeat(200)));
    let error = unreadable(&mut bench, long);
    assert!(error.to_string().contains("more than 100 bytes"), "{error}");
    assert!(error.raw().is_some_and(|raw| raw.starts_with("{\"id\":1,")), "{error:?}");
    bench.line(&format!(r#"{{"method":"m","params":{{"threadId":"t","x":"{}"}}}}"#, "x".repeat(200)));
    bench.result(fine);
    assert!(bench.outcome(fine).is_ok(), "the connection goes on");
    assert_eq!(bench.drain(all).len(), 2);
    assert_eq!(bench.drain(thread).len(), 1, "what answers nothing may have been about this thread");
}
