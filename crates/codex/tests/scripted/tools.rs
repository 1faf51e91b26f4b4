//! Tools of the program that the agent calls.

use std::sync::{Arc, Mutex};

use codex_appserver::generic::{Codex, CodexBuilder, Tool, Tools};
use codex_appserver::schemars::{self, JsonSchema};
use codex_appserver::{Error, Json, ThreadCall, ToolError, ToolResult};
use codex_appserver_testkit::scripted::{Ask, ScriptedServer, Step};
use serde_derive::Deserialize;
use serde_json::{Value, json};

use crate::both;
use crate::scenarios::telling;
use crate::support::{Kit, PATIENCE};

both!(
    tools_are_offered_and_run,
    a_call_says_where_it_came_from,
    arguments_that_do_not_fit_are_told,
    failures_are_failed_results_and_harm_nothing_else,
    results_may_be_json_and_media,
    unknown_tools_and_threads_are_answered,
    what_codex_would_refuse_is_not_sent,
    the_experimental_api_has_to_be_on,
    handlers_of_the_client_get_the_other_calls,
    a_closed_connection_takes_no_tools,
);

const CALL: &str = "item/tool/call";

#[derive(Deserialize, JsonSchema)]
struct Trip {
    city: String,
    #[serde(default)]
    days: Vec<u8>,
}

/// A call of a tool, whose answer nothing waits for.
pub fn call_of(thread: &str, turn: &str, tool: &str, arguments: Value) -> Ask {
    let (namespace, tool) = tool.split_once('.').map_or((None, tool), |(space, tool)| (Some(space), tool));
    let params = json!({
        "threadId": thread, "turnId": turn, "callId": "call-1", "namespace": namespace, "tool": tool,
        "arguments": arguments,
    });
    Ask::new(CALL, params)
}

/// The same, for the first turn of the first thread.
pub fn call(tool: &str, arguments: Value) -> Step {
    Step::Request(call_of("thread-1", "turn-1", tool, arguments))
}

pub fn call_on(thread: &str, tool: &str) -> Step {
    Step::Request(call_of(thread, "turn", tool, json!({})))
}

/// Plays steps, waits for so many answers in all, and gives them: whether they succeeded, and their content.
pub fn results(
    server: &ScriptedServer,
    steps: impl IntoIterator<Item = Step>,
    count: u64,
) -> Vec<(bool, Value)> {
    server.play(steps);
    server.wait_for_answers(count, PATIENCE).expect("all answers");
    let mut answers = server.answers();
    answers.sort_by_key(|answer| answer.id.as_i64());
    let read = |answer: codex_appserver_testkit::scripted::ClientAnswer| {
        let result = answer.result.unwrap_or_else(|| panic!("an error: {:?}", answer.error));
        (result["success"] == true, result["contentItems"].clone())
    };
    answers.into_iter().map(read).collect()
}

pub fn text(result: &(bool, Value)) -> (bool, &str) {
    (result.0, result.1[0]["text"].as_str().unwrap_or_default())
}

pub fn experimental<R: Kit>() -> CodexBuilder<R> {
    Codex::builder().experimental_api(true)
}

/// A tool that says a word.
pub fn says<R: Kit>(name: &str, word: &'static str) -> Tool<R> {
    R::tool(name, move |(), _| word)
}

async fn tools_are_offered_and_run<R: Kit>() {
    let (server, codex) = R::attach(experimental(), telling([])).await;
    let tools =
        Tools::from([R::tool("weather", |trip: Trip, _| format!("{} in {}", trip.days.len(), trip.city))])
            .and(Tools::namespace(
                "clock",
                "What time it is.",
                [says("now", "noon"), says("later", "one").deferred()],
            ));
    let start = codex.thread_start().model("gpt-5.5").tools(tools).expect("codex takes them");
    let thread = R::send(start).await.expect("a thread");
    assert_eq!(thread.id(), "thread-1");
    let nothing = json!({"type": "object", "properties": {}});
    let [params] = &server.params("thread/start")[..] else { panic!("one thread is started") };
    let [weather, clock] = &params["dynamicTools"].as_array().expect("tools")[..] else { panic!("{params}") };
    assert_eq!((&weather["type"], &weather["name"]), (&json!("function"), &json!("weather")));
    assert_eq!(weather["description"], "A tool.");
    assert_eq!(weather["inputSchema"]["required"], json!(["city"]));
    assert_eq!(
        clock,
        &json!({"type": "namespace", "name": "clock", "description": "What time it is.", "tools": [
            {"type": "function", "name": "now", "description": "A tool.", "inputSchema": nothing},
            {"type": "function", "name": "later", "description": "A tool.", "inputSchema": nothing, "deferLoading": true},
        ]})
    );
    let calls = [
        call("weather", json!({"city": "Oslo", "days": [1, 2]})),
        call("weather", json!({"city": "Bergen"})),
        call("clock.now", json!({})),
        call("clock.later", json!({"ignored": 1})),
    ];
    let results = results(&server, calls, 4);
    let texts: Vec<_> = results.iter().map(text).collect();
    assert_eq!(texts[..3], [(true, "2 in Oslo"), (true, "0 in Bergen"), (true, "noon")]);
    assert!(!texts[3].0 && texts[3].1.contains("`clock.later`"), "{texts:?}");
}

