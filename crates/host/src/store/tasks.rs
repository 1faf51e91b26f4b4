//! Creates, reads and lists tasks.

use std::path::Path;

use super::events::NewEvent;
use super::record::{Record, Task, select};
use crate::core::status::{ApprovalPolicy, IfLost, Sandbox, Status};
use crate::db::{Arg, values};
use crate::error::{Error, InvalidTask, Result};
use crate::host::Host;
use crate::ids::TaskId;
use crate::text::{SUMMARY, clip};

/// How many characters of input the server takes.
const PROMPT_LIMIT: usize = 1 << 20;

/// How long keys, targets, models and ids of threads may be, in bytes.
const SHORT: usize = 4096;

/// How many tasks a page has at most.
const PAGE: u32 = 1_000;

/// A task to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    prompt: String,
    cwd: String,
    model: Option<String>,
    sandbox: String,
    approval_policy: String,
    if_lost: IfLost,
    notify: Option<String>,
    idempotency_key: Option<String>,
    thread_id: Option<String>,
}

impl NewTask {
    /// A task for the agent in a working directory, which has to be absolute and to exist. It reads files only, and the
    /// agent asks before it runs a command that is not known to be harmless.
    pub fn new(prompt: impl Into<String>, cwd: impl AsRef<Path>) -> Self {
        Self {
            prompt: prompt.into(),
            cwd: cwd.as_ref().to_string_lossy().into_owned(),
            model: None,
            sandbox: Sandbox::ReadOnly.as_str().to_owned(),
            approval_policy: ApprovalPolicy::Untrusted.as_str().to_owned(),
            if_lost: IfLost::Fail,
            notify: None,
            idempotency_key: None,
            thread_id: None,
        }
    }

    /// Uses another model than that of the server's configuration.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// What the agent may touch: `read-only`, the default, or `workspace-write`. Anything else is refused when the task
    /// is created, `danger-full-access` among it.
    #[must_use]
    pub fn sandbox(mut self, sandbox: impl Into<String>) -> Self {
        self.sandbox = sandbox.into();
        self
    }

    /// When the agent asks: `untrusted`, the default, or `on-request`. Anything else is refused when the task is created,
    /// `never` among it.
    #[must_use]
    pub fn approval_policy(mut self, policy: impl Into<String>) -> Self {
        self.approval_policy = policy.into();
        self
    }

    /// What becomes of the task if its turn is lost, with its worker and its server.
    #[must_use]
    pub fn if_lost(mut self, if_lost: IfLost) -> Self {
        self.if_lost = if_lost;
        self
    }

    /// The target that is notified when the task ends.
    #[must_use]
    pub fn notify(mut self, target: impl Into<String>) -> Self {
        self.notify = Some(target.into());
        self
    }

    /// Creates one task however often it is called with this key. The key is free again once the task is pruned.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Continues a thread. The task stays queued while another one runs there.
    #[must_use]
    pub fn thread_id(mut self, thread_id: impl Into<String>) -> Self {
        self.thread_id = Some(thread_id.into());
        self
    }

    fn check(&self) -> Result<(Sandbox, ApprovalPolicy), InvalidTask> {
        if self.prompt.trim().is_empty() {
            return Err(InvalidTask::EmptyPrompt);
        }
        let chars = self.prompt.chars().count();
        if chars > PROMPT_LIMIT {
            return Err(InvalidTask::LongPrompt { chars, limit: PROMPT_LIMIT });
        }
        let shorts = [
            ("model", &self.model),
            ("notify target", &self.notify),
            ("idempotency key", &self.idempotency_key),
            ("thread id", &self.thread_id),
        ];
        for (what, text) in shorts {
            let Some(text) = text else { continue };
            if text.trim().is_empty() || text.len() > SHORT {
                return Err(InvalidTask::Length { what, limit: SHORT });
            }
            if text.contains('\0') {
                return Err(InvalidTask::Nul(what));
            }
        }
        for (what, text) in [("prompt", &self.prompt), ("working directory", &self.cwd)] {
            if text.contains('\0') {
                return Err(InvalidTask::Nul(what));
            }
        }
        let sandbox = self.sandbox.parse().map_err(|_| InvalidTask::Sandbox(clip(&self.sandbox, 60)))?;
        let policy = self.approval_policy.parse();
        let policy = policy.map_err(|_| InvalidTask::ApprovalPolicy(clip(&self.approval_policy, 60)))?;
        if !Path::new(&self.cwd).is_absolute() {
            return Err(InvalidTask::RelativeCwd(self.cwd.clone()));
        }
        if !Path::new(&self.cwd).is_dir() {
            return Err(InvalidTask::MissingCwd(self.cwd.clone()));
        }
        Ok((sandbox, policy))
    }

