//! Pending requests: one answer wins, and it reaches the server that asked.

use std::time::Duration;

use anyhow::{Context, Result};
use codex_appserver_host::{
    Answer, Error, Host, Input, Lease, NewRequest, PendingRequest, Refusal, RequestKind, RequestStatus,
    Settings, Status, TurnEnd,
};
use serde_json::{Value, json};

use crate::support::{Stage, both, claim, input, server, working};

both! {
    an_answer_goes_to_the_server;
    one_of_many_answers_wins;
    answers_of_the_wrong_shape_are_refused;
    decisions_that_are_not_offered_are_forced;
    another_client_answers_first;
    a_request_that_comes_again_finds_its_row;
    a_new_owner_sends_the_answer;
    requests_of_a_dead_server_are_orphaned;
    an_answer_after_the_end_is_refused;
    an_interrupt_while_an_approval_pends;
    what_is_not_answered_is_declined;
    ids_are_those_of_one_server;
    several_requests_wait_until_the_last_is_answered;
    secret_answers_are_sent_and_not_kept;
    unknown_requests_have_a_row;
}

const COMMAND: &str = "item/commandExecution/requestApproval";

fn command(id: i64) -> NewRequest {
    let params = json!({
        "threadId": "t1", "turnId": "u1", "itemId": format!("item-{id}"), "command": "touch a", "cwd": "/",
        "startedAtMs": 1, "availableDecisions": ["accept", "cancel"],
    });
    NewRequest { server: server("s1"), id: id.into(), method: COMMAND.to_owned(), params }
}

fn request(method: &str, params: Value) -> NewRequest {
    NewRequest { server: server("s1"), id: 7.into(), method: method.to_owned(), params }
}

fn decision(decision: &str) -> Answer {
    Answer::Result(json!({ "decision": decision }))
}

/// Why an answer is refused.
async fn refusal(host: &Host, request: &PendingRequest, answer: &Answer) -> Result<Refusal> {
    match host.answer(request.id, answer, "bob", false).await {
        Err(Error::Answer { refusal, .. }) => Ok(refusal),
        other => anyhow::bail!("expected a refusal: {other:?}"),
    }
}

async fn status(host: &Host, lease: &Lease) -> Result<Status> {
    Ok(host.task(lease.task()).await?.status)
}

async fn an_answer_goes_to_the_server(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    assert_eq!((open.kind, open.status), (RequestKind::Command, RequestStatus::Open));
    assert_eq!((open.item_id.as_deref(), open.params["command"].as_str()), (Some("item-0"), Some("touch a")));
    assert_eq!(status(&host, &lease).await?, Status::WaitingForApproval);
    assert_eq!(host.answers_to_send(&lease, &server("s1")).await?, []);

    // Another process answers.
    let user = stage.host().await?;
    assert_eq!(user.open_requests(None).await?, vec![open.clone()]);
    user.answer(open.id, &decision("accept"), "ann", false).await?;
    assert_eq!(status(&host, &lease).await?, Status::Working);
    let send = host.answers_to_send(&lease, &server("s1")).await?;
    let [answered] = &send[..] else { panic!("{send:?}") };
    assert_eq!(
        (answered.answer.as_ref(), answered.answered_by.as_deref()),
        (Some(&decision("accept")), Some("ann"))
    );
    // The id with its type: the server ignores "0" for 0.
    assert_eq!((answered.wire_id()?, answered.request_id.as_str()), (0.into(), "0"));
    host.answer_sent(&lease, answered.id).await?;
    assert_eq!(host.answers_to_send(&lease, &server("s1")).await?, []);
    host.resolved(&lease, &server("s1"), &0.into()).await?;
    assert_eq!(host.request(open.id).await?.status, RequestStatus::Resolved);
    Ok(())
}

async fn one_of_many_answers_wins(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    let mut users = tokio::task::JoinSet::new();
    for number in 0..8 {
        let host = stage.host().await?;
        users.spawn(async move {
            host.answer(open.id, &decision("accept"), &format!("user {number}"), false).await
        });
    }
    let answers = users.join_all().await;
    let winners: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
    assert_eq!(winners.len(), 1);
    let winner = winners[0].answered_by.clone().context("it says who")?;
    for lost in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(
            lost.to_string(),
            format!("answer request {}: it was already answered by {winner}", open.id)
        );
    }
    Ok(())
}

