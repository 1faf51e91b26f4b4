//! Tools of this program that the agent calls: functions whose arguments are Rust types. They stay with the thread, so
//! that a program which resumes it has to bring them again.
//!
//! `cargo run --example dynamic_tools --features experimental`; with `--offline` it needs no login, and the
//! model's first call is wrong, to show what it is told.

mod stage;

use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use codex_appserver::protocol::{DynamicToolCallOutputContentItem as Content, ThreadItem};
use codex_appserver::schemars::JsonSchema;
use codex_appserver::{Codex, Json, Thread, ThreadCall, Tool, ToolCall, Tools};
use codex_appserver_testkit::Reply;
use serde_derive::{Deserialize, Serialize};
use stage::Stage;

/// The model reads these comments.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(crate = "codex_appserver::schemars")]
struct Order {
    /// What to buy.
    article: String,
    /// How many of it.
    #[serde(default = "one")]
    count: u32,
}

fn one() -> u32 {
    1
}

#[derive(Clone, Debug, Serialize)]
struct Entry {
    article: String,
    count: u32,
}

/// What the tools work on. They run at once, so it is behind a lock.
type List = Arc<Mutex<Vec<Entry>>>;

fn add(list: &List, order: Order) -> Result<String> {
    anyhow::ensure!(order.count > 0, "nobody buys 0 of something");
    let mut list = list.lock().ok().context("the list is broken")?;
    list.push(Entry { article: order.article, count: order.count });
    Ok(format!("It is on the list, with {} more.", list.len() - 1))
}

fn tools(list: &List) -> Tools {
    let (adds, shows) = (list.clone(), list.clone());
    let add = Tool::new("add", "Puts an article on the shopping list.", move |order: Order| {
        let adds = adds.clone();
        async move { add(&adds, order) }
    });
    // What came with the call, such as the thread, is there as well. `()` is for tools without arguments.
    let show = Tool::with_call("show", "Shows the shopping list.", move |(), call: ToolCall| {
        let entries = shows.lock().map(|list| list.clone()).unwrap_or_default();
        async move {
            println!("(call {} looks at the list)", call.call_id());
            Json(entries)
        }
    });
    Tools::namespace("shopping", "The shopping list of the user.", [add, show])
}

/// Runs a turn, and prints the calls of tools and the answer.
async fn ask(thread: &Thread, words: &str) -> Result<()> {
    println!("> {words}");
    let result = thread.run(words).await?.into_result()?;
    for item in &result.items {
        let ThreadItem::DynamicToolCall(call) = item else { continue };
        println!("{} {} {}", call.tool, call.arguments, call.status);
        for content in call.content_items.iter().flatten() {
            if let Content::InputText(part) = content {
                println!("  {}", part.text);
            }
        }
    }
    println!("{}", result.text());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let stage = Stage::new([
        calls("add", r#"{"article":"milk","count":"two"}"#),
        calls("add", r#"{"article":"milk","count":2}"#),
        calls("add", r#"{"article":"bread"}"#),
        Reply::text("Milk and bread are on the list."),
        calls("show", "{}"),
        Reply::text("Two milk, one bread."),
    ])?;
    // Tools are an experimental part of the protocol.
    let connect =
        || Codex::builder().experimental_api(true).process(|process| stage.process(process)).start();
    let list = List::default();

    let codex = connect().await?;
    let thread = codex.thread_start().tools(tools(&list))?.await?;
    ask(&thread, "Put two milk and a bread on my shopping list.").await?;
    let id = thread.id().to_owned();
    drop(thread);
    codex.close().await;

    // As it would be in another process: the tools are found by their names.
    let codex = connect().await?;
    let thread = codex.thread_resume(id).tools(tools(&list))?.await?;
    ask(&thread, "What is on the list?").await?;
    codex.close().await;
    Ok(())
}

/// The mock model calls a tool of the namespace.
fn calls(tool: &str, arguments: &str) -> Reply {
    let id = format!("call-{tool}-{}", arguments.len());
    let item = serde_json::json!({
        "type": "function_call", "id": format!("fc-{id}"), "call_id": id, "namespace": "shopping", "name": tool,
        "arguments": arguments,
    });
    Reply::event(serde_json::json!({"type": "response.output_item.done", "item": item}))
}