    /// The first member in which a task differs from this.
    fn differs(&self, task: &Task) -> Option<&'static str> {
        let members = [
            ("its prompt", self.prompt == task.prompt),
            ("its working directory", self.cwd == task.cwd),
            ("its model", self.model == task.model),
            ("its sandbox", self.sandbox == task.sandbox.as_str()),
            ("its approval policy", self.approval_policy == task.approval_policy.as_str()),
            ("what happens if its turn is lost", self.if_lost == task.if_lost),
            ("its notify target", self.notify == task.notify),
            ("its thread", self.thread_id == task.asked_thread_id),
        ];
        members.into_iter().find(|(_, same)| !same).map(|(name, _)| name)
    }
}

/// What [`Host::create`] answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The task.
    pub task: Task,
    /// Whether it is new; if not, it was created before with the same idempotency key.
    pub is_new: bool,
}

/// Which tasks a list has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Only tasks with one of these statuses; all if there is none.
    pub statuses: Vec<Status>,
    /// Only tasks with this working directory.
    pub cwd: Option<String>,
    /// Only tasks on this thread.
    pub thread_id: Option<String>,
    /// Only tasks whose prompt has this text in its summary; upper and lower case are the same in ASCII.
    pub text: Option<String>,
    /// Only tasks older than this one: the `next` of the page before.
    pub before: Option<TaskId>,
    /// How many; 50 if it is 0, at most 1 000.
    pub limit: u32,
}

/// A page of a list of tasks, the newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskPage {
    /// The tasks.
    pub tasks: Vec<Task>,
    /// What to pass as `before` for the next page; `None` on the last one.
    pub next: Option<TaskId>,
}

impl Host {
    /// Creates a task, which waits for a worker.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidTask`] if it is refused, [`Error::KeyReused`] if its idempotency key belongs to a task with other
    /// content.
    pub async fn create(&self, new: &NewTask) -> Result<Created> {
        self.insert(new, None).await
    }

    /// Creates a task that repeats one that has ended: on the thread that the first one was to continue, else on a new one.
    ///
    /// # Errors
    ///
    /// [`Error::TaskNotEnded`] if it has not ended.
    pub async fn retry(&self, id: TaskId) -> Result<Created> {
        let task = self.task(id).await?;
        if !task.status.is_terminal() {
            return Err(Error::TaskNotEnded { task: id, status: task.status });
        }
        let again = NewTask {
            prompt: task.prompt,
            cwd: task.cwd,
            model: task.model,
            sandbox: task.sandbox.as_str().to_owned(),
            approval_policy: task.approval_policy.as_str().to_owned(),
            if_lost: task.if_lost,
            notify: task.notify,
            idempotency_key: None,
            thread_id: task.asked_thread_id,
        };
        self.insert(&again, Some(id)).await
    }

