//! Sub-agents: the tree of a turn, what they do, and what they cost.

use crate::app::App;

#[test]
fn the_tree_of_a_turn_is_shown_as_it_changes_and_at_its_end() {
    let Some(mut app) = App::start() else { return };
    app.type_in("find a park\n");
    let shown = app.see("It was found.\nsub-agents:\n");
    // The end of an agent may be known before its last message is shown.
    for line in [
        "[agent 1] completed: It was found.\n",
        "[agent 1] It was found.\n",
        "[agent 2] There is one\n[agent 2] by the river.\n",
        "[agent 2] completed: There is one by the river.\n",
    ] {
        assert_eq!(shown.matches(line).count(), 1, "{line}: {shown}");
    }
    let tree = app.see("[completed; 45 tokens and 60 of sub-agents, 105 in all]\n");
    assert_eq!(
        tree,
        "  agent 1: completed, 45 tokens\n    asked: Have a park found.\n    answered: It was found.\n    \
         agent 2: completed, 15 tokens\n      asked: Look for a park.\n      \
         answered: There is one by the river.\n",
    );
    app.type_in("/agents\nHello.\n");
    app.see("No sub-agent is at work.\n");
    app.see("[completed; 15 tokens, 120 in all]\n");
    app.end_input();
    assert!(app.ends().success());
}

#[test]
fn a_sub_agent_that_outlives_its_turn_asks_and_is_paid_for() {
    let Some(mut app) = App::start() else { return };
    app.type_in("dig a hole\n");
    // The turn ends while the sub-agent works, or waits for its answer.
    app.see("[agent 1] asks:\n");
    app.see("command: /bin/bash -lc 'touch hole'\n");
    app.see("[q] stop the turn: ");
    app.type_in("y\n");
    app.see("[agent 1] completed: That is all.\n");
    app.type_in("Hello.\n");
    app.see("You say: Hello.\n[completed; 15 tokens, 75 in all]\n");
    app.end_input();
    assert!(app.ends().success());
}
