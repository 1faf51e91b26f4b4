//! The terminal, or what stands in for it: lines and presses of Ctrl-C come in, text and a spinner go out.

use std::collections::VecDeque;
use std::io::{self, BufRead, IsTerminal, Write};
use std::time::{Duration, Instant};

use codex_appserver::HiddenInput;
use indicatif::ProgressBar;
use tokio::sync::mpsc;

/// Two presses of Ctrl-C within this time quit.
const TWICE: Duration = Duration::from_secs(2);

/// What the user did.
pub enum Heard {
    Line(String),
    /// There is no more input.
    End,
    CtrlC {
        /// For the second time within two seconds.
        again: bool,
    },
}

pub struct Console {
    lines: mpsc::Receiver<String>,
    /// Lines that were typed before a question was asked. They are no answers to it.
    ahead: VecDeque<String>,
    presses: mpsc::UnboundedReceiver<Instant>,
    last_press: Option<Instant>,
    /// A user types, and not a program at the other end of a pipe.
    is_interactive: bool,
    spinner: Option<ProgressBar>,
    /// The line that is being written has no end yet.
    is_within_line: bool,
}

impl Console {
    /// Listens from now on. Within a runtime.
    pub fn open() -> io::Result<Self> {
        let (send, presses) = mpsc::unbounded_channel();
        let mut ctrl_c = ctrl_c()?;
        tokio::spawn(
            async move { while ctrl_c.recv().await.is_some() && send.send(Instant::now()).is_ok() {} },
        );
        Ok(Self {
            lines: read_lines(),
            ahead: VecDeque::new(),
            presses,
            last_press: None,
            is_interactive: io::stdin().is_terminal() && io::stdout().is_terminal(),
            spinner: None,
            is_within_line: false,
        })
    }

    /// The next thing to say to the agent.
    pub async fn prompt(&mut self) -> Heard {
        self.quiet();
        if self.is_interactive {
            self.text("> ");
        }
        let heard = match self.ahead.pop_front() {
            Some(line) => {
                self.text(&format!("{line}\n"));
                Heard::Line(line)
            }
            None => self.hear().await,
        };
        self.end_input(&heard);
        heard
    }

    /// An answer to a question that was just shown. What a user has typed before does not count: they had not seen the
    /// question. From a pipe the next line is the answer. A secret one is not shown.
    pub async fn ask(&mut self, question: &str, is_secret: bool) -> Heard {
        while self.is_interactive
            && let Ok(line) = self.lines.try_recv()
        {
            self.ahead.push_back(line);
        }
        let hidden = is_secret.then(HiddenInput::stdin);
        if let Some(Err(_)) = hidden {
            self.line("The terminal shows what you type.");
        }
        self.text(question);
        let heard = self.hear().await;
        if let (Heard::Line(line), false) = (&heard, self.is_interactive) {
            self.text(if is_secret { "\n" } else { line });
            self.end_line();
        }
        self.end_input(&heard);
        heard
    }

    /// Waits for Ctrl-C alone.
    pub async fn pressed(&mut self) -> Heard {
        match self.presses.recv().await {
            Some(at) => Heard::CtrlC { again: self.is_second(at) },
            // There are no signals here.
            None => std::future::pending().await,
        }
    }

    /// Forgets the presses of Ctrl-C so far: they meant a turn that has just ended by itself.
    pub fn was_pressed_twice(&mut self) -> bool {
        let mut twice = false;
        while let Ok(at) = self.presses.try_recv() {
            twice |= self.is_second(at);
        }
        twice
    }

    async fn hear(&mut self) -> Heard {
        tokio::select! {
            biased;
            Some(at) = self.presses.recv() => Heard::CtrlC { again: self.is_second(at) },
            line = self.lines.recv() => line.map_or(Heard::End, Heard::Line),
        }
    }

    /// The end of a line that was typed is in the terminal's echo.
    fn end_input(&mut self, heard: &Heard) {
        match heard {
            Heard::Line(_) => self.is_within_line = false,
            Heard::End | Heard::CtrlC { .. } => self.end_line(),
        }
    }

    fn is_second(&mut self, at: Instant) -> bool {
        self.last_press.replace(at).is_some_and(|last| at.duration_since(last) < TWICE)
    }

    /// Text as it comes.
    pub fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.quiet();
        print!("{}", harmless(text));
        let _ = io::stdout().flush();
        self.is_within_line = !text.ends_with('\n');
    }

    /// Text on lines of its own.
    pub fn line(&mut self, text: &str) {
        self.end_line();
        self.text(&format!("{}\n", text.trim_end()));
    }

    /// Ends a line that has been begun.
    pub fn end_line(&mut self) {
        if self.is_within_line {
            self.text("\n");
        }
    }

    /// Says something to a user, but not to a program at the other end of a pipe.
    pub fn hint(&mut self, text: &str) {
        if self.is_interactive {
            self.line(text);
        }
    }

    /// Shows a user that something goes on, until there is something else to show.
    pub fn wait(&mut self, what: &str) {
        if !self.is_interactive || self.is_within_line {
            return;
        }
        let what = harmless(what).lines().next().unwrap_or_default().to_owned();
        match &self.spinner {
            Some(spinner) => spinner.set_message(what),
            None => {
                let spinner = ProgressBar::new_spinner().with_message(what);
                spinner.enable_steady_tick(Duration::from_millis(100));
                self.spinner = Some(spinner);
            }
        }
    }

    fn quiet(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}

// `tokio::signal::ctrl_c` hears one press: the next one may come before it is called again.
#[cfg(unix)]
fn ctrl_c() -> io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

#[cfg(windows)]
fn ctrl_c() -> io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}

/// Reads on a thread of its own: to read from a terminal blocks, and nothing can end it but the end of the program.
fn read_lines() -> mpsc::Receiver<String> {
    let (send, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            if send.blocking_send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// The text without what commands a terminal: the agent's words could hide or forge what the user has to decide on.
fn harmless(text: &str) -> String {
    let show = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.chars().map(show).collect()
}
