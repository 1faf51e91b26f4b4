//! scratch
use codex_appserver_notifications::*;
use codex_appserver_requests::*;
use codex_appserver_wire as wire;
use serde_json::Value;
use std::collections::HashMap;
fn strip(v: &Value) -> Value {
    match v {
        Value::Object(m) => Value::Object(
            m.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), strip(v))).collect(),
        ),
        Value::Array(a) => Value::Array(a.iter().map(strip).collect()),
        o => o.clone(),
    }
}
#[test]
fn all() {
    let text = std::fs::read_to_string("/tmp/live/trace.jsonl").unwrap();
    let mut pending: HashMap<String, String> = HashMap::new();
    let (mut n, mut bad) = (0, 0);
    for row in text.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let line = row["line"].as_str().unwrap();
        let v: Value = serde_json::from_str(line).unwrap();
        let c2s = row["dir"] == "c2s";
        let out: Result<String, String> = if v.get("method").is_some() {
            if v.get("id").is_some() {
                if c2s {
                    pending.insert(v["id"].to_string(), v["method"].as_str().unwrap().into());
                    ClientRequest::decode(line).map(|m| wire::encode(&m).unwrap()).map_err(|e| e.to_string())
                } else {
                    ServerRequest::decode(line)
                        .map(|m| {
                            assert!(!matches!(m.request, ServerRequest::Unrecognized(_)));
                            wire::encode(&m).unwrap()
                        })
                        .map_err(|e| e.to_string())
                }
            } else if c2s {
                ClientNotification::decode(line).map(|m| wire::encode(&m).unwrap()).map_err(|e| e.to_string())
            } else {
                ServerNotification::decode(line)
                    .map(|m| {
                        assert!(!matches!(m.notification, ServerNotification::Unrecognized(_)));
                        wire::encode(&m).unwrap()
                    })
                    .map_err(|e| e.to_string())
            }
        } else if !c2s && v.get("result").is_some() {
            let m = &pending[&v["id"].to_string()];
            macro_rules! r { ($($name:literal => $t:ty),*) => { match m.as_str() { $($name => wire::decode::<wire::ResponseEnvelope<$t>>(line).map(|m| wire::encode(&m).unwrap()).map_err(|e| e.to_string()),)* _ => continue } } }
            r!("initialize"=>InitializeResponse,"account/read"=>GetAccountResponse,"model/list"=>ModelListResponse,"config/read"=>ConfigReadResponse,"thread/list"=>ThreadListResponse,"skills/list"=>SkillsListResponse,"thread/start"=>ThreadStartResponse,"turn/start"=>TurnStartResponse,"thread/read"=>ThreadReadResponse,"getAuthStatus"=>GetAuthStatusResponse,"getConversationSummary"=>GetConversationSummaryResponse,"modelProvider/list"=>ModelProviderListResponse)
        } else {
            continue;
        };
        n += 1;
        match out {
            Err(e) => {
                bad += 1;
                println!("FAIL {e}\n   {}", &line[..line.len().min(300)])
            }
            Ok(s) => {
                let back: Value = serde_json::from_str(&s).unwrap();
                if strip(&back) != strip(&v) {
                    bad += 1;
                    println!("DIFF\n  {}\n  {}", strip(&v), strip(&back));
                }
            }
        }
    }
    println!("{n} lines, {bad} bad");
    println!(
        "{}",
        ServerNotification::decode(
            r#"{"method":"turn/completed","params":{"threadId":"t","turn":{"id":"x","items":[],"status":5}}}"#
        )
        .unwrap_err()
    );
    println!("{}", ServerNotification::decode(r#"{"params":{"threadId":"t","turn":{"id":"x","items":[{"id":"a","text":3,"type":"agentMessage"}],"status":"completed"}},"method":"turn/completed"}"#).unwrap_err());
    println!(
        "{}",
        ServerNotification::decode(
            r#"{"method":"turn/completed","params":{"threadId":"t","turn":{"id":"x","items":[]}}}"#
        )
        .unwrap_err()
    );
    println!(
        "{}",
        serde_json::from_str::<codex_appserver_types::ThreadItem>(
            r#"{"id":"a","text":3,"type":"agentMessage"}"#
        )
        .unwrap_err()
    );
    println!(
        "{:?}",
        ServerNotification::decode(r#"{"method":"new/thing","params":{"threadId":"t"}}"#).unwrap()
    );
    println!(
        "{}",
        ServerNotification::decode(r#"{"method":"turn/completed","params":{"threadId":"t","#).unwrap_err()
    );
}