async fn answers_of_the_wrong_shape_are_refused(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    let wrong = Answer::Result(json!({"permissions": {}}));
    assert!(matches!(refusal(&host, &open, &wrong).await?, Refusal::Shape(_)));
    let forced = host.answer(open.id, &wrong, "ann", true).await;
    assert!(matches!(forced, Err(Error::Answer { refusal: Refusal::Shape(_), .. })), "{forced:?}");
    assert_eq!(host.request(open.id).await?, open);
    Ok(())
}

async fn decisions_that_are_not_offered_are_forced(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    let session = decision("acceptForSession");
    let refused = refusal(&host, &open, &session).await?;
    assert_eq!(
        refused.to_string(),
        "the server offers accept, cancel; force the answer to send it all the same"
    );
    assert!(host.answer(open.id, &session, "ann", true).await?.forced);
    let open = host.open_request(&lease, &command(1)).await?;
    assert!(!host.answer(open.id, &decision("decline"), "ann", true).await?.forced);
    Ok(())
}

async fn another_client_answers_first(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    host.resolved(&lease, &server("s1"), &0.into()).await?;
    assert_eq!(host.request(open.id).await?.status, RequestStatus::ResolvedElsewhere);
    assert_eq!(status(&host, &lease).await?, Status::Working);
    assert_eq!(refusal(&host, &open, &decision("accept")).await?, Refusal::AnsweredElsewhere);
    Ok(())
}

async fn a_request_that_comes_again_finds_its_row(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    assert_eq!(host.open_request(&lease, &command(0)).await?, open);
    assert_eq!(host.task(lease.task()).await?.open_requests, 1);
    // An answer that was sent on a connection that broke has to be sent once more.
    host.answer(open.id, &decision("accept"), "ann", false).await?;
    host.answer_sent(&lease, open.id).await?;
    let again = host.open_request(&lease, &command(0)).await?;
    assert_eq!((again.id, again.status), (open.id, RequestStatus::Answered));
    let send = host.answers_to_send(&lease, &server("s1")).await?;
    assert_eq!(send[0].answer, Some(decision("accept")));
    // Another approval of the same item is another request.
    let mut other = command(0);
    other.params["approvalId"] = json!("second");
    assert_ne!(host.open_request(&lease, &other).await?.id, open.id);
    Ok(())
}

async fn a_new_owner_sends_the_answer(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    stage.expire_leases().await?;
    // Its worker is dead, and it can be answered.
    assert_eq!(status(&host, &lease).await?, Status::WaitingForApproval);
    host.answer(open.id, &decision("accept"), "ann", false).await?;
    let worker = host.register("next").await?;
    let next = claim(&host, &worker).await?.lease;
    let replayed = host.open_request(&next, &command(0)).await?;
    assert_eq!((replayed.id, replayed.status), (open.id, RequestStatus::Answered));
    assert_eq!(host.answers_to_send(&next, &server("s1")).await?.len(), 1);
    Ok(())
}

async fn requests_of_a_dead_server_are_orphaned(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    let answered = host.open_request(&lease, &command(1)).await?;
    host.answer(answered.id, &decision("accept"), "ann", false).await?;
    assert_eq!(host.server_gone(&server("s2")).await?, []);
    assert_eq!(host.server_gone(&server("s1")).await?, [lease.task()]);
    assert_eq!(refusal(&host, &open, &decision("accept")).await?, Refusal::ServerGone);
    assert_eq!(host.request(answered.id).await?.status, RequestStatus::Orphaned);
    assert_eq!(host.answers_to_send(&lease, &server("s1")).await?, []);
    assert_eq!(host.task(lease.task()).await?.open_requests, 0);
    Ok(())
}

async fn an_answer_after_the_end_is_refused(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    input(&host, &lease, Input::TurnCompleted(TurnEnd::Completed)).await?;
    assert_eq!(refusal(&host, &open, &decision("accept")).await?, Refusal::TaskEnded);
    assert_eq!(host.open_requests(None).await?, []);
    let late = host.open_request(&lease, &command(1)).await;
    assert!(matches!(late, Err(Error::TaskEnded { .. })), "{late:?}");
    Ok(())
}

async fn an_interrupt_while_an_approval_pends(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    host.interrupt(lease.task(), "ann").await?;
    // The server says that the turn has ended before it says that the request is resolved.
    input(&host, &lease, Input::TurnCompleted(TurnEnd::Interrupted)).await?;
    host.resolved(&lease, &server("s1"), &0.into()).await?;
    assert_eq!(host.request(open.id).await?.status, RequestStatus::Ended);
    let task = host.task(lease.task()).await?;
    assert_eq!((task.status, task.open_requests), (Status::Cancelled, 0));
    Ok(())
}

