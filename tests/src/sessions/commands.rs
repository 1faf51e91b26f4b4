//! What a client does on the machine without a thread: commands, files, searches, and reading what is set up.

use anyhow::{Context as _, Result, ensure};
use codex_appserver_methods::Methods as _;
use codex_appserver_notifications::ServerNotification;
use codex_appserver_types::SandboxPolicy;

use super::stage::text;
use super::{Scenario, Stage};

pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario::new("command-exec", command_exec),
    Scenario::new("files", files),
    Scenario::new("reads", reads),
];

/// A command that is over at once, one that is written to and streams its output, and one that is ended.
///
/// They run without a sandbox, which not every machine that runs tests can offer. Input and output of a stream
/// are base64; the response then repeats none of it.
fn command_exec(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    let free = || SandboxPolicy::DangerFullAccess;
    let script = "echo out; echo err >&2; exit 3";
    let done = client.command_exec(["sh", "-c", script]).sandbox_policy(free()).call()?;
    ensure!(
        (done.exit_code, done.stdout.as_str(), done.stderr.as_str()) == (3, "out\n", "err\n"),
        "{done:?}"
    );

    // The client answers itself while the command runs, so this call must not wait for its own response.
    let answer = std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let script = "echo ready; read line; echo got $line";
            let call = client.command_exec(["sh", "-c", script]).sandbox_policy(free()).process_id("talker");
            call.stream_stdin(true).stream_stdout_stderr(true).call()
        });
        expect_output(stage, "cmVhZHkK")?;
        client.command_exec_write("talker").delta_base64("aGVsbG8K").close_stdin(true).call()?;
        expect_output(stage, "Z290IGhlbGxvCg==")?;
        run.join().ok().context("the call panicked")?
    })?;
    ensure!(answer.exit_code == 0 && answer.stdout.is_empty(), "{answer:?}");

    let ended = std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let call = client.command_exec(["sh", "-c", "echo up; exec sleep 600"]).sandbox_policy(free());
            call.process_id("sleeper").stream_stdout_stderr(true).call()
        });
        expect_output(stage, "dXAK")?;
        client.command_exec_terminate("sleeper").call()?;
        run.join().ok().context("the call panicked")?
    })?;
    ensure!(ended.exit_code != 0, "{ended:?}");
    Ok(())
}

/// Waits for a piece of output, given as base64.
fn expect_output(stage: &Stage, base64: &str) -> Result<()> {
    stage.client.expect("command/exec/outputDelta", |notification| match notification {
        ServerNotification::CommandExecOutputDelta(delta) => (delta.delta_base64 == base64).then_some(()),
        _ => None,
    })
}

/// Files are written, read, listed, copied, watched, found and removed.
fn files(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    let path = |name: &str| text(&stage.home.workspace().join(name));
    client.fs_create_directory(path("notes")?).call()?;
    client.fs_watch("watch-1", path("notes")?).call()?;
    client.fs_write_file("aGVsbG8K", path("notes/a.txt")?).call()?;
    let changed = client.expect("fs/changed", |notification| match notification {
        ServerNotification::FsChanged(changed) => Some(changed.watch_id.clone()),
        _ => None,
    })?;
    ensure!(changed == "watch-1", "{changed}");
    client.fs_unwatch("watch-1").call()?;
    ensure!(client.fs_read_file(path("notes/a.txt")?).call()?.data_base64 == "aGVsbG8K");
    ensure!(client.fs_get_metadata(path("notes/a.txt")?).call()?.is_file);
    client.fs_copy(path("b.txt")?, path("notes/a.txt")?).call()?;
    let listed = client.fs_read_directory(path("")?).call()?.entries;
    ensure!(listed.len() == 2, "{listed:?}");
    let found = client.fuzzy_file_search("a.txt", [path("")?]).call()?.files;
    ensure!(found.len() == 1 && found[0].path == "notes/a.txt", "{found:?}");
    client.fs_remove(path("notes")?).recursive(true).call()?;
    client.fs_read_file(path("notes/a.txt")?).call().err().context("a removed file can be read")?;
    Ok(())
}

/// Everything that a client can read without an account, each method once.
fn reads(stage: &Stage) -> Result<()> {
    let client = &stage.client;
    ensure!(client.account_read().call()?.account.is_none());
    client.account_gateway_o_auth_read().call()?;
    client.account_rate_limits_read().call().err().context("there are no limits without an account")?;
    client.account_security_setup_read().call()?;
    client.app_installed().call()?;
    client.app_list().call()?;
    ensure!(client.config_read().call()?.config.model.as_deref() == Some("gpt-5.5"));
    client.config_mcp_server_reload().call()?;
    client.config_requirements_read().call()?;
    client.experimental_feature_list().limit(3u32).call()?;
    client.external_agent_config_import_read_histories().call()?;
    ensure!(client.get_auth_status().call()?.auth_method.is_none());
    client.hooks_list().call()?;
    client.mcp_server_status_list().call()?;
    let models = client.model_list().limit(2u32).call()?;
    ensure!(models.data.len() == 2 && models.next_cursor.is_some(), "{models:?}");
    client.model_provider_capabilities_read().call()?;
    ensure!(client.model_provider_list().call()?.data.iter().any(|provider| provider.id == "mock"));
    client.permission_profile_list().call()?;
    client.plugin_installed().call()?;
    client.plugin_list().call()?;
    client.skills_list().call()?;
    ensure!(client.thread_list().call()?.data.is_empty());
    client.thread_section_list().call()?;
    client.windows_sandbox_readiness().call()?;
    Ok(())
}
