//! Fills a new store with a task in every status: `cargo run --example fill_store -- sqlite:PATH`.
//!
//! Dumps of such stores are the fixtures of `tests/fixtures`, from which later versions are migrated.

use codex_appserver_host::{
    Batch, Host, IfLost, Input, Lease, NewEvent, NewRequest, NewTask, ServerInstance, TurnEnd, Update,
};
use serde_json::json;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args()
        .nth(1)
        .ok_or_else(|| anyhow::anyhow!("name a store: sqlite:PATH or postgres://…"))?;
    let host = Host::open(&url).await?;
    let server = ServerInstance::new("server-1");
    let ends = [
        vec![Input::TurnStarted, Input::TurnCompleted(TurnEnd::Completed)],
        vec![Input::TurnStarted, Input::TurnCompleted(TurnEnd::Failed(Some("no access".to_owned())))],
        vec![Input::TurnStarted, Input::TurnCompleted(TurnEnd::Interrupted)],
        // Their workers are gone by the time that the store is opened again.
        vec![],
        vec![Input::TurnStarted],
        vec![Input::TurnStarted],
        vec![Input::TurnLost { reason: "the server has ended".to_owned() }],
    ];
    for (number, inputs) in ends.into_iter().enumerate() {
        let lease = begin(&host, &server, number).await?;
        let update = Update { final_text: Some("Done.".to_owned()), ..Update::default() };
        host.append(&lease, &Batch { events: vec![NewEvent::stderr("WARN slow")], inputs, update }).await?;
        if number == 5 {
            let params =
                json!({"threadId": "t5", "turnId": "u5", "itemId": "i", "startedAtMs": 1, "command": "ls"});
            let method = "item/commandExecution/requestApproval".to_owned();
            let new = NewRequest { server: server.clone(), id: 0.into(), method, params };
            host.open_request(&lease, &new).await?;
        }
    }
    host.create(&NewTask::new("Task 7.", "/")).await?;
    host.close().await;
    Ok(())
}

async fn begin(host: &Host, server: &ServerInstance, number: usize) -> anyhow::Result<Lease> {
    let new = NewTask::new(format!("Task {number}."), "/").if_lost(IfLost::Ask).notify("local");
    host.create(&new.idempotency_key(format!("key {number}"))).await?;
    let worker = host.register("fixture").await?;
    let claim = host.claim(&worker).await?.ok_or_else(|| anyhow::anyhow!("there is no task to claim"))?;
    host.intend(&claim.lease, server, &format!("t{number}")).await?;
    host.acknowledge(&claim.lease, server, &format!("u{number}")).await?;
    Ok(claim.lease)
}
