//! The command line.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lexopt::prelude::{Long, Short, Value, ValueExt};

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Help,
    Version,
    /// JSON lines between standard input and output and a WebSocket.
    Relay {
        to: String,
        options: Options,
    },
    /// Bytes between standard input and output and a Unix socket.
    Raw {
        to: String,
        options: Options,
    },
    /// JSON lines on a Unix socket, each client on a WebSocket of its own.
    Listen {
        at: String,
        to: String,
        options: Options,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The environment variable that holds the bearer token.
    pub token_env: Option<String>,
    /// Use sockets that others may have put there, and send tokens over networks.
    pub insecure: bool,
    /// How long answers are waited for after the end of the input.
    pub wait: Duration,
    /// How long the server may take to accept the connection, and to answer the `initialize` of the relay.
    pub connect_timeout: Duration,
    /// For how long to look for a server that is gone.
    pub reconnect: Option<Duration>,
    /// How many bytes a line of the client may have.
    pub max_line: usize,
    /// How many bytes a message of the server may have.
    pub max_message: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token_env: None,
            insecure: false,
            wait: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            reconnect: None,
            // The app-server ends the connection over a longer message, in however many frames it comes.
            max_line: 64 << 20,
            max_message: 128 << 20,
        }
    }
}

const RECONNECT: Duration = Duration::from_secs(60);

pub const HELP: &str = "\
Connect a JSON-lines client to a Codex app-server that listens on a socket.

Usage: codex-relay [OPTIONS] ADDRESS
       codex-relay --raw [OPTIONS] ADDRESS
       codex-relay listen [OPTIONS] ADDRESS --to ADDRESS

ADDRESS is where the app-server listens, as in its own --listen:
  unix://PATH       a Unix socket
  unix://           the default socket, CODEX_HOME/app-server-control/app-server-control.sock
  ws://HOST:PORT    a WebSocket over TCP

Without a verb, each line of standard input is sent as one message, and each message of the server is
written to standard output as one line. With --raw, bytes are copied both ways, as they are.
`listen` serves JSON lines on the Unix socket ADDRESS; each client gets a connection of its own.

