//! What a shared server promises.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use codex_appserver_client::{
    Address, Client, Error, Methods, OsThreads, SharedServerError, Tokio, blocking,
};
use libtest_mimic::Trial;
use rustix::process::{Signal, getpgid, kill_process, kill_process_group};

use crate::stage::{Stage, pid, runs, wait_until, write_program};

macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        pub fn trials() -> Vec<Trial> {
            vec![$(Trial::test(stringify!($name), || {
                if let Some(stage) = Stage::set() {
                    $name(stage);
                }
                Ok(())
            })),+]
        }
    };
}

trials!(
    twenty_programs_at_once_have_one_server,
    twenty_tasks_at_once_have_one_server,
    fifty_killed_programs_leave_nothing,
    a_connection_keeps_the_server,
    a_client_that_comes_while_it_is_stopped_has_a_server,
    the_keeper_looks_twice,
    what_a_crash_left_is_replaced,
    a_server_without_its_keeper_is_replaced,
    a_stopped_server_is_replaced,
    a_stopped_server_ends_as_if_it_was_told_to,
    a_stopped_keeper_goes_on_with_the_next_start,
    a_stopped_keeper_of_a_server_that_ended_leaves_nothing,
    a_long_log_is_emptied,
    a_server_whose_home_is_removed_is_stopped,
    a_server_that_ends_by_itself_is_cleaned_up,
    a_killed_starter_leaves_a_server_for_the_next,
    a_killed_starter_leaves_nothing,
    a_long_path_is_avoided,
    a_folder_that_others_can_read_is_refused,
    a_folder_of_another_user_is_refused,
    a_program_that_is_no_server_is_quoted,
    a_program_that_says_nothing_is_killed,
    a_home_has_to_be_there,
);

fn twenty_programs_at_once_have_one_server(stage: Stage) {
    let mut programs: Vec<_> = (0..20).map(|_| stage.program()).collect();
    let servers: BTreeSet<_> = programs.iter_mut().map(|program| program.server()).collect();
    assert_eq!(servers.len(), 1, "{servers:?}");
    assert_eq!(stage.instances().len(), 1);
    drop(programs);
    stage.wait_until_nothing_is_left();
}

fn twenty_tasks_at_once_have_one_server(stage: Stage) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let starting: Vec<_> = (0..20).map(|_| tokio::spawn(stage.builder::<Tokio>().start())).collect();
        let mut servers = Vec::new();
        for server in starting {
            servers.push(server.await.expect("no panic").expect("a server"));
        }
        let first = &servers[0];
        assert!(
            servers.iter().all(|server| server.pid() == first.pid() && server.address() == first.address())
        );
        let client = Client::builder().connect_shared(first).await.expect("a client");
        client.account_read().await.expect("an answer");
        assert_eq!(client.server().version.as_deref(), Some(first.version()));
    });
    stage.wait_until_nothing_is_left();
}

fn fifty_killed_programs_leave_nothing(stage: Stage) {
    let mut programs: Vec<_> = (0..50).map(|_| stage.program()).collect();
    for program in &mut programs {
        program.server();
    }
    assert!(!stage.processes().is_empty());
    drop(programs);
    stage.wait_until_nothing_is_left();
}

fn a_connection_keeps_the_server(stage: Stage) {
    let server = stage.start();
    let client = blocking::Client::builder().connect_shared(&server).expect("a client");
    let number = pid(server.pid());
    drop(server);
    // More than twice the idle time and the second that the keeper looks.
    thread::sleep(Duration::from_secs(4));
    client.account_read().call().expect("an answer");
    assert!(runs(number));
    client.shutdown();
    stage.wait_until_nothing_is_left();
}

/// The keeper decides between one and three seconds after the last client.
fn a_client_that_comes_while_it_is_stopped_has_a_server(stage: Stage) {
    drop(stage);
    let come_after = |pause| {
        let Some(stage) = Stage::set() else { return };
        drop(stage.start());
        thread::sleep(Duration::from_millis(pause));
        let server = stage.start();
        let client = blocking::Client::builder().connect_shared(&server).expect("a client");
        thread::sleep(Duration::from_millis(1500));
        client.account_read().call().unwrap_or_else(|error| panic!("after {pause} ms: {error}"));
        drop((client, server));
        stage.wait_until_nothing_is_left();
    };
    thread::scope(|scope| {
        for pause in [1000, 1500, 1950, 2050, 2500] {
            scope.spawn(move || come_after(pause));
        }
    });
}

