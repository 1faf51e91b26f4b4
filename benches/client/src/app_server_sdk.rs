//! The peer codex-app-server-sdk.
//!
//! Calls run concurrently. Events go through a channel that holds 1024 of them: a subscriber that is slower
//! than the server loses the oldest, and learns how many. What it keeps is decoded to types.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use codex_app_server_sdk::events::{ServerEvent, ServerNotification};
use codex_app_server_sdk::requests::{
    ClientInfo, InitializeParams, TurnInputItem, TurnStartParams, TurnSteerParams,
};
use codex_app_server_sdk::{ClientOptions, CodexClient, StdioConfig};
use tokio::runtime::Runtime;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinSet;

use crate::contender::{Contender, Server};
use crate::session::{CLIENT, Delivered, TEXT, THREAD, TURN, expect_turn};

/// Longer than any measurement.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The client. It has no way to end its server: that sees the end of its input when the runtime goes.
pub struct Sdk {
    client: Option<CodexClient>,
    runtime: Runtime,
}

impl Sdk {
    /// A client that runs on this runtime.
    pub fn new(runtime: Runtime) -> Self {
        Self { client: None, runtime }
    }
}

impl Contender for Sdk {
    fn connect(&mut self, server: &Server) -> Result<()> {
        let codex_binary = server.program.to_str().context("the path of the server is no UTF-8")?.to_owned();
        let config = StdioConfig {
            codex_binary,
            args: Server::ARGUMENTS.map(String::from).to_vec(),
            env: server.env.iter().cloned().collect(),
            options: ClientOptions { default_timeout: TIMEOUT },
        };
        let client = self.runtime.block_on(async {
            let client = CodexClient::spawn_stdio(config).await?;
            client.initialize(InitializeParams::new(ClientInfo::new(CLIENT, CLIENT, "0"))).await?;
            client.initialized().await?;
            anyhow::Ok(client)
        })?;
        self.client = Some(client);
        Ok(())
    }

    fn calls(&mut self, n: usize, in_flight: usize) -> Result<()> {
        let client = self.client.as_ref().context("not connected")?;
        self.runtime.block_on(async {
            if in_flight == 1 {
                return call(client, n).await;
            }
            let mut callers = JoinSet::new();
            for caller in 0..in_flight {
                let client = client.clone();
                let share = n / in_flight + usize::from(caller < n % in_flight);
                callers.spawn(async move { call(&client, share).await });
            }
            while let Some(outcome) = callers.join_next().await {
                outcome??;
            }
            Ok(())
        })
    }

    fn notifications(&mut self) -> Result<Delivered> {
        let client = self.client.as_ref().context("not connected")?;
        self.runtime.block_on(async {
            let mut delivered = Delivered::default();
            let mut events = client.subscribe();
            client.turn_start(TurnStartParams::text(THREAD, TEXT)).await?;
            loop {
                match events.recv().await {
                    Ok(ServerEvent::Notification(ServerNotification::ItemAgentMessageDelta(delta))) => {
                        delivered.add(&delta.delta.context("a delta has no text")?);
                    }
                    Ok(ServerEvent::Notification(ServerNotification::TurnCompleted(_))) => {
                        return Ok(delivered);
                    }
                    Ok(ServerEvent::TransportClosed) => bail!("the server went away"),
                    // What is lost is what does not come.
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => bail!("the client went away"),
                }
            }
        })
    }
}

async fn call(client: &CodexClient, n: usize) -> Result<()> {
    for _ in 0..n {
        let params = TurnSteerParams {
            thread_id: THREAD.to_owned(),
            input: vec![TurnInputItem::text(TEXT)],
            expected_turn_id: Some(TURN.to_owned()),
            extra: serde_json::Map::new(),
        };
        expect_turn(&client.turn_steer(params).await?.turn_id)?;
    }
    Ok(())
}
