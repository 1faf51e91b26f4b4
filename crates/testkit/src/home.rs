//! A throw-away home for codex, in which it knows no model but the mock.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::MockModel;

/// What every home has: one provider, no account, and nothing that looks for the network.
const TOP: &str = r#"model = "gpt-5.5"
model_provider = "mock"
approval_policy = "on-request"
sandbox_mode = "workspace-write"
check_for_update_on_startup = false
web_search = "disabled"
cli_auth_credentials_store = "file"
"#;

/// A server that is never to be asked anything may as well be one that cannot be reached.
const UNREACHABLE: &str = "http://127.0.0.1:9/v1";

/// Folders for one codex: `CODEX_HOME`, `HOME`, `TMPDIR` and a workspace, gone when this is dropped.
///
/// Make one for each codex process: the app-server rewrites its `config.toml` and keeps its threads in there.
#[derive(Debug)]
pub struct CodexHome {
    root: TempDir,
}

/// Makes a [`CodexHome`]; see [`CodexHome::builder`].
#[derive(Clone, Debug)]
pub struct CodexHomeBuilder {
    base_url: String,
    top: String,
    features: Vec<(String, bool)>,
    tables: String,
}

impl CodexHome {
    /// Starts a home whose model is this mock.
    ///
    /// codex is told not to retry: what the mock answers is final. (It does retry, forever, when the server
    /// cannot be reached.)
    pub fn builder(model: &MockModel) -> CodexHomeBuilder {
        CodexHomeBuilder::new(model.base_url())
    }

    /// Starts a home without a model, for calls that need none.
    pub fn without_model() -> CodexHomeBuilder {
        CodexHomeBuilder::new(UNREACHABLE.to_owned())
    }

    /// The folder that holds all others.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// `CODEX_HOME`.
    pub fn codex_home(&self) -> PathBuf {
        self.user_home().join(".codex")
    }

    /// `HOME`.
    pub fn user_home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// `TMPDIR`. It is beside `CODEX_HOME` rather than above it: codex warns about a home in a folder for
    /// temporary files, and keeps its helper programs out of it.
    pub fn tmp(&self) -> PathBuf {
        self.root().join("tmp")
    }

    /// An empty folder to work in.
    pub fn workspace(&self) -> PathBuf {
        self.root().join("workspace")
    }

    /// `codex app-server` in this home, over standard input and output.
    pub fn command(&self, codex: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(codex);
        command.arg("app-server");
        self.set_environment(&mut command);
        command
    }

    /// Makes a command run in this home: in the workspace, and with nothing in its environment but the
    /// folders of this home, `PATH`, and what Windows cannot do without.
    pub fn set_environment(&self, command: &mut Command) {
        command.env_clear().current_dir(self.workspace()).envs(self.environment());
    }

    /// The whole environment of a program in this home, for those who start codex otherwise than by a command, such as
    /// by `Process::new().env_clear().envs(home.environment()).current_dir(home.workspace())` of the client.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let inherited = ["PATH", "SystemRoot", "ComSpec", "PATHEXT"]
            .into_iter()
            .filter_map(|key| Some((key, std::env::var_os(key)?)));
        let folders = [("CODEX_HOME", self.codex_home())]
            .into_iter()
            .chain(["HOME", "USERPROFILE"].map(|key| (key, self.user_home())))
            .chain(["TMPDIR", "TEMP", "TMP"].map(|key| (key, self.tmp())));
        inherited.chain(folders.map(|(key, folder)| (key, folder.into()))).collect()
    }
}

impl CodexHomeBuilder {
    fn new(base_url: String) -> Self {
        Self { base_url, top: TOP.to_owned(), features: Vec::new(), tables: String::new() }
    }

    /// Adds lines at the top of `config.toml`, before any table: `key = value`. The keys that are there
    /// already are `model`, `model_provider`, `approval_policy`, `sandbox_mode`,
    /// `check_for_update_on_startup`, `web_search` and `cli_auth_credentials_store`.
    pub fn setting(mut self, lines: impl AsRef<str>) -> Self {
        self.top.push_str(lines.as_ref());
        self.top.push('\n');
        self
    }

    /// Turns a feature of codex on or off (`codex features list` names them). `plugins`, `apps` and
    /// `remote_plugin` are off unless this says otherwise: they ask the network.
    pub fn feature(mut self, name: impl Into<String>, enabled: bool) -> Self {
        self.features.push((name.into(), enabled));
        self
    }

    /// Adds whole tables at the end of `config.toml`: `[name]` and its lines.
    pub fn config(mut self, tables: impl AsRef<str>) -> Self {
        self.tables.push_str(tables.as_ref());
        self.tables.push('\n');
        self
    }

    /// Has codex start this program as an MCP server, such as one that serves an [`McpServer`](crate::McpServer).
    pub fn mcp_server<S: AsRef<str>>(
        self,
        name: &str,
        program: impl AsRef<Path>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        // A string of JSON is one of TOML.
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let program = text(&program.as_ref().to_string_lossy());
        let arguments: Vec<_> = arguments.into_iter().map(|argument| text(argument.as_ref())).collect();
        let arguments = arguments.join(", ");
        self.config(format!("[mcp_servers.{name}]\ncommand = {program}\nargs = [{arguments}]\n"))
    }

    /// Creates the folders and writes `config.toml`.
    pub fn build(self) -> io::Result<CodexHome> {
        let home = CodexHome { root: TempDir::with_prefix("codex-testkit-")? };
        for folder in [home.codex_home(), home.tmp(), home.workspace()] {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(home.codex_home().join("config.toml"), self.toml())?;
        Ok(home)
    }

    fn toml(&self) -> String {
        let mut features = vec![("plugins", false), ("apps", false), ("remote_plugin", false)];
        for (name, enabled) in &self.features {
            features.retain(|(known, _)| known != name);
            features.push((name, *enabled));
        }
        let features: String =
            features.iter().map(|(name, enabled)| format!("{name} = {enabled}\n")).collect();
        format!(
            "{top}\n[analytics]\nenabled = false\n\n[feedback]\nenabled = false\n\n[features]\n{features}\n\
             [model_providers.mock]\nname = \"mock\"\nbase_url = \"{url}\"\nwire_api = \"responses\"\n\
             requires_openai_auth = false\nrequest_max_retries = 0\nstream_max_retries = 0\n\
             stream_idle_timeout_ms = 60000\nsupports_websockets = false\n\n{tables}",
            top = self.top,
            url = self.base_url,
            tables = self.tables,
        )
    }
}
