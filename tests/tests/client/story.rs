//! What a subscription tells, as a test follows it.

use codex_appserver_client::{Error, Event, Filter, ServerNotification, ServerRequest};
use codex_appserver_types::{Thread, ThreadItem, Turn};
use codex_appserver_wire::RequestId;

use crate::side::{Side, Tasks, TooLate};

/// A subscription and all it has told so far.
pub struct Story<S: Side = Tasks> {
    events: S::Events,
    pub told: Vec<Event>,
}

impl<S: Side> Story<S> {
    pub fn new(events: S::Events) -> Self {
        Self { events, told: Vec::new() }
    }

    pub fn of_thread(client: &S::Client, thread: &Thread) -> Self {
        Self::new(S::events(client, Filter::thread(&thread.id)))
    }

    pub fn of_turn(client: &S::Client, turn: &Turn) -> Self {
        Self::new(S::events(client, Filter::turn(&turn.id)))
    }

    pub fn of_all(client: &S::Client) -> Self {
        Self::new(S::events(client, Filter::All))
    }

    pub fn narrow(&mut self, filter: Filter) {
        S::narrow(&mut self.events, filter);
    }

    /// Waits for an event that `pick` turns into something.
    pub async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        loop {
            let event = match S::next(&mut self.events).await {
                Ok(Some(Ok(event))) => event,
                end => panic!("no {what} but {end:?}; before: {:#?}", self.names()),
            };
            assert!(!matches!(event, Event::Unreadable(_) | Event::Lagged { .. }), "{event:?}");
            let picked = pick(&event);
            self.told.push(event);
            if let Some(picked) = picked {
                return picked;
            }
        }
    }

    /// Waits for a notification.
    pub async fn notification<T>(
        &mut self,
        what: &str,
        mut pick: impl FnMut(&ServerNotification) -> Option<T>,
    ) -> T {
        self.until(what, |event| event.notification().and_then(&mut pick)).await
    }

    /// Waits until the server says that a turn runs. Only then can it be interrupted or steered.
    pub async fn started(&mut self) -> Turn {
        self.notification("turn/started", |told| match told {
            ServerNotification::TurnStarted(started) => Some(started.turn.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until a turn is over.
    pub async fn completed(&mut self) -> Turn {
        self.notification("turn/completed", |told| match told {
            ServerNotification::TurnCompleted(completed) => Some(completed.turn.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for a piece of an agent message.
    pub async fn delta(&mut self) -> String {
        self.notification("item/agentMessage/delta", |told| match told {
            ServerNotification::ItemAgentMessageDelta(delta) => Some(delta.delta.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for an `item/completed`.
    pub async fn item<T>(&mut self, what: &str, mut pick: impl FnMut(&ThreadItem) -> Option<T>) -> T {
        self.notification(&format!("item/completed of {what}"), |told| match told {
            ServerNotification::ItemCompleted(completed) => pick(&completed.item),
            _ => None,
        })
        .await
    }

    /// Waits for a request of the server.
    pub async fn request(&mut self) -> (RequestId, ServerRequest) {
        self.until("a server request", |event| match event {
            Event::Request(envelope) => Some((envelope.id.clone(), envelope.request.clone())),
            _ => None,
        })
        .await
    }

    /// Waits until the server says that a request of its own is settled.
    pub async fn resolved(&mut self, id: &RequestId) {
        self.notification("serverRequest/resolved", |told| match told {
            ServerNotification::ServerRequestResolved(resolved) => (resolved.request_id == *id).then_some(()),
            _ => None,
        })
        .await;
    }

    /// Reads on to the end of the subscription.
    pub async fn end(&mut self) -> Option<Error> {
        loop {
            match S::next(&mut self.events).await {
                Ok(Some(Ok(event))) => self.told.push(event),
                Ok(Some(Err(error))) => return Some(error),
                Ok(None) => return None,
                Err(TooLate) => panic!("the events do not end; before: {:#?}", self.names()),
            }
        }
    }

    /// What was told so far and `pick` turns into something.
    pub fn all<T>(&self, pick: impl FnMut(&ServerNotification) -> Option<T>) -> Vec<T> {
        self.told.iter().filter_map(Event::notification).filter_map(pick).collect()
    }

    /// The methods of all that was told so far.
    pub fn names(&self) -> Vec<&str> {
        self.told
            .iter()
            .map(|event| match event {
                Event::Notification(envelope) => envelope.notification.method(),
                Event::Request(envelope) => envelope.request.method(),
                _ => "?",
            })
            .collect()
    }

    /// The deltas of agent messages so far.
    pub fn deltas(&self) -> String {
        let delta = |told: &ServerNotification| match told {
            ServerNotification::ItemAgentMessageDelta(delta) => Some(delta.delta.clone()),
            _ => None,
        };
        self.all(delta).concat()
    }

    /// The agent messages that were completed so far.
    pub fn messages(&self) -> Vec<String> {
        self.all(|told| match told {
            ServerNotification::ItemCompleted(completed) => message(&completed.item),
            _ => None,
        })
    }

    /// The ids of items that were started and of those that were completed.
    pub fn items(&self) -> (Vec<String>, Vec<String>) {
        let started = self.all(|told| match told {
            ServerNotification::ItemStarted(started) => started.item.id().map(str::to_owned),
            _ => None,
        });
        let completed = self.all(|told| match told {
            ServerNotification::ItemCompleted(completed) => completed.item.id().map(str::to_owned),
            _ => None,
        });
        (started, completed)
    }
}

/// What an agent message says.
pub fn message(item: &ThreadItem) -> Option<String> {
    match item {
        ThreadItem::AgentMessage(message) => Some(message.text.clone()),
        _ => None,
    }
}
