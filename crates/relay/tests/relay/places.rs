//! Which sockets it uses, and where it sends tokens.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use tungstenite::handshake::server::{Request, Response};

use crate::support::{INITIALIZE, Relay, Server, command, echo_all};

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// It must refuse the path, with these words.
#[track_caller]
fn refused(address: &str, words: &str) {
    let mut relay = Relay::start([address]);
    assert_eq!(relay.wait().code(), Some(1));
    relay.finish().expect_error(words);
}

#[test]
fn a_path_without_a_server_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let address = |name: &str| format!("unix://{}", folder.path().join(name).display());
    refused(&address("missing"), "failed to find the socket");
    fs::write(folder.path().join("file"), "").expect("a file");
    refused(&address("file"), "is not a socket");
    drop(UnixListener::bind(folder.path().join("stale")).expect("a socket"));
    mode(&folder.path().join("stale"), 0o600);
    refused(&address("stale"), "no app-server listens there");
    refused("wss://codex.example.com", "does not speak TLS");
}

#[test]
fn a_socket_that_others_can_use_or_replace_is_refused_unless_told_otherwise() {
    for (socket_mode, folder_mode, words) in [
        (0o620, 0o700, "can be used by other users (mode 620); run `chmod 600"),
        (0o602, 0o700, "can be used by other users"),
        (0o600, 0o770, "can be written by other users; run `chmod go-w"),
        (0o600, 0o707, "can be written by other users"),
    ] {
        let server = Server::once(echo_all);
        let path = server.path();
        mode(&path, socket_mode);
        mode(path.parent().expect("a folder"), folder_mode);
        refused(&server.address(), words);
        let mut relay = Relay::start(["--insecure", &server.address()]);
        relay.say(INITIALIZE);
        assert_eq!(relay.finish().expect_code(0).lines.len(), 1);
        server.join();
    }
    // In such a folder nobody but the owner replaces a file: that is what folders for temporary files are like.
    let server = Server::once(echo_all);
    mode(server.path().parent().expect("a folder"), 0o1777);
    Relay::start([server.address()]).finish().expect_code(0);
    server.join();
}

/// Someone who may write to a folder further up can put another one in the place of the socket's.
#[test]
fn a_socket_below_a_folder_that_others_can_write_to_is_refused() {
    let above = tempfile::tempdir().expect("a folder");
    let folder = above.path().join("folder");
    fs::create_dir(&folder).expect("a folder");
    mode(&folder, 0o700);
    let path = folder.join("socket");
    let _listener = UnixListener::bind(&path).expect("a socket");
    mode(&path, 0o600);
    mode(above.path(), 0o770);
    let words = format!("the folder {} can be written by other users", above.path().display());
    refused(&format!("unix://{}", path.display()), &words);
    refused_to_listen(&format!("unix://{}", folder.join("lines").display()), &words);
}

#[track_caller]
fn refused_to_listen(address: &str, words: &str) {
    let mut relay = Relay::start(["listen", address]);
    assert_eq!(relay.wait().code(), Some(1));
    relay.finish().expect_error(words);
}

/// Only root can give a file away; the test says so where it cannot.
#[test]
fn a_socket_of_another_user_is_refused_unless_told_otherwise() {
    const OTHER: u32 = 65_534;
    for whose in [["socket"].as_slice(), &["folder"], &["socket", "folder"]] {
        let server = Server::once(echo_all);
        let path = server.path();
        let folder = path.parent().expect("a folder").to_owned();
        for what in whose {
            let path = if *what == "socket" { &path } else { &folder };
            if std::os::unix::fs::chown(path, Some(OTHER), None).is_err() {
                eprintln!("SKIPPED: only root can give a socket to another user");
                return;
            }
        }
        let shown = if whose[0] == "socket" {
            path.display().to_string()
        } else {
            format!("the folder {}", folder.display())
        };
        refused(
            &server.address(),
            &format!("{shown} belongs to user {OTHER}, not to 0; use --insecure if you trust it"),
        );
        if whose.contains(&"folder") {
            let lines = format!("unix://{}", folder.join("lines").display());
            refused_to_listen(&lines, &format!("belongs to user {OTHER}, not to 0"));
        }
        // It is root's, who may use it all the same.
        let mut relay = Relay::start(["--insecure", &server.address()]);
        relay.say(INITIALIZE);
        assert_eq!(relay.finish().expect_code(0).lines.len(), 1);
        server.join();
    }
}

#[test]
fn a_token_goes_over_tcp_to_this_machine_only() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        let (socket, _) = listener.accept().expect("a client");
        // The result is the library's to name.
        #[allow(clippy::result_large_err)]
        let check = |request: &Request, response: Response| {
            assert_eq!(request.headers()["authorization"], "Bearer a-secret");
            assert!(request.headers().get("origin").is_none());
            Ok(response)
        };
        let mut peer = tungstenite::accept_hdr(socket, check).expect("a handshake");
        while peer.read().is_ok() {}
    });
    let with_token = |address: &str, more: &[&str]| {
        let mut command = command(["--token-env", "A_TOKEN", address]);
        command.args(more).env("A_TOKEN", "a-secret");
        Relay::from(command).finish()
    };
    with_token(&address, &[]).expect_code(0);
    server.join().expect("a server");
    let refused = with_token("ws://192.0.2.1:1", &[]);
    refused.expect_code(1).expect_error("refused to send a token to ws://192.0.2.1:1");
    assert!(!refused.errors.contains("a-secret"));
    let mut command = command(["--token-env", "A_TOKEN", &address]);
    command.env_remove("A_TOKEN");
    Relay::from(command).finish().expect_code(1).expect_error("failed to read the token in A_TOKEN");
}

#[test]
fn a_server_that_wants_a_token_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("ws://{}", listener.local_addr().expect("an address"));
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut socket, _) = listener.accept().expect("a client");
            std::io::Read::read(&mut socket, &mut [0; 4096]).expect("a request");
            let answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
            std::io::Write::write_all(&mut socket, answer).expect("the client is there");
        }
    });
    refused(&address, "the server wants a token; give it with --token-env");
    let mut command = command(["--token-env", "A_TOKEN", &address]);
    command.env("A_TOKEN", "a-secret");
    let ended = Relay::from(command).finish();
    ended.expect_code(1).expect_error("the server refused the token");
    assert!(!ended.errors.contains("a-secret"));
    server.join().expect("a server");
}

#[test]
fn wrong_command_lines_have_a_code_of_their_own() {
    for arguments in [&[][..], &["--nonsense"], &["unix://a", "unix://b"], &["listen", "--raw", "unix://a"]] {
        Relay::start(arguments).finish().expect_code(2);
    }
    let help = Relay::start(["--help"]).finish();
    help.expect_code(0);
    let text = help.lines.join("\n");
    for part in ["Exit codes:", "Examples:", "codex-relay listen", "--token-env", "  75 "] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}