Options:
      --to ADDRESS            where the app-server listens (with `listen`; default: unix://)
      --raw                   copy bytes between standard input and output and a Unix socket
      --wait SECONDS          wait so long for answers after the end of the input (default: 60)
      --connect-timeout SECONDS
                              give up a server that takes longer to accept the connection, or to answer the
                              `initialize` that --reconnect repeats (default: 10)
      --reconnect[=SECONDS]   look so long for a server that is gone (default: 60); no request is sent twice,
                              one without an answer gets an error
      --max-line BYTES        refuse longer lines of the client (default: 67108864, as much as the app-server takes)
      --max-message BYTES     refuse longer messages of the server (default: 134217728)
      --token-env NAME        send the bearer token in the environment variable NAME
      --insecure              use a socket that other users own or can replace; send a token beyond this machine
  -h, --help                  print this help
  -V, --version               print the version

Exit codes:
  0     the input has ended and every request is answered; with --raw: one side has ended
  1     a request had no answer, the server closed the connection at once, or something failed
  2     the command line is wrong
  75    the server is gone; try again
  141   standard output is not read any more (by SIGPIPE)
  143   ended by SIGTERM before all requests were answered

Examples:
  printf '%s\\n' '{\"id\":1,\"method\":\"initialize\",\"params\":{\"clientInfo\":{\"name\":\"me\",\"version\":\"1\"}}}' |
    codex-relay unix://
  codex-relay --token-env CODEX_TOKEN ws://127.0.0.1:4500
  codex-relay listen unix:///run/user/1000/codex-lines.sock --to unix://
";

/// Reads the command line.
///
/// # Errors
///
/// It is wrong; the program ends with exit code 2.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Command> {
    let mut parser = lexopt::Parser::from_iter(arguments);
    let (mut options, mut addresses, mut to) = (Options::default(), Vec::new(), None);
    let (mut raw, mut listen) = (false, false);
    // The first option that is about messages.
    let mut of_messages = None;
    while let Some(argument) = parser.next()? {
        if let Long(
            name @ ("token-env" | "wait" | "connect-timeout" | "reconnect" | "max-line" | "max-message"),
        ) = &argument
        {
            of_messages.get_or_insert_with(|| (*name).to_owned());
        }
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Long("raw") => raw = true,
            Long("insecure") => options.insecure = true,
            Long("to") => to = Some(parser.value()?.string()?),
            Long("token-env") => options.token_env = Some(parser.value()?.string()?),
            Long("wait") => options.wait = seconds(parser.value()?)?,
            Long("connect-timeout") => options.connect_timeout = seconds(parser.value()?)?,
            Long("reconnect") => {
                let given = parser.optional_value().map(seconds).transpose()?;
                options.reconnect = Some(given.unwrap_or(RECONNECT));
            }
            Long("max-line") => options.max_line = bytes(parser.value()?)?,
            Long("max-message") => options.max_message = bytes(parser.value()?)?,
            Value(verb) if addresses.is_empty() && !listen && verb == "listen" => listen = true,
            Value(address) => addresses.push(address.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let mut addresses = addresses.into_iter();
    let address = addresses.next().context("the ADDRESS is missing; see `codex-relay --help`")?;
    if let Some(more) = addresses.next() {
        bail!("`{more}` is one ADDRESS too many");
    }
    if let (true, Some(name)) = (raw, of_messages) {
        bail!("--raw has no --{name}: it copies bytes and knows nothing of messages");
    }
    match (listen, raw, to) {
        (true, true, _) => bail!("`listen` has no --raw"),
        (true, false, to) => Ok(Command::Listen { at: address, to: to.unwrap_or("unix://".into()), options }),
        (false, _, Some(_)) => bail!("--to goes with `listen`"),
        (false, true, None) => Ok(Command::Raw { to: address, options }),
        (false, false, None) => Ok(Command::Relay { to: address, options }),
    }
}

fn bytes(text: OsString) -> Result<usize> {
    let bytes = text.to_str().and_then(|text| text.parse().ok());
    bytes.with_context(|| format!("`{}` is no number of bytes", text.display()))
}

fn seconds(text: OsString) -> Result<Duration> {
    let seconds: Option<f64> = text.to_str().and_then(|text| text.parse().ok());
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.with_context(|| format!("`{}` is no number of seconds", text.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command> {
        read(std::iter::once("codex-relay").chain(line.split_whitespace()).map(OsString::from))
    }

    #[test]
    fn reads_every_form() {
        let to = || "unix://".to_owned();
        let options = Options::default();
        assert_eq!(parse("unix://").expect("a relay"), Command::Relay { to: to(), options: options.clone() });
        assert_eq!(parse("--raw unix://").expect("raw"), Command::Raw { to: to(), options: options.clone() });
        let listen =
            |to: &str| Command::Listen { at: "unix:///a".into(), to: to.into(), options: options.clone() };
        assert_eq!(parse("listen unix:///a --to ws://h:1").expect("a listener"), listen("ws://h:1"));
        assert_eq!(parse("listen unix:///a").expect("a listener"), listen("unix://"));
        let Command::Relay { options, .. } = parse(
            "--wait 1.5 --connect-timeout 2 --reconnect=3 --max-line=10 --max-message 20 --token-env T --insecure ws://h:1",
        )
        .expect("a relay") else {
            panic!("another command")
        };
        assert_eq!(
            (options.wait, options.connect_timeout, options.reconnect),
            (Duration::from_millis(1500), Duration::from_secs(2), Some(Duration::from_secs(3)))
        );
        assert_eq!((options.max_line, options.max_message), (10, 20));
        assert_eq!((options.token_env.as_deref(), options.insecure), (Some("T"), true));
        let Command::Relay { to, options } = parse("--reconnect unix://").expect("a relay") else {
            panic!("another command")
        };
        assert_eq!((to.as_str(), options.reconnect), ("unix://", Some(RECONNECT)));
        assert_eq!(parse("unix:// --help").expect("help"), Command::Help);
    }

    #[test]
    fn says_what_is_wrong() {
        for (line, word) in [
            ("", "ADDRESS is missing"),
            ("listen", "ADDRESS is missing"),
            ("unix:// unix://", "one ADDRESS too many"),
            ("--to unix:// unix://", "goes with `listen`"),
            ("listen --raw unix:///a", "no --raw"),
            ("--raw --reconnect unix://", "--raw has no --reconnect"),
            ("--wait 1 --raw unix://", "--raw has no --wait"),
            ("--wait soon unix://", "`soon` is no number of seconds"),
            ("--max-line 1M unix://", "`1M` is no number of bytes"),
            ("--wait -1 unix://", "-1"),
            ("--nonsense unix://", "--nonsense"),
            ("--max-line", "max-line"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(format!("{error:#}").contains(word), "{line}: {error:#}");
        }
    }
}
