//! A whole turn, as the real server plays it, spelled out in steps.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::step::{Ask, Flood, Notify, Step};
use super::thread::{MILLISECONDS, SECONDS};

/// What `turn/start` sets off: one message of the agent, in deltas.
///
/// The ids are `turn-$count`, `user-$count` and `msg-$count`, where `$count` numbers the turns of the process;
/// the thread is the one that the request names. Turns of several threads interleave.
///
/// ```
/// use codex_appserver_testkit::scripted::{Answer, Ask, Scenario, Turn};
/// use serde_json::json;
///
/// let params = json!({"threadId": "$params.threadId", "turnId": "turn-$count", "itemId": "call-1",
///     "startedAtMs": 1_800_000_000_000_u64});
/// let turn = Turn::new(["It ", "ran."]).ask(Ask::new("item/commandExecution/requestApproval", params).resolved());
/// let scenario = Scenario::new().answer("thread/start", Answer::thread()).answer("turn/start", Answer::turn(turn));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    #[serde(default)]
    deltas: Deltas,
    #[serde(default, skip_serializing_if = "is_zero")]
    every_ms: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requests: Vec<Ask>,
    #[serde(default)]
    end: TurnEnd,
}

/// The texts of the deltas, or how many there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a list of texts or a number of deltas")]
enum Deltas {
    Texts(Vec<String>),
    Count(u64),
}

/// How a turn ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TurnEnd {
    /// `completed`.
    #[default]
    Completed,
    /// `failed`, after a notification `error`; the message has no `item/completed`.
    Failed,
    /// `interrupted`, as soon as the client sent `turn/interrupt`; the message has no `item/completed`.
    Interrupted,
    /// It never ends.
    Never,
}

