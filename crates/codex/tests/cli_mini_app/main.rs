//! The example `cli_mini_app` in use: approvals and prompts that share one input, Ctrl-C, sub-agents, earlier threads.
//!
//! Ctrl-C is sent as a terminal does it: to the whole group of processes, of which the real codex would be one.
#![cfg(all(unix, feature = "async", feature = "ws"))]

mod agents;
mod app;
#[path = "../programs/codex.rs"]
mod codex;
#[path = "../programs/example.rs"]
mod example;
mod threads;

use app::App;

#[test]
fn ctrl_c_interrupts_and_the_chat_goes_on() {
    let Some(mut app) = App::start() else { return };
    app.type_in("wait\n");
    app.see("I think about it ");
    app.press_ctrl_c();
    app.see("\nInterrupting; Ctrl-C again quits.\n[interrupted]\n");
    app.type_in("Are you still there?\n");
    app.see("You say: Are you still there?\n[completed; 15 tokens, 15 in all]\n");
    app.end_input();
    assert!(app.ends().success());
}

#[test]
fn ctrl_c_twice_quits() {
    let Some(mut app) = App::start() else { return };
    app.type_in("wait\n");
    app.see("I think about it ");
    app.press_ctrl_c();
    app.see("Interrupting; Ctrl-C again quits.\n");
    app.press_ctrl_c();
    assert!(app.ends().success());
}

#[test]
fn ctrl_c_while_no_turn_runs_quits() {
    let Some(mut app) = App::start() else { return };
    app.type_in("Hello.\n");
    app.see("[completed; 15 tokens, 15 in all]\n");
    app.press_ctrl_c();
    assert!(app.ends().success());
}

#[test]
fn ctrl_c_at_a_question_stops_the_turn() {
    let Some(mut app) = App::start() else { return };
    app.type_in("make a file\n");
    app.see("[q] stop the turn: ");
    app.press_ctrl_c();
    // The decision and the interrupt are on their way at once. Where the interrupt is first, the server reports no end of
    // the command, and no usage.
    let before = app.see("[interrupted");
    assert!(!before.contains("touch made-by-codex': completed"), "{before}");
    app.type_in("Hello.\n");
    app.see("You say: Hello.\n");
    app.end_input();
    assert!(app.ends().success());
}

#[test]
fn the_user_sees_what_is_asked_and_decides() {
    let Some(mut app) = App::start() else { return };
    app.type_in("make a file\ny\nmake a file\nperhaps\nn\nwrite a note\ny\n");
    app.see("command: /bin/bash -lc 'touch made-by-codex'\n  folder: /");
    app.see("\n  reason: to make the file you want\n");
    app.see("[q] stop the turn: y\n$ /bin/bash -lc 'touch made-by-codex': completed\n");
    app.see("[completed; 30 tokens, 30 in all]\n");
    app.see("stop the turn: perhaps\nAllow it?");
    app.see("stop the turn: n\n$ /bin/bash -lc 'touch made-by-codex': declined\n");
    app.see("[completed; 30 tokens, 60 in all]\n");
    app.see("changes: add /");
    app.see("note.txt\n    +Remember\n    +the milk.\n");
    app.see("note.txt: completed\n");
    app.end_input();
    assert!(app.ends().success());
}

#[test]
fn always_is_asked_once_and_silence_declines() {
    let Some(mut app) = App::start() else { return };
    app.type_in("make a file\na\nmake a file\nwrite a note\n");
    app.end_input();
    app.see("stop the turn: a\n$ /bin/bash -lc 'touch made-by-codex': completed\n");
    app.see(
        "[completed; 30 tokens, 30 in all]\nI make one.\n$ /bin/bash -lc 'touch made-by-codex': completed\n",
    );
    app.see("stop the turn: \n");
    app.see("note.txt: declined\n");
    assert!(app.ends().success());
}

#[test]
fn every_kind_of_question_is_put_to_the_user() {
    let Some(mut app) = App::start() else { return };
    app.type_in("erase it\ny\nerase it\na\nerase it\n");
    app.see("wants to call a tool.\n  server: demo\n  tool: erase\n  arguments: {\"what\":\"it\"}\n  reason: Allow");
    app.see("[f]orever, [n]o, [q] stop the turn: y\ndemo.erase: completed\n");
    app.see("stop the turn: a\ndemo.erase: completed\n");
    // The third call does not ask.
    app.see("[completed");
    app.see("demo.erase: completed\n");
    app.type_in("pretend\nn\n");
    app.see("the server may have made this question up.\n");
    app.see("decline");
    app.type_in("allow more\np\nn\ny\n");
    app.see("  permission: use the network\n  permission: write /srv/www\n");
    app.see("May it use the network, until the turn ends? [y]es, [n]o: n\n");
    app.see("May it write /srv/www, until the turn ends? [y]es, [n]o: y\n");
    let granted = app.see("[completed");
    assert!(granted.contains("null") && granted.contains("/srv/www"), "{granted}");
    app.type_in("ask me\n2\n");
    app.see("  Question: Tea or coffee?\n  1: Tea: Choose Tea.\n");
    app.see("Coffee");
    app.see("[completed");
    app.type_in("sign up\ny\nseven\n7\n\n\nBo\n");
    app.see("fill in a form.\n  reason: Who are you?\n");
    app.see("  age (a whole number, at least 0, or nothing): seven\nIt cannot fill in `age`");
    app.see(
        "color (one of red, blue, else \"blue\"): \n  Your name (a text, at least 2 characters): \nIt cannot",
    );
    let form = app.see("[completed");
    assert!(form.contains("accept") && form.contains("blue") && form.contains("Bo"), "{form}");
    app.type_in("log in\ny\nswordfish\n");
    // It is not shown, but handed in.
    app.see("  password (a text): \n");
    app.see("swordfish");
    app.type_in("open a page\nn\n");
    app.see("  address: https://example.com/login\n");
    app.see("decline");
    app.end_input();
    assert!(app.ends().success());
}

#[test]
fn ctrl_c_at_a_form_stops_the_turn() {
    let Some(mut app) = App::start() else { return };
    app.type_in("sign up\n");
    app.see("Do you fill it in? [y]es, [n]o: ");
    app.press_ctrl_c();
    app.see("[interrupted");
    app.type_in("Hello.\n");
    app.see("You say: Hello.\n");
    app.end_input();
    assert!(app.ends().success());
}
