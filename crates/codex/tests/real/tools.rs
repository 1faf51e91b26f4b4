//! Tools of the program, called by the real codex.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use codex_appserver::protocol::{DynamicToolCallStatus, ThreadItem};
use codex_appserver::schemars::{self, JsonSchema};
use codex_appserver::{
    Codex, Error, Event, Json, ServerNotification, Thread, ThreadCall, Tool, ToolCall, ToolResult, Tools,
};
use codex_appserver_testkit::{CodexHomeBuilder, Reply};
use serde_derive::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Barrier, Notify};

use crate::stage::{PATIENCE, Stage};

/// A png of one pixel.
const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[derive(Deserialize, JsonSchema)]
struct Trip {
    /// Where to.
    city: String,
    #[serde(default)]
    days: Vec<u8>,
}

fn weather() -> Tool {
    Tool::new("weather", "The weather in a city.", |trip: Trip| async move {
        format!("{} days of rain in {}", trip.days.len(), trip.city)
    })
}

fn says(name: &str, word: &'static str) -> Tool {
    Tool::new(name, "Says a word.", move |()| async move { word })
}

fn calls(tool: &str, arguments: Value) -> Reply {
    Reply::function_call(tool, arguments.to_string())
}

/// A call of a tool in a namespace.
fn calls_in(namespace: &str, tool: &str, call_id: &str, arguments: &Value) -> Reply {
    let item = json!({
        "type": "function_call", "id": format!("fc_{call_id}"), "call_id": call_id, "namespace": namespace,
        "name": tool, "arguments": arguments.to_string(),
    });
    Reply::event(json!({"type": "response.output_item.done", "item": item}))
}

impl Stage {
    async fn experimental(&self) -> Codex {
        self.builder().experimental_api(true).start().await.expect("a codex")
    }

    /// A call of a tool in a turn of its own, and what the model was told.
    async fn outcome(&self, thread: &Thread, tool: &str, arguments: Value) -> String {
        let call = self.model.requests().len() + 1;
        self.model.push(calls(tool, arguments));
        self.model.push(Reply::text("Done."));
        let result = thread.run(tool).await.expect("a result");
        assert!(result.is_completed(), "{result:?}");
        self.told(&format!("call_{call}_1"))
    }

    /// What the model was told about a call.
    fn told(&self, call: &str) -> String {
        let requests = self.model.requests();
        requests
            .last()
            .and_then(|last| last.tool_output(call))
            .unwrap_or_else(|| panic!("{call} was answered"))
    }
}

#[tokio::test]
async fn the_model_gets_what_tools_return() {
    let Some(stage) = Stage::set([]) else { return };
    let codex = stage.experimental().await;
    let tools = Tools::from([
        weather(),
        Tool::new("json", "A list.", |()| async { Json(json!({"list": [1, null]})) }),
        Tool::new("image", "A picture.", |()| async { ToolResult::text("see").and(ToolResult::image(PNG)) }),
        Tool::new("remote", "A picture.", |()| async { ToolResult::image("https://example.com/a.png") }),
        Tool::new("fails", "Fails.", |()| async { Err::<(), _>("the disk is full") }),
        Tool::new("panics", "Panics.", |()| async { assert_eq!(1, 2, "a test of panics") }),
        Tool::new("long", "Long.", |()| async { "x".repeat(200_000) }),
    ]);
    let thread = codex.thread_start().tools(tools).expect("codex takes them").await.expect("a thread");
    let told = stage.outcome(&thread, "weather", json!({"city": "Oslo", "days": [1, 2]})).await;
    assert_eq!(told, "2 days of rain in Oslo");
    let offered = &stage.model.requests()[0].body["tools"];
    let offered = offered.as_array().and_then(|tools| tools.iter().find(|tool| tool["name"] == "weather"));
    let offered = offered.expect("the model may call it");
    assert_eq!(offered["description"], "The weather in a city.");
    assert_eq!(
        offered["parameters"]["properties"]["city"],
        json!({"type": "string", "description": "Where to."})
    );
    assert_eq!(offered["parameters"]["required"], json!(["city"]));

    let told = stage.outcome(&thread, "weather", json!({"city": "Oslo", "days": [1, "two"]})).await;
    assert!(told.contains("`days[1]`: invalid type: string \"two\", expected u8"), "{told}");
    assert_eq!(stage.outcome(&thread, "json", json!({})).await, "{\"list\":[1,null]}");
    let told: Value = serde_json::from_str(&stage.outcome(&thread, "image", json!({})).await).expect("parts");
    assert_eq!(
        (&told[0]["text"], &told[1]["type"], &told[1]["image_url"]),
        (&json!("see"), &json!("input_image"), &json!(PNG))
    );
    let told = stage.outcome(&thread, "remote", json!({})).await;
    assert!(told.contains("use an inline data URL"), "{told}");
    assert_eq!(stage.outcome(&thread, "fails", json!({})).await, "the disk is full");
    assert_eq!(
        stage.outcome(&thread, "panics", json!({})).await,
        "failed to run the tool `panics`: it panicked"
    );
    // The limit that the docs name, with what codex writes in the middle.
    let told = stage.outcome(&thread, "long", json!({})).await;
    assert!((40_000..60_000).contains(&told.len()) && told.contains("truncated"), "{}", told.len());
    // After all that the tools still work.
    let told = stage.outcome(&thread, "weather", json!({"city": "Bergen"})).await;
    assert_eq!(told, "0 days of rain in Bergen");
}

