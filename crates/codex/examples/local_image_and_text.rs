//! Asks about an image file, which the server reads.
//!
//! `cargo run --example local_image_and_text -- cat.png`, or without a path, to have a file made; with `--offline`
//! nobody has to be logged in.

mod stage;

use std::path::PathBuf;

use codex_appserver::{Codex, local_image, text};
use codex_appserver_testkit::Reply;
use stage::Stage;

/// One red pixel.
const RED: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\
    \0\0\0\x0cIDATx\xdac\xf8\xcf\xc0\0\0\x03\x01\x01\0\xf7\x03AC\0\0\0\0IEND\xaeB`\x82";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stage = Stage::new([Reply::text("It is red.")])?;
    let folder = tempfile::tempdir()?;
    let path = match stage.argument() {
        Some(path) => std::path::absolute(path)?,
        None => red(folder.path().join("red.png"))?,
    };
    let codex = Codex::builder().process(|process| stage.process(process)).start().await?;

    let thread = codex.thread_start().await?;
    let picture = local_image(&path);
    let result = thread.run([text("What is on this picture?"), picture]).await?.into_result()?;
    println!("{}", result.text());
    stage.print_images();
    codex.close().await;
    Ok(())
}

/// Writes a picture.
fn red(path: PathBuf) -> std::io::Result<PathBuf> {
    std::fs::write(&path, RED)?;
    Ok(path)
}
