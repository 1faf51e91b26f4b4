//! Puts one question to the user, in the terminal, and passes the answer on.

use std::collections::BTreeMap;

use codex_appserver::protocol::{
    McpServerElicitationAction, PermissionGrantScope, ToolRequestUserInputAnswer, ToolRequestUserInputParams,
    ToolRequestUserInputQuestion, ToolRequestUserInputResponse,
};
use codex_appserver::{ApprovalRequest, Decision, Field, Form, FormAnswer};
use serde_json::Map;
use tokio::select;

use crate::console::{Console, Heard};
use crate::questions::{Question, Reply};

/// What the user's answer means to the turn.
pub enum Outcome {
    Answered,
    Stop,
    Quit,
}

/// Has the user answer a question.
pub async fn decide(console: &mut Console, question: Question) -> Outcome {
    let answered = match question {
        Question::Approval(request, reply) => approve(console, &request, reply).await,
        Question::Questions(request, reply) => answer(console, &request, reply).await,
        Question::Form(form, reply) => fill_in(console, &form, reply).await,
        Question::Url(request, mut reply) => {
            let text = part("address", &request.url) + &part("reason", &request.message);
            console
                .line(&format!("The MCP server {} wants you to open a page.\n{text}", request.server_name));
            match choose(console, &mut reply, "Do you open it? [y]es, [n]o: ", "yn").await {
                Ok(word) => {
                    let _ = reply.send(match word {
                        'y' => McpServerElicitationAction::Accept,
                        _ => McpServerElicitationAction::Decline,
                    });
                    Ok(())
                }
                Err(outcome) => Err(outcome),
            }
        }
        Question::Declined(name) => {
            console.line(&format!("This program does not understand {name}, which was declined."));
            Ok(())
        }
    };
    answered.err().unwrap_or(Outcome::Answered)
}

/// A line that the user types, unless the question is withdrawn or ended: then the reply is to be dropped. A secret is
/// not shown.
async fn hear<T>(
    console: &mut Console,
    reply: &mut Reply<T>,
    prompt: &str,
    is_secret: bool,
) -> Result<String, Outcome> {
    let heard = select! {
        heard = console.ask(prompt, is_secret) => heard,
        // The turn was interrupted, or another client has answered.
        () = reply.closed() => {
            console.line("The question was withdrawn.");
            return Err(Outcome::Answered);
        }
    };
    match heard {
        Heard::Line(line) => Ok(line),
        // The user has gone: the agent has to do without.
        Heard::End => Err(Outcome::Answered),
        Heard::CtrlC { again: false } => Err(Outcome::Stop),
        Heard::CtrlC { again: true } => Err(Outcome::Quit),
    }
}

/// One of these letters, which may begin a word.
async fn choose<T>(
    console: &mut Console,
    reply: &mut Reply<T>,
    prompt: &str,
    letters: &str,
) -> Result<char, Outcome> {
    loop {
        let line = hear(console, reply, prompt, false).await?.trim().to_lowercase();
        let words = ["yes", "always", "forever", "part", "no", "quit"];
        let is_answer = line.len() == 1 || words.contains(&line.as_str());
        if let Some(letter) = line.chars().next().filter(|letter| is_answer && letters.contains(*letter)) {
            return Ok(letter);
        }
    }
}

async fn approve(
    console: &mut Console,
    request: &ApprovalRequest,
    mut reply: Reply<Decision>,
) -> Result<(), Outcome> {
    console.line(&request.to_string());
    let forever = matches!(request, ApprovalRequest::McpTool(asked) if asked.can_remember_always);
    let (mut prompt, mut letters) =
        ("Allow it? [y]es, [a]lways in this session, ".to_owned(), "yanq".to_owned());
    for (offered, word, letter) in
        [(forever, "[f]orever, ", 'f'), (request.permissions().len() > 1, "[p]art of it, ", 'p')]
    {
        if offered {
            prompt += word;
            letters.push(letter);
        }
    }
    let letter = choose(console, &mut reply, &(prompt + "[n]o, [q] stop the turn: "), &letters).await;
    let decision = match letter {
        Ok('y') => Decision::Accept,
        Ok('a') => Decision::AcceptForSession,
        Ok('f') => Decision::AcceptAlways,
        Ok('p') => grant_some(console, request, &mut reply).await?,
        Ok('n') | Err(Outcome::Answered) => Decision::Decline,
        Ok(_) | Err(_) => Decision::Cancel,
    };
    let _ = reply.send(decision);
    match letter {
        Ok('q') => Err(Outcome::Stop),
        letter => letter.map(drop),
    }
}

