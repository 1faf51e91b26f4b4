//! A store, a home with a mock model, and an app-server that workers share.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use codex_appserver::{Codex, Process, SharedServer};
use codex_appserver_host::worker::{Finished, Runner, RunnerError, RunnerSettings, Server};
use codex_appserver_host::{Host, NewTask, PendingRequest, Settings, Status, Task, TaskId};
use codex_appserver_testkit::{CodexHome, Gate, MockModel, Reply};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support;

/// How long anything may take that has to happen.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Stage<'a> {
    pub store: &'a support::Stage,
    pub model: MockModel,
    pub home: CodexHome,
    codex: std::path::PathBuf,
}

/// A worker at work.
pub struct Work {
    stop: Option<oneshot::Sender<()>>,
    run: JoinHandle<Result<Finished, RunnerError>>,
    pub server: Option<u32>,
}

/// Ends a server with its test.
pub struct Ended(u32);

impl<'a> Stage<'a> {
    /// Without a codex there is no stage: the test is skipped, which CI does not take.
    pub fn set(store: &'a support::Stage, replies: impl IntoIterator<Item = Reply>) -> Result<Option<Self>> {
        let Some(codex) = crate::codex::codex() else { return Ok(None) };
        let model = MockModel::scripted(replies)?;
        let home = CodexHome::builder(&model)
            .feature("multi_agent", true)
            .feature("default_mode_request_user_input", true)
            .build()?;
        Ok(Some(Self { store, model, home, codex }))
    }

    pub async fn host(&self) -> Result<Host> {
        self.host_with(Settings::default()).await
    }

    /// A host that notices within a moment what others do.
    pub async fn host_with(&self, mut settings: Settings) -> Result<Host> {
        settings.poll = Duration::from_millis(50);
        self.store.host_with(settings).await
    }

    pub fn task(&self, prompt: &str) -> NewTask {
        NewTask::new(prompt, self.home.workspace())
    }

    fn process(&self) -> Process {
        let process = Process::new().program(&self.codex).env_clear();
        process.envs(self.home.environment()).current_dir(self.home.workspace())
    }

    pub async fn shared(&self) -> Result<(SharedServer, Ended)> {
        let process = self.process();
        let server = SharedServer::for_home(self.home.codex_home()).process(|_| process);
        // One that is started after another one was killed ends soon after the test.
        let server = server.idle_time(Duration::from_secs(1)).start().await?;
        let ended = Ended(server.pid());
        Ok((server, ended))
    }

    /// Another client of the server.
    pub async fn client(&self, server: &SharedServer) -> Result<Codex> {
        Ok(Codex::builder().connect_shared(server).await?)
    }

    pub async fn work(&self, host: &Host, server: Server) -> Result<Work> {
        self.work_with(host, server, RunnerSettings::default()).await
    }

    pub async fn work_with(&self, host: &Host, server: Server, settings: RunnerSettings) -> Result<Work> {
        let builder = Codex::builder().process(|_| self.process());
        let runner = Runner::connect_with(host, settings, server, builder).await?;
        let (stop, stopped) = oneshot::channel();
        let server = runner.codex().status().pid;
        let run = tokio::spawn(runner.run(async {
            // Without a sender it goes on until it is dropped.
            if stopped.await.is_err() {
                std::future::pending().await
            }
        }));
        Ok(Work { stop: Some(stop), run, server })
    }
}

impl Work {
    /// Stops the worker as a signal does.
    pub async fn stop(mut self) -> Result<()> {
        let stop = self.stop.take().context("it was stopped before")?;
        stop.send(()).map_err(|()| anyhow!("the worker has ended"))?;
        let finished = (&mut self.run).await??;
        anyhow::ensure!(finished == Finished::Stopped, "{finished:?}");
        Ok(())
    }

    /// Drops the worker where it stands, as a crash does.
    pub async fn crash(mut self) {
        self.run.abort();
        drop((&mut self.run).await);
    }

    pub async fn finished(mut self) -> Result<Finished> {
        Ok((&mut self.run).await??)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.run.abort();
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let Some(pid) = pid(self.0) else { return };
        let begun = std::time::Instant::now();
        let _ = kill_process(pid, Signal::TERM);
        while test_kill_process(pid).is_ok() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(number.try_into().ok()?)
}

pub fn kill(number: Option<u32>, signal: Signal) -> Result<()> {
    Ok(kill_process(number.and_then(pid).context("there is no process")?, signal)?)
}

pub async fn ended(host: &Host, id: TaskId) -> Result<Task> {
    patiently(host.wait(id)).await
}

pub async fn reached(host: &Host, id: TaskId, status: Status) -> Result<Task> {
    let reached = |now: Status| now == status || now.is_terminal();
    let task = patiently(host.wait_until(id, reached)).await?;
    anyhow::ensure!(task.status == status, "the task is {}: {:?}", task.status, task.error);
    Ok(task)
}

pub async fn patiently<T, E>(wait: impl Future<Output = Result<T, E>>) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    Ok(tokio::time::timeout(PATIENCE, wait).await.context("it takes too long")??)
}

/// The one request that waits for an answer. The status may say so a moment before it is stored.
pub async fn request(host: &Host, id: TaskId) -> Result<PendingRequest> {
    support::eventually("there is one request", async || Ok(host.open_requests(Some(id)).await?.len() == 1))
        .await?;
    host.open_requests(Some(id)).await?.pop().context("it is closed")
}

/// Waits until the model is asked, while the worker goes on on this thread.
pub async fn arrived(gate: &Gate) -> Result<()> {
    let gate = gate.clone();
    Ok(tokio::task::spawn_blocking(move || gate.wait_for_arrivals(1, PATIENCE)).await??)
}