/// One client comes after the keeper has seen that there is none, another one while the keeper looks once more.
fn the_keeper_looks_twice(stage: Stage) {
    let programs = stage.home.root().join("programs");
    fs::create_dir(&programs).expect("a folder");
    let slow = "#!/bin/sh\nmoves=${0%/*}/moves\ncase $2 in */closed) [ -e \"$moves\" ] || { >\"$moves\"; sleep 3; };; esac\nPATH=/usr/bin:/bin exec mv \"$@\"\n";
    write_program(&programs.join("mv"), slow);
    let mut path = std::ffi::OsString::from(&programs);
    path.push(":/usr/bin:/bin");
    let builder = || stage.builder::<OsThreads>().process(|process| process.env("PATH", &path));
    let first = builder().start().expect("a server").pid();
    wait_until("the keeper has seen no client", || programs.join("moves").exists());
    let early = builder().start().expect("a server");
    assert_eq!(early.pid(), first);
    let closed = stage.instances()[0].join("closed");
    wait_until("it looks once more", || closed.exists());
    let late = builder().start().expect("a server");
    assert_eq!(late.pid(), first);
    assert!(!closed.exists());
    drop(early);
    let client = blocking::Client::builder().connect_shared(&late).expect("a client");
    thread::sleep(Duration::from_millis(1500));
    client.account_read().call().expect("an answer");
    drop((client, late));
    stage.wait_until_nothing_is_left();
}

fn what_a_crash_left_is_replaced(stage: Stage) {
    let server = stage.start();
    let first = server.pid();
    let group = getpgid(Some(pid(first))).expect("it runs");
    kill_process_group(group, Signal::KILL).expect("it runs");
    wait_until("all have ended", || stage.processes().is_empty());
    let left = stage.instances();
    assert!(left[0].join("clients").exists() && left[0].join("socket").exists(), "{left:?}");
    let server = stage.start();
    assert_ne!(server.pid(), first);
    assert_eq!(stage.instances().len(), 1);
    drop(server);
    stage.wait_until_nothing_is_left();
}

fn a_server_without_its_keeper_is_replaced(stage: Stage) {
    let server = stage.start();
    let first = pid(server.pid());
    for process in stage.processes().into_iter().filter(|process| *process != first) {
        // The shell may have ended with what it waited for.
        let _ = kill_process(process, Signal::KILL);
    }
    wait_until("the keeper is gone", || stage.processes() == [first]);
    let server = stage.start();
    assert_ne!(pid(server.pid()), first);
    assert!(!runs(first));
    drop(server);
    stage.wait_until_nothing_is_left();
}

fn a_stopped_server_is_replaced(stage: Stage) {
    let server = stage.start();
    let first = pid(server.pid());
    kill_process(first, Signal::STOP).expect("it runs");
    let second =
        stage.builder::<OsThreads>().answer_timeout(Duration::from_secs(1)).start().expect("a server");
    assert_ne!(second.pid(), server.pid());
    assert!(!runs(first));
    blocking::Client::builder()
        .connect_shared(&second)
        .expect("a client")
        .account_read()
        .call()
        .expect("an answer");
    drop((server, second));
    stage.wait_until_nothing_is_left();
}

/// One that goes on when it is told to end, and leaves nothing to kill.
fn a_stopped_server_ends_as_if_it_was_told_to(stage: Stage) {
    let stage = stage.script("trap 'echo >\"${0%/*}/told\"; kill $!; exit' TERM; CODEX \"$@\" & wait $!");
    let server = stage.start();
    stage.processes().into_iter().for_each(|pid| kill_process(pid, Signal::STOP).expect("it runs"));
    let builder = stage.builder::<OsThreads>().answer_timeout(Duration::from_millis(500));
    let begun = Instant::now();
    let second = builder.start().expect("a server");
    assert_ne!(second.pid(), server.pid());
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(stage.home.root().join("told").exists());
    drop((server, second));
    stage.wait_until_nothing_is_left();
}

