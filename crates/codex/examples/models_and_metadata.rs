//! Who the server is, who is logged in, and which models there are.
//!
//! `cargo run --example models_and_metadata`; with `--offline` nobody has to be logged in.

mod stage;

use codex_appserver::Codex;
use codex_appserver::protocol::Account;
use stage::Stage;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new([])?;
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;

    let server = codex.metadata();
    println!(
        "codex {} on {}",
        server.server_version,
        server.platform_os.as_deref().unwrap_or("an unknown system")
    );
    println!("user agent: {}", server.user_agent);

    match codex.account().await?.account {
        Some(Account::Chatgpt(account)) => println!("account: ChatGPT, plan {}", account.plan_type),
        Some(account) => println!("account: {}", account.tag()),
        None => println!("account: none"),
    }

    let mut page = codex.models().await?;
    loop {
        for model in &page.data {
            let mark = if model.is_default { "*" } else { " " };
            let efforts: Vec<_> =
                model.supported_reasoning_efforts.iter().map(|option| &*option.reasoning_effort).collect();
            println!("{mark} {}: {} (efforts: {})", model.model, model.display_name, efforts.join(", "));
        }
        let Some(cursor) = page.next_cursor else { break };
        page = codex.models().cursor(cursor).await?;
    }
    codex.close().await;
    Ok(())
}
