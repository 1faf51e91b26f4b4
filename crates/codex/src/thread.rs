//! A conversation with the agent.

use std::sync::Arc;

use codex_appserver_client::generic::{Client, Events};
use codex_appserver_client::{Filter, Methods};
use codex_appserver_methods::protocol::{
    ReviewStartParams, ReviewStartResponse, ReviewTarget, ThreadForkParams, ThreadForkResponse,
    ThreadResumeParams, ThreadResumeResponse, ThreadStartParams, ThreadStartResponse,
    ThreadUnarchiveResponse, TurnStartParams, TurnStartResponse, method,
};
use codex_appserver_methods::{Call, MapResponse};

use crate::approvals::Approvals;
use crate::codex::Codex;
use crate::core::agents::OUTLINE;
use crate::input::Input;
use crate::open_threads::OpenThread;
use crate::runtime::Runtime;
use crate::thread_call::Belongings;
use crate::turn::Turn;
use crate::turns::{Subscriptions, notice_settings};

/// A conversation with the agent. Cheap to clone; it keeps the connection open.
#[cfg_attr(feature = "async", doc = "\n```no_run")]
#[cfg_attr(not(feature = "async"), doc = "\n```ignore")]
/// # async fn example() -> Result<(), codex_appserver::Error> {
/// let codex = codex_appserver::Codex::start().await?;
/// let thread = codex.thread_start().model("gpt-5.5").await?;
/// println!("{}", thread.run("What is in this folder?").await?.text());
/// # Ok(())
/// # }
/// ```
pub struct Thread<R: Runtime> {
    codex: Codex<R>,
    id: String,
    opened: Option<Arc<Opened>>,
    /// Has it resumed when the connection was made again.
    open: Option<Arc<OpenThread>>,
}

/// What the server said about a thread when it was started, resumed or forked.
#[derive(Debug)]
struct Opened {
    model: String,
    cwd: String,
}

impl<R: Runtime> Thread<R> {
    pub(crate) fn new(codex: Codex<R>, id: String) -> Self {
        let open = codex.shared.threads.as_ref().map(|threads| threads.open(&id));
        Self { codex, id, opened: None, open }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The model that it was started, resumed or forked with, by its name; a turn may have changed that since. None for a
    /// handle made by [`Codex::thread`], or of a thread out of the archive: nothing was asked for it.
    pub fn model(&self) -> Option<&str> {
        self.opened.as_deref().map(|opened| opened.model.as_str())
    }

    /// The folder that it was started, resumed or forked with; a turn may have changed that since. None where
    /// [`model`](Self::model) is none.
    pub fn cwd(&self) -> Option<&str> {
        self.opened.as_deref().map(|opened| opened.cwd.as_str())
    }

    /// The server it lives on.
    pub fn codex(&self) -> &Codex<R> {
        &self.codex
    }

    /// Starts a turn. Every optional param of `turn/start` is a setter. While a turn is running the input
    /// joins it, and the handle is of that turn: its result has what happens from now on.
    ///
    /// What the turn tells is kept from before it starts, for [`Turn::stream`] and [`Turn::run`].
    pub fn turn(&self, input: impl Into<Input>) -> Call<'_, Client<R>, method::TurnStart, IntoTurn<R>> {
        let input = Vec::from(input.into());
        self.codex.client().turn_start(&self.id, input).map_with(IntoTurn::new(self.clone()))
    }