async fn a_call_says_where_it_came_from<R: Kit>() {
    let (server, codex) = R::attach(experimental(), telling([])).await;
    let seen = Arc::new(Mutex::new(None));
    let sees = seen.clone();
    let tool = R::tool("look", move |arguments: Value, call| {
        let codex = call.codex().expect("it is connected").metadata().server_version.clone();
        let thread = call.thread().expect("it is connected").id().to_owned();
        let ids = [call.thread_id(), call.turn_id(), call.call_id(), call.tool()].map(str::to_owned);
        let space = call.namespace().map(str::to_owned);
        let whole = (call.arguments() == &arguments, format!("{call:?}"), call.clone().is_cancelled());
        *sees.lock().expect("no panic") = Some((codex, thread, ids, space, whole));
    })
    .input_schema(json!({"type": "object"}));
    let tools = Tools::namespace("n", "", [tool]);
    let start = codex.thread_start().tools(tools).expect("codex takes them");
    let _thread = R::send(start).await.expect("a thread");
    let results = results(&server, [call("n.look", json!({"a": [1]}))], 1);
    assert_eq!(text(&results[0]), (true, "Done."));
    let seen = seen.lock().expect("no panic").take().expect("it was called");
    let debug = r#"ToolCall { tool: "n.look", thread_id: "thread-1", call_id: "call-1", .. }"#.to_owned();
    assert_eq!(seen.0, codex.metadata().server_version);
    assert_eq!(
        (seen.1, seen.2),
        ("thread-1".into(), ["thread-1", "turn-1", "call-1", "look"].map(str::to_owned))
    );
    assert_eq!((seen.3, seen.4), (Some("n".into()), (true, debug, false)));
}

async fn arguments_that_do_not_fit_are_told<R: Kit>() {
    let (server, codex) = R::attach(experimental(), telling([])).await;
    let run = Arc::new(Mutex::new(0));
    let runs = run.clone();
    let tool = R::tool("trip", move |_: Trip, _| *runs.lock().expect("no panic") += 1);
    let start = codex.thread_start().tools(tool).expect("codex takes it");
    let _thread = R::send(start).await.expect("a thread");
    let wrong = [json!({"city": "Oslo", "days": [1, "two"]}), json!({}), json!(["Oslo"]), Value::Null];
    let results = results(&server, wrong.map(|arguments| call("trip", arguments)), 4);
    let expected = [
        "`days[1]`: invalid type: string \"two\", expected u8",
        "missing field `city`",
        "they are no JSON object",
        "they are no JSON object",
    ];
    for (result, expected) in results.iter().zip(expected) {
        let (success, text) = text(result);
        let begins = format!("failed to read the arguments of the tool `trip`: {expected}");
        assert!(!success && text.starts_with(&begins), "{text}");
        assert!(text.ends_with("; call it again with arguments that fit its schema"), "{text}");
    }
    assert_eq!(*run.lock().expect("no panic"), 0, "the tool was not run");
}

async fn failures_are_failed_results_and_harm_nothing_else<R: Kit>() {
    let (server, codex) = R::attach(experimental(), telling([])).await;
    let fails =
        R::tool("fails", |(), _| Err::<(), _>(anyhow::anyhow!("the disk is full").context("failed to save")));
    let panics = R::tool("panics", |(), _| -> String { panic!("a test of panics") });
    let start = codex.thread_start().tools([fails, panics, says("fine", "fine")]).expect("codex takes them");
    let _thread = R::send(start).await.expect("a thread");
    let calls = ["fails", "panics", "fine", "panics"].map(|tool| call(tool, json!({})));
    let results = results(&server, calls, 4);
    let panicked = (false, "failed to run the tool `panics`: it panicked");
    let texts: Vec<_> = results.iter().map(text).collect();
    assert_eq!(texts, [(false, "failed to save: the disk is full"), panicked, (true, "fine"), panicked]);
}