/// A stopped keeper is not noticed by those who have the server already.
fn a_stopped_keeper_goes_on_with_the_next_start(stage: Stage) {
    let server = stage.start();
    let first = server.pid();
    let keepers = stage.keepers();
    assert!(keepers.len() >= 2, "{keepers:?}");
    keepers.iter().for_each(|keeper| kill_process(*keeper, Signal::STOP).expect("it runs"));
    drop(server);
    // Twice the idle time and the second that the keeper looks.
    thread::sleep(Duration::from_secs(4));
    assert!(runs(pid(first)));
    let server = stage.start();
    assert_eq!(server.pid(), first);
    drop(server);
    stage.wait_until_nothing_is_left();
}

fn a_stopped_keeper_of_a_server_that_ended_leaves_nothing(stage: Stage) {
    let server = stage.start();
    let first = server.pid();
    let keepers = stage.keepers();
    keepers.iter().for_each(|keeper| kill_process(*keeper, Signal::STOP).expect("it runs"));
    kill_process(pid(first), Signal::KILL).expect("it runs");
    let second = stage.start();
    assert_ne!(second.pid(), first);
    wait_until("the first keeper is gone", || !keepers.iter().any(|keeper| runs(*keeper)));
    assert_eq!(stage.instances().len(), 1);
    drop((server, second));
    stage.wait_until_nothing_is_left();
}

