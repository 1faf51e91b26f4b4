//! The one session that every contender has: what is asked and what must come back.

use anyhow::{Result, bail};
use serde_json::{Value, json};

/// What the client calls itself.
pub const CLIENT: &str = "bench_client";
/// The thread of the session.
pub const THREAD: &str = "00000000-0000-7000-8000-000000000002";
/// Its turn.
pub const TURN: &str = "00000000-0000-7000-8000-000000000003";
/// The one text that the model says, again and again: its line has 250 bytes with its break.
pub const DELTA: &str = "a few more words of what the model has to say ";
/// What the user says with every call: `turn/steer` has params and a result, all of them small.
pub const TEXT: &str = "Go on.";

/// What the server does: a turn has so many deltas, and everything else is answered at once.
pub fn scenario(deltas: usize) -> Value {
    let turn = |status| json!({"id": TURN, "items": [], "status": status, "error": null});
    let delta = json!({"threadId": THREAD, "turnId": TURN, "itemId": "msg_2_1", "delta": DELTA});
    let flood = json!({"repeat": deltas, "notify": {"method": "item/agentMessage/delta", "params": delta}});
    let completed = json!({"threadId": THREAD, "turn": turn("completed")});
    json!({
        "answers": {
            "turn/steer": {"result": {"turnId": TURN}},
            "turn/start": {
                "result": {"turn": turn("inProgress")},
                "then": [
                    {"flood": flood},
                    {"notify": {"method": "turn/completed", "params": completed}},
                ],
            },
        },
        // Lines that came are of no interest.
        "keep": 0,
    })
}

/// What a subscriber got between the start of the turn and its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivered {
    /// How many deltas came.
    pub deltas: usize,
    /// How long their texts are together.
    pub bytes: usize,
}

impl Delivered {
    /// Counts one delta.
    pub fn add(&mut self, text: &str) {
        self.deltas += 1;
        self.bytes += text.len();
    }

    /// How many of those sent did not come. More than were sent, or other texts, are an error.
    pub fn lost(self, sent: usize) -> Result<usize> {
        let Self { deltas, bytes } = self;
        if deltas > sent || bytes != deltas * DELTA.len() {
            bail!(
                "{deltas} deltas with {bytes} bytes of text came where {sent} of {} each were sent",
                DELTA.len()
            );
        }
        Ok(sent - deltas)
    }
}

/// A call is answered with the id of the turn; anything else means that somebody measures something else.
pub fn expect_turn(id: &str) -> Result<()> {
    if id != TURN {
        bail!("the server answered for turn `{id}`");
    }
    Ok(())
}
