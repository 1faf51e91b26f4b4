//! Asks about an image that has a URL.
//!
//! `cargo run --example image_and_text -- https://example.com/cat.png`; with `--offline` nobody has to be logged in.

mod stage;

use codex_appserver::{Codex, image_url, text};
use codex_appserver_testkit::Reply;
use stage::Stage;

/// One red pixel. Images may be in the URL itself.
const RED: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FD\
                   AAAAAElFTkSuQmCC";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new([Reply::text("It is red.")])?;
    let url = stage.argument().unwrap_or_else(|| RED.to_owned());
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;

    let thread = codex.thread_start().await?;
    let result = thread.run([text("What is on this picture?"), image_url(url)]).await?.into_result()?;
    println!("{}", result.text());
    stage.print_images();
    codex.close().await;
    Ok(())
}