/// Asks about each part of a request for permissions.
async fn grant_some(
    console: &mut Console,
    request: &ApprovalRequest,
    reply: &mut Reply<Decision>,
) -> Result<Decision, Outcome> {
    let mut chosen = Vec::new();
    for part in request.permissions() {
        let prompt = format!("May it {part}, until the turn ends? [y]es, [n]o: ");
        if choose(console, reply, &prompt, "yn").await? == 'y' {
            chosen.push(part);
        }
    }
    Ok(request.grant(PermissionGrantScope::Turn, |part| chosen.contains(part)))
}

/// A part of a question. All its lines are indented: none can pose as another part.
fn part(name: &str, text: &str) -> String {
    format!("  {name}: {}\n", text.trim_end().replace('\n', "\n    "))
}

/// Puts the questions of a tool.
async fn answer(
    console: &mut Console,
    request: &ToolRequestUserInputParams,
    mut reply: Reply<ToolRequestUserInputResponse>,
) -> Result<(), Outcome> {
    console.line("The agent wants to know something. An empty line skips a question.");
    let mut answers = BTreeMap::new();
    for question in &request.questions {
        let mut text = part(&question.header, &question.question);
        for (number, option) in (1..).zip(question.options.iter().flatten()) {
            text += &part(&number.to_string(), &format!("{}: {}", option.label, option.description));
        }
        console.line(&text);
        let line = hear(console, &mut reply, "Your answer: ", question.is_secret).await?;
        if let Some(words) = chosen(question, line.trim()) {
            answers.insert(question.id.clone(), ToolRequestUserInputAnswer::new([words]));
        }
    }
    let _ = reply.send(ToolRequestUserInputResponse::new(answers));
    Ok(())
}

/// The option of this number, or the words themselves; none of an empty line.
fn chosen(question: &ToolRequestUserInputQuestion, line: &str) -> Option<String> {
    let number = line.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let option = number.and_then(|number| question.options.as_ref()?.get(number));
    let words = option.map_or(line, |option| &option.label);
    (!words.is_empty()).then(|| words.to_owned())
}

/// Has the user fill in a form, field by field.
async fn fill_in(console: &mut Console, form: &Form, mut reply: Reply<FormAnswer>) -> Result<(), Outcome> {
    let reason = part("reason", form.message());
    console.line(&format!("The MCP server {} wants you to fill in a form.\n{reason}", form.server()));
    if choose(console, &mut reply, "Do you fill it in? [y]es, [n]o: ", "yn").await? == 'n' {
        let _ = reply.send(FormAnswer::Decline);
        return Ok(());
    }
    let mut values = Map::new();
    for field in form.fields() {
        loop {
            let line = hear(console, &mut reply, &prompt(field), field.is_secret()).await?;
            if line.is_empty() && (field.default.is_some() || !field.required) {
                values.extend(field.default.clone().map(|value| (field.name.clone(), value)));
                break;
            }
            match field.parse(&line) {
                Ok(value) => {
                    values.insert(field.name.clone(), value);
                    break;
                }
                Err(error) => console.line(&format!("It cannot {error}.")),
            }
        }
    }
    let _ = reply.send(FormAnswer::Submit(values));
    Ok(())
}

fn prompt(field: &Field) -> String {
    let name = field.title.as_ref().unwrap_or(&field.name);
    let otherwise = match (&field.default, field.required) {
        (Some(default), _) => format!(", else {default}"),
        (None, true) => String::new(),
        (None, false) => ", or nothing".to_owned(),
    };
    format!("  {name} ({}{otherwise}): ", field.kind)
}
