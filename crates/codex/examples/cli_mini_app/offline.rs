//! What the model says offline.

use std::io;
use std::time::Duration;

use codex_appserver_testkit::{Gate, MockModel, ModelRequest, Reply};

pub fn model() -> io::Result<MockModel> {
    let model = MockModel::start()?;
    model.answer_with(answer);
    Ok(model)
}

fn answer(request: &ModelRequest) -> Reply {
    if request.follows_a_tool() {
        return Reply::text("That is all.");
    }
    match request.last_user_text().unwrap_or_default() {
        "make a file" => Reply::text("I make one.")
            .then(Reply::command_to_approve("touch made-by-codex", "to make the file you want")),
        "write a note" => Reply::add_file("note.txt", "Remember\nthe milk."),
        "wait" => Reply::unfinished_text(["I think about it "]).then(Reply::hold(&Gate::new())),
        "fail" => Reply::fail(500, "no"),
        words => {
            let words = words.split_inclusive(' ').map(str::to_owned);
            Reply::slow(Duration::from_millis(20), ["You say: ".to_owned()].into_iter().chain(words))
        }
    }
}
