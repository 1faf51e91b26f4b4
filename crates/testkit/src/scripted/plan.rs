//! A scenario made ready: templates are text with holes, methods are in a table.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::{Answer, Body};
use super::scenario::Scenario;
use super::step::{Ask, Flood, Step};
use super::template::Template;

/// How one answer is made.
#[derive(Debug)]
pub(super) struct AnswerPlan {
    pub body: BodyPlan,
    pub delay: Duration,
    pub times: u64,
    pub id: Option<Template>,
    pub until: Option<String>,
    pub then: Arc<[Act]>,
    /// Whether anything in it looks into the params of the request.
    pub needs_params: bool,
}

#[derive(Debug)]
pub(super) enum BodyPlan {
    Result(Template),
    Error(Template),
    Echo,
    Never,
}

/// A step made ready.
#[derive(Debug)]
pub(super) enum Act {
    Line(Template),
    Bytes(Vec<u8>),
    Flood { repeat: u64, line: Template, every: Duration },
    Ask { method: String, params: Template, wait: bool, resolved: bool },
    Pause(Duration),
    Until(String),
    Effect(Effect),
}

/// What the thread that writes does beside writing.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    LongLine(u64),
    Stderr(String),
    StderrFlood(u64),
    CloseStdout,
    StopReading,
    StopWriting,
    Exit(i32),
    Abort,
}

impl Effect {
    /// Whether nothing is written after it.
    pub(super) fn ends_output(&self) -> bool {
        matches!(self, Self::CloseStdout | Self::StopWriting | Self::Exit(_) | Self::Abort)
    }
}

/// What is known of a method, and how far it is.
#[derive(Debug, Default)]
pub(super) struct Method {
    pub answers: Arc<[Arc<AnswerPlan>]>,
    pub on_notification: Option<Arc<[Act]>>,
    /// How often the client sent it.
    pub count: u64,
    /// How often it was answered by the scenario, and not refused for overload.
    pub scripted: u64,
    /// How many requests are still to be refused.
    pub overloaded: u64,
}

/// The methods that the scenario names, and `initialize`.
pub(super) fn methods(scenario: &Scenario) -> HashMap<String, Method> {
    let mut methods: HashMap<String, Method> = HashMap::new();
    let initialize = Arc::new(AnswerPlan::new(&Answer::result(json!({
        "userAgent": concat!("scripted/", env!("CARGO_PKG_VERSION"), " (test)"),
        "codexHome": "/home/user/.codex", "platformFamily": "unix", "platformOs": "linux",
    }))));
    methods.entry("initialize".to_owned()).or_default().answers = Arc::new([initialize]);
    for (method, answers) in &scenario.answers {
        let answers = answers.0.iter().map(|answer| Arc::new(AnswerPlan::new(answer))).collect();
        methods.entry(method.clone()).or_default().answers = answers;
    }
    for (method, steps) in &scenario.on_notification {
        methods.entry(method.clone()).or_default().on_notification = Some(acts(steps));
    }
    for (method, first) in &scenario.faults.overloaded {
        methods.entry(method.clone()).or_default().overloaded = *first;
    }
    methods
}

/// Steps made ready.
pub(super) fn acts(steps: &[Step]) -> Arc<[Act]> {
    steps.iter().map(Act::new).collect()
}

impl AnswerPlan {
    pub(super) fn new(answer: &Answer) -> Self {
        let answer = answer.spelled_out();
        let body = match &answer.body {
            Body::Result(result) => BodyPlan::Result(Template::new(result)),
            Body::Error(failure) => BodyPlan::Error(Template::new(&failure.to_value())),
            Body::Echo => BodyPlan::Echo,
            Body::Never => BodyPlan::Never,
            // Spelled out above.
            Body::Thread | Body::Turn(_) => BodyPlan::Result(Template::new(&Value::Null)),
        };
        let then = acts(&answer.then);
        let id = answer.id.as_ref().map(Template::new);
        let body_needs = match &body {
            BodyPlan::Result(template) | BodyPlan::Error(template) => template.needs_params(),
            BodyPlan::Echo | BodyPlan::Never => false,
        };
        let needs_params =
            body_needs || id.iter().any(Template::needs_params) || then.iter().any(Act::needs_params);
        Self {
            body,
            delay: Duration::from_millis(answer.delay_ms),
            times: answer.times,
            id,
            until: answer.until,
            then,
            needs_params,
        }
    }

    /// Whether it is written as soon as the request is read.
    pub(super) fn is_immediate(&self) -> bool {
        self.delay.is_zero() && self.times == 1 && self.id.is_none() && self.until.is_none()
    }
}

impl Act {
    fn new(step: &Step) -> Self {
        match step {
            Step::Notify(notify) => Self::Line(Template::notification(&notify.method, &notify.params)),
            Step::Json(value) => Self::Line(Template::new(value)),
            Step::Line(text) => Self::Bytes(format!("{text}\n").into_bytes()),
            Step::Text(text) => Self::Bytes(text.clone().into_bytes()),
            Step::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Step::Flood(Flood { repeat, notify, every_ms }) => Self::Flood {
                repeat: *repeat,
                line: Template::notification(&notify.method, &notify.params),
                every: Duration::from_millis(*every_ms),
            },
            Step::Request(Ask { method, params, wait, resolved }) => Self::Ask {
                method: method.clone(),
                params: Template::new(params),
                wait: *wait,
                resolved: *resolved,
            },
            Step::PauseMs(pause) => Self::Pause(Duration::from_millis(*pause)),
            Step::Until(method) => Self::Until(method.clone()),
            Step::LongLine(bytes) => Self::Effect(Effect::LongLine(*bytes)),
            Step::Stderr(text) => Self::Effect(Effect::Stderr(text.clone())),
            Step::StderrFlood(bytes) => Self::Effect(Effect::StderrFlood(*bytes)),
            Step::CloseStdout => Self::Effect(Effect::CloseStdout),
            Step::StopReading => Self::Effect(Effect::StopReading),
            Step::StopWriting => Self::Effect(Effect::StopWriting),
            Step::Exit(code) => Self::Effect(Effect::Exit(*code)),
            Step::Abort => Self::Effect(Effect::Abort),
        }
    }

    fn needs_params(&self) -> bool {
        match self {
            Self::Line(template)
            | Self::Flood { line: template, .. }
            | Self::Ask { params: template, .. } => template.needs_params(),
            _ => false,
        }
    }
}
