//! Tools by which the model turns to the client: plans, questions, permissions, tools of the client itself.

use anyhow::{Result, ensure};
use codex_appserver_enums::{DynamicToolCallStatus, PermissionGrantScope, TurnPlanStepStatus, TurnStatus};
use codex_appserver_methods::Methods as _;
use codex_appserver_notifications::ServerNotification;
use codex_appserver_requests::{
    DynamicToolCallResponse, PermissionsRequestApprovalResponse, ServerRequest, ToolRequestUserInputResponse,
};
use codex_appserver_testkit::{CodexHomeBuilder, Reply};
use codex_appserver_types::{
    AdditionalNetworkPermissions, DynamicToolCallOutputContentItem, DynamicToolSpec, FunctionDynamicToolSpec,
    GrantedPermissionProfile, InputTextDynamicToolCallOutputContentItem, Thread, ThreadItem,
    ToolRequestUserInputAnswer,
};
use serde_json::json;

use crate::sessions::Stage;

/// The tools are there only where the configuration asks for them.
pub(super) fn home(home: CodexHomeBuilder) -> CodexHomeBuilder {
    home.feature("request_permissions_tool", true)
        .feature("default_mode_request_user_input", true)
        .config("[tools.update_plan]\nenabled = true")
}

/// One turn for each tool, each on the same thread.
///
/// Questions and requests for permissions have no item of their own; a call of a tool of the client has one.
pub(super) fn tools(stage: &Stage) -> Result<()> {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let weather = FunctionDynamicToolSpec::new("The weather in a city.", schema, "weather");
    let call = stage.client.thread_start().dynamic_tools([DynamicToolSpec::Function(weather)]);
    let thread = stage.start_this_thread(call)?;
    plan(stage, &thread)?;
    question(stage, &thread)?;
    permissions(stage, &thread)?;
    tool_of_the_client(stage, &thread)
}

/// The model calls a tool and then says that it is through. The last request tells what it got.
fn call(stage: &Stage, thread: &Thread, tool: &str, arguments: serde_json::Value) -> Result<()> {
    stage.model.push(Reply::function_call(tool, arguments.to_string()));
    stage.model.push(Reply::text("Done."));
    stage.start_turn(thread, tool)?;
    Ok(())
}

/// Waits until the turn is over, and gives what the model was told about its call.
fn outcome(stage: &Stage, thread: &Thread) -> Result<String> {
    let turn = stage.completed(thread)?;
    ensure!(turn.status == TurnStatus::Completed, "{turn:?}");
    let requests = stage.model.requests();
    let (last, call) = (&requests[requests.len() - 1], requests.len() - 1);
    Ok(last.tool_output(&format!("call_{call}_1")).unwrap_or_default())
}

fn plan(stage: &Stage, thread: &Thread) -> Result<()> {
    let steps = json!([{"step": "Look.", "status": "in_progress"}, {"step": "Leap.", "status": "pending"}]);
    call(stage, thread, "update_plan", json!({"explanation": "In this order.", "plan": steps}))?;
    let plan = stage.client.expect("turn/plan/updated", |notification| match notification {
        ServerNotification::TurnPlanUpdated(updated) => Some(updated.plan.clone()),
        _ => None,
    })?;
    ensure!(plan.len() == 2 && plan[0].status == TurnPlanStepStatus::InProgress, "{plan:?}");
    outcome(stage, thread).map(drop)
}

fn question(stage: &Stage, thread: &Thread) -> Result<()> {
    let option = |label: &str| json!({"label": label, "description": format!("Go {label}.")});
    let question = json!({
        "id": "way", "header": "Way", "question": "Which way?", "options": [option("left"), option("right")],
    });
    call(stage, thread, "request_user_input", json!({"questions": [question]}))?;
    let (id, asked) = stage.client.expect_request("a question", |request| match request {
        ServerRequest::ItemToolRequestUserInput(asked) => Some(asked.questions.clone()),
        _ => None,
    })?;
    ensure!(asked.len() == 1 && asked[0].question == "Which way?", "{asked:?}");
    let answers = [("way".to_owned(), ToolRequestUserInputAnswer::new(["left"]))];
    stage.client.answer(id.clone(), ToolRequestUserInputResponse::new(answers.into()))?;
    stage.resolved(&id)?;
    let told = outcome(stage, thread)?;
    ensure!(told.contains("left") && !told.contains("right"), "{told}");
    Ok(())
}

fn permissions(stage: &Stage, thread: &Thread) -> Result<()> {
    let wanted = json!({"reason": "To look it up.", "permissions": {"network": {"enabled": true}}});
    call(stage, thread, "request_permissions", wanted)?;
    let (id, asked) = stage.client.expect_request("a request for permissions", |request| match request {
        ServerRequest::ItemPermissionsRequestApproval(asked) => Some(asked.reason.clone()),
        _ => None,
    })?;
    ensure!(asked.as_deref() == Some("To look it up."), "{asked:?}");
    let network = AdditionalNetworkPermissions::new().enabled(true);
    let granted = PermissionsRequestApprovalResponse::new(GrantedPermissionProfile::new().network(network));
    stage.client.answer(id.clone(), granted.scope(PermissionGrantScope::Turn))?;
    stage.resolved(&id)?;
    let told = outcome(stage, thread)?;
    ensure!(told.contains("network"), "{told}");
    Ok(())
}

fn tool_of_the_client(stage: &Stage, thread: &Thread) -> Result<()> {
    call(stage, thread, "weather", json!({"city": "Oslo"}))?;
    let (id, asked) = stage.client.expect_request("a call of our tool", |request| match request {
        ServerRequest::ItemToolCall(asked) => Some((asked.tool.clone(), asked.arguments.clone())),
        _ => None,
    })?;
    ensure!(asked == ("weather".to_owned(), json!({"city": "Oslo"})), "{asked:?}");
    let sunny = InputTextDynamicToolCallOutputContentItem::new("Sunny.");
    let content = [DynamicToolCallOutputContentItem::InputText(sunny)];
    stage.client.answer(id, DynamicToolCallResponse::new(content, true))?;
    let status = stage.item("a call of our tool", |item| match item {
        ThreadItem::DynamicToolCall(call) => Some(call.status.clone()),
        _ => None,
    })?;
    ensure!(status == DynamicToolCallStatus::Completed, "{status:?}");
    let told = outcome(stage, thread)?;
    ensure!(told.contains("Sunny."), "{told}");
    Ok(())
}

/// A thread that passes on what the model sends as it is, with `rawResponseItem/completed`.
pub(super) fn raw_events(stage: &Stage) -> Result<()> {
    let thread = stage.start_this_thread(stage.client.thread_start().experimental_raw_events(true))?;
    stage.model.push(Reply::reasoning("A greeting.").then(Reply::text_chunks(["Hello", " there."])));
    stage.turn(&thread, "Hello.")?;
    let raw = stage.client.told(|notification| match notification {
        ServerNotification::RawResponseItemCompleted(raw) => Some(raw.item.clone()),
        _ => None,
    });
    ensure!(raw.len() >= 2, "{raw:?}");
    Ok(())
}