impl Default for Deltas {
    fn default() -> Self {
        Self::Texts(vec!["Hello ".to_owned(), "there.".to_owned()])
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Turn {
    /// A turn whose message comes in these deltas.
    pub fn new<S: Into<String>>(deltas: impl IntoIterator<Item = S>) -> Self {
        Self::with(Deltas::Texts(deltas.into_iter().map(Into::into).collect()))
    }

    /// A turn whose message comes in this many deltas: `0 `, `1 `, `2 ` and so on.
    pub fn counting(deltas: u64) -> Self {
        Self::with(Deltas::Count(deltas))
    }

    /// Waits this long between two deltas.
    pub fn every_ms(mut self, pause: u64) -> Self {
        self.every_ms = pause;
        self
    }

    /// Asks the client before the message begins. Where the request [waits](Ask::wait) the turn does.
    pub fn ask(mut self, request: Ask) -> Self {
        self.requests.push(request);
        self
    }

    /// Ends otherwise.
    pub fn end(mut self, end: TurnEnd) -> Self {
        self.end = end;
        self
    }

    fn with(deltas: Deltas) -> Self {
        Self { deltas, every_ms: 0, requests: Vec::new(), end: TurnEnd::default() }
    }

    /// The result of `turn/start`, and all that follows.
    pub(super) fn spelled_out(&self) -> (Value, Vec<Step>) {
        let result = json!({"turn": turn("inProgress", json!({}))});
        let begun = turn("inProgress", json!({"startedAt": SECONDS}));
        let mut steps = vec![
            status(json!({"type": "active", "activeFlags": []})),
            about_thread("turn/started", json!({"turn": begun})),
        ];
        let user = |done| {
            json!({
                "type": "userMessage", "id": "user-$count", "clientId": null, "content": "$params.input",
                "startedAtMs": MILLISECONDS, "completedAtMs": done,
            })
        };
        steps.extend([started(&user(Value::Null)), completed(&user(MILLISECONDS.into()))]);
        steps.extend(self.requests.iter().cloned().map(Step::Request));
        steps.push(started(&message("", Value::Null)));
        self.delta_steps(&mut steps);
        self.end_steps(&mut steps);
        (result, steps)
    }

    fn delta_steps(&self, steps: &mut Vec<Step>) {
        let delta = |text: &str| {
            let params = json!({
                "threadId": "$params.threadId", "turnId": "turn-$count", "itemId": "msg-$count", "delta": text,
            });
            Notify::new("item/agentMessage/delta", params)
        };
        match &self.deltas {
            Deltas::Count(repeat) => {
                let flood = Flood { repeat: *repeat, notify: delta("$i "), every_ms: self.every_ms };
                steps.push(Step::Flood(flood));
            }
            Deltas::Texts(texts) => {
                for (index, text) in texts.iter().enumerate() {
                    if index > 0 && self.every_ms > 0 {
                        steps.push(Step::PauseMs(self.every_ms));
                    }
                    steps.push(Step::Notify(delta(text)));
                }
            }
        }
    }

    fn end_steps(&self, steps: &mut Vec<Step>) {
        let over = |members: &Value| {
            json!({"startedAt": SECONDS, "completedAt": SECONDS, "durationMs": 5,
            "items": members["items"].as_array().cloned().unwrap_or_default(), "error": members["error"],
            "itemsView": members["itemsView"].as_str().unwrap_or("notLoaded")})
        };
        let (name, members) = match self.end {
            TurnEnd::Never => return,
            TurnEnd::Completed => {
                let message = message(&self.text(), MILLISECONDS.into());
                steps.extend([completed(&message), usage(), status(json!({"type": "idle"}))]);
                ("completed", json!({"items": [message], "itemsView": "summary"}))
            }
            TurnEnd::Failed => {
                let error = json!({
                    "message": "the scenario says so", "codexErrorInfo": "other", "additionalDetails": null,
                    "misalignment": null,
                });
                steps.push(status(json!({"type": "systemError"})));
                let params = json!({"error": error, "willRetry": false, "turnId": "turn-$count"});
                steps.push(about_thread("error", params));
                ("failed", json!({"error": error}))
            }
            TurnEnd::Interrupted => {
                steps.push(Step::Until("turn/interrupt".to_owned()));
                steps.push(status(json!({"type": "idle"})));
                ("interrupted", json!({}))
            }
        };
        steps.push(about_thread("turn/completed", json!({"turn": turn(name, over(&members))})));
    }

    /// What the message says in the end.
    fn text(&self) -> String {
        match &self.deltas {
            Deltas::Texts(texts) => texts.concat(),
            Deltas::Count(count) => (0..*count).map(|number| format!("{number} ")).collect(),
        }
    }
}

fn turn(status: &str, members: Value) -> Value {
    let mut turn = json!({
        "id": "turn-$count", "rootTurnId": "turn-$count", "items": [], "itemsView": "notLoaded",
        "status": status, "error": null, "startedAt": null, "completedAt": null, "durationMs": null,
    });
    if let (Value::Object(turn), Value::Object(members)) = (&mut turn, members) {
        turn.extend(members);
    }
    turn
}

fn message(text: &str, done: Value) -> Value {
    json!({
        "type": "agentMessage", "moderation": null, "id": "msg-$count", "text": text, "phase": null,
        "memoryCitation": null, "delivery": null, "questions": null, "startedAtMs": MILLISECONDS,
        "completedAtMs": done,
    })
}

fn about_thread(method: &str, mut params: Value) -> Step {
    params["threadId"] = "$params.threadId".into();
    Step::notify(method, params)
}

fn status(status: Value) -> Step {
    about_thread("thread/status/changed", json!({"status": status}))
}

fn started(item: &Value) -> Step {
    let params = json!({"item": item, "turnId": "turn-$count", "startedAtMs": MILLISECONDS});
    about_thread("item/started", params)
}

fn completed(item: &Value) -> Step {
    let params = json!({
        "item": item, "turnId": "turn-$count", "contentTokenCount": null, "completedAtMs": MILLISECONDS,
    });
    about_thread("item/completed", params)
}

fn usage() -> Step {
    let tokens = json!({
        "totalTokens": 15, "inputTokens": 10, "cachedInputTokens": 0, "cacheWriteInputTokens": 0,
        "outputTokens": 5, "reasoningOutputTokens": 0,
    });
    let usage = json!({"total": tokens, "last": tokens, "modelContextWindow": 258_400});
    about_thread("thread/tokenUsage/updated", json!({"turnId": "turn-$count", "tokenUsage": usage}))
}