/// The server writes more than the log may have, and more when it is told to.
fn a_long_log_is_emptied(stage: Stage) {
    let stage = stage.script(
        "words() { for _ in 1 2 3 4 5 6 7 8 9 10; do echo \"$1 0123456789012345678901234567890123456789\" >&2; done; }
        words early; (until [ -e \"${0%/*}/go\" ]; do sleep 0.1; done; words late) & exec CODEX \"$@\"",
    );
    let server = stage.builder::<OsThreads>().log_limit(300).start().expect("a server");
    let read = || fs::read_to_string(server.log_path()).expect("a log");
    assert!(read().contains("early"), "{}", read());
    wait_until("the log is emptied", || read().is_empty());
    let old = server.log_path().with_extension("old");
    assert_eq!(fs::read_to_string(&old).expect("a copy").matches("early").count(), 10);
    // The server goes on at the beginning.
    fs::write(stage.home.root().join("go"), "").expect("a file");
    wait_until("it says more", || read().matches("late").count() == 10);
    assert!(read().starts_with("late"), "{:?}", read());
    assert_eq!(fs::metadata(&old).expect("a copy").permissions().mode() & 0o077, 0);
    drop(server);
    stage.wait_until_nothing_is_left();
}

/// As tests remove their folders. While a client is there the server goes on.
fn a_server_whose_home_is_removed_is_stopped(stage: Stage) {
    let server = stage.start();
    let number = pid(server.pid());
    let client = blocking::Client::builder().connect_shared(&server).expect("a client");
    fs::remove_dir_all(stage.home.codex_home().join("app-server-shared")).expect("it is there");
    drop(server);
    thread::sleep(Duration::from_secs(3));
    assert!(runs(number));
    client.account_read().call().expect("an answer");
    client.shutdown();
    stage.wait_until_nothing_is_left();
}

fn a_server_that_ends_by_itself_is_cleaned_up(stage: Stage) {
    let server = stage.start();
    kill_process(pid(server.pid()), Signal::KILL).expect("it runs");
    // Although there is a client still.
    stage.wait_until_nothing_is_left();
    let log = fs::read_to_string(server.log_path()).expect("a log");
    assert!(log.contains("the shared app-server ended with status 137"), "{log}");
    let error = blocking::Client::builder().connect_shared(&server).expect_err("nothing listens");
    assert!(matches!(error, Error::Connect { .. }), "{error}");
}

/// The server takes two seconds to listen, and its starter is killed meanwhile, with the lock in its hands.
fn a_killed_starter_leaves_a_server_for_the_next(stage: Stage) {
    let stage = stage.script("sleep 2; exec CODEX \"$@\"");
    let starter = stage.program_with_idle_time(6);
    wait_until("it starts", || stage.instances().iter().any(|instance| instance.join("pid").exists()));
    let started = stage.instances();
    drop(starter);
    let server = stage.start();
    assert_eq!(stage.instances(), started);
    kill_process(pid(server.pid()), Signal::TERM).expect("it runs");
    stage.wait_until_nothing_is_left();
}

fn a_killed_starter_leaves_nothing(stage: Stage) {
    // Killed whatever it is at: before, while and after it starts the server.
    for pause in [0, 20, 40, 60, 80, 120, 200] {
        let starter = stage.program();
        thread::sleep(Duration::from_millis(pause));
        drop(starter);
    }
    let server = stage.start();
    assert_eq!(stage.instances().len(), 1);
    drop(server);
    stage.wait_until_nothing_is_left();
}

fn a_long_path_is_avoided(stage: Stage) {
    let home = stage.home.codex_home().join("long".repeat(20));
    fs::create_dir(&home).expect("a folder");
    let server = stage.builder_in::<OsThreads>(&home).start().expect("a server");
    let again = stage.builder_in::<OsThreads>(&home).start().expect("a server");
    assert_eq!(server.pid(), again.pid());
    let Address::Unix(socket) = server.address() else { panic!("{}", server.address()) };
    assert!(socket.starts_with("/tmp") && socket.as_os_str().len() < 104, "{}", socket.display());
    let folder = server.log_path().parent().expect("a folder").to_owned();
    assert_eq!(fs::metadata(&folder).expect("a folder").permissions().mode() & 0o777, 0o700);
    let number = pid(server.pid());
    drop((server, again));
    wait_until("the server is gone", || !runs(number));
    fs::remove_dir_all(folder).expect("a folder");
}

fn a_folder_that_others_can_read_is_refused(stage: Stage) {
    let folder = stage.home.codex_home().join("app-server-shared");
    fs::create_dir(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("another mode");
    let error = stage.builder::<OsThreads>().start().expect_err("a refusal");
    let Error::SharedServer(SharedServerError::Folder { folder: named, problem }) = &error else {
        panic!("{error}")
    };
    assert_eq!((named, problem.as_str()), (&folder, "its mode is 755 instead of 700"));
    assert!(stage.processes().is_empty());
}

/// Only root can give a folder away; the test says so where it cannot.
fn a_folder_of_another_user_is_refused(stage: Stage) {
    let folder = stage.home.codex_home().join("app-server-shared");
    fs::create_dir(&folder).expect("a folder");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("another mode");
    if std::os::unix::fs::chown(&folder, Some(65_534), None).is_err() {
        eprintln!("SKIPPED: only root can give a folder to another user");
        return;
    }
    let error = stage.builder::<OsThreads>().start().expect_err("a refusal").to_string();
    let user = rustix::process::geteuid().as_raw();
    let expected = format!(
        "failed to trust the folder `{}`: it belongs to user 65534, and this program runs as user {user}; remove the \
         folder, or make it yours alone with `chmod 700`",
        folder.display()
    );
    assert_eq!(error, expected);
    assert!(stage.processes().is_empty());
}

fn a_program_that_is_no_server_is_quoted(stage: Stage) {
    let stage = stage.script("echo \"no such command: $1\" >&2; exit 3");
    let error = stage.builder::<OsThreads>().start().expect_err("no server").to_string();
    for part in ["it ended", "no such command: app-server", "the shared app-server ended with status 3"] {
        assert!(error.contains(part), "{error}");
    }
    stage.wait_until_nothing_is_left();
}

fn a_program_that_says_nothing_is_killed(stage: Stage) {
    let stage = stage.script("trap '' TERM; echo 'I have begun' >&2; while :; do sleep 1; done");
    let builder = stage.builder::<OsThreads>().start_timeout(Duration::from_millis(500));
    let error = builder.start().expect_err("no answer").to_string();
    assert!(error.contains("did not answer within 500ms") && error.contains("I have begun"), "{error}");
    stage.wait_until_nothing_is_left();
}

fn a_home_has_to_be_there(stage: Stage) {
    let builder = stage.builder_in::<OsThreads>(&stage.home.root().join("none"));
    let error = builder.start().expect_err("no home");
    assert!(matches!(error, Error::SharedServer(SharedServerError::Home { .. })), "{error}");
}
