//! The peer codex-codes, async and blocking.
//!
//! `request` takes the client by `&mut` and returns with the answer: there is never more than one call in
//! flight, however many are wanted. Its messages are decoded to types.

use anyhow::{Context, Result, bail};
use codex_codes::protocol::{TurnStartParams, TurnSteerParams};
use codex_codes::{AppServerBuilder, AsyncClient, Notification, ServerMessage, SyncClient, UserInput};
use tokio::runtime::Runtime;

use crate::contender::{Contender, Server};
use crate::session::{Delivered, TEXT, THREAD, TURN, expect_turn};

fn builder(server: &Server) -> AppServerBuilder {
    AppServerBuilder::new().command(&server.program).envs(server.env.iter().cloned())
}

fn input() -> Vec<UserInput> {
    vec![UserInput::Text { text: TEXT.to_owned(), text_elements: None }]
}

fn steer() -> TurnSteerParams {
    TurnSteerParams {
        thread_id: THREAD.to_owned(),
        expected_turn_id: TURN.to_owned(),
        input: input(),
        client_user_message_id: None,
    }
}

fn start() -> TurnStartParams {
    TurnStartParams { thread_id: THREAD.to_owned(), input: input(), ..Default::default() }
}

/// Counts a message; the turn goes on until it says that it has ended.
fn take(message: Option<ServerMessage>, delivered: &mut Delivered) -> Result<bool> {
    match message {
        None => bail!("the server went away"),
        Some(ServerMessage::Notification(Notification::AgentMessageDelta(delta))) => {
            delivered.add(&delta.delta)
        }
        Some(ServerMessage::Notification(Notification::TurnCompleted(_))) => return Ok(false),
        Some(_) => {}
    }
    Ok(true)
}

/// The async client.
pub struct Async {
    client: Option<AsyncClient>,
    // Dropped last: the client needs it to go.
    runtime: Runtime,
}

impl Async {
    /// A client that runs on this runtime.
    pub fn new(runtime: Runtime) -> Self {
        Self { client: None, runtime }
    }
}

impl Contender for Async {
    fn connect(&mut self, server: &Server) -> Result<()> {
        self.client = Some(self.runtime.block_on(AsyncClient::start_with(builder(server)))?);
        Ok(())
    }

    fn calls(&mut self, n: usize, _: usize) -> Result<()> {
        let client = self.client.as_mut().context("not connected")?;
        self.runtime.block_on(async {
            for _ in 0..n {
                expect_turn(&client.turn_steer(&steer()).await?.turn_id)?;
            }
            Ok(())
        })
    }

    fn notifications(&mut self) -> Result<Delivered> {
        let client = self.client.as_mut().context("not connected")?;
        self.runtime.block_on(async {
            let mut delivered = Delivered::default();
            client.turn_start(&start()).await?;
            while take(client.next_message().await?, &mut delivered)? {}
            Ok(delivered)
        })
    }
}

impl Drop for Async {
    fn drop(&mut self) {
        let _entered = self.runtime.enter();
        self.client = None;
    }
}

/// The blocking client.
#[derive(Default)]
pub struct Blocking {
    client: Option<SyncClient>,
}

impl Contender for Blocking {
    fn connect(&mut self, server: &Server) -> Result<()> {
        self.client = Some(SyncClient::start_with(builder(server))?);
        Ok(())
    }

    fn calls(&mut self, n: usize, _: usize) -> Result<()> {
        let client = self.client.as_mut().context("not connected")?;
        for _ in 0..n {
            expect_turn(&client.turn_steer(&steer())?.turn_id)?;
        }
        Ok(())
    }

    fn notifications(&mut self) -> Result<Delivered> {
        let client = self.client.as_mut().context("not connected")?;
        let mut delivered = Delivered::default();
        client.turn_start(&start())?;
        while take(client.next_message()?, &mut delivered)? {}
        Ok(delivered)
    }
}
