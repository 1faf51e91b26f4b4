//! A PostgreSQL server for the tests: the one that a variable names, or one of the distribution's that is started once
//! for all test processes and ends by itself.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// Names a database in which the tests may create others: `postgres://…`.
const VARIABLE: &str = "CODEX_APPSERVER_TEST_POSTGRES";

/// The script that runs the server and ends it.
const KEEPER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgres.sh");

/// The socket of a server in its folder.
const SOCKET: &str = ".s.PGSQL.5432";

/// A server that is there as long as this process.
struct Server {
    url: String,
    _user: Option<File>,
}

/// The address of the server; `None` if there is none on this machine.
pub fn url() -> Option<&'static str> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match find() {
        Ok(server) => server,
        Err(error) => panic!("failed to start PostgreSQL for the tests: {error:#}"),
    });
    server.as_ref().map(|server| server.url.as_str())
}

fn find() -> Result<Option<Server>> {
    if let Ok(url) = std::env::var(VARIABLE) {
        return Ok(Some(Server { url, _user: None }));
    }
    let Some(programs) = programs() else { return Ok(None) };
    let base = std::env::temp_dir().join(format!("codex-appserver-host-tests-{}", uid()?));
    fs::create_dir_all(&base)?;
    fs::set_permissions(&base, fs::Permissions::from_mode(0o755))?;
    ensure!(fs::metadata(&base)?.uid() == uid()?, "`{}` belongs to another user", base.display());
    // One process at a time looks and starts.
    let lock = File::create(base.join("lock"))?;
    lock.lock()?;
    let current = base.join("current");
    if let Ok(folder) = fs::read_to_string(&current)
        && let Some(server) = join(Path::new(&folder))
    {
        return Ok(Some(server));
    }
    let folder = start(&base, &programs)?;
    fs::write(&current, folder.to_string_lossy().as_bytes())?;
    Ok(Some(join(&folder).context("the server that was started is gone")?))
}

/// The newest of the distribution's servers.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    programs.filter(|programs| programs.join("initdb").is_file()).max()
}

fn uid() -> Result<u32> {
    Ok(fs::metadata("/proc/self")?.uid())
}

/// Uses a running server. Opened both ways, a FIFO is opened at once, and its reader sees the end when this process does.
fn join(folder: &Path) -> Option<Server> {
    let user = OpenOptions::new().read(true).write(true).open(folder.join("users")).ok()?;
    UnixStream::connect(folder.join(SOCKET)).ok()?;
    // The server may have been about to end. Then the FIFO has another name now.
    File::open(folder.join("data")).ok().filter(|_| folder.join("users").exists())?;
    let host = folder.to_string_lossy().replace('/', "%2F");
    Some(Server { url: format!("postgres://tests@{host}/postgres"), _user: Some(user) })
}

/// Removes what servers leave that were killed, and the empty folders of those that ended by themselves. No other process
/// starts one meanwhile.
fn remove_ended(base: &Path) -> Result<()> {
    for entry in fs::read_dir(base)? {
        let folder = entry?.path();
        if folder.is_dir() && UnixStream::connect(folder.join(SOCKET)).is_err() {
            fs::remove_dir_all(folder).ok();
        }
    }
    Ok(())
}

fn start(base: &Path, programs: &Path) -> Result<PathBuf> {
    remove_ended(base)?;
    let folder = base.join(format!("{}-{}", std::process::id(), now()));
    fs::create_dir(&folder)?;
    fs::copy(KEEPER, base.join("postgres.sh"))?;
    fs::set_permissions(base.join("postgres.sh"), fs::Permissions::from_mode(0o755))?;
    let mut command = Command::new("sh");
    if uid()? == 0 {
        // The server refuses to run as root.
        let chown = Command::new("chown").arg("nobody").arg(&folder).status()?;
        ensure!(chown.success(), "chown failed");
        command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh"]);
    }
    let log = File::create(base.join("log"))?;
    command
        .arg(base.join("postgres.sh"))
        .arg(&folder)
        .arg(programs)
        .env("HOME", &folder)
        .current_dir(&folder);
    let output = Stdio::from(log.try_clone()?);
    // It outlives this process, and a Ctrl-C.
    let mut keeper = command.stdin(Stdio::null()).stdout(output).stderr(log).process_group(0).spawn()?;
    let until = Instant::now() + Duration::from_secs(60);
    while !folder.join("users").exists() {
        let is_over = keeper.try_wait()?.is_some() || Instant::now() > until;
        ensure!(!is_over, "{}", fs::read_to_string(base.join("log"))?);
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(folder)
}

fn now() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos()
}