async fn what_is_not_answered_is_declined(stage: &Stage) -> Result<()> {
    let mut settings = Settings::default();
    settings.deadlines.approvals = Some(Duration::from_millis(300));
    let host = stage.host_with(settings).await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &command(0)).await?;
    let question =
        json!({"threadId": "t1", "turnId": "u1", "itemId": "i", "isBlocking": true, "questions": []});
    host.open_request(&lease, &request("item/tool/requestUserInput", question)).await?;
    assert_eq!(host.sweep().await?.declined, 0);
    tokio::time::sleep(Duration::from_millis(400)).await;
    // Two workers sweep at the same time.
    let other = stage.host().await?;
    let (one, two) = tokio::join!(host.sweep(), other.sweep());
    assert_eq!(one?.declined + two?.declined, 1);
    let declined = host.request(open.id).await?;
    assert_eq!(
        (declined.answer, declined.answered_by.as_deref()),
        (Some(decision("decline")), Some("deadline"))
    );
    // The question waits longer.
    assert_eq!(status(&host, &lease).await?, Status::WaitingForUserInput);
    Ok(())
}

async fn ids_are_those_of_one_server(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let first = host.open_request(&lease, &command(0)).await?;
    // The server is started anew, and counts from 0 again.
    let second = host.open_request(&lease, &NewRequest { server: server("s2"), ..command(0) }).await?;
    // A number and a text are two ids.
    let third = host.open_request(&lease, &NewRequest { id: "0".into(), ..command(0) }).await?;
    assert!(first.id != second.id && third.id != first.id);
    host.resolved(&lease, &server("s2"), &0.into()).await?;
    assert_eq!(host.request(first.id).await?.status, RequestStatus::Open);
    assert_eq!(host.request(second.id).await?.status, RequestStatus::ResolvedElsewhere);
    host.answer(first.id, &decision("accept"), "ann", false).await?;
    assert_eq!(host.answers_to_send(&lease, &server("s2")).await?, []);
    Ok(())
}

async fn several_requests_wait_until_the_last_is_answered(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let mut open = Vec::new();
    for id in 0..3 {
        open.push(host.open_request(&lease, &command(id)).await?);
    }
    for (index, request) in open.iter().enumerate() {
        assert_eq!(status(&host, &lease).await?, Status::WaitingForApproval, "{index}");
        host.answer(request.id, &decision("accept"), "ann", false).await?;
        // The server says `active` without flags in between.
        let active = Input::Active { waits_for_approval: false, waits_for_user_input: false };
        input(&host, &lease, active).await?;
    }
    assert_eq!(status(&host, &lease).await?, Status::Working);
    Ok(())
}

async fn secret_answers_are_sent_and_not_kept(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let params = json!({"threadId": "t1", "turnId": "u1", "itemId": "i", "isBlocking": true,
        "questions": [{"id": "q", "header": "h", "question": "PIN?", "isOther": false, "isSecret": true}]});
    let open = host.open_request(&lease, &request("item/tool/requestUserInput", params)).await?;
    let answer = Answer::Result(json!({"answers": {"q": {"answers": ["hunter2"]}}}));
    host.answer(open.id, &answer, "ann", false).await?;
    assert_eq!(host.answers_to_send(&lease, &server("s1")).await?[0].answer, Some(answer));
    host.answer_sent(&lease, open.id).await?;
    host.resolved(&lease, &server("s1"), &7.into()).await?;
    let kept = host.request(open.id).await?;
    assert_eq!(kept.answer, Some(Answer::Result(json!({"answers": {"q": {"answers": ["[redacted]"]}}}))));
    let logged = stage.text("SELECT count(*) || '' FROM events WHERE payload LIKE '%hunter2%'").await?;
    assert_eq!(logged, "0");
    Ok(())
}

async fn unknown_requests_have_a_row(stage: &Stage) -> Result<()> {
    let host = stage.host().await?;
    let lease = working(stage, &host).await?;
    let open = host.open_request(&lease, &request("new/question", json!({"callId": "c"}))).await?;
    assert_eq!((open.kind, open.item_id.as_deref()), (RequestKind::Other, Some("c")));
    assert!(open.deadline_at.is_some());
    assert_eq!(status(&host, &lease).await?, Status::WaitingForUserInput);
    assert!(matches!(refusal(&host, &open, &Answer::Result(json!({}))).await?, Refusal::Shape(_)));
    let error = Answer::Error { code: -32601, message: "unknown".to_owned() };
    assert_eq!(host.answer(open.id, &error, "ann", false).await?.answer, Some(error));
    Ok(())
}
