//! Two sides that talk through an exchange.

use super::*;

const INITIALIZE: &str =
    r#"{"id":"i","method":"initialize","params":{"clientInfo":{"name":"x","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"method":"initialized"}"#;

fn integer(id: i64) -> RequestId {
    id.into()
}

/// The server answers a request, and the answer reaches the client.
fn answer(exchange: &mut Exchange, id: &str) {
    match exchange.server_says(&format!(r#"{{"id":{id},"result":{{}}}}"#)) {
        Fate::Settle(id) => exchange.settle(&id),
        fate => panic!("{id}: {fate:?}"),
    }
}

/// An exchange whose client is introduced.
fn introduced() -> Exchange {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.client_says(INITIALIZE), Fate::Pass);
    answer(&mut exchange, "\"i\"");
    assert_eq!(exchange.client_says(INITIALIZED), Fate::Pass);
    exchange
}

#[test]
fn requests_are_open_until_their_answers_have_arrived() {
    let mut exchange = Exchange::default();
    for message in [r#"{"id":1,"method":"a"}"#, r#"{"id":"1","method":"b"}"#, r#"{"id":1,"method":"c"}"#] {
        assert_eq!(exchange.client_says(message), Fate::Pass);
    }
    assert_eq!(exchange.open(), 3);
    // None of these is one, or an answer to one.
    for message in ["nonsense", "[]", r#"{"method":"n"}"#, r#"{"id":9,"result":1}"#] {
        exchange.client_says(message);
        assert_eq!(exchange.server_says(message), Fate::Pass, "{message}");
    }
    // A request of the server has an id of its own kind.
    assert_eq!(exchange.server_says(r#"{"method":"ask","id":1,"params":{}}"#), Fate::Pass);
    assert_eq!(exchange.open(), 3);
    assert_eq!(exchange.server_says(r#"{"id":1,"result":null}"#), Fate::Settle(integer(1)));
    assert_eq!(exchange.open(), 3, "it has not reached the client");
    exchange.settle(&integer(1));
    assert_eq!(exchange.open(), 2);
    answer(&mut exchange, "1");
    assert_eq!(
        exchange.server_says(r#"{"id":1,"result":null}"#),
        Fate::Pass,
        "nothing is open under this id"
    );
    answer(&mut exchange, "\"1\"");
    assert_eq!(exchange.open(), 0);
}

#[test]
fn a_lost_connection_answers_what_was_open_and_resends_nothing_but_the_introduction() {
    let mut exchange = introduced();
    exchange.client_says(r#"{"id":5,"method":"turn/start","params":{}}"#);
    exchange.client_says(r#"{"id":"x","method":"model/list"}"#);
    let lost = exchange.lose();
    assert_eq!(lost.len(), 2);
    for (lost, id) in lost.iter().zip([json!(5), json!("x")]) {
        let lost: serde_json::Value = serde_json::from_str(lost).expect("JSON");
        assert_eq!(lost["id"], id);
        assert_eq!(lost["error"]["data"]["mayHaveBeenExecuted"], true);
        assert!(
            lost["error"]["message"].as_str().is_some_and(|text| text.contains("may have been executed"))
        );
    }
    assert_eq!(exchange.open(), 0);
    let introduction = exchange.introduction().expect("the client was introduced");
    assert_eq!(introduction, INITIALIZE.replace("\"i\"", "\"codex-relay/initialize/1\""));
    assert!(exchange.is_introducing());
    // What comes before the answer is for the client.
    assert_eq!(exchange.server_says(r#"{"method":"configWarning","params":{}}"#), Fate::Pass);
    let answer = r#"{"id":"codex-relay/initialize/1","result":{}}"#;
    assert_eq!(exchange.server_says(answer), Fate::Introduced(Ok(())));
    assert!(!exchange.is_introducing());
    assert_eq!(exchange.initialized(), Some(INITIALIZED));
    assert_eq!(exchange.server_says(answer), Fate::Pass);
}

#[test]
fn an_initialize_without_an_answer_goes_to_the_next_server_and_its_answer_to_the_client() {
    let mut exchange = Exchange::default();
    exchange.client_says(INITIALIZE);
    exchange.client_says(r#"{"id":1,"method":"early"}"#);
    assert_eq!(exchange.lose().len(), 1);
    assert_eq!(exchange.introduction().as_deref(), Some(INITIALIZE));
    assert!(!exchange.is_introducing());
    assert_eq!((exchange.open(), exchange.initialized()), (1, None));
    answer(&mut exchange, "\"i\"");
    assert_eq!(exchange.open(), 0);
}

#[test]
fn a_client_that_never_introduced_itself_is_not_introduced() {
    let mut exchange = Exchange::default();
    assert!(exchange.lose().is_empty());
    assert_eq!(exchange.introduction(), None);
}

#[test]
fn a_refused_introduction_is_told() {
    let mut exchange = introduced();
    exchange.lose();
    exchange.introduction().expect("an introduction");
    let refused = r#"{"error":{"code":-32600,"message":"no"},"id":"codex-relay/initialize/1"}"#;
    assert_eq!(exchange.server_says(refused), Fate::Introduced(Err(refused.to_owned())));
}

#[test]
fn an_answer_to_a_server_that_is_gone_reaches_no_other() {
    let mut exchange = introduced();
    exchange.server_says(r#"{"method":"ask","id":0,"params":{}}"#);
    exchange.server_says(r#"{"method":"ask","id":1,"params":{}}"#);
    exchange.lose();
    // The next server counts from 0 again: the client hears another id.
    let asked = exchange.server_says(r#"{"method":"ask","id":0,"params":{"threadId":"t"}}"#);
    let renamed = r#"{"method":"ask","id":"codex-relay/1/0","params":{"threadId":"t"}}"#;
    assert_eq!(asked, Fate::PassAs(renamed.into()));
    assert_eq!(exchange.client_says(r#"{"id":0,"result":"old"}"#), Fate::Drop);
    let new = exchange.client_says(r#"{"id":"codex-relay/1/0","result":"new"}"#);
    assert_eq!(new, Fate::PassAs(r#"{"id":0,"result":"new"}"#.into()));
    assert_eq!(exchange.client_says(r#"{"id":1,"error":{}}"#), Fate::Drop);
    // An id that is free goes as it is.
    assert_eq!(exchange.server_says(r#"{"method":"ask","id":0,"params":{}}"#), Fate::Pass);
    assert_eq!(exchange.client_says(r#"{"id":0,"result":"third"}"#), Fate::Pass);
}

#[test]
fn a_request_that_is_resolved_is_named_as_the_client_knows_it() {
    let mut exchange = introduced();
    let resolved = r#"{"method":"serverRequest/resolved","params":{"threadId":"t","requestId":0}}"#;
    exchange.server_says(r#"{"method":"ask","id":0,"params":{}}"#);
    assert_eq!(exchange.server_says(resolved), Fate::Pass);
    exchange.server_says(r#"{"method":"ask","id":0,"params":{}}"#);
    exchange.lose();
    exchange.server_says(r#"{"method":"ask","id":0,"params":{}}"#);
    let told = exchange.server_says(resolved);
    assert_eq!(told, Fate::PassAs(resolved.replace("\"requestId\":0", "\"requestId\":\"codex-relay/1/0\"")));
}

#[test]
fn a_refused_request_is_answered_if_it_is_one() {
    for (head, id) in [
        (r#"{"id":7,"method":"m","params":{"text":"aaaa"#, Some(json!(7))),
        (r#" {"method" : "m", "id" : "s", "params"#, Some(json!("s"))),
        (r#"{"method":"m","params":{"text":"aaaa"#, None),
        (r#"{"id":7,"result":"aaaa"#, None),
        (r#"{"id":7,"method":"m"#, None),
        ("", None),
    ] {
        let refusal = refusal(3, "has 9 bytes", head);
        let refusal: Option<serde_json::Value> =
            refusal.map(|refusal| serde_json::from_str(&refusal).expect("JSON"));
        assert_eq!(refusal.as_ref().map(|refusal| refusal["id"].clone()), id, "{head}");
        if let Some(refusal) = refusal {
            let text = refusal["error"]["message"].as_str().expect("a message");
            assert_eq!(text, "line 3 has 9 bytes; codex-relay did not send it");
        }
    }
}

#[test]
fn an_answer_that_cannot_be_read_is_an_error_for_its_request() {
    let mut exchange = Exchange::default();
    exchange.client_says(r#"{"id":7,"method":"m"}"#);
    for head in ["", "{", r#"{"id":8,"result":"aaa"#, r#"{"method":"ask","id":7,"params":{"#] {
        assert_eq!(exchange.unreadable("too long", head), None, "{head}");
    }
    let (id, answer) =
        exchange.unreadable("too long", r#"{"id":7,"result":{"data":"aaa"#).expect("an answer");
    assert_eq!(id, integer(7));
    let expected = json!({"id": 7, "error": {"code": -32000, "message": "the answer was lost: too long"}});
    assert_eq!(answer, expected.to_string());
}