/// codex refuses what the SDK refuses, and passes on what it does not.
#[tokio::test]
async fn names_are_refused_as_codex_refuses_them() {
    let Some(stage) = Stage::set([Reply::text("Done.")]) else { return };
    let codex = stage.experimental().await;
    let function = |name: &str| json!({"type": "function", "name": name, "description": "", "inputSchema": {"type": "object"}});
    let space = |name: &str, description: &str, tools: &[Value]| json!({"type": "namespace", "name": name, "description": description, "tools": tools});
    let (long, longest) = ("x".repeat(129), "x".repeat(128));
    let mut refused: Vec<Value> =
        ["", " a", "a b", "ä", "a.b", &long, "mcp", "mcp__a"].into_iter().map(function).collect();
    let reserved = [
        "api_tool",
        "browser",
        "computer",
        "container",
        "file_search",
        "functions",
        "image_gen",
        "multi_tool_use",
        "python",
        "python_user_visible",
        "submodel_delegator",
        "terminal",
        "tool_search",
        "web",
        "mcp",
        &long[..65],
    ];
    refused.extend(reserved.map(|name| space(name, "", &[function("a")])));
    refused.push(space("n", &"x".repeat(1025), &[function("a")]));
    refused.push(space("n", "", &[]));
    for tool in refused {
        let answer = codex.client().request_raw("thread/start", json!({"dynamicTools": [tool]})).await;
        answer.expect_err(&tool.to_string());
        let name = tool["name"].as_str().expect("text");
        let tools = match tool["tools"].as_array() {
            None => Tools::from(says(name, "")),
            Some(tools) => Tools::namespace(
                name,
                tool["description"].as_str().expect("text"),
                tools.iter().map(|_| says("a", "")),
            ),
        };
        assert!(codex.thread_start().tools(tools).is_err(), "{tool}");
    }
    let deferred = codex.thread_start().tools(says("a", "").deferred());
    deferred.err().expect("it is in no namespace");
    let fine = Tools::from([says(&longest, ""), says("A-1_b", "")]).and(Tools::namespace(
        &longest[..64],
        "x".repeat(1024),
        [says("a", ""), says("b", "").deferred()],
    ));
    let thread = codex.thread_start().tools(fine).expect("the SDK takes it").await.expect("codex takes it");
    thread.run("Go.").await.expect("a result");
    let tools = stage.model.requests()[0].body["tools"].to_string();
    assert!(tools.contains(&longest) && tools.contains("A-1_b"), "{tools}");
}

#[tokio::test]
async fn a_server_without_the_experimental_api_refuses_tools() {
    let Some(stage) = Stage::set([]) else { return };
    let codex = stage.codex().await;
    let error = codex.thread_start().tools(weather()).err().expect("it is refused");
    assert!(error.to_string().contains("`experimental_api(true)`"), "{error}");
    // As codex says itself.
    let error = Error::from(codex.thread_start().dynamic_tools([]).await.expect_err("it is refused"));
    assert_eq!(error.kind(), Some(codex_appserver::client::RpcErrorKind::NeedsExperimentalApi));
}