    async fn insert(&self, new: &NewTask, retry_of: Option<TaskId>) -> Result<Created> {
        let (sandbox, policy) = new.check()?;
        let id = TaskId::new();
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let sql = "INSERT INTO tasks (id, created_at, updated_at, prompt, summary, cwd, model, sandbox,
            approval_policy, if_lost, notify, idempotency_key, asked_thread_id, thread_id, retry_of, status)
            VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13, 'queued')
            ON CONFLICT (idempotency_key) DO NOTHING";
        let args = values![
            id.to_string(),
            now,
            &new.prompt,
            clip(&self.redacted(&new.prompt), SUMMARY),
            &new.cwd,
            &new.model,
            sandbox.as_str(),
            policy.as_str(),
            new.if_lost.as_str(),
            &new.notify,
            &new.idempotency_key,
            &new.thread_id,
            retry_of.map(|id| id.to_string()),
        ];
        let is_new = tx.execute("create a task", sql, args).await? == 1;
        if is_new {
            let mut record = Record::find(&mut tx, id).await?.ok_or(Error::NoTask(id))?;
            self.add_events(&mut tx, &mut record, &[NewEvent::host("host/created", "the task was created")])
                .await?;
            record.save(&mut tx).await?;
            self.commit(tx, &[id]).await?;
            return Ok(Created { task: record.into_task(), is_new });
        }
        let key = new.idempotency_key.as_deref().unwrap_or_default();
        let sql = format!("{} WHERE t.idempotency_key = $1", select(tx.dialect()));
        let row = tx.row("find a task by its idempotency key", sql, values![key]).await?;
        let record = row.as_ref().map(Record::read).transpose()?.ok_or(Error::NoTask(id))?;
        tx.commit().await?;
        match new.differs(&record.task) {
            Some(differs) => Err(Error::KeyReused { key: key.to_owned(), task: record.task.id, differs }),
            None => Ok(Created { task: record.into_task(), is_new }),
        }
    }

    /// A task as it stands.
    ///
    /// # Errors
    ///
    /// [`Error::NoTask`] if there is none.
    pub async fn task(&self, id: TaskId) -> Result<Task> {
        let mut tx = self.begin_read().await?;
        let record = Record::find(&mut tx, id).await?.ok_or(Error::NoTask(id))?;
        tx.commit().await?;
        Ok(record.into_task())
    }

    /// Lists tasks, the newest first.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<TaskPage> {
        let limit = if filter.limit == 0 { 50 } else { filter.limit.min(PAGE) };
        let mut tx = self.begin_read().await?;
        let now = tx.now().await?;
        let (condition, mut args) = conditions(filter, now);
        args.push(Arg::from(i64::from(limit) + 1));
        let sql =
            format!("{} WHERE {condition} ORDER BY t.id DESC LIMIT ${}", select(tx.dialect()), args.len());
        let rows = tx.rows("list tasks", sql, args).await?;
        tx.commit().await?;
        let records = rows.iter().map(Record::read).collect::<Result<Vec<_>>>()?;
        let mut tasks: Vec<Task> = records.into_iter().map(Record::into_task).collect();
        let has_more = tasks.len() > limit as usize;
        tasks.truncate(limit as usize);
        let next = tasks.last().map(|task| task.id).filter(|_| has_more);
        Ok(TaskPage { tasks, next })
    }
}

/// The condition of a list, with its parameters.
fn conditions(filter: &TaskFilter, now: i64) -> (String, Vec<Arg>) {
    let mut args = values![now];
    let mut all = Vec::new();
    if !filter.statuses.is_empty() {
        all.push(statuses(&filter.statuses));
    } else {
        // The parameter for the clock has to be used.
        all.push("$1 >= 0".to_owned());
    }
    let equal = [("t.cwd", &filter.cwd), ("t.thread_id", &filter.thread_id)];
    for (column, value) in equal {
        if let Some(value) = value {
            args.push(Arg::from(value));
            all.push(format!("{column} = ${}", args.len()));
        }
    }
    if let Some(text) = &filter.text {
        let escaped: String =
            text.chars().flat_map(|c| "%_\\".contains(c).then_some('\\').into_iter().chain([c])).collect();
        args.push(Arg::from(format!("%{}%", escaped.to_ascii_lowercase())));
        all.push(format!("lower(t.summary) LIKE ${} ESCAPE '\\'", args.len()));
    }
    if let Some(before) = filter.before {
        args.push(Arg::from(before.to_string()));
        all.push(format!("t.id < ${}", args.len()));
    }
    (all.join(" AND "), args)
}

/// The statuses as users see them: what starts or works without a live lease is queued. `$1` is the clock.
fn statuses(wanted: &[Status]) -> String {
    let list = |statuses: &mut dyn Iterator<Item = Status>| {
        statuses.map(|status| format!("'{status}'")).collect::<Vec<_>>().join(", ")
    };
    let owned = |status: &Status| status.without_owner() != *status;
    let always = list(&mut wanted.iter().copied().filter(|status| !owned(status)));
    let alive = list(&mut wanted.iter().copied().filter(owned));
    let all = list(&mut Status::ALL.iter().copied().filter(owned));
    let mut any = vec!["$1 < 0".to_owned()];
    if !always.is_empty() {
        any.push(format!("t.status IN ({always})"));
    }
    if !alive.is_empty() {
        any.push(format!("(t.status IN ({alive}) AND t.lease_expires_at > $1)"));
    }
    if wanted.contains(&Status::Queued) {
        any.push(format!(
            "(t.status IN ({all}) AND (t.lease_expires_at IS NULL OR t.lease_expires_at <= $1))"
        ));
    }
    format!("({})", any.join(" OR "))
}
