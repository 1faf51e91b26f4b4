use codex_appserver_client::*;
use codex_appserver_testkit::{CodexHome, MockModel, Reply};
use codex_appserver_requests::*;
use codex_appserver_types::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = MockModel::scripted([
        Reply::function_call("exec_command", r#"{"cmd":"touch /tmp/x-y-z","sandbox_permissions":"require_escalated","justification":"x"}"#),
        Reply::text_chunks(["Nothing ", "here."]),
    ])?;
    let home = CodexHome::builder(&model).build()?;
    let codex = std::env::var("CODEX")?;
    let t = std::time::Instant::now();
    let client = Client::builder()
        .on_command_approval(|params, context| async move {
            println!("asked: {:?} {:?}", params.command, context.client().map(|c| c.stats()));
            Ok(CommandExecutionRequestApprovalResponse::new(CommandExecutionApprovalDecision::Decline))
        })
        .early_events(Filter::All, EventSettings::default())
        .spawn(Process::from_command(&home.command(&codex))).await?;
    println!("{:?} {:?}", t.elapsed(), client.server());
    let mut events = client.early_events().unwrap();
    let thread = client.thread_start().await?.thread;
    let turn = client.turn_start(thread.id.clone(), vec![UserInput::Text(TextUserInput::new("hi"))]).await;
    println!("{:?}", turn.map(|t| t.turn.id));
    while let Some(event) = events.next().await {
        let event = event?;
        match &event {
            Event::Notification(n) => println!("{}", wire::Message::method(&n.notification)),
            other => println!("{}", &format!("{other:?}").chars().take(120).collect::<String>()),
        }
        if let Some(ServerNotification::TurnCompleted(_)) = event.notification() { break; }
    }
    println!("{:?}", client.stats());
    println!("{:?}", client.shutdown().await);
    println!("{:?}", client.thread_start().await.map(|_| ()));
    Ok(())
}
