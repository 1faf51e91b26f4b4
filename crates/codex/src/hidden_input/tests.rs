//! With a pseudo terminal, whose other side sees what a user would see.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::*;
use crate::terminal::{Asking, Shared};

/// The side of the user, and that of the program.
fn pty() -> (File, File) {
    let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo terminal");
    grantpt(&user).expect("it is ours");
    unlockpt(&user).expect("it can be opened");
    let name = ptsname(&user, Vec::new()).expect("it has a name");
    let program = open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it opens");
    (user.into(), program.into())
}

/// Types the beginning of a line. The kernel passes it on a little later, which nothing shows.
fn type_half(user: &mut File, text: &str) {
    user.write_all(text.as_bytes()).expect("it is typed");
    std::thread::sleep(Duration::from_millis(100));
}

/// Reads what the user has seen, until it ends like this.
fn see(user: &mut File, end: &str) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end.as_bytes()) {
        let mut byte = [0];
        user.read_exact(&mut byte).expect("there is more");
        seen.extend(byte);
    }
    String::from_utf8(seen).expect("text")
}

#[test]
fn input_is_hidden_until_the_guard_is_dropped() {
    let (mut user, program) = pty();
    let mut lines = BufReader::new(program.try_clone().expect("a copy")).lines();
    let hidden = HiddenInput::of(&program).expect("it is a terminal");
    let again = HiddenInput::of(&program).expect("it is a terminal");
    user.write_all(b"swordfish\n").expect("it is typed");
    assert_eq!(lines.next().expect("a line").expect("text"), "swordfish");
    assert_eq!(see(&mut user, "\n"), "\r\n");

    // Half a line is typed when the guard goes.
    type_half(&mut user, "half");
    drop((again, hidden));
    user.write_all(b"seen\n").expect("it is typed");
    assert_eq!(lines.next().expect("a line").expect("text"), "seen");
    assert_eq!(see(&mut user, "\n"), "seen\r\n");
}

#[test]
fn what_is_no_terminal_cannot_hide_anything() {
    let (reader, _writer) = io::pipe().expect("a pipe");
    assert!(HiddenInput::of(&reader).is_err());
}

/// Waits for the answer to a question.
fn answer(asking: &Asking) -> Option<String> {
    let begun = Instant::now();
    loop {
        let context = Context::from_waker(Waker::noop());
        if let Poll::Ready(answer) = asking.poll(&context, |line| Some(line.to_owned())) {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "there is no answer");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Has a question shown that waits for its answer.
fn show(asking: &Asking) {
    let context = Context::from_waker(Waker::noop());
    assert!(asking.poll(&context, |line| Some(line.to_owned())).is_pending());
}

#[test]
fn a_terminal_hides_the_answers_to_secret_questions_alone() {
    let (mut user, program) = pty();
    let [input, output, tty] = [(); 3].map(|()| program.try_clone().expect("a copy"));
    let terminal = Shared::open(BufReader::new(input), output, true, move || HiddenInput::of(&tty));

    let (secret, open) = (terminal.question("Password: ", true), terminal.question("> ", false));
    show(&secret);
    assert_eq!(see(&mut user, ": "), "Password: ");
    user.write_all(b"swordfish\n").expect("it is typed");
    assert_eq!(answer(&secret).as_deref(), Some("swordfish"));
    show(&open);
    assert_eq!(see(&mut user, "> "), "\r\n> ");
    user.write_all(b"Hello.\n").expect("it is typed");
    assert_eq!(answer(&open).as_deref(), Some("Hello."));
    assert_eq!(see(&mut user, "\n"), "Hello.\r\n");

    // A secret that is half typed when the question is withdrawn.
    let secret = terminal.question("Password: ", true);
    show(&secret);
    type_half(&mut user, "sword");
    drop(secret);
    let open = terminal.question("> ", false);
    show(&open);
    assert_eq!(see(&mut user, "> "), "Password: \r\nThe question was withdrawn.\r\n> ");
    user.write_all(b"Hello.\n").expect("it is typed");
    assert_eq!(answer(&open).as_deref(), Some("Hello."));
}