    /// Starts a review of changes, which is a turn. It may have a thread of its own: see its `thread`.
    pub fn review(
        &self,
        target: impl Into<ReviewTarget>,
    ) -> Call<'_, Client<R>, method::ReviewStart, IntoTurn<R>> {
        self.codex.client().review_start(&self.id, target).map_with(IntoTurn::new(self.clone()))
    }

    /// A turn that another client has started on this thread, by its id. Its stream has the events from now on; its result
    /// has the earlier items as well, which are read from the server's records at the end.
    pub fn follow(&self, turn_id: impl Into<String>) -> Turn<R> {
        let turn_id = turn_id.into();
        let subscriptions = self.subscribe(Filter::tree(&turn_id));
        let watchdog = self.codex.shared.settings.watchdog;
        let turn = crate::core::Turn::joined(&self.id, turn_id, watchdog, R::now());
        Turn::new(self.clone(), turn, subscriptions)
    }

    /// Reads what the server keeps of it; with the setter `include_turns` its turns as well, all in one message. To read
    /// them in pages, see [`turns`](Self::turns) and [`items`](Self::items).
    pub fn read(&self) -> Call<'_, Client<R>, method::ThreadRead> {
        self.codex.client().thread_read(&self.id)
    }

    /// Gives it a title.
    pub fn set_name(&self, name: impl Into<String>) -> Call<'_, Client<R>, method::ThreadNameSet> {
        self.codex.client().thread_name_set(&self.id, name)
    }

    /// Starts to make its history shorter. That is a turn of which only [`events`](Self::events) tell: subscribe
    /// before, and wait for `turn/completed`.
    pub fn compact(&self) -> Call<'_, Client<R>, method::ThreadCompactStart> {
        self.codex.client().thread_compact_start(&self.id)
    }

    /// Puts it into the archive.
    pub fn archive(&self) -> Call<'_, Client<R>, method::ThreadArchive> {
        self.codex.client().thread_archive(&self.id)
    }

    /// Starts another thread that begins with what this one holds.
    pub fn fork(&self) -> Call<'_, Client<R>, method::ThreadFork, IntoThread<R>> {
        self.codex.thread_fork(&self.id)
    }

    /// Reads its goal.
    pub fn goal(&self) -> Call<'_, Client<R>, method::ThreadGoalGet> {
        self.codex.client().thread_goal_get(&self.id)
    }

    /// Sets its goal. The agent pursues it at once, in turns of its own accord, unless the setter `status` says
    /// that it is paused.
    pub fn set_goal(&self, objective: impl Into<String>) -> Call<'_, Client<R>, method::ThreadGoalSet> {
        self.codex.client().thread_goal_set(&self.id).objective(objective)
    }

    /// Takes its goal away.
    pub fn clear_goal(&self) -> Call<'_, Client<R>, method::ThreadGoalClear> {
        self.codex.client().thread_goal_clear(&self.id)
    }

    /// Everything that happens on it, from now on, turns and their streams included.
    pub fn events(&self) -> Events<R> {
        let settings = self.codex.shared.settings.events;
        self.codex.client().events_with(Filter::thread(&self.id), settings)
    }

    /// Sets the approvals of this thread: they decide what the agent may do on it, from now on and for as long as the
    /// connection lasts. They also get its requests that were left to other clients and that no client has answered yet.
    pub fn on_approval(&self, approvals: Approvals<R>) {
        self.codex.shared.approvals.set_thread(&self.id, approvals);
        self.codex.client().offer_left_requests();
    }

    /// Takes the approvals off this thread: those of the connection decide from now on. Requests that wait for an answer
    /// keep waiting for it.
    pub fn clear_approvals(&self) {
        self.codex.shared.approvals.clear_thread(&self.id);
    }

    /// Subscribes to what a turn will report.
    fn subscribe(&self, filter: Filter) -> Subscriptions<Events<R>> {
        self.codex.shared.approvals.forget_ended();
        self.codex.shared.ledger.catch_up();
        let client = self.codex.client();
        let notices = client.events_with(filter.clone(), notice_settings());
        let settings = self.codex.shared.settings.events.agent_methods(OUTLINE);
        Subscriptions { events: client.events_with(filter, settings), notices }
    }

    /// The turn that was just started here.
    fn started(&self, turn_id: String, subscriptions: Subscriptions<Events<R>>) -> Turn<R> {
        let started_in = self.codex.client().started_in(&turn_id);
        let watchdog = self.codex.shared.settings.watchdog;
        let turn = crate::core::Turn::new(&self.id, turn_id, watchdog, R::now()).started_in(started_in);
        Turn::new(self.clone(), turn, subscriptions)
    }
}

impl<R: Runtime> Clone for Thread<R> {
    fn clone(&self) -> Self {
        let (codex, id) = (self.codex.clone(), self.id.clone());
        Self { codex, id, opened: self.opened.clone(), open: self.open.clone() }
    }
}

impl<R: Runtime> std::fmt::Debug for Thread<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Thread").field("codex", &self.codex).field("id", &self.id).finish()
    }
}

/// Makes a [`Thread`] of the response. The thread has what was brought for it before anything else can happen to it.
pub struct IntoThread<R: Runtime> {
    pub(crate) codex: Codex<R>,
    pub(crate) belongings: Belongings<R>,
}

impl<R: Runtime> IntoThread<R> {
    pub(crate) fn new(codex: Codex<R>) -> Self {
        Self { codex, belongings: Belongings::default() }
    }

