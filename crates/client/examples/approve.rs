//! Asks codex something and decides what it may run: `cargo run --example approve -- "list the files here"`.

use codex_appserver_client::protocol::*;
use codex_appserver_client::{Client, Filter, Methods, Process};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = Client::builder()
        .client_info(ClientInfo::new("my_app", "1.0"))
        .on_command_approval(|request, _context| async move {
            println!("Not this time: {}", request.command.unwrap_or_default());
            Ok(CommandExecutionRequestApprovalResponse::new(CommandExecutionApprovalDecision::Decline))
        })
        .spawn(Process::new()) // the codex of CODEX_BIN, of PATH, or of npm's caches
        .await?;
    if let Some(mismatch) = client.server().mismatch() {
        eprintln!("warning: {mismatch}");
    }

    let thread = client.thread_start().await?.thread;
    let mut events = client.events(Filter::thread(&thread.id));
    let text = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    client.turn_start(&thread.id, [UserInput::Text(TextUserInput::new(text))]).await?;
    while let Some(event) = events.next().await {
        match event?.into_notification() {
            Some(ServerNotification::ItemAgentMessageDelta(part)) => print!("{}", part.delta),
            Some(ServerNotification::TurnCompleted(turn)) => {
                println!("\n{}", turn.turn.status);
                break;
            }
            _ => {}
        }
    }
    client.shutdown().await;
    Ok(())
}