/// Two calls of one answer of the model, the second of which starts a thread of its own.
#[tokio::test]
async fn two_calls_run_at_once_and_may_run_turns() {
    let Some(stage) = Stage::set([]) else { return };
    stage.model.answer_with(|request| match request.last_user_text() {
        Some("And you?") => Reply::text("I agree."),
        _ if request.follows_a_tool() => Reply::text("Done."),
        _ => calls_in("n", "first", "one", &json!({})).then(calls_in("n", "second", "two", &json!({}))),
    });
    let together = Arc::new(Barrier::new(2));
    let meets = together.clone();
    let first = Tool::new("first", "Waits for the second.", move |()| {
        let meets = meets.clone();
        async move {
            meets.wait().await;
        }
    });
    let second = Tool::with_call("second", "Asks another agent.", move |(), call: ToolCall| {
        let meets = together.clone();
        async move {
            meets.wait().await;
            let codex = call.codex().ok_or_else(|| anyhow::anyhow!("the connection is closed"))?;
            anyhow::Ok(codex.thread_start().await?.run("And you?").await?.text().to_owned())
        }
    });
    let codex = stage.experimental().await;
    let tools = Tools::namespace("n", "", [first, second]);
    let thread = codex.thread_start().tools(tools).expect("codex takes them").await.expect("a thread");
    assert_eq!(thread.run("Go.").await.expect("a result").text(), "Done.");
    assert_eq!(stage.told("two"), "I agree.");
}

#[tokio::test]
async fn an_interrupt_drops_the_call() {
    struct Guard(Arc<Notify>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let Some(stage) = Stage::set([calls("endless", json!({})), Reply::text("Alive.")]) else { return };
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, drops) = (begun.clone(), dropped.clone());
    let endless = Tool::new("endless", "Never ends.", move |()| {
        let (guard, begins) = (Guard(drops.clone()), begins.clone());
        async move {
            begins.notify_one();
            std::future::pending::<()>().await;
            drop(guard);
        }
    });
    let codex = stage.experimental().await;
    let thread = codex.thread_start().tools(endless).expect("codex takes it").await.expect("a thread");
    let turn = thread.turn("Go.").await.expect("a turn");
    tokio::time::timeout(PATIENCE, begun.notified()).await.expect("it begins");
    turn.interrupt().await.expect("it is interrupted");
    assert_eq!(turn.run().await.expect("a value").status.as_str(), "interrupted");
    tokio::time::timeout(PATIENCE, dropped.notified()).await.expect("it is dropped");
    assert_eq!(thread.run("Go on.").await.expect("the thread goes on").text(), "Alive.");
}

/// The second program has a tool less, and did not ask for the experimental API.
#[tokio::test]
async fn a_resumed_thread_calls_the_tools_of_the_new_program() {
    let Some(stage) = Stage::set([Reply::text("Hello.")]) else { return };
    let codex = stage.experimental().await;
    let tools = [weather(), says("gone", "here")];
    let thread = codex.thread_start().tools(tools).expect("codex takes them").await.expect("a thread");
    thread.run("Hello.").await.expect("a result");
    let id = thread.id().to_owned();
    drop(thread);
    codex.close().await;

    let codex = stage.codex().await;
    let resume = codex.thread_resume(&id).tools(says("weather", "It is dry now.")).expect("codex takes it");
    let thread = resume.await.expect("the thread");
    assert_eq!(stage.outcome(&thread, "weather", json!({})).await, "It is dry now.");
    let told = stage.outcome(&thread, "gone", json!({})).await;
    assert_eq!(
        told,
        "failed to run the tool `gone`: the program does not have it any more; it has `weather`"
    );
    // A fork has them as well.
    let fork = thread.fork().await.expect("a fork");
    assert_ne!(fork.id(), thread.id());
    assert_eq!(stage.outcome(&fork, "weather", json!({})).await, "It is dry now.");
    drop((thread, fork));
    codex.close().await;

    // A program without tools does not leave the agent waiting.
    let codex = stage.codex().await;
    let thread = codex.thread_resume(&id).await.expect("the thread");
    let told = stage.outcome(&thread, "weather", json!({"city": "Oslo"})).await;
    assert_eq!(told, "failed to run the tool: the client declined the call, or does not have the tool");
}