async fn results_may_be_json_and_media<R: Kit>() {
    let (server, codex) = R::attach(experimental(), telling([])).await;
    let json = R::tool("json", |(), _| Json(json!({"a": [1, null]})));
    let media = R::tool("media", |(), _| {
        ToolResult::text("see").and(ToolResult::image("data:image/png;base64,AA==")).and(Json(7))
    });
    let start = codex.thread_start().tools([json, media]).expect("codex takes them");
    let _thread = R::send(start).await.expect("a thread");
    let results = results(&server, [call("json", json!({})), call("media", json!({}))], 2);
    assert_eq!(text(&results[0]), (true, "{\"a\":[1,null]}"));
    let content = json!([
        {"type": "inputText", "text": "see"}, {"type": "inputImage", "imageUrl": "data:image/png;base64,AA=="},
        {"type": "inputText", "text": "7"},
    ]);
    assert_eq!(results[1], (true, content));
}

pub const DECLINED: &str = "failed to run the tool: the client declined the call, or does not have the tool";

async fn unknown_tools_and_threads_are_answered<R: Kit>() {
    let (server, codex) = R::attach(experimental(), telling([])).await;
    // Before any tools are known, and after.
    let before = results(&server, [call_on("elsewhere", "x")], 1);
    assert_eq!(text(&before[0]), (false, DECLINED));
    let tools = Tools::from(says("one", "1")).and(Tools::namespace("n", "", [says("two", "2")]));
    let start = codex.thread_start().tools(tools).expect("codex takes them");
    let _thread = R::send(start).await.expect("a thread");
    let empty = codex.thread_start().tools(Tools::new([])).expect("codex takes none");
    let _empty = R::send(empty).await.expect("a thread");
    let calls = [
        call("two", json!({})),
        call("n.one", json!({})),
        call_on("elsewhere", "one"),
        call_on("thread-2", "one"),
    ];
    let results = results(&server, calls, 5);
    let unknown = |name: &str, has: &str| {
        format!("failed to run the tool `{name}`: the program does not have it any more; it has {has}")
    };
    assert_eq!(text(&results[1]), (false, &*unknown("two", "`one`, `n.two`")));
    assert_eq!(text(&results[2]), (false, &*unknown("n.one", "`one`, `n.two`")));
    assert_eq!(text(&results[3]), (false, DECLINED));
    assert_eq!(text(&results[4]), (false, &*unknown("one", "none at all")));
}

async fn what_codex_would_refuse_is_not_sent<R: Kit>() {
    let (server, codex) = R::attach(experimental(), telling([])).await;
    let error = codex.thread_start().tools(says("no name", "")).err().expect("it is refused");
    assert!(matches!(&error, ToolError::Name { name, .. } if name == "no name"), "{error}");
    let error = codex.thread_resume("T").tools([says("a", ""), says("a", "")]).err().expect("it is refused");
    assert!(matches!(&error, ToolError::Twice { name, .. } if name == "a"), "{error}");
    let error = codex.thread_fork("T").tools(R::tool("a", |_: (u8, u8), _| ())).err().expect("it is refused");
    let error = Error::from(error);
    assert_eq!(
        error.to_string(),
        "failed to offer the tool \"a\": its arguments have no JSON Schema that codex passes on; make them a struct with \
         named fields"
    );
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(cause.contains("(u8, u8)"), "{cause}");
    for method in ["thread/start", "thread/resume", "thread/fork"] {
        assert_eq!(server.count(method), 0);
    }
}

async fn the_experimental_api_has_to_be_on<R: Kit>() {
    let (server, codex) = R::start(telling([])).await;
    let error = codex.thread_start().tools(says("a", "")).err().expect("it is refused");
    assert_eq!(error, ToolError::ExperimentalApi);
    assert!(error.to_string().contains("set `experimental_api(true)` of the `CodexBuilder`"), "{error}");
    assert_eq!(server.count("thread/start"), 0);
}

/// Handlers of the client keep the calls for threads that have no tools of the SDK.
async fn handlers_of_the_client_get_the_other_calls<R: Kit>() {
    for for_all in [true, false] {
        let builder = experimental().client(|client| R::answering_tools(client, for_all));
        let (server, codex) = R::attach(builder, telling([])).await;
        assert_eq!(results(&server, [call("a", json!({}))], 1), [(true, json!([]))]);
        let start = codex.thread_start().tools(says("a", "by the SDK")).expect("codex takes it");
        let _thread = R::send(start).await.expect("a thread");
        let results = results(&server, [call("a", json!({})), call_on("elsewhere", "a")], 3);
        assert_eq!((text(&results[1]), &results[2]), ((true, "by the SDK"), &(true, json!([]))));
    }
}

async fn a_closed_connection_takes_no_tools<R: Kit>() {
    let (_server, codex) = R::attach(experimental(), telling([])).await;
    R::close(&codex).await;
    let error = codex.thread_start().tools(says("a", "")).err().expect("it is closed");
    assert_eq!(error, ToolError::NotServed);
}