    /// The thread that was opened.
    fn opened(self, thread_id: String, model: String, cwd: String) -> Thread<R> {
        self.belongings.give(&self.codex, &thread_id);
        Thread { opened: Some(Arc::new(Opened { model, cwd })), ..Thread::new(self.codex, thread_id) }
    }
}

impl<R: Runtime> MapResponse<method::ThreadStart> for IntoThread<R> {
    type Output = Thread<R>;

    fn before_send(&mut self, _: &ThreadStartParams) {
        self.belongings.before_open(&self.codex, None);
    }

    fn map_response(self, response: ThreadStartResponse) -> Thread<R> {
        self.codex.shared.ledger.on_new_thread(&response.thread.id);
        self.codex.shared.ledger.on_first_folder(&response.thread.id, &response.cwd);
        self.opened(response.thread.id, response.model, response.cwd)
    }
}

impl<R: Runtime> MapResponse<method::ThreadResume> for IntoThread<R> {
    type Output = Thread<R>;

    fn before_send(&mut self, params: &ThreadResumeParams) {
        self.belongings.before_open(&self.codex, None);
        // A shared server repeats requests that are open before it answers.
        self.belongings.give(&self.codex, &params.thread_id);
    }

    fn map_response(self, response: ThreadResumeResponse) -> Thread<R> {
        self.codex.shared.ledger.on_folder(&response.thread.id, &response.cwd);
        self.opened(response.thread.id, response.model, response.cwd)
    }
}

impl<R: Runtime> MapResponse<method::ThreadFork> for IntoThread<R> {
    type Output = Thread<R>;

    fn before_send(&mut self, params: &ThreadForkParams) {
        self.belongings.before_open(&self.codex, Some(&params.thread_id));
    }

    fn map_response(self, response: ThreadForkResponse) -> Thread<R> {
        self.codex.shared.ledger.on_first_folder(&response.thread.id, &response.cwd);
        self.opened(response.thread.id, response.model, response.cwd)
    }
}

impl<R: Runtime> MapResponse<method::ThreadUnarchive> for IntoThread<R> {
    type Output = Thread<R>;

    fn map_response(self, response: ThreadUnarchiveResponse) -> Thread<R> {
        self.codex.shared.ledger.on_folder(&response.thread.id, &response.thread.cwd);
        self.belongings.give(&self.codex, &response.thread.id);
        self.codex.thread(response.thread.id)
    }
}

/// Makes a [`Turn`] of the response. It subscribes when the call is sent.
pub struct IntoTurn<R: Runtime> {
    thread: Thread<R>,
    subscriptions: Option<Subscriptions<Events<R>>>,
}

impl<R: Runtime> IntoTurn<R> {
    fn new(thread: Thread<R>) -> Self {
        Self { thread, subscriptions: None }
    }

    /// Subscribes for a turn that is started on this thread, which `with_params` may have changed.
    fn subscribe(&mut self, thread_id: &str, filter: Filter) {
        if self.thread.id() != thread_id {
            self.thread = self.thread.codex().thread(thread_id);
        }
        self.subscriptions = Some(self.thread.subscribe(filter));
    }

    /// The turn that was started on this thread.
    fn started(self, thread_id: &str, turn_id: String) -> Turn<R> {
        let thread = match self.thread.id() == thread_id {
            true => self.thread,
            false => self.thread.codex().thread(thread_id),
        };
        let subscriptions = self.subscriptions.unwrap_or_else(|| thread.subscribe(Filter::tree(&turn_id)));
        thread.started(turn_id, subscriptions)
    }
}

impl<R: Runtime> MapResponse<method::TurnStart> for IntoTurn<R> {
    type Output = Turn<R>;

    fn before_send(&mut self, params: &TurnStartParams) {
        self.subscribe(&params.thread_id, Filter::thread_tree(&params.thread_id));
    }

    fn map_response(self, response: TurnStartResponse) -> Turn<R> {
        let thread_id = self.thread.id().to_owned();
        self.started(&thread_id, response.turn.id)
    }
}

impl<R: Runtime> MapResponse<method::ReviewStart> for IntoTurn<R> {
    type Output = Turn<R>;

    fn before_send(&mut self, params: &ReviewStartParams) {
        // A detached review runs on a thread that has no id yet.
        self.subscribe(&params.thread_id, Filter::All);
    }

    fn map_response(self, response: ReviewStartResponse) -> Turn<R> {
        self.started(&response.review_thread_id, response.turn.id)
    }
}