/// A sub-agent with the context of the thread has its tools, and calls them under its own ids.
#[tokio::test]
async fn a_sub_agent_calls_the_tools_of_its_thread() {
    let home = |home: CodexHomeBuilder| home.feature("multi_agent", true);
    let Some(stage) = Stage::with([], home) else { return };
    let spawn =
        calls_in("multi_agent_v1", "spawn_agent", "spawn", &json!({"message": "Dig.", "fork_context": true}));
    let (mut owner, mut agent) = (
        [spawn, Reply::text("It digs.")].into_iter(),
        [calls("dig", json!({})).labelled("dig"), Reply::text("Dug.")].into_iter(),
    );
    stage.model.answer_with(move |request| {
        let script = if request.user_texts().contains(&"Dig.") { &mut agent } else { &mut owner };
        script.next().unwrap_or_default()
    });
    let codex = stage.experimental().await;
    let mut all = codex.client().events(codex_appserver::Filter::All);
    let dig = Tool::with_call("dig", "Digs.", |(), call: ToolCall| async move {
        format!("{} {}", call.thread_id(), call.turn_id())
    });
    let thread = codex.thread_start().tools(dig).expect("codex takes it").await.expect("a thread");
    let turn = thread.turn("Have it dug.").await.expect("a turn");
    let (call, thread_id, turn_id) = loop {
        let event = all.next().await.expect("an event").expect("it goes on");
        if let Some(ServerNotification::ItemCompleted(done)) = event.into_notification()
            && let ThreadItem::DynamicToolCall(call) = done.item
        {
            break (call, done.thread_id, done.turn_id);
        }
    };
    assert_eq!(call.status, DynamicToolCallStatus::Completed);
    let content = serde_json::to_value(&call.content_items).expect("JSON");
    assert_eq!(content, json!([{"type": "inputText", "text": format!("{thread_id} {turn_id}")}]));
    assert!(thread_id != thread.id() && turn_id != turn.id(), "they are its own");
    turn.run().await.expect("a result");
}

/// Two clients of one server: the one that started the thread has its tools, the other one watches.
#[cfg(all(unix, feature = "ws"))]
#[tokio::test]
async fn a_watcher_leaves_calls_to_the_client_that_has_the_tools() {
    let Some(stage) = Stage::set([Reply::text("Hello.")]) else { return };
    let server = crate::listening::Listening::start(&stage);
    let host = server.connect(|| Codex::builder().experimental_api(true)).await;
    let counted = Arc::new(AtomicUsize::new(0));
    let counts = counted.clone();
    let tool = Tool::new("count", "Counts.", move |()| {
        let count = counts.fetch_add(1, Ordering::Relaxed) + 1;
        async move {
            // The watcher has had the time to answer first.
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            count.to_string()
        }
    });
    let thread = host.thread_start().tools(tool).expect("codex takes it").await.expect("a thread");
    thread.run("Hello.").await.expect("a result");
    let watcher = server.connect(|| Codex::builder().experimental_api(true)).await;
    // It has tools for a thread of its own, so its SDK looks at all calls.
    let own = watcher.thread_start().tools(says("count", "wrong")).expect("codex takes it");
    let _own = own.await.expect("a thread");
    let watched = watcher.thread_resume(thread.id()).await.expect("the thread");
    let mut events = watched.events();
    assert_eq!(stage.outcome(&thread, "count", json!({})).await, "1");
    let mut asked = 0;
    while let Some(event) = events.next().await {
        let event = event.expect("it goes on");
        asked += usize::from(
            matches!(&event, Event::Request(asked) if asked.request.method() == "item/tool/call"),
        );
        if let Some(ServerNotification::TurnCompleted(_)) = event.into_notification() {
            break;
        }
    }
    assert_eq!(asked, 1, "the watcher was asked as well");
}
