//! A thread as `thread/start` answers it.

use serde_json::{Value, json};

use super::step::Step;

/// The clock of the scripted server stands still, as it does in cleaned recordings.
pub(super) const SECONDS: u64 = 1_800_000_000;
pub(super) const MILLISECONDS: u64 = SECONDS * 1000;

/// The result of `thread/start`, and what follows it.
pub(super) fn start() -> (Value, Vec<Step>) {
    let thread = thread();
    let result = json!({
        "thread": thread, "model": "gpt-5.5", "modelProvider": "scripted", "serviceTier": null, "disabledPluginIds": [],
        "cwd": "/workspace", "runtimeWorkspaceRoots": ["/workspace"], "instructionSources": [],
        "approvalPolicy": "on-request", "approvalsReviewer": "user",
        "sandbox": {"type": "readOnly", "networkAccess": false}, "activePermissionProfile": null,
        "reasoningEffort": null, "multiAgentMode": "explicitRequestOnly",
    });
    (result, vec![Step::notify("thread/started", json!({"thread": thread}))])
}

fn thread() -> Value {
    json!({
        "id": "thread-$count", "environments": [], "extra": null, "sessionId": "thread-$count",
        "forkedFromId": null, "attachedToThreadId": null, "parentThreadId": null, "preview": "",
        "ephemeral": false, "section": null, "sectionEnteredAt": null, "projectId": null,
        "historyMode": "paginated", "modelProvider": "scripted", "model": "gpt-5.5", "reasoningEffort": null,
        "createdAt": SECONDS, "updatedAt": SECONDS, "recencyAt": SECONDS, "status": {"type": "idle"},
        "path": null, "cwd": "/workspace", "cliVersion": env!("CARGO_PKG_VERSION"), "originator": "scripted",
        "source": "vscode", "canAcceptDirectInput": true, "threadSource": null, "agentNickname": null,
        "agentRole": null, "gitInfo": null, "name": null, "daybreakEnabled": null, "turns": [],
    })
}
