//! One turn with everything that a turn may have: a tool of this program, a sub-agent, a tool of an MCP server that needs
//! leave, and what all of it has cost.
//!
//! `cargo run --example whole_turn --features experimental -- --offline`. Without the flag it asks your codex, which needs
//! an MCP server for the question.

mod offline;
#[path = "../stage/mod.rs"]
mod stage;

use codex_appserver::client::{Context, HandlerError};
use codex_appserver::protocol::ThreadItem;
use codex_appserver::schemars::{self, JsonSchema};
use codex_appserver::{
    ApprovalRequest, Codex, CodexBuilder, Decision, FrontEnd, ServerNotification, ThreadCall, Tool,
};
use serde_derive::Deserialize;

/// Where the weather is asked for.
#[derive(Deserialize, JsonSchema)]
struct Place {
    city: String,
}

struct Desk;

impl FrontEnd for Desk {
    async fn approve(&self, request: ApprovalRequest, _: Context) -> Result<Decision, HandlerError> {
        println!("asked: {:?}", request.mcp_tool());
        Ok(match request.mcp_tool() {
            Some(("calendar", "add_event")) => Decision::Accept,
            _ => Decision::Decline,
        })
    }
}

async fn plan(builder: CodexBuilder) -> anyhow::Result<()> {
    let codex = builder.experimental_api(true).front_end(Desk).start().await?;
    let weather = Tool::new("weather", "Tells the weather.", |place: Place| async move {
        format!("The sun shines on {}.", place.city)
    });
    let thread = codex.thread_start().tools([weather])?.await?;
    let turn = thread.turn("Plan a picnic in Oslo, and have an agent find a park.").await?;
    let mut stream = turn.stream();
    while let Some(event) = stream.next().await {
        let Some(ServerNotification::ItemCompleted(done)) = event?.into_notification() else { continue };
        match done.item {
            ThreadItem::DynamicToolCall(call) => {
                println!("{} {}: {}", call.tool, call.arguments, call.status)
            }
            ThreadItem::McpToolCall(call) => println!("{}.{}: {}", call.server, call.tool, call.status),
            ThreadItem::AgentMessage(message) => println!("{}", message.text),
            _ => {}
        }
    }
    let result = stream.into_result()?.into_result()?;
    for agent in turn.agents() {
        println!("sub-agent: {:?} -> {:?}", agent.prompt, agent.result);
    }
    if let Some(usage) = result.turn_usage {
        println!("tokens: {} and {} of sub-agents", usage.own.total, usage.agents.total);
    }
    codex.close().await;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == offline::MCP_SERVER) {
        offline::mcp_server().serve(std::io::stdin().lock(), std::io::stdout())?;
        return Ok(());
    }
    let stage = stage::Stage::with_home(offline::model, offline::home)?;
    plan(Codex::builder().process(|process| stage.process(process))).await
}
