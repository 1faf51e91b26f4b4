//! A reply as server-sent events.

use std::time::Duration;

use serde_json::{Value, json};

use super::gate::Gate;
use super::reply::{End, Part, Reply, Usage};

/// What the mock does next while it answers.
#[derive(Debug)]
pub(super) enum Step {
    /// Sends this text.
    Send(String),
    /// Waits until the gate is open.
    Hold(Gate),
    /// Waits so long.
    Pause(Duration),
    /// Breaks the connection.
    CutOff,
}

/// The steps of a reply that is a stream, to request `number`.
pub(super) fn steps(reply: &Reply, number: usize) -> Vec<Step> {
    let label = reply.label.clone().unwrap_or_else(|| number.to_string());
    let response = format!("resp_{label}");
    let mut steps = vec![send(json!({"type": "response.created", "response": {"id": response}}))];
    for (index, part) in reply.parts.iter().enumerate() {
        part_steps(part, &format!("{label}_{}", index + 1), &mut steps);
    }
    steps.push(match &reply.end {
        End::Failed { code, message } => send(json!({
            "type": "response.failed",
            "response": {"id": response, "status": "failed", "error": {"code": code, "message": message}},
        })),
        End::CutOff => Step::CutOff,
        End::Completed | End::Http { .. } => send(json!({
            "type": "response.completed",
            "response": {"id": response, "usage": usage(reply.usage)},
        })),
    });
    steps
}

fn part_steps(part: &Part, id: &str, steps: &mut Vec<Step>) {
    match part {
        Part::Text { chunks, finished, pause } => {
            text(chunks, *finished, *pause, &format!("msg_{id}"), steps)
        }
        Part::Reasoning { summary, text } => {
            reasoning(summary, text.as_deref(), &format!("rs_{id}"), steps);
        }
        Part::FunctionCall { namespace, name, arguments } => {
            let mut call = json!({
                "type": "function_call", "id": format!("fc_{id}"), "call_id": format!("call_{id}"),
                "name": name, "arguments": arguments,
            });
            if let Some(namespace) = namespace {
                call["namespace"] = json!(namespace);
            }
            whole(call, steps);
        }
        Part::CustomToolCall { name, input } => whole(
            json!({
                "type": "custom_tool_call", "id": format!("ctc_{id}"), "call_id": format!("call_{id}"),
                "name": name, "input": input,
            }),
            steps,
        ),
        Part::Event(event) => steps.push(send(event.clone())),
        Part::Hold(gate) => steps.push(Step::Hold(gate.clone())),
        Part::Pause(pause) => steps.push(Step::Pause(*pause)),
    }
}

fn text(chunks: &[String], finished: bool, pause: Duration, id: &str, steps: &mut Vec<Step>) {
    let item = |content: Value| json!({"type": "message", "role": "assistant", "id": id, "content": content});
    steps.push(send(json!({"type": "response.output_item.added", "item": item(json!([]))})));
    for chunk in chunks {
        if !pause.is_zero() {
            steps.push(Step::Pause(pause));
        }
        steps.push(send(json!({"type": "response.output_text.delta", "item_id": id, "delta": chunk})));
    }
    if finished {
        let content = json!([{"type": "output_text", "text": chunks.concat()}]);
        steps.push(send(json!({"type": "response.output_item.done", "item": item(content)})));
    }
}

fn reasoning(summary: &str, text: Option<&str>, id: &str, steps: &mut Vec<Step>) {
    let item = json!({"type": "reasoning", "id": id, "summary": []});
    steps.push(send(json!({"type": "response.output_item.added", "item": item})));
    let part = |text: &str| json!({"type": "summary_text", "text": text});
    steps.push(send(json!({
        "type": "response.reasoning_summary_part.added", "item_id": id, "summary_index": 0, "part": part(""),
    })));
    steps.push(send(json!({
        "type": "response.reasoning_summary_text.delta", "item_id": id, "summary_index": 0, "delta": summary,
    })));
    let mut item = json!({"type": "reasoning", "id": id, "summary": [part(summary)]});
    if let Some(text) = text {
        steps.push(send(json!({
            "type": "response.reasoning_text.delta", "item_id": id, "content_index": 0, "delta": text,
        })));
        item["content"] = json!([{"type": "reasoning_text", "text": text}]);
    }
    steps.push(send(json!({"type": "response.output_item.done", "item": item})));
}

/// An item that comes without deltas.
fn whole(item: Value, steps: &mut Vec<Step>) {
    steps.push(send(json!({"type": "response.output_item.added", "item": item})));
    steps.push(send(json!({"type": "response.output_item.done", "item": item})));
}

fn usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached_input},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_output},
        "total_tokens": usage.input + usage.output,
    })
}

/// One event. JSON text has no line breaks, so it is one `data` line.
fn send(event: Value) -> Step {
    let kind = event["type"].as_str().unwrap_or_default();
    Step::Send(format!("event: {kind}\ndata: {event}\n\n"))
}
